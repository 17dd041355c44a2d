// RecordPipe: the socket under a TLS stream, as OpenSSL sees it: records, sealed, both ways; no plaintext.
//
// The streams of a thread share the memory for what passes through in one call: many records come in one call
// of the kernel's, and go in one. A stream keeps what is left over, and that alone: `ahead`, received and not
// yet opened, about a record at most; and what the socket did not take. NOT here: what the records say
// (tls_stream).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "real/stream/byte_stream.hpp"
#include "real/stream/fd.hpp"
#include "real/stream/plain_stream.hpp"
#include "real/tls/owned.hpp"

namespace swarm::real {

class RecordPipe {
 public:
  // A record with its header and what seals it (RFC 8446, 5.2).
  static constexpr std::size_t kMostOfARecord = 5 + 16 * 1024 + 256;

  explicit RecordPipe(Fd fd) : socket_(std::move(fd)) {}
  RecordPipe(const RecordPipe&) = delete;

  PlainStream& socket() { return socket_; }
  const PlainStream& socket() const { return socket_; }
  // What OpenSSL reads from and writes to. The pipe must outlive it.
  tls::Bio make_bio();

  // Around all calls of OpenSSL's: what it left in the shared memory is kept at the end.
  class Turn {
   public:
    explicit Turn(RecordPipe& pipe) : pipe_(pipe) {}
    ~Turn() { pipe_.keep_ahead(); }
    Turn(const Turn&) = delete;

   private:
    RecordPipe& pipe_;
  };
  // Receives about as many bytes at once from now on.
  void expect(std::size_t bytes);
  bool has_ahead() const { return !ahead_.empty(); }

  // Makes room for what is sealed now; push() gives it back.
  void begin_sealing();
  bool has_sealed() const { return !sealed_.empty(); }
  Outcome push();  // moved: all has gone

  int error() const { return error_; }          // the socket's
  bool is_cut_off() const { return cut_off_; }  // it ended, and the peer has not said that it would

 private:
  static int on_read(BIO* bio, char* to, int most);
  static int on_write(BIO* bio, const char* from, int count);
  bool receive();
  void keep_ahead();

  PlainStream socket_;
  std::size_t expected_ = kMostOfARecord;
  std::string_view ahead_;  // in the memory that is shared, or in kept_
  bool is_shared_ = false;  // the former
  std::string kept_, sealed_;
  int error_ = 0;
  bool cut_off_ = false;
};

}  // namespace swarm::real
