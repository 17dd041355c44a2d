// swarm-web: the stand-in web server behind the images nginx, httpd and swarmpy/web. A page that names image,
// service, task, slot, node and address; one poll loop; up in a millisecond. settings.hpp says how to make it
// slow or broken. Called with --redis it answers as redis.hpp says, with --ping HOST as ping.hpp does, with
// --task-shim it is a task's shim (real/process/task_shim.hpp). NOT a web server for anything else: GET and
// HEAD of any path give the one page.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "real/process/task_shim.hpp"
#include "tools/swarm_web/ping.hpp"
#include "tools/swarm_web/redis.hpp"
#include "tools/swarm_web/settings.hpp"

namespace swarm::web {
namespace {

constexpr std::size_t kMaxRequest = 64 * 1024;
// Less than a process has descriptors. Beyond it the client that has been silent longest makes room: programs
// that connect and say nothing keep no other client out.
constexpr std::size_t kMaxClients = 960;
// How long a client may take for its first request, and be silent between two (nginx: keepalive_timeout,
// which is 75 s). Redis has no such bound, and so has --redis none.
constexpr std::int64_t kFirstRequestMs = 10'000, kKeepAliveMs = 60'000;
// On SIGTERM: how long an idle connection may still send a request, and how long an answer may take.
constexpr std::int64_t kIdleMs = 100, kBusyMs = 5'000;

struct Client {
  int fd = -1;
  std::string in, out;
  bool close_when_sent = false;
  std::int64_t heard_ms = 0;
  bool was_answered = false;
  std::int64_t patience_ends() const { return heard_ms + (was_answered ? kKeepAliveMs : kFirstRequestMs); }
  bool busy() const { return !in.empty() || !out.empty(); }
};

std::int64_t now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

[[gnu::format(printf, 1, 2)]] void say(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vprintf(format, arguments);
  va_end(arguments);
  std::putchar('\n');
  std::fflush(stdout);
}

class Server {
 public:
  explicit Server(Settings settings) : settings_(std::move(settings)), started_(now_ms()) {}
  int run();

 private:
  bool listen();
  std::int64_t next_deadline() const;
  void step(int timeout);
  void drop_silent_clients(std::int64_t now);
  void make_room();
  void accept();
  bool talk(Client& client, short events);  // false: done with it
  bool answer(Client& client);
  bool answer_redis(Client& client);
  bool flush(Client& client);
  void stop();
  bool may_end(std::int64_t now);
  bool ready() const {
    return !settings_.unready_ms ||
           (*settings_.unready_ms >= 0 && now_ms() - started_ >= *settings_.unready_ms);
  }

  Settings settings_;
  Redis redis_;
  std::int64_t started_;
  std::int64_t stop_at_ = -1;
  int signals_ = -1, listener_ = -1;
  std::vector<Client> clients_;
};

bool Server::listen() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(settings_.port));
  if (inet_pton(AF_INET, settings_.bind.c_str(), &address.sin_addr) != 1) {
    std::fprintf(stderr, "swarm-web: %s is no address to bind: see SWARM_TASK_BIND and SWARM_TASK_IP\n",
                 settings_.bind.c_str());
    return false;
  }
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int one = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      ::listen(listener_, 512) == 0) {
    say(settings_.redis ? "Ready to accept connections on %s:%d" : "swarm-web: listening on %s:%d",
        settings_.address.c_str(), settings_.port);
    return true;
  }
  const char* hint = "";
  if (errno == EACCES) hint = "; ports below 1024 need root or net.ipv4.ip_unprivileged_port_start";
  if (errno == EADDRINUSE) hint = "; a program that binds 0.0.0.0 takes the port of every address";
  std::fprintf(stderr, "swarm-web: cannot bind %s:%d: %s%s\n", settings_.address.c_str(), settings_.port,
               std::strerror(errno), hint);
  return false;
}

// -1: never.
std::int64_t Server::next_deadline() const {
  std::int64_t next = stop_at_;
  const auto sooner = [&next](std::int64_t when) { next = next < 0 ? when : std::min(next, when); };
  if (stop_at_ >= 0 && now_ms() >= stop_at_) sooner(now_ms() + 10);
  if (listener_ < 0 && stop_at_ < 0) sooner(started_ + settings_.start_delay_ms);
  if (settings_.fail_after_ms) sooner(started_ + *settings_.fail_after_ms);
  if (!settings_.redis)
    for (const Client& client : clients_) sooner(client.patience_ends());
  return next;
}

void Server::drop_silent_clients(std::int64_t now) {
  if (settings_.redis) return;
  std::erase_if(clients_, [now](const Client& client) {
    if (client.patience_ends() > now) return false;
    close(client.fd);
    return true;
  });
}

void Server::make_room() {
  const auto longest = std::ranges::min_element(
      clients_, {}, [](const Client& client) { return std::pair(client.busy(), client.heard_ms); });
  close(longest->fd);
  clients_.erase(longest);
}

int Server::run() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (settings_.fail_code) {
    std::fprintf(stderr, "swarm-web: SWARM_WEB_FAIL is set: exit code %d\n", *settings_.fail_code);
    return *settings_.fail_code;
  }
  while (true) {
    const std::int64_t now = now_ms();
    if (may_end(now)) return 0;
    drop_silent_clients(now);
    if (settings_.fail_after_ms && now >= started_ + *settings_.fail_after_ms) {
      std::fprintf(stderr, "swarm-web: SWARM_WEB_FAIL_AFTER has passed: exit code 1\n");
      return 1;
    }
    if (listener_ < 0 && stop_at_ < 0 && now >= started_ + settings_.start_delay_ms && !listen()) return 1;
    const std::int64_t next = next_deadline();
    step(next < 0 ? -1 : static_cast<int>(std::clamp<std::int64_t>(next - now, 0, 60'000)));
  }
}

// A connected client gets its answer (as nginx does it on SIGQUIT, which its image asks for): a rolling
// update must lose no request. Without a client it ends at once.
bool Server::may_end(std::int64_t now) {
  if (stop_at_ < 0 || now < stop_at_) return false;
  if (listener_ >= 0) {
    accept();
    close(listener_);
    listener_ = -1;
  }
  const bool busy =
      std::any_of(clients_.begin(), clients_.end(), [](const Client& one) { return one.busy(); });
  return clients_.empty() || now >= stop_at_ + (busy ? kBusyMs : kIdleMs);
}

void Server::step(int timeout) {
  std::vector<pollfd> watched{{signals_, POLLIN, 0}, {listener_, POLLIN, 0}};
  for (const Client& client : clients_)
    watched.push_back({client.fd, static_cast<short>(client.out.empty() ? POLLIN : POLLOUT), 0});
  if (poll(watched.data(), watched.size(), timeout) <= 0) return;
  std::vector<Client> kept;
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    if (watched[i + 2].revents == 0 || talk(clients_[i], watched[i + 2].revents)) {
      kept.push_back(std::move(clients_[i]));
    } else {
      close(clients_[i].fd);
    }
  }
  clients_ = std::move(kept);
  if (watched[0].revents != 0) stop();
  if (watched[1].revents != 0) accept();
}

void Server::stop() {
  signalfd_siginfo info;
  while (read(signals_, &info, sizeof info) > 0) {
  }
  if (stop_at_ >= 0) return;
  say("swarm-web: stopping%s", settings_.drain_ms > 0 ? ", draining first" : "");
  stop_at_ = now_ms() + settings_.drain_ms;
}

void Server::accept() {
  for (int fd; (fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;) {
    if (clients_.size() >= kMaxClients) make_room();
    Client client;
    client.fd = fd;
    client.heard_ms = now_ms();
    clients_.push_back(std::move(client));
  }
}

bool Server::talk(Client& client, short events) {
  client.heard_ms = now_ms();
  if ((events & POLLOUT) != 0) return flush(client);
  char bytes[16 * 1024];
  const auto count = read(client.fd, bytes, sizeof bytes);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  if (count == 0 || client.in.size() > kMaxRequest) return false;
  client.in.append(bytes, static_cast<std::size_t>(count));
  return settings_.redis ? answer_redis(client) : answer(client);
}

bool Server::answer_redis(Client& client) {
  bool quits = false;
  client.out += redis_.answers(client.in, quits);
  client.close_when_sent = quits || stop_at_ >= 0;
  return flush(client);
}

bool Server::answer(Client& client) {
  for (auto end = client.in.find("\r\n\r\n"); end != std::string::npos; end = client.in.find("\r\n\r\n")) {
    client.was_answered = true;
    const std::string head = client.in.substr(0, end);
    client.in.erase(0, end + 4);
    const std::string line = head.substr(0, head.find("\r\n"));
    const bool is_ready = ready();
    say("\"%s\" %d", line.c_str(), is_ready ? 200 : 503);
    const std::string& body = settings_.page;
    client.close_when_sent =
        stop_at_ >= 0 || line.ends_with("HTTP/1.0") || head.find("onnection: close") != std::string::npos;
    client.out += is_ready ? "HTTP/1.1 200 OK\r\n" : "HTTP/1.1 503 Service Unavailable\r\n";
    client.out +=
        "Content-Type: text/html; charset=utf-8\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    client.out += client.close_when_sent ? "Connection: close\r\n\r\n" : "\r\n";
    if (!line.starts_with("HEAD ")) client.out += body;
  }
  return flush(client);
}

bool Server::flush(Client& client) {
  while (!client.out.empty()) {
    const auto count = write(client.fd, client.out.data(), client.out.size());
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    client.out.erase(0, static_cast<std::size_t>(count));
  }
  return !client.close_when_sent;
}

}  // namespace
}  // namespace swarm::web

int main(int count, char** words) {
  if (swarm::real::run_as_shim(count, words)) return 1;
  const std::string_view role = count > 1 ? words[1] : "";
  if (role == "--ping") return swarm::web::ping(count - 2, words + 2);
  swarm::web::Settings settings = swarm::web::read_settings(role == "--redis");
  if (settings.port == 0) {
    std::fputs("swarm-web: SWARM_WEB_PORT is no port: give a number from 1 to 65535\n", stderr);
    return 1;
  }
  return swarm::web::Server(std::move(settings)).run();
}
