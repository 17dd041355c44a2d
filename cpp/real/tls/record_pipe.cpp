#include "real/tls/record_pipe.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>

#include "base/check.hpp"
#include "real/stream/byte_stream.hpp"
#include "real/tls/owned.hpp"

namespace swarm::real {
namespace {

constexpr std::size_t kShared = 256 * 1024;      // received by one call of the kernel's
constexpr std::size_t kSealedRoom = 68 * 1024;   // for what one write of a stream's seals
constexpr std::size_t kKeptCapacity = 4 * 1024;  // by a stream that holds nothing back

// Of this thread's streams. Never cleared first: most of it is never touched.
char* received() {
  thread_local const std::unique_ptr<char[]> bytes(new char[kShared]);
  return bytes.get();
}
std::string& spare() {
  thread_local std::string bytes;
  return bytes;
}

}  // namespace

tls::Bio RecordPipe::make_bio() {
  static BIO_METHOD* const kMethod = [] {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "swarm socket");
    BIO_meth_set_read(method, on_read);
    BIO_meth_set_write(method, on_write);
    BIO_meth_set_ctrl(method, [](BIO*, int what, long, void*) { return what == BIO_CTRL_FLUSH ? 1L : 0L; });
    return method;
  }();
  tls::Bio bio(BIO_new(kMethod));
  SWARM_CHECK(bio != nullptr, "no BIO");
  BIO_set_data(bio.get(), this);
  BIO_set_init(bio.get(), 1);
  return bio;
}

// ---- in

void RecordPipe::expect(std::size_t bytes) { expected_ = std::clamp(bytes, kMostOfARecord, kShared); }

int RecordPipe::on_read(BIO* bio, char* to, int most) {
  BIO_clear_retry_flags(bio);
  auto& pipe = *static_cast<RecordPipe*>(BIO_get_data(bio));
  if (pipe.ahead_.empty() && !pipe.receive()) {
    if (pipe.cut_off_) return 0;
    if (pipe.error_ == 0) BIO_set_retry_read(bio);
    return -1;
  }
  const std::size_t count = std::min(pipe.ahead_.size(), static_cast<std::size_t>(most));
  std::memcpy(to, pipe.ahead_.data(), count);
  pipe.ahead_.remove_prefix(count);
  return static_cast<int>(count);
}

// A call of the kernel's only when the socket may have something.
bool RecordPipe::receive() {
  if (!socket_.may_read()) return false;
  const Outcome got = socket_.read(received(), expected_);
  if (got.io == Io::reset) error_ = got.error;
  if (got.io == Io::ended) cut_off_ = true;
  if (got.io != Io::moved) return false;
  ahead_ = {received(), got.bytes};
  is_shared_ = true;
  return true;
}

// Other streams receive into the same memory next.
void RecordPipe::keep_ahead() {
  if (ahead_.empty()) {
    if (kept_.capacity() > 0) kept_ = std::string();
  } else if (is_shared_) {
    kept_ = ahead_;
    ahead_ = kept_;
  }
  is_shared_ = false;
}

// ---- out

void RecordPipe::begin_sealing() {
  if (sealed_.empty() && sealed_.capacity() < kSealedRoom) sealed_.swap(spare());
  if (sealed_.capacity() < kSealedRoom) sealed_.reserve(kSealedRoom);
}

int RecordPipe::on_write(BIO* bio, const char* from, int count) {
  BIO_clear_retry_flags(bio);
  static_cast<RecordPipe*>(BIO_get_data(bio))->sealed_.append(from, static_cast<std::size_t>(count));
  return count;
}

Outcome RecordPipe::push() {
  if (sealed_.empty()) return {};
  Outcome out = socket_.write(sealed_.data(), sealed_.size());
  sealed_.erase(0, out.bytes);
  if (out.io == Io::moved && !sealed_.empty()) out = {.io = Io::blocked, .wants = Want::write};
  if (!sealed_.empty() || sealed_.capacity() <= kKeptCapacity) return out;
  if (spare().capacity() < sealed_.capacity()) sealed_.swap(spare());
  if (sealed_.capacity() > kKeptCapacity) sealed_ = std::string();
  return out;
}

}  // namespace swarm::real
