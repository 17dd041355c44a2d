// HandshakePool: threads that shake hands for streams whose owner has better things to do. A full handshake
// is most of a millisecond of arithmetic: a thousand of them on a node's own thread would cost it an
// election.
//
// A stream is handed over, its socket is waited for there, and it comes back when the handshake is done, has
// failed, or takes longer than the patience. Where too many wait that were accepted, the oldest of these
// goes: a program that opens connections and says nothing takes no place from a node that does. The same
// holds where more come than the threads can shake hands with, and a peer that has gone meanwhile costs
// nothing. The threads start with the first stream. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/time.hpp"
#include "real/tls/tls_stream.hpp"

namespace swarm::real {

class HandshakePool {
 public:
  // Called on one of the pool's threads. `why`: it failed; "" when it is done.
  using Done = std::function<void(std::unique_ptr<TlsStream>, std::string why)>;

  // `most`: of a thread, that were accepted.
  explicit HandshakePool(int threads = 2, Duration patience = Duration::seconds(5), std::size_t most = 512);
  ~HandshakePool();  // those that are not done never are
  HandshakePool(const HandshakePool&) = delete;

  void shake(std::unique_ptr<TlsStream> stream, Done done);

 private:
  class Worker;
  const std::size_t threads_;
  const Duration patience_;
  const std::size_t most_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::size_t next_ = 0;
};

}  // namespace swarm::real
