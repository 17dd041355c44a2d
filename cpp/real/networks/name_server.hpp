// NameServer: the sockets of the name server of tasks (net/dns), and the one thread that answers them. Each
// task in a network namespace of its own has it at 127.0.0.11, port 53, UDP and TCP: the sockets are opened
// in the task's namespace and read here. What the swarm does not know goes to the host's servers.
//
// Bounded, whatever a task sends: kMostClients TCP connections of a task, each for kClientPatience without a
// whole question; kMostOfTask sockets to other servers, and kMostAsked of all tasks; a round reads kPackets
// packets of a task, and then the next task's. NOT here: which names there are (net/names), what an answer is
// (net/dns).
#pragma once

#include <cstddef>
#include <memory>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "net/dns/resolv_conf.hpp"
#include "net/overlay/feed_table.hpp"
#include "real/netlink/net_space.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {

class NameServer {
 public:
  static constexpr std::size_t kMostClients = 16, kMostAsked = 1'024, kMostOfTask = 64, kPackets = 32;
  static constexpr Duration kClientPatience = Duration::seconds(10);

  explicit NameServer(std::uint64_t seed);
  ~NameServer();
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  // ---- from any thread
  // In force when it returns: no later answer is of before.
  void change(const overlay::FeedEdits& edits);
  struct Doors {
    Fd udp, tcp;
  };
  static Result<Doors> open_doors(const netlink::NetSpace& space);
  // `space`: from where the servers are asked that the task's service names.
  void task_up(TaskId task, Doors doors, dns::TaskResolver resolver, netlink::NetSpace space);
  void task_gone(TaskId task);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace swarm::real
