// http: what a client sends to the API, at a real connection.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "ports/http.hpp"
#include "ports/ports.hpp"
#include "real/http/http_connection.hpp"
#include "real/http/reactor.hpp"
#include "real/http/run_until.hpp"
#include "real/stream/fd.hpp"
#include "real/stream/plain_stream.hpp"
#include "tools/swarm_fuzz/targets.hpp"

namespace swarm::fuzz {
namespace {

using real::Fd;

constexpr std::size_t kMostBytes = 64UL * 1024;  // more does not fit into a socket at once

struct Pair {
  Fd ours, theirs;
};
Pair make_pair_of_sockets() {
  std::array<int, 2> ends{};
  SWARM_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

// Answers every request with its own method and path, as soon as it is there.
void run_http(std::string_view input) {
  real::Reactor reactor;
  Pair pair = make_pair_of_sockets();
  const auto sent = ::send(pair.theirs.get(), input.data(), std::min(input.size(), kMostBytes), MSG_NOSIGNAL);
  ::shutdown(pair.theirs.get(), SHUT_WR);
  SWARM_CHECK(input.empty() || sent > 0, sent);
  bool gone = false;
  ports::ApiId last = 0;
  real::HttpConnection::Owner owner;
  owner.arrived = [&](real::HttpConnection& connection, const http::Request& request) {
    SWARM_CHECK(!request.method.empty(), request.target);
    reactor.post([to = connection.shared_from_this(), text = request.method + " " + request.target] {
      to->begin({200, {}, false});
      to->piece(text);
      to->end();
    });
    return ++last;
  };
  owner.aborted = owner.answered = [](ports::ApiId) {};
  owner.gone = [&](real::HttpConnection&) { gone = true; };
  const auto connection = std::make_shared<real::HttpConnection>(
      reactor, std::make_unique<real::PlainStream>(std::move(pair.ours)), true, owner);
  connection->start();
  real::run_until(reactor, [&] { return gone; });
  SWARM_CHECK(gone, "the connection of a client that has sent all is still open");
}

std::vector<std::string> http_seeds() {
  return {"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n",
          "POST /v1.50/services/create HTTP/1.1\r\nHost: d\r\nContent-Length: 2\r\n\r\n{}",
          "POST /x HTTP/1.1\r\nHost: d\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
          "3\r\nabc\r\n0\r\n\r\n",
          "HEAD / HTTP/1.0\r\n\r\n"};
}

}  // namespace

const Target kHttp{"http", "requests to the API", run_http, http_seeds};

}  // namespace swarm::fuzz
