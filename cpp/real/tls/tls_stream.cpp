#include "real/tls/tls_stream.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.hpp"
#include "real/stream/sockets.hpp"
#include "real/tls/failure.hpp"

namespace swarm::real {
namespace {

constexpr std::size_t kRecord = 16 * 1024;       // bytes of one record, at most (RFC 8446, 5.1)
constexpr std::size_t kMostTaken = 64 * 1024;    // by one write
constexpr std::size_t kKeptCapacity = 4 * 1024;  // of what is sealed, while the link is quiet

}  // namespace

// What OpenSSL reads from and writes to. A call of the kernel's only when the socket may have something.
struct SocketBio {
  static int read(BIO* bio, char* to, int most) {
    BIO_clear_retry_flags(bio);
    auto& stream = *static_cast<TlsStream*>(BIO_get_data(bio));
    if (stream.under_.may_read()) {
      const Outcome got = stream.under_.read(to, static_cast<std::size_t>(most));
      if (got.io == Io::moved) return static_cast<int>(got.bytes);
      if (got.io == Io::reset) stream.under_error_ = got.error;
      if (got.io == Io::ended) stream.cut_off_ = true;
      if (got.io != Io::blocked) return got.io == Io::ended ? 0 : -1;
    }
    BIO_set_retry_read(bio);
    return -1;
  }
  static int write(BIO* bio, const char* from, int count) {
    BIO_clear_retry_flags(bio);
    static_cast<TlsStream*>(BIO_get_data(bio))->sealed_.append(from, static_cast<std::size_t>(count));
    return count;
  }
  static long control(BIO*, int what, long, void*) { return what == BIO_CTRL_FLUSH ? 1 : 0; }

  static BIO* make(TlsStream* stream) {
    static BIO_METHOD* const kMethod = [] {
      BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "swarm socket");
      BIO_meth_set_read(method, read);
      BIO_meth_set_write(method, write);
      BIO_meth_set_ctrl(method, control);
      return method;
    }();
    BIO* bio = BIO_new(kMethod);
    SWARM_CHECK(bio != nullptr, "no BIO");
    BIO_set_data(bio, stream);
    BIO_set_init(bio, 1);
    return bio;
  }
};

TlsStream::TlsStream(Fd fd, Side side, std::shared_ptr<TlsContext> context)
    : under_(std::move(fd)), side_(side), context_(std::move(context)), ssl_(context_->make_ssl(side)) {
  BIO* bio = SocketBio::make(this);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
}

// Says goodbye when that is still possible. A session whose connection was not shut cannot be resumed, so it
// is always marked as shut: links die without a word every day.
TlsStream::~TlsStream() {
  if (shaken_ && !broken_ && under_.is_open()) shut_writing();
  SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

void TlsStream::note(const Readiness& now) {
  under_.note(now);
  if (shaken_) {
    may_read_ |= now.readable || now.hung_up;
    may_write_ |= now.writable;
  } else {
    may_read_ = may_write_ = true;  // a handshake goes on by either
  }
}

bool TlsStream::may_read() const {
  return may_read_ || (shaken_ && !half_ && SSL_has_pending(ssl_.get()) == 1);
}

Outcome TlsStream::blocked(const Outcome& outcome, bool& may) {
  if (outcome.io == Io::blocked) may = false;
  return outcome;
}

// ---- the handshake

// The socket is connected now, and has a name.
void TlsStream::begin() {
  if (std::exchange(begun_, true) || side_ == Side::accepted) return;
  peer_name_ = peer_address(under_.fd()).str();
  context_->resume(ssl_.get(), peer_name_);
}

Outcome TlsStream::shake() {
  if (broken_) return *broken_;
  if (shaken_) return {};
  begin();
  while (true) {
    if (const Outcome out = push(); out.io != Io::moved) return out;
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    if (result == 1) break;
    const Outcome now = after(result);
    if (now.io != Io::blocked) {
      push();  // the alert: it tells the peer why
      return now;
    }
    if (sealed_.empty()) return now;
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
  ERR_clear_error();
  std::size_t got = 0;
  const int result = SSL_read_ex(ssl_.get(), to, most, &got);
  const Outcome now = result == 1 ? Outcome{.bytes = got} : after(result);
  if (!sealed_.empty()) push();  // an answer to a change of keys, or an alert
  half_ = now.io == Io::blocked;
  if (now.io == Io::moved) may_read_ = under_.may_read();
  return blocked(now, may_read_);
}

Outcome TlsStream::write(std::span<const std::string_view> pieces) {
  if (const Outcome hand = shake(); hand.io != Io::moved) return blocked(hand, may_write_);
  if (const Outcome out = push(); out.io != Io::moved) return blocked(out, may_write_);
  std::array<char, kRecord> gathered;
  std::size_t taken = 0, waiting = 0;
  const auto seal = [&](std::string_view record) {
    std::size_t sent = 0;
    ERR_clear_error();
    const int result = SSL_write_ex(ssl_.get(), record.data(), record.size(), &sent);
    return result == 1 ? Outcome{.bytes = sent} : after(result);
  };
  // Small pieces share a record.
  for (std::string_view piece : pieces) {
    while (!piece.empty() && taken + waiting < kMostTaken) {
      const std::size_t count = std::min({piece.size(), kRecord - waiting, kMostTaken - taken - waiting});
      std::memcpy(gathered.data() + waiting, piece.data(), count);
      piece.remove_prefix(count);
      waiting += count;
      if (waiting < kRecord) continue;
      if (const Outcome now = seal({gathered.data(), waiting}); now.io != Io::moved) return now;
      taken += std::exchange(waiting, 0);
    }
  }
  if (waiting > 0)
    if (const Outcome now = seal({gathered.data(), waiting}); now.io != Io::moved) return now;
  if (const Outcome out = push(); out.io == Io::reset) return out;
  may_write_ = under_.may_write();
  return {.bytes = taken + waiting};
}

Outcome TlsStream::push() {
  std::size_t done = 0;
  Outcome out;
  while (done < sealed_.size() && out.io == Io::moved) {
    out = under_.write(sealed_.data() + done, sealed_.size() - done);
    done += out.bytes;
  }
  sealed_.erase(0, done);
  if (sealed_.empty() && sealed_.capacity() > kKeptCapacity) sealed_ = std::string();
  if (out.io == Io::reset) return broken(out.error, std::strerror(out.error));
  if (sealed_.empty() && shutting_) return under_.shut_writing();
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
      if (under_error_ != 0) return broken(under_error_, std::strerror(under_error_));
      if (cut_off_) return broken(EPROTO, "the connection was cut off");
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
  if (!shaken_) return under_.shut_writing();
  if (std::exchange(shutting_, true)) return {};
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  const Outcome out = push();
  return out.io == Io::reset ? out : Outcome{};
}

std::string TlsStream::why(const Outcome& outcome) const {
  return why_.empty() ? ByteStream::why(outcome) : why_;
}

}  // namespace swarm::real
