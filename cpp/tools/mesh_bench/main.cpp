// mesh_bench: latency, bulk and connections per second, directly and by the mesh, in one run. README.md.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "model/mesh.hpp"
#include "model/port.hpp"
#include "real/l4_relay.hpp"
#include "real/stream/fd.hpp"
#include "real/stream/sockets.hpp"

namespace swarm::bench {
namespace {

using Clock = std::chrono::steady_clock;
using real::Fd;

constexpr std::uint16_t kData = 17'947;
constexpr std::uint32_t kPort = 18'090, kTarget = 18'091;
constexpr std::size_t kMessage = 64, kBulk = 256 * 1024;
constexpr int kClients = 8;

Address with_port(Address address, std::uint32_t port) {
  address.port = static_cast<std::uint16_t>(port);
  return address;
}

void make_blocking(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK); }

bool send_all(int fd, const char* bytes, std::size_t count) {
  while (count > 0) {
    const auto sent = ::send(fd, bytes, count, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes += sent;
    count -= static_cast<std::size_t>(sent);
  }
  return true;
}

bool receive_all(int fd, char* bytes, std::size_t count) {
  while (count > 0) {
    const auto came = ::recv(fd, bytes, count, 0);
    if (came <= 0) return false;
    bytes += came;
    count -= static_cast<std::size_t>(came);
  }
  return true;
}

// The first byte of a message says what is wanted: 'e' echo each, 's' swallow all.
void serve(Fd client) {
  std::vector<char> buffer(kBulk);
  while (receive_all(client.get(), buffer.data(), kMessage)) {
    if (buffer[0] == 'e' && !send_all(client.get(), buffer.data(), kMessage)) return;
    while (buffer[0] == 's' && ::recv(client.get(), buffer.data() + 1, kBulk - 1, 0) > 0) continue;
  }
}

void serve_all(int listener) {
  make_blocking(listener);
  std::vector<std::thread> workers;
  for (int i = 0; i < kClients; ++i)
    workers.emplace_back([listener] {
      while (true) {
        Fd client(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
        if (!client.valid()) return;
        real::tune(client.get());
        serve(std::move(client));
      }
    });
  for (auto& worker : workers) worker.join();
}

Fd connect_to(const Address& to) {
  auto dialled = real::dial(to, {});
  pollfd ready{dialled.fd.get(), POLLOUT, 0};
  if (dialled.error != 0 || ::poll(&ready, 1, 2'000) != 1 || real::connect_error(dialled.fd.get()) != 0)
    return Fd();
  make_blocking(dialled.fd.get());
  return std::move(dialled.fd);
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double latency_us(const Address& to, double span) {
  const Fd fd = connect_to(to);
  std::vector<double> took;
  char message[kMessage] = {'e'};
  for (const auto start = Clock::now(); seconds_since(start) < span;) {
    const auto sent = Clock::now();
    if (!send_all(fd.get(), message, kMessage) || !receive_all(fd.get(), message, kMessage)) return -1;
    took.push_back(seconds_since(sent) * 1e6);
  }
  std::nth_element(took.begin(), took.begin() + static_cast<std::ptrdiff_t>(took.size() / 2), took.end());
  return took[took.size() / 2];
}

double gigabits(const Address& to, double span) {
  const Fd fd = connect_to(to);
  const std::vector<char> bytes(kBulk, 's');
  double sent = 0;
  const auto start = Clock::now();
  while (seconds_since(start) < span && send_all(fd.get(), bytes.data(), kBulk)) sent += kBulk;
  ::shutdown(fd.get(), SHUT_WR);
  char end = 0;
  (void)!::recv(fd.get(), &end, 1, 0);  // until all of it has been read
  return sent * 8 / seconds_since(start) / 1e9;
}

double connections(const Address& to, double span) {
  std::atomic<std::uint64_t> made = 0, failed = 0;
  std::vector<std::thread> clients;
  const auto start = Clock::now();
  for (int i = 0; i < kClients; ++i)
    clients.emplace_back([&] {
      char message[kMessage] = {'e'};
      while (seconds_since(start) < span) {
        const Fd fd = connect_to(to);
        const bool ok =
            fd.valid() && send_all(fd.get(), message, kMessage) && receive_all(fd.get(), message, kMessage);
        ++(ok ? made : failed);
      }
    });
  for (auto& client : clients) client.join();
  if (failed != 0) std::fprintf(stderr, "mesh_bench: %lu connections failed\n", failed.load());
  return static_cast<double>(made) / span;
}

std::unique_ptr<real::L4Relay> relay(NodeId id, const Address& address) {
  real::L4Relay::Options options;
  options.address = address;
  options.data_port = kData;
  options.bindable_port = [](std::uint32_t port) { return port; };
  auto made =
      std::make_unique<real::L4Relay>(std::move(options), [](const std::vector<std::string>& problems) {
        for (const auto& problem : problems) std::fprintf(stderr, "mesh_bench: %s\n", problem.c_str());
      });
  made->join(ClusterId(1), id);
  return made;
}

int run(double span) {
  const Address near = Address::v4(127, 0, 8, 1), far = Address::v4(127, 0, 8, 2);
  const Address task = Address::v4(127, 20, 8, 1);
  Fd listener = real::listen_on(with_port(task, kTarget));
  if (!listener.valid()) return std::perror("mesh_bench: listen"), 1;
  std::thread server([fd = listener.get()] { serve_all(fd); });
  const auto local = relay(NodeId(1), near), remote = relay(NodeId(2), far);
  local->task_up({TaskId(1), task, {kTarget}, {}});
  auto table = std::make_shared<model::ForwardingTable>();
  const model::MeshBackend backend{TaskId(1), ServiceId(1), NodeId(1), with_port(near, kData)};
  table->routes.push_back({{model::tcp_port(kPort), kTarget},
                           ServiceId(1),
                           std::make_shared<std::vector<model::MeshBackend>>(std::vector{backend})});
  local->set_table(table);
  remote->set_table(table);
  const struct {
    const char* name;
    Address to;
  } ways[] = {{"direct", with_port(task, kTarget)},
              {"local", with_port(near, kPort)},
              {"remote", with_port(far, kPort)}};
  for (const auto& way : ways)
    for (int i = 0; !connect_to(way.to).valid() && i < 2'000; ++i) ::poll(nullptr, 0, 1);
  double direct[3] = {};
  for (const auto& way : ways) {
    const double now[3] = {latency_us(way.to, span), gigabits(way.to, span), connections(way.to, span)};
    if (way.name == ways[0].name) std::copy(now, now + 3, direct);
    std::printf(
        "{\"way\":\"%s\",\"latency_us_p50\":%.1f,\"added_us\":%.1f,\"gbit_per_s\":%.2f,\"bulk_ratio\":%.2f,"
        "\"connections_per_s\":%.0f,\"connections_ratio\":%.2f}\n",
        way.name, now[0], now[0] - direct[0], now[1], now[1] / direct[1], now[2], now[2] / direct[2]);
    std::fflush(stdout);
  }
  ::shutdown(listener.get(), SHUT_RDWR);
  server.join();
  return 0;
}

}  // namespace
}  // namespace swarm::bench

int main(int count, char** words) {
  const double span = count > 1 ? std::atof(words[1]) : 2;
  return swarm::bench::run(span > 0 ? span : 2);
}
