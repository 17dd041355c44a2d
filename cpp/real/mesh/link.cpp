#include "real/mesh/link.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/id.hpp"
#include "base/rng.hpp"
#include "model/certificate.hpp"
#include "net/mesh/balancer.hpp"
#include "real/http/reactor.hpp"
#include "real/mesh/delay_line.hpp"
#include "real/stream/byte_stream.hpp"
#include "real/stream/sockets.hpp"

namespace swarm::real::relay {
namespace {

constexpr std::string_view kMagic = "swarmesh";
constexpr std::size_t kGreeting = 8 + 4 + 16 + 16;
constexpr std::size_t kOpenSize = 16 + 4 + 16 + 2;
constexpr std::size_t kReadSize = 256 * 1024;

void put_id(std::string& out, Uint128 value) {
  put_u64(out, static_cast<std::uint64_t>(value >> 64));
  put_u64(out, static_cast<std::uint64_t>(value));
}
Uint128 get_id(std::string_view from, std::size_t at) {
  return static_cast<Uint128>(get_u64(from, at)) << 64 | get_u64(from, at + 8);
}
void put_be(char* to, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) to[i] = static_cast<char>(value >> (24 - 8 * i));
}

std::string write_open(const OpenStream& wish) {
  std::string out;
  put_id(out, wish.task.value());
  put_u32(out, wish.target);
  out.append(reinterpret_cast<const char*>(wish.client.ip.data()), wish.client.ip.size());
  out += static_cast<char>(wish.client.port >> 8);
  out += static_cast<char>(wish.client.port);
  return out;
}

}  // namespace

std::string write_greeting(const Greeting& greeting) {
  std::string out(kMagic);
  put_u32(out, kMeshVersion);
  put_id(out, greeting.cluster.value());
  put_id(out, greeting.node.value());
  return out;
}

OpenStream read_open(std::string_view payload) {
  OpenStream out;
  out.task = TaskId(get_id(payload, 0));
  out.target = get_u32(payload, 16);
  std::memcpy(out.client.ip.data(), payload.data() + 20, 16);
  out.client.port = static_cast<std::uint16_t>(static_cast<std::uint8_t>(payload[36]) << 8 |
                                               static_cast<std::uint8_t>(payload[37]));
  return out;
}

Link::Link(LinkId id, std::unique_ptr<ByteStream> bytes, const Address& remote, Side side,
           const Greeting& own, std::vector<LinkId>& speaking)
    : id_(id), bytes_(std::move(bytes)), remote_(remote), side_(side), own_(own), speaking_(speaking) {
  tune_link(bytes_->fd());
  const std::string greeting = write_greeting(own);
  out_.add(greeting.data(), greeting.size());
  speak();
}

// ---- out

void Link::speak() {
  if (!std::exchange(listed, true)) speaking_.push_back(id_);
}

char* Link::begin_frame(FrameType type, std::uint32_t stream, std::size_t length) {
  char* at = out_.room(kFrameHead + length);
  at[0] = static_cast<char>(type);
  at[1] = at[2] = at[3] = 0;
  put_be(at + 4, stream);
  put_be(at + 8, static_cast<std::uint32_t>(length));
  speak();
  return at + kFrameHead;
}

void Link::send(FrameType type, std::uint32_t stream) {
  begin_frame(type, stream, 0);
  out_.commit(kFrameHead);
}

void Link::send_credit(std::uint32_t stream, std::size_t count) {
  put_be(begin_frame(FrameType::credit, stream, 4), static_cast<std::uint32_t>(count));
  out_.commit(kFrameHead + 4);
}

void Link::put_data(std::uint32_t stream, std::size_t count) {
  begin_frame(FrameType::data, stream, count);
  out_.commit(kFrameHead + count);
}

void Link::send_data(std::uint32_t stream, std::string_view bytes) {
  std::memcpy(data_space(bytes.size()), bytes.data(), bytes.size());
  put_data(stream, bytes.size());
}

std::uint32_t Link::open_stream(mesh::ConnId conn, const OpenStream& wish) {
  const std::uint32_t stream = ++last_stream_;
  bind(stream, conn);
  const std::string payload = write_open(wish);
  std::memcpy(begin_frame(FrameType::open, stream, payload.size()), payload.data(), payload.size());
  out_.commit(kFrameHead + payload.size());
  return stream;
}

void Link::set_fault(const LinkFault& fault, Rng& chance) {
  if (!fault.any()) return delay_.reset();
  if (delay_ != nullptr) return delay_->change(fault, steady_now());
  delay_ = std::make_unique<DelayLine>(fault, chance);
}

std::size_t Link::may_go() {
  return delay_ == nullptr ? out_.size() : delay_->due(out_.size(), steady_now());
}

Outcome Link::flush() {
  if (!connected_) return {.io = Io::blocked, .wants = Want::write};
  for (std::size_t due = may_go(); (due > 0 || bytes_->holds_back()) && bytes_->may_write();) {
    const Outcome sent = bytes_->write({out_.data(), due});
    if (sent.io != Io::moved) return sent;
    out_.eat(sent.bytes);
    if (delay_ != nullptr) delay_->gone(sent.bytes);
    due -= sent.bytes;
  }
  return {};
}

std::vector<mesh::ConnId> Link::take_waiting() {
  std::vector<mesh::ConnId> out;
  if (out_.size() > kHighWater / 2) return out;
  for (const std::uint32_t stream : std::exchange(waiting_, {}))
    if (const auto conn = conn_of(stream)) out.push_back(*conn);
  return out;
}

// ---- streams

void Link::unbind(std::uint32_t stream) {
  streams_.erase(stream);
  waiting_.erase(stream);
}

std::optional<mesh::ConnId> Link::conn_of(std::uint32_t stream) const {
  const auto it = streams_.find(stream);
  if (it == streams_.end()) return std::nullopt;
  return it->second;
}

// In the order of their numbers, so that what follows from it has an order, too.
std::vector<mesh::ConnId> Link::conns() const {
  std::vector<mesh::ConnId> out;
  for (const auto& [stream, conn] : streams_) out.push_back(conn);
  std::ranges::sort(out);
  return out;
}

// ---- in

Outcome Link::connect() {
  if (const int error = connect_error(bytes_->fd()); error != 0) return {.io = Io::reset, .error = error};
  if (!bytes_->may_write()) return {.io = Io::blocked, .wants = Want::write};
  connected_ = true;
  speak();
  return {};
}

Outcome Link::read() {
  if (!connected_)
    if (const Outcome now = connect(); now.io != Io::moved) return now;
  if (!may_read()) return {.io = Io::blocked};
  const Outcome got = bytes_->read(in_.room(kReadSize), kReadSize);
  if (got.io == Io::moved) in_.commit(got.bytes);
  return got;
}

bool Link::take_greeting() {
  const std::string_view head = in_.view().substr(0, kGreeting);
  if (!head.starts_with(kMagic) || get_u32(head, 8) != kMeshVersion) return false;
  if (own_.cluster.value() == 0 || get_id(head, 12) != own_.cluster.value()) return false;
  // Over TLS the peer has proved who it is: then it greets by that name.
  if (const model::Certificate* proved = bytes_->peer();
      proved != nullptr && proved->node.value() != get_id(head, 28))
    return false;
  peer_ = NodeId(get_id(head, 28));
  in_.eat(kGreeting);
  return removed_nodes_ == nullptr || !(*removed_nodes_)->contains(peer_);
}

std::optional<Frame> Link::next() {
  in_.eat(std::exchange(taken_, 0));
  if (!greeted_) {
    if (corrupt_ || in_.size() < kGreeting) return std::nullopt;
    greeted_ = take_greeting();
    corrupt_ = !greeted_;
  }
  if (corrupt_ || in_.size() < kFrameHead) return std::nullopt;
  const std::string_view head = in_.view().substr(0, kFrameHead);
  const std::size_t length = get_u32(head, 8);
  corrupt_ = length > kMaxData;
  if (corrupt_ || in_.size() < kFrameHead + length) return std::nullopt;
  const Frame frame{static_cast<FrameType>(head[0]), get_u32(head, 4), in_.view().substr(kFrameHead, length)};
  corrupt_ = !allows(frame);
  if (corrupt_) return std::nullopt;
  taken_ = kFrameHead + length;
  return frame;
}

bool Link::allows(const Frame& frame) const {
  const bool opener = side_ == Side::dialled;
  switch (frame.type) {
    case FrameType::open:
      return !opener && frame.payload.size() == kOpenSize && !streams_.contains(frame.stream);
    case FrameType::opened:
    case FrameType::refused:
      return opener;
    case FrameType::data:
    case FrameType::finish:
    case FrameType::reset:
      return true;
    case FrameType::credit:
      return frame.payload.size() == 4;
  }
  return false;
}

}  // namespace swarm::real::relay
