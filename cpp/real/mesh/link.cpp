#include "real/mesh/link.hpp"

#include <vector>

#include "base/bytes.hpp"
#include "real/http/reactor.hpp"

namespace swarm::real::relay {
namespace {

constexpr std::string_view kMagic = "swarmesh";
constexpr std::size_t kGreeting = 8 + 4 + 16 + 16;
constexpr std::size_t kOpenSize = 16 + 4 + 16 + 2;
constexpr std::size_t kReadSize = 256 * 1024;
constexpr int kReadsPerRound = 8;

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

}  // namespace

std::string write_greeting(const Greeting& greeting) {
  std::string out(kMagic);
  put_u32(out, kMeshVersion);
  put_id(out, greeting.cluster.value());
  put_id(out, greeting.node.value());
  return out;
}

Link::Link(LinkOwner& owner, Fd fd, const Address& remote, bool opener, const Greeting& own)
    : owner_(owner), remote_(remote), opener_(opener), own_(own) {
  socket_.fd = std::move(fd);
  tune_link(socket_.fd.get());
  const std::string greeting = write_greeting(own);
  out_.add(greeting.data(), greeting.size());
}

// ---- out

char* Link::begin_frame(FrameType type, std::uint32_t stream, std::size_t length) {
  char* at = out_.room(kFrameHead + length);
  at[0] = static_cast<char>(type);
  at[1] = at[2] = at[3] = 0;
  put_be(at + 4, stream);
  put_be(at + 8, static_cast<std::uint32_t>(length));
  if (!flush_wanted) owner_.wants_flush(*this);
  return at + kFrameHead;
}

void Link::send(FrameType type, std::uint32_t stream) {
  if (dead_) return;
  begin_frame(type, stream, 0);
  out_.commit(kFrameHead);
}

void Link::send_credit(std::uint32_t stream, std::size_t count) {
  if (dead_) return;
  put_be(begin_frame(FrameType::credit, stream, 4), static_cast<std::uint32_t>(count));
  out_.commit(kFrameHead + 4);
}

std::ptrdiff_t Link::send_from(Socket& from, std::uint32_t stream, std::size_t most) {
  most = std::min(most, kMaxData);
  char* at = out_.room(kFrameHead + most);
  const std::ptrdiff_t count = from.read(at + kFrameHead, most);
  if (count <= 0) return count;
  begin_frame(FrameType::data, stream, static_cast<std::size_t>(count));
  out_.commit(kFrameHead + static_cast<std::size_t>(count));
  return count;
}

std::size_t Link::send_bytes(const char* bytes, std::size_t most, std::uint32_t stream) {
  const std::size_t count = std::min(most, kMaxData);
  std::memcpy(begin_frame(FrameType::data, stream, count), bytes, count);
  out_.commit(kFrameHead + count);
  return count;
}

std::uint32_t Link::open_stream(StreamUser& user, const OpenStream& wish) {
  const std::uint32_t stream = ++last_stream_;
  users_[stream] = &user;
  std::string payload;
  put_id(payload, wish.task.value());
  put_u32(payload, wish.target);
  payload.append(reinterpret_cast<const char*>(wish.client.ip.data()), wish.client.ip.size());
  payload += static_cast<char>(wish.client.port >> 8);
  payload += static_cast<char>(wish.client.port);
  std::memcpy(begin_frame(FrameType::open, stream, payload.size()), payload.data(), payload.size());
  out_.commit(kFrameHead + payload.size());
  return stream;
}

void Link::forget(std::uint32_t stream) {
  users_.erase(stream);
  waiting_.erase(stream);
}

void Link::set_fault(const LinkFault& fault, Rng& chance) {
  if (!fault.any()) return delay_.reset();
  if (delay_ != nullptr) return delay_->change(fault, steady_now());
  delay_ = std::make_unique<DelayLine>(fault, chance);
}

std::size_t Link::may_go() {
  return delay_ == nullptr ? out_.size() : delay_->due(out_.size(), steady_now());
}

void Link::flush() {
  if (dead_ || !connected_) return;
  for (std::size_t due = may_go(); due > 0 && socket_.can_write;) {
    const auto sent = socket_.write(out_.data(), due);
    if (sent == Socket::kBroken) return fail();
    if (sent == Socket::kLater) break;
    out_.eat(static_cast<std::size_t>(sent));
    if (delay_ != nullptr) delay_->gone(static_cast<std::size_t>(sent));
    due -= static_cast<std::size_t>(sent);
  }
  if (out_.size() > kHighWater / 2 || waiting_.empty()) return;
  // One of them may end another, or the link.
  for (const std::uint32_t stream : std::exchange(waiting_, {}))
    if (const auto it = users_.find(stream); it != users_.end()) it->second->on_room();
}

// ---- in

void Link::on_ready(std::uint32_t events) {
  if (dead_) return;
  socket_.note(events);
  if (!connected_) {
    if (connect_error(socket_.fd.get()) != 0) return fail();
    connected_ = socket_.can_write;
    if (!connected_) return;
  }
  turn();
}

void Link::read() {
  if (delay_ != nullptr && delay_->deaf()) return;
  for (int round = 0; round < kReadsPerRound && socket_.can_read && !dead_; ++round) {
    char* at = in_.room(kReadSize);
    const auto count = socket_.read(at, kReadSize);
    if (count == Socket::kLater) break;
    if (count <= 0) return fail();
    in_.commit(static_cast<std::size_t>(count));
    if (!parse()) return fail();
  }
  in_.let_go();
  if (socket_.can_read && !dead_ && !flush_wanted)
    owner_.wants_flush(*this);  // more in the next round: others first
}

bool Link::take_greeting() {
  const std::string_view head = in_.view().substr(0, kGreeting);
  if (!head.starts_with(kMagic) || get_u32(head, 8) != kMeshVersion) return false;
  if (own_.cluster.value() == 0 || get_id(head, 12) != own_.cluster.value()) return false;
  in_.eat(kGreeting);
  greeted_ = true;
  return true;
}

bool Link::parse() {
  if (!greeted_) {
    if (in_.size() < kGreeting) return true;
    if (!take_greeting()) return false;
  }
  while (!dead_ && in_.size() >= kFrameHead) {
    const std::string_view head = in_.view().substr(0, kFrameHead);
    const std::size_t length = get_u32(head, 8);
    if (length > kMaxData) return false;
    if (in_.size() < kFrameHead + length) return true;
    const auto type = static_cast<FrameType>(head[0]);
    const std::uint32_t stream = get_u32(head, 4);
    if (!take_frame(type, stream, in_.data() + kFrameHead, length)) return false;
    if (!dead_) in_.eat(kFrameHead + length);
  }
  return true;
}

bool Link::take_frame(FrameType type, std::uint32_t stream, const char* payload, std::size_t length) {
  const std::string_view bytes(payload, length);
  if (type == FrameType::open) {
    if (opener_ || length != kOpenSize || users_.contains(stream)) return false;
    OpenStream wish;
    wish.task = TaskId(get_id(bytes, 0));
    wish.target = get_u32(bytes, 16);
    std::memcpy(wish.client.ip.data(), payload + 20, 16);
    wish.client.port = static_cast<std::uint16_t>(static_cast<std::uint8_t>(payload[36]) << 8 |
                                                  static_cast<std::uint8_t>(payload[37]));
    owner_.on_stream(*this, stream, wish);
    return true;
  }
  const auto it = users_.find(stream);
  if (it == users_.end())
    return type >= FrameType::opened && type <= FrameType::credit;  // it ended meanwhile
  StreamUser& user = *it->second;
  switch (type) {
    case FrameType::opened:
    case FrameType::refused:
      if (opener_) user.on_opened(type == FrameType::opened);
      return opener_;
    case FrameType::data:
      user.on_data(payload, length);
      return true;
    case FrameType::finish:
      user.on_finish();
      return true;
    case FrameType::reset:
      user.on_reset(true);
      return true;
    case FrameType::credit:
      if (length != 4) return false;
      user.on_credit(get_u32(bytes, 0));
      return true;
    default:
      return false;
  }
}

void Link::fail() {
  if (dead_) return;
  dead_ = true;
  socket_.reset();
  std::vector<StreamUser*> users;
  for (const auto& [stream, user] : users_) users.push_back(user);
  users_.clear();
  owner_.on_link_lost(*this);  // first: who tries again must not be given this one
  for (StreamUser* user : users) user->on_reset(false);
}

}  // namespace swarm::real::relay
