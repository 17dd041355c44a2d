#include "real/tls/tls_stream.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "ca/policy.hpp"
#include "real/stream/byte_stream.hpp"
#include "real/stream/fd.hpp"
#include "real/stream/sockets.hpp"
#include "real/tls/failure.hpp"
#include "real/tls/tls_context.hpp"

namespace swarm::real {
namespace {

constexpr std::size_t kRecord = 16 * 1024;     // bytes of one record, at most (RFC 8446, 5.1)
constexpr std::size_t kMostTaken = 64 * 1024;  // by one write

// What OpenSSL says of a failed call depends on it. Clearing frees 16 entries, empty ones, too: that is a
// tenth of what a small frame costs.
void forget_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

// What a write is given, cut into records.
class Pieces {
 public:
  explicit Pieces(std::span<const std::string_view> pieces) : rest_(pieces) { skip(0); }
  bool empty() const { return rest_.empty(); }
  // Up to `most` bytes, which is room in `space`. Small pieces share a record; what lies in one needs no
  // copy.
  std::string_view take(std::size_t most, char* space) {
    if (const std::string_view first = front(); first.size() >= most || rest_.size() == 1) {
      const std::string_view whole = first.substr(0, most);
      skip(whole.size());
      return whole;
    }
    std::size_t count = 0;
    while (count < most && !empty()) {
      const std::string_view part = front().substr(0, most - count);
      std::memcpy(space + count, part.data(), part.size());
      count += part.size();
      skip(part.size());
    }
    return {space, count};
  }

 private:
  std::string_view front() const { return rest_.front().substr(gone_); }
  void skip(std::size_t count) {
    for (gone_ += count; !rest_.empty() && gone_ == rest_.front().size(); gone_ = 0) rest_ = rest_.subspan(1);
  }

  std::span<const std::string_view> rest_;
  std::size_t gone_ = 0;  // of the first
};

}  // namespace

TlsStream::TlsStream(Fd fd, Side side, std::shared_ptr<TlsContext> context)
    : pipe_(std::move(fd)), side_(side), context_(std::move(context)), ssl_(context_->make_ssl(side)) {
  BIO* bio = pipe_.make_bio().release();
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
}

// Says goodbye when that is still possible. A session whose connection was not shut cannot be resumed, so it
// is always marked as shut: links die without a word every day.
TlsStream::~TlsStream() {
  if (shaken_ && !broken_ && pipe_.socket().is_open()) shut_writing();
  SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

void TlsStream::note(const Readiness& now) {
  pipe_.socket().note(now);
  if (shaken_) {
    may_read_ |= now.readable || now.hung_up;
    may_write_ |= now.writable;
  } else {
    may_read_ = may_write_ = true;  // a handshake goes on by either
  }
}

bool TlsStream::may_read() const { return may_read_ || (shaken_ && has_more()); }

Outcome TlsStream::blocked(const Outcome& outcome, bool& may) {
  if (outcome.io == Io::blocked) may = false;
  return outcome;
}

// ---- the handshake

// The socket is connected now, and has a name.
void TlsStream::begin() {
  if (std::exchange(begun_, true) || side_ == Side::accepted) return;
  peer_name_ = peer_address(pipe_.socket().fd()).str();
  context_->resume(ssl_.get(), peer_name_);
}

Outcome TlsStream::shake() {
  if (broken_) return *broken_;
  if (shaken_) return {};
  begin();
  const RecordPipe::Turn turn(pipe_);
  while (true) {
    if (const Outcome out = push(); out.io != Io::moved) return out;
    forget_errors();
    const int result = SSL_do_handshake(ssl_.get());
    if (result == 1) break;
    const Outcome now = after(result);
    if (now.io != Io::blocked) {
      push();  // the alert: it tells the peer why
      return now;
    }
    if (!pipe_.has_sealed()) return now;
  }
  shaken_ = true;
  // What there is to read may have been noted already.
  may_read_ = may_write_ = true;
  const Outcome judged = judge_peer();
  push();
  return judged;
}

Outcome TlsStream::judge_peer() {
  auto [certificate, why] = context_->peer_of(ssl_.get(), side_);
  if (why) return broken(EACCES, ca::sentence_of(*why));
  peer_ = std::move(certificate);
  return {};
}

// ---- bytes

Outcome TlsStream::read(char* to, std::size_t most) {
  if (const Outcome hand = shake(); hand.io != Io::moved) return blocked(hand, may_read_);
  const RecordPipe::Turn turn(pipe_);
  forget_errors();
  std::size_t got = 0;
  Outcome now;
  while (got < most) {
    std::size_t more = 0;
    pipe_.expect(most - got);
    const int result = SSL_read_ex(ssl_.get(), to + got, most - got, &more);
    got += more;
    if (result != 1) now = after(result);
    if (result != 1 || !has_more()) break;
  }
  if (pipe_.has_sealed()) push();  // an answer to a change of keys, or an alert
  may_read_ = now.io == Io::moved ? pipe_.socket().may_read() : now.io != Io::blocked;
  if (got == 0) return now;
  return {.bytes = got};
}

Outcome TlsStream::seal(std::string_view record) {
  std::size_t sent = 0;
  const int result = SSL_write_ex(ssl_.get(), record.data(), record.size(), &sent);
  return result == 1 ? Outcome{.bytes = sent} : after(result);
}

Outcome TlsStream::write(std::span<const std::string_view> pieces) {
  if (const Outcome hand = shake(); hand.io != Io::moved) return blocked(hand, may_write_);
  if (const Outcome out = push(); out.io != Io::moved) return blocked(out, may_write_);
  const RecordPipe::Turn turn(pipe_);
  pipe_.begin_sealing();
  forget_errors();
  std::array<char, kRecord> space;
  Pieces rest(pieces);
  std::size_t taken = 0;
  while (taken < kMostTaken && !rest.empty()) {
    const Outcome now = seal(rest.take(std::min(kRecord, kMostTaken - taken), space.data()));
    if (now.io != Io::moved) return now;
    taken += now.bytes;
  }
  if (const Outcome out = push(); out.io == Io::reset) return out;
  may_write_ = pipe_.socket().may_write();
  return {.bytes = taken};
}

Outcome TlsStream::push() {
  const Outcome out = pipe_.push();
  if (out.io == Io::reset) return broken(out.error, std::strerror(out.error));
  if (!pipe_.has_sealed() && shutting_) return pipe_.socket().shut_writing();
  return out;
}

Outcome TlsStream::after(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {.io = Io::blocked, .wants = Want::read};
    case SSL_ERROR_WANT_WRITE:
      return {.io = Io::blocked, .wants = Want::write};
    case SSL_ERROR_ZERO_RETURN:
      return {.io = Io::ended};
    default:
      if (pipe_.error() != 0) return broken(pipe_.error(), std::strerror(pipe_.error()));
      if (pipe_.is_cut_off()) return broken(EPROTO, "the connection was cut off");
      return broken(EPROTO, tls::failure_of(ssl_.get()));
  }
}

Outcome TlsStream::broken(int error, std::string why) {
  why_ = std::move(why);
  broken_ = Outcome{.io = Io::reset, .error = error};
  return *broken_;
}

Outcome TlsStream::shut_writing() {
  if (broken_) return *broken_;
  if (!shaken_) return pipe_.socket().shut_writing();
  if (std::exchange(shutting_, true)) return {};
  const RecordPipe::Turn turn(pipe_);
  forget_errors();
  SSL_shutdown(ssl_.get());
  const Outcome out = push();
  return out.io == Io::reset ? out : Outcome{};
}

std::string TlsStream::why(const Outcome& outcome) const {
  return why_.empty() ? ByteStream::why(outcome) : why_;
}

}  // namespace swarm::real
