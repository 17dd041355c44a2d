// TlsStream: a ByteStream that is TLS 1.3 over a socket. It shakes hands by itself, within read() and
// write(); or its owner lets another thread do that first (shake(), handshake_pool).
//
// OpenSSL reads from the socket into the buffer of one record and gives it back when it is empty. What it
// seals waits here until the socket takes it: a frame is taken whole, and holds_back() until it has gone. An
// end without the peer's close_notify is a reset: bytes may have been cut off.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "real/stream/plain_stream.hpp"
#include "real/tls/tls_context.hpp"

namespace swarm::real {

class TlsStream final : public ByteStream {
 public:
  TlsStream(Fd fd, Side side, std::shared_ptr<TlsContext> context);
  ~TlsStream() override;
  TlsStream(const TlsStream&) = delete;

  int fd() const override { return under_.fd(); }
  void note(const Readiness& now) override;
  bool may_read() const override;
  bool may_write() const override { return may_write_; }
  bool holds_back() const override { return !sealed_.empty(); }
  Outcome read(char* to, std::size_t most) override;
  using ByteStream::write;
  Outcome write(std::span<const std::string_view> pieces) override;
  Outcome shut_writing() override;
  void reset() override { under_.reset(); }
  std::string why(const Outcome& outcome) const override;
  const model::Certificate* peer() const override { return peer_ ? &*peer_ : nullptr; }

  // The handshake alone: moved when it is done.
  Outcome shake();
  bool is_accepted() const { return side_ == Side::accepted; }
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  void keep(tls::Session session) { context_->keep(peer_name_, std::move(session)); }

 private:
  friend struct SocketBio;
  void begin();
  Outcome judge_peer();
  Outcome push();             // what is sealed
  Outcome after(int result);  // what a call of OpenSSL's came to, when it did not succeed
  Outcome broken(int error, std::string why);
  Outcome blocked(const Outcome& outcome, bool& may);

  PlainStream under_;
  Side side_;
  std::shared_ptr<TlsContext> context_;
  std::string peer_name_;  // the address that was dialled
  tls::Owned<SSL, SSL_free> ssl_;
  bool may_read_ = false, may_write_ = false;
  bool half_ = false;  // what came is half a record: it is pending, and cannot be read
  bool begun_ = false, shaken_ = false, shutting_ = false;
  std::optional<Outcome> broken_;  // and then it stays so
  int under_error_ = 0;            // the socket's
  bool cut_off_ = false;           // it ended, and the peer has not said that it would
  std::string sealed_;             // not written yet
  std::string why_;
  std::optional<model::Certificate> peer_;
};

}  // namespace swarm::real
