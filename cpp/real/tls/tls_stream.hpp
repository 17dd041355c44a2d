// TlsStream: a ByteStream that is TLS 1.3 over a socket. It shakes hands by itself, within read() and
// write(); or its owner lets another thread do that first (shake(), handshake_pool).
//
// A read opens all records that have come and that its caller has room for; a write seals whole records, and
// small pieces share one. What the socket does not take waits (record_pipe): a frame is taken whole, and
// holds_back() until it has gone. An end without the peer's close_notify is a reset: bytes may have been cut
// off.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "real/stream/byte_stream.hpp"
#include "real/tls/record_pipe.hpp"
#include "real/tls/tls_context.hpp"

namespace swarm::real {

class TlsStream final : public ByteStream {
 public:
  TlsStream(Fd fd, Side side, std::shared_ptr<TlsContext> context);
  ~TlsStream() override;
  TlsStream(const TlsStream&) = delete;

  int fd() const override { return pipe_.socket().fd(); }
  void note(const Readiness& now) override;
  bool may_read() const override;
  bool may_write() const override { return may_write_; }
  bool holds_back() const override { return pipe_.has_sealed(); }
  Outcome read(char* to, std::size_t most) override;
  using ByteStream::write;
  Outcome write(std::span<const std::string_view> pieces) override;
  Outcome shut_writing() override;
  void reset() override { pipe_.socket().reset(); }
  std::string why(const Outcome& outcome) const override;
  const model::Certificate* peer() const override { return peer_ ? &*peer_ : nullptr; }

  // The handshake alone: moved when it is done.
  Outcome shake();
  bool is_accepted() const { return side_ == Side::accepted; }
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  void keep(tls::Session session) { context_->keep(peer_name_, std::move(session)); }

 private:
  void begin();
  bool has_more() const { return pipe_.has_ahead() || SSL_pending(ssl_.get()) > 0; }
  Outcome judge_peer();
  Outcome push();  // what is sealed
  Outcome seal(std::string_view record);
  Outcome after(int result);  // what a call of OpenSSL's came to, when it did not succeed
  Outcome broken(int error, std::string why);
  Outcome blocked(const Outcome& outcome, bool& may);

  RecordPipe pipe_;
  Side side_;
  std::shared_ptr<TlsContext> context_;
  std::string peer_name_;  // the address that was dialled
  tls::Owned<SSL, SSL_free> ssl_;
  bool may_read_ = false, may_write_ = false;
  bool begun_ = false, shaken_ = false, shutting_ = false;
  std::optional<Outcome> broken_;  // and then it stays so
  std::string why_;
  std::optional<model::Certificate> peer_;
};

}  // namespace swarm::real
