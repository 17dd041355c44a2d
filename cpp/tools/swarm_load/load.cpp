#include "tools/swarm_load/load.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "base/number.hpp"

namespace swarm::load {
namespace {

constexpr std::size_t kChunk = 256 * 1024;
constexpr std::int64_t kLastAnswers = 5'000'000'000;  // how long the last requests may still take

std::int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

struct Connection {
  int fd = -1;
  const Target* target = nullptr;
  bool busy = false, head_done = false;
  int status = 0;
  std::int64_t begun = 0;
  std::string out, head;
  std::size_t sent = 0;
  std::int64_t body_left = 0;
  std::uint32_t watched = 0;
};

class Load {
 public:
  explicit Load(const Plan& plan) : plan_(plan), epoll_(epoll_create1(EPOLL_CLOEXEC)), chunk_(kChunk, '\0') {}
  Report run();

 private:
  bool more_to_send(std::int64_t now) const {
    return now < end_ && (plan_.requests == 0 || number_ < plan_.requests);
  }
  void deal_out(std::int64_t now);
  void begin(Connection& connection, std::int64_t due);
  bool open(Connection& connection);
  void watch(Connection& connection, std::uint32_t events);
  void write_out(Connection& connection);
  void read_in(Connection& connection);
  bool take(Connection& connection, const char* bytes, std::size_t count);
  void done(Connection& connection);
  void fail(Connection& connection, const std::string& why);
  void drop(Connection& connection);
  std::string request_text();
  int patience(std::int64_t now) const;

  const Plan& plan_;
  int epoll_;
  std::string chunk_;
  std::vector<Connection> connections_;
  std::deque<Connection*> idle_;
  std::int64_t begin_ = 0, end_ = 0, number_ = 0, busy_ = 0;
  Report report_;
};

std::string Load::request_text() {
  std::string body = plan_.body;
  if (const auto at = body.find("{n}"); at != std::string::npos)
    body.replace(at, 3, std::to_string(plan_.first + number_));
  std::string text = plan_.method + ' ' + plan_.path + " HTTP/1.1\r\nHost: bench\r\n";
  if (plan_.close) text += "Connection: close\r\n";
  if (!body.empty())
    text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
            body;
  else
    text += "\r\n";
  return text;
}

bool Load::open(Connection& connection) {
  const auto* address = reinterpret_cast<const sockaddr*>(&connection.target->address);
  connection.fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (connection.fd < 0) return false;
  const int one = 1;
  if (address->sa_family == AF_INET) setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(connection.fd, address, connection.target->size) != 0 && errno != EINPROGRESS) return false;
  connection.watched = 0;
  return true;
}

void Load::watch(Connection& connection, std::uint32_t events) {
  if (connection.watched == events) return;
  epoll_event event{};
  event.events = events;
  event.data.ptr = &connection;
  epoll_ctl(epoll_, connection.watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, connection.fd, &event);
  connection.watched = events;
}

void Load::begin(Connection& connection, std::int64_t due) {
  connection.out = request_text();
  ++number_;
  ++busy_;
  connection.busy = true;
  connection.sent = 0;
  connection.head.clear();
  connection.head_done = false;
  connection.begun = due;
  if (connection.fd < 0 && !open(connection)) return fail(connection, std::strerror(errno));
  write_out(connection);
}

void Load::write_out(Connection& connection) {
  while (connection.sent < connection.out.size()) {
    const auto count = send(connection.fd, connection.out.data() + connection.sent,
                            connection.out.size() - connection.sent, MSG_NOSIGNAL);
    if (count < 0 && (errno == EAGAIN || errno == ENOTCONN)) return watch(connection, EPOLLIN | EPOLLOUT);
    if (count < 0) return fail(connection, std::strerror(errno));
    connection.sent += static_cast<std::size_t>(count);
  }
  watch(connection, EPOLLIN);
}

void Load::read_in(Connection& connection) {
  const auto count = read(connection.fd, chunk_.data(), chunk_.size());
  if (count < 0 && errno == EAGAIN) return;
  if (!connection.busy) return drop(connection);  // an idle connection that the server closed: no failure
  if (count < 0) return fail(connection, std::strerror(errno));
  if (count == 0) return fail(connection, "the server hung up");
  report_.bytes += count;
  if (take(connection, chunk_.data(), static_cast<std::size_t>(count))) done(connection);
}

// True when the answer is whole.
bool Load::take(Connection& connection, const char* bytes, std::size_t count) {
  if (connection.head_done) {
    connection.body_left -= static_cast<std::int64_t>(count);
    return connection.body_left <= 0;
  }
  connection.head.append(bytes, count);
  const auto end = connection.head.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  connection.head_done = true;
  connection.status = connection.head.size() > 12 ? std::atoi(connection.head.c_str() + 9) : 0;
  const char* length = strcasestr(connection.head.c_str(), "\r\nContent-Length:");
  connection.body_left = length != nullptr ? std::atoll(length + 17) : 0;
  connection.body_left -= static_cast<std::int64_t>(connection.head.size() - end - 4);
  return connection.body_left <= 0;
}

void Load::done(Connection& connection) {
  if (connection.status < 200 || connection.status >= 300)
    return fail(connection, connection.head.substr(0, 400));
  ++report_.answered;
  report_.micros.push_back(static_cast<std::uint32_t>((now_ns() - connection.begun) / 1'000));
  connection.busy = false;
  --busy_;
  if (plan_.close) drop(connection);
  idle_.push_back(&connection);
}

void Load::fail(Connection& connection, const std::string& why) {
  ++report_.failed;
  if (report_.first_failure.empty()) report_.first_failure = why;
  connection.busy = false;
  --busy_;
  drop(connection);
  idle_.push_back(&connection);
}

void Load::drop(Connection& connection) {
  if (connection.fd >= 0) close(connection.fd);
  connection.fd = -1;
  connection.watched = 0;
}

void Load::deal_out(std::int64_t now) {
  for (std::size_t tries = idle_.size(); tries > 0 && more_to_send(now); --tries) {
    std::int64_t due = now_ns();
    if (plan_.rate > 0) {
      due = begin_ + static_cast<std::int64_t>(static_cast<double>(number_) * 1e9 / plan_.rate);
      if (due > now) return;
    }
    Connection* connection = idle_.front();
    idle_.pop_front();
    begin(*connection, due);
  }
}

int Load::patience(std::int64_t now) const {
  if (plan_.rate <= 0 || !more_to_send(now)) return 20;
  const auto due = begin_ + static_cast<std::int64_t>(static_cast<double>(number_) * 1e9 / plan_.rate);
  return due <= now ? (idle_.empty() ? 1 : 0) : static_cast<int>((due - now) / 1'000'000);
}

Report Load::run() {
  connections_.resize(static_cast<std::size_t>(plan_.connections));
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    connections_[i].target = &plan_.targets[i % plan_.targets.size()];
    idle_.push_back(&connections_[i]);
  }
  begin_ = now_ns();
  end_ = begin_ + static_cast<std::int64_t>(plan_.seconds * 1e9);
  epoll_event events[256];
  for (std::int64_t now = begin_; more_to_send(now) || (busy_ > 0 && now < end_ + kLastAnswers);
       now = now_ns()) {
    deal_out(now);
    const int count = epoll_wait(epoll_, events, 256, patience(now));
    for (int i = 0; i < count; ++i) {
      auto& connection = *static_cast<Connection*>(events[i].data.ptr);
      if (connection.fd < 0) continue;
      if ((events[i].events & EPOLLOUT) != 0) write_out(connection);
      if (connection.fd >= 0 && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        read_in(connection);
    }
  }
  report_.seconds = static_cast<double>(now_ns() - begin_) / 1e9;
  for (auto& connection : connections_) {
    if (connection.busy) fail(connection, "no answer within 5 s of the end");
    drop(connection);
  }
  close(epoll_);
  return std::move(report_);
}

}  // namespace

bool parse_target(const std::string& url, Target& out) {
  if (url.starts_with("unix://")) {
    auto& address = reinterpret_cast<sockaddr_un&>(out.address);
    const std::string path = url.substr(7);
    if (path.empty() || path.size() >= sizeof address.sun_path) return false;
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    out.size = sizeof address;
    return true;
  }
  const auto colon = url.rfind(':');
  if (!url.starts_with("tcp://") || colon <= 6) return false;
  auto& address = reinterpret_cast<sockaddr_in&>(out.address);
  address.sin_family = AF_INET;
  const auto port = parse_whole<std::uint16_t>(std::string_view(url).substr(colon + 1));
  if (!port) return false;
  address.sin_port = htons(*port);
  out.size = sizeof address;
  return inet_pton(AF_INET, url.substr(6, colon - 6).c_str(), &address.sin_addr) == 1;
}

Report run(const Plan& plan) { return Load(plan).run(); }

}  // namespace swarm::load
