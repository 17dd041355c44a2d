// TlsDoor: how one node's connections become TLS. It holds the node's present credentials and gives out what
// streams are made by: for the transport (2377), whose handshakes are the pool's, and for the links of the
// mesh (7946), which have a thread of their own. NOT here: whose turn it is (tcp_transport, mesh/links).
#pragma once

#include <memory>
#include <mutex>

#include "base/result.hpp"
#include "ports/transport.hpp"
#include "real/http/reactor.hpp"
#include "real/stream/byte_stream.hpp"
#include "real/tls/handshake_pool.hpp"
#include "real/tls/tls_context.hpp"

namespace swarm::real {

class TlsDoor {
 public:
  explicit TlsDoor(TlsContext::Wall wall);

  // From any thread: streams that are made from now on have these. An error in a sentence when they cannot be
  // used; then nothing has changed.
  Result<void> set(const ports::Credentials& credentials);

  // These must not outlive the door; the reactor may.
  StreamOpener management(Reactor& reactor);
  StreamMaker data();
  // For clients of the API, by certificates that are no node's.
  StreamOpener api(Reactor& reactor, std::shared_ptr<TlsContext> context);

 private:
  std::shared_ptr<TlsContext> current(TlsContext::Use use);
  void shake(Reactor& reactor, std::unique_ptr<TlsStream> stream, StreamOpened opened);

  TlsContext::Wall wall_;
  std::mutex mutex_;
  std::shared_ptr<TlsContext> management_, data_;
  HandshakePool pool_;
};

}  // namespace swarm::real
