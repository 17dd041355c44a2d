// What swarm_load does: send requests and keep the times, or serve a fixed body. Plain epoll and one thread,
// so that it is never what limits a measurement of one thread of the engine.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <string>
#include <vector>

namespace swarm::load {

// "unix:///path" or "tcp://127.0.0.1:8080".
struct Target {
  sockaddr_storage address{};
  socklen_t size = 0;
};
bool parse_target(const std::string& url, Target& out);

struct Plan {
  std::vector<Target> targets;  // connections are dealt out to them in turn
  int connections = 1;
  double seconds = 2;
  std::int64_t requests = 0;  // end after so many; 0: when the time is over
  double rate = 0;            // requests per second in all; 0: the next one as soon as one is answered
  bool close = false;         // a connection of its own for every request
  std::string method = "GET", path = "/";
  std::string body;  // "{n}" becomes the number of the request
  std::int64_t first = 0;
};

struct Report {
  std::int64_t answered = 0, failed = 0, bytes = 0;
  double seconds = 0;
  std::vector<std::uint32_t> micros;  // one per answer
  std::string first_failure;
};

Report run(const Plan& plan);
// Until killed. `ready` is printed once it listens.
int serve(const Target& where, std::size_t bytes);
int relay(const Target& where, const Target& to);
// A bound socket, or -1 with a word on stderr. `more`: flags of socket(2).
int listen_at(const Target& where, int more);

}  // namespace swarm::load
