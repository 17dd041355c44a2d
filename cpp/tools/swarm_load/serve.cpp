// The barest HTTP server: every request, whatever it asks for, gets the same prepared bytes.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>

#include "tools/swarm_load/load.hpp"

namespace swarm::load {
namespace {

struct Client {
  std::string in;
  std::size_t owed = 0;  // bytes of answers that are still to be written
  bool close = false;
};

class Server {
 public:
  Server(int listener, std::size_t bytes)
      : listener_(listener),
        answer_("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
                std::to_string(bytes) + "\r\n\r\n" + std::string(bytes, 'x')) {}
  void run();

 private:
  void accept_all();
  bool talk(int fd, Client& client);
  bool pay(int fd, Client& client);

  int listener_;
  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  std::string answer_;
  std::map<int, Client> clients_;
};

void Server::run() {
  epoll_event event{EPOLLIN, {.fd = listener_}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
  epoll_event events[256];
  while (true) {
    const int count = epoll_wait(epoll_, events, 256, -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == listener_) {
        accept_all();
      } else if (!talk(fd, clients_[fd])) {
        clients_.erase(fd);
        close(fd);
      }
    }
  }
}

void Server::accept_all() {
  for (int fd; (fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;) {
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    epoll_event event{EPOLLIN | EPOLLOUT | EPOLLET, {.fd = fd}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    clients_[fd];
  }
}

// False: done with it.
bool Server::talk(int fd, Client& client) {
  char bytes[16 * 1024];
  while (true) {
    const auto count = read(fd, bytes, sizeof bytes);
    if (count < 0 && errno == EAGAIN) break;
    if (count <= 0) return false;
    client.in.append(bytes, static_cast<std::size_t>(count));
  }
  for (auto end = client.in.find("\r\n\r\n"); end != std::string::npos; end = client.in.find("\r\n\r\n")) {
    client.close |= client.in.find("Connection: close") < end;
    client.in.erase(0, end + 4);
    client.owed += answer_.size();
  }
  return pay(fd, client);
}

bool Server::pay(int fd, Client& client) {
  while (client.owed > 0) {
    const std::size_t left = (client.owed - 1) % answer_.size() + 1;
    const auto count = send(fd, answer_.data() + (answer_.size() - left), left, MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN;
    client.owed -= static_cast<std::size_t>(count);
  }
  return !client.close;
}

}  // namespace

int listen_at(const Target& where, int more) {
  const auto* address = reinterpret_cast<const sockaddr*>(&where.address);
  const int listener = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | more, 0);
  const int one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, address, where.size) == 0 && listen(listener, 1024) == 0) return listener;
  std::fprintf(stderr, "swarm_load: cannot listen: %s\n", std::strerror(errno));
  close(listener);
  return -1;
}

int serve(const Target& where, std::size_t bytes) {
  const int listener = listen_at(where, SOCK_NONBLOCK);
  if (listener < 0) return 1;
  std::puts("ready");
  std::fflush(stdout);
  Server(listener, bytes).run();
  return 0;
}

}  // namespace swarm::load
