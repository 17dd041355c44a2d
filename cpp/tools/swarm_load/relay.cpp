// The barest way on: what is read at one end is written at the other, two threads a connection. Two in a row
// are the floor of a path through two nodes.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "tools/swarm_load/load.hpp"

namespace swarm::load {
namespace {

constexpr std::size_t kPiece = 128 * 1024;

// A connection closes when both of its directions have ended.
struct Pair {
  Pair(int a, int b) : client(a), server(b) {}
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  int client, server;
  ~Pair() {
    close(client);
    close(server);
  }
};

bool write_all(int to, const char* bytes, std::size_t count) {
  while (count > 0) {
    const auto sent = send(to, bytes, count, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes += sent;
    count -= static_cast<std::size_t>(sent);
  }
  return true;
}

void pump(int from, int to) {
  std::vector<char> piece(kPiece);
  for (ssize_t count; (count = recv(from, piece.data(), piece.size(), 0)) > 0;)
    if (!write_all(to, piece.data(), static_cast<std::size_t>(count))) break;
  shutdown(to, SHUT_WR);
}

void pass_on(int client, const Target& to) {
  const auto* address = reinterpret_cast<const sockaddr*>(&to.address);
  const int server = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto pair = std::make_shared<Pair>(client, server);
  if (connect(server, address, to.size) != 0) return;
  const int one = 1;
  for (const int fd : {client, server}) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  std::thread([pair] { pump(pair->client, pair->server); }).detach();
  std::thread([pair] { pump(pair->server, pair->client); }).detach();
}

}  // namespace

int relay(const Target& where, const Target& to) {
  const int listener = listen_at(where, 0);
  if (listener < 0) return 1;
  std::puts("ready");
  std::fflush(stdout);
  for (int client; (client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) pass_on(client, to);
  return 1;
}

}  // namespace swarm::load
