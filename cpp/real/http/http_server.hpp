// HttpServer: HTTP/1.1 in front of an API machine, over unix sockets and TCP. It parses requests, hands them
// up whole, and sends back what the machine says: a body of known length, or pieces as they come (chunked,
// each flushed).
//
// One request at a time per connection, kept alive between them. Bounds: headers 64 KiB (431), bodies 64 MiB
// (413), a request's headers within 10 s, a minute of silence within a body, 64 MiB waiting for a slow
// reader. `on_abort` reports a client that goes away before its answer has ended. Belongs to the reactor's
// thread; answers may be given from within the callbacks. NOT here: routes, JSON, upgrades, and TLS itself:
// what comes over TCP is opened by what the owner gives (tls/tls_door.hpp).
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "ports/ports.hpp"
#include "real/http/reactor.hpp"
#include "real/stream/byte_stream.hpp"

namespace swarm::real {

// Which clients a door lets in.
struct DoorRules {
  std::optional<gid_t> group;  // of unix sockets; without one, this process's
  // Of TCP: what a client has to prove there.
  enum class Tcp : std::uint8_t { plain, sealed, proved };  // nothing; nothing, over TLS; a certificate
  Tcp tcp = Tcp::plain;
  bool insecure = false;  // TCP outside loopback, although clients do not have to prove anything
};

class HttpServer final : public ports::ApiSink {
 public:
  using OnRequest = std::function<void(ports::ApiId, http::Request)>;
  using OnAbort = std::function<void(ports::ApiId)>;

  HttpServer(Reactor& reactor, OnRequest on_request, OnAbort on_abort);
  ~HttpServer() override;

  // "unix:///path" or "tcp://host:port" (port 0: any). Gives the URL that was really bound. A socket file
  // that does not answer is replaced, a live one refused. It is 0660 under any umask, and never looser. TCP
  // outside loopback is refused where clients prove nothing, unless `insecure`.
  // `tcp`: opens connections that come over TCP; empty: they are plain sockets.
  Result<std::string> listen(const std::string& url, const DoorRules& rules = {}, StreamOpener tcp = {});
  // Closes every listener and connection and removes the socket files.
  void close();

  // Returns true if this request came over a unix socket (and is not answered yet).
  bool is_local(ports::ApiId id) const;

  void begin(ports::ApiId id, http::ResponseHead head) override;
  void piece(ports::ApiId id, std::string bytes) override;
  void end(ports::ApiId id) override;
  void cut(ports::ApiId id) override;  // hangs up without the last chunk

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace swarm::real
