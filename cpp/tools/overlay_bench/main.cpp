// overlay_bench: see README.md.
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/check.hpp"
#include "base/id.hpp"
#include "by_hand.hpp"
#include "model/service_spec.hpp"
#include "net/overlay/keeper.hpp"
#include "net/overlay/rows.hpp"
#include "real/netlink/net_space.hpp"
#include "real/overlay/kernel_overlay.hpp"
#include "real/overlay/lab.hpp"
#include "real/stream/fd.hpp"

namespace swarm::bench {
namespace {

using overlay::AttachmentRow;
using overlay::TableChange;
using real::netlink::NetSpace;

constexpr std::uint16_t kPort = 9000;
constexpr std::uint64_t kClient = 1, kServer = 2;

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& at) { return static_cast<double>(at.tv_sec) + at.tv_usec * 1e-6; };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}
double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

// Of rounds on a machine that does other things, too: the one that was disturbed least.
double lowest(const std::vector<double>& values) { return *std::min_element(values.begin(), values.end()); }

// ---- traffic

struct Way {
  std::string name;
  const NetSpace* from;
  const NetSpace* to;
  Address listens, dials;
};
struct Ends {
  real::Fd client, server;
};

Ends connected(const Way& way) {
  const real::Fd listener = real::listen_in(*way.to, way.listens, kPort);
  real::Connected client = real::connect_in(*way.from, way.dials, kPort);
  SWARM_CHECK(client.error == 0, way.name, client.error);
  Ends ends{std::move(client.fd), real::Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC))};
  const int one = 1;
  for (const int fd : {ends.client.get(), ends.server.get()})
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return ends;
}

double gigabits(const Way& way, double seconds) {
  const Ends ends = connected(way);
  std::atomic<bool> stop{false};
  std::thread sender([&] {
    const std::string piece(256 * 1024, 'x');
    while (!stop && ::send(ends.client.get(), piece.data(), piece.size(), MSG_NOSIGNAL) > 0) continue;
    ::shutdown(ends.client.get(), SHUT_WR);
  });
  std::string into(256 * 1024, '\0');
  double bytes = 0;
  const double begin = now_seconds();
  double end = begin;
  while (end - begin < seconds) {
    const ssize_t got = ::recv(ends.server.get(), into.data(), into.size(), 0);
    if (got <= 0) break;
    bytes += static_cast<double>(got);
    end = now_seconds();
  }
  stop = true;
  while (::recv(ends.server.get(), into.data(), into.size(), 0) > 0) continue;
  sender.join();
  return bytes * 8 / (end - begin) / 1e9;
}

double round_trip_us(const Way& way, double seconds) {
  const Ends ends = connected(way);
  std::thread echo([&] {
    char byte = 0;
    while (::recv(ends.server.get(), &byte, 1, 0) == 1) ::send(ends.server.get(), &byte, 1, MSG_NOSIGNAL);
  });
  std::vector<double> trips;
  char byte = 'x';
  const double begin = now_seconds();
  for (double before = begin; before - begin < seconds;) {
    ::send(ends.client.get(), &byte, 1, MSG_NOSIGNAL);
    if (::recv(ends.client.get(), &byte, 1, 0) != 1) break;
    const double after = now_seconds();
    trips.push_back((after - before) * 1e6);
    before = after;
  }
  ::shutdown(ends.client.get(), SHUT_RDWR);
  echo.join();
  return median(trips);
}

// ---- the table

Address address_of(std::uint64_t task) {
  return Address::v4(10, 0, static_cast<std::uint8_t>(8 + (task >> 8U)), static_cast<std::uint8_t>(task));
}
const Address kVip = Address::v4(10, 0, 1, 8);

AttachmentRow row(std::uint64_t task, std::uint64_t node, std::uint64_t service) {
  return {NetworkId(1),           TaskId(task), NodeId(node), ServiceId(service), address_of(task), 0,
          overlay::Stage::serving};
}
TableChange only(std::vector<AttachmentRow> rows) {
  TableChange change;
  change.attachments = std::move(rows);
  return change;
}
void tell(real::Lab& lab, const TableChange& change) {
  const auto problems = lab.tell(change);
  SWARM_CHECK(problems.empty(), problems.empty() ? "" : problems.front());
}

void begin_table(real::Lab& lab) {
  TableChange change;
  overlay::NetworkRow network;
  network.id = NetworkId(1);
  network.name = "bench";
  network.vni = 4097;
  network.subnets = {{{Address::v4(10, 0, 0, 0), 16}, Address::v4(10, 0, 0, 1)}};
  change.networks = {network};
  change.nodes = {{NodeId(1), real::lab_node(1)}, {NodeId(2), real::lab_node(2)}};
  change.services = {{NetworkId(1), ServiceId(7), model::EndpointMode::vip, kVip}};
  change.attachments = {row(kClient, 1, 0), row(kServer, 2, 7)};
  tell(lab, change);
}

struct Cost {
  double wall_ms = 0, cpu_ms = 0;
};
Cost cost_of(int times, const std::function<void(int)>& step) {
  std::vector<double> walls;
  const double cpu = cpu_seconds();
  for (int i = 0; i < times; ++i) {
    const double begin = now_seconds();
    step(i);
    walls.push_back((now_seconds() - begin) * 1e3);
  }
  return {median(walls), (cpu_seconds() - cpu) * 1e3 / times};
}

// One backend less and more in the tables of `locals` tasks of node 1, the service having so many.
Cost backend_change(std::uint64_t backends, std::uint64_t locals) {
  auto lab = std::move(*real::Lab::make());
  begin_table(*lab);
  std::vector<AttachmentRow> rows;
  for (std::uint64_t i = 1; i < locals; ++i) rows.push_back(row(100 + i, 1, 0));
  for (std::uint64_t i = 1; i < backends; ++i) rows.push_back(row(300 + i, 2, 7));
  auto& keeper = lab->keeper(1);
  auto& kernel = lab->kernel(1);
  const auto carry = [&](const TableChange& change) {
    keeper.on(change);
    const auto problems = kernel.apply(keeper.take_difference());
    SWARM_CHECK(problems.empty(), problems.empty() ? "" : problems.front().message);
  };
  carry(only(std::move(rows)));
  AttachmentRow one = row(kServer, 2, 7);
  return cost_of(60, [&](int i) {
    one.stage = i % 2 == 0 ? overlay::Stage::leaving : overlay::Stage::serving;
    carry(only({one}));
  });
}

struct Places {
  Cost make, end;
};
// A task's place, with a namespace that is warm or made now.
Places places(bool warm) {
  auto lab = std::move(*real::Lab::make());
  begin_table(*lab);
  auto& keeper = lab->keeper(1);
  auto& kernel = lab->kernel(1);
  for (int i = 0; !warm && i < 4; ++i) {  // what the pool has is used up
    keeper.on(only({row(200 + static_cast<std::uint64_t>(i), 1, 0)}));
    (void)kernel.apply(keeper.take_difference());
  }
  std::vector<double> make_walls, end_walls;
  constexpr int kTimes = 60;
  double make_cpu = 0, end_cpu = 0;
  for (std::uint64_t i = 0; i < kTimes; ++i) {
    if (warm) kernel.idle();
    const double cpu = cpu_seconds(), begin = now_seconds();
    keeper.on(only({row(400 + i, 1, 0)}));
    (void)kernel.apply(keeper.take_difference());
    const double made = now_seconds(), made_cpu = cpu_seconds();
    SWARM_CHECK(kernel.space_of(TaskId(400 + i)).ok(), "no place");
    TableChange gone;
    gone.removed_attachments = {{NetworkId(1), TaskId(400 + i)}};
    keeper.on(gone);
    (void)kernel.apply(keeper.take_difference());
    make_walls.push_back((made - begin) * 1e3);
    end_walls.push_back((now_seconds() - made) * 1e3);
    make_cpu += (made_cpu - cpu) * 1e3;
    end_cpu += (cpu_seconds() - made_cpu) * 1e3;
  }
  return {{median(make_walls), make_cpu / kTimes}, {median(end_walls), end_cpu / kTimes}};
}

// ---- all of it

void print_cost(const char* name, const Cost& cost) {
  std::printf(", \"%s_ms\": %.3f, \"%s_cpu_ms\": %.3f", name, cost.wall_ms, name, cost.cpu_ms);
}

void traffic(double seconds, int rounds) {
  auto lab = std::move(*real::Lab::make());
  begin_table(*lab);
  const ByHand hand = make_by_hand(*lab);
  const NetSpace client = lab->space(1, kClient), server = lab->space(2, kServer);
  const Address there = address_of(kServer), by_hand = Address::v4(10, 9, 9, 2);
  const std::array<Way, 4> ways{
      Way{"veth", &lab->node(1), &lab->node(2), real::lab_node(2), real::lab_node(2)},
      Way{"hand", &hand.ends[0], &hand.ends[1], by_hand, by_hand},
      Way{"ours", &client, &server, there, there}, Way{"vip", &client, &server, there, kVip}};
  std::array<std::vector<double>, 4> rates, trips;
  for (int round = 0; round < rounds; ++round)
    for (std::size_t i = 0; i < ways.size(); ++i) {
      rates[i].push_back(gigabits(ways[i], seconds));
      trips[i].push_back(round_trip_us(ways[i], seconds / 2));
    }
  std::vector<double> ratios;
  for (int i = 0; i < rounds; ++i) {
    const auto at = static_cast<std::size_t>(i);
    ratios.push_back(rates[2][at] / rates[1][at]);
  }
  for (std::size_t i = 0; i < ways.size(); ++i)
    std::printf("\"%s_gbits\": %.2f, \"%s_us\": %.2f, ", ways[i].name.c_str(), median(rates[i]),
                ways[i].name.c_str(), median(trips[i]));
  std::printf("\"ratio_to_hand\": %.3f, \"vip_added_us\": %.2f", median(ratios),
              lowest(trips[3]) - lowest(trips[2]));
}

int run(double seconds, int rounds) {
  if (const auto lab = real::Lab::make(); !lab) {
    std::printf("{\"refused\": \"%s\"}\n", lab.error().message.c_str());
    return 0;
  }
  std::printf("{");
  traffic(seconds, rounds);
  print_cost("backend_change_of_2", backend_change(2, 1));
  print_cost("backend_change_of_100", backend_change(100, 1));
  print_cost("backend_change_of_100_in_20_tasks", backend_change(100, 20));
  const Places warm = places(true), cold = places(false);
  print_cost("place_warm", warm.make);
  print_cost("place_cold", cold.make);
  print_cost("place_end", warm.end);
  std::printf("}\n");
  return 0;
}

}  // namespace
}  // namespace swarm::bench

int main(int argc, char** argv) {
  return swarm::bench::run(argc > 1 ? std::atof(argv[1]) : 1.0, argc > 2 ? std::atoi(argv[2]) : 5);
}
