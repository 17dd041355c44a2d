// TcpTransport: frames between nodes over byte streams (real/stream): TLS, or what `opener` makes.
//
// A frame on the wire: length (4 bytes, big-endian, of what follows), kind (1 byte: hello, raft or wire),
// payload by the codec. The first frame in both directions is a Hello with the protocol's version; anything
// else, a frame beyond 64 MiB or one that cannot be decoded closes the link with a reason. A peer without a
// certificate sends small frames only, for a short while. What waits for a slow peer is bounded: the oldest
// of Raft's frames are dropped first (Raft sends again), then the link is closed. Lives on the reactor's
// thread; events come out through `emit`, never from within a call of the node's.
#pragma once

#include <functional>
#include <memory>

#include "ports/ports.hpp"
#include "real/http/reactor.hpp"
#include "real/stream/byte_stream.hpp"

namespace swarm::real {

class TcpTransport final : public ports::Transport {
 public:
  using Emit = std::function<void(ports::Event)>;
  using TakeCredentials = std::function<Result<void>(const ports::Credentials&)>;
  // `take`: is given what set_credentials() is; empty: streams need none.
  TcpTransport(Reactor& reactor, Emit emit, StreamOpener opener = opener_of({}), TakeCredentials take = {});
  ~TcpTransport() override;

  Result<void> listen(const Address& address) override;
  void stop_listening() override;
  ports::LinkId open(const Address& to, const Address& source, const wire::Hello& hello) override;
  Result<void> set_credentials(const ports::Credentials& credentials) override;
  void set_identity(const wire::Hello& hello) override;
  void send(ports::LinkId link, ports::Frame frame) override;
  void close(ports::LinkId link) override;

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace swarm::real
