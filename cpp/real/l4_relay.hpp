// L4Relay: the mesh's packet path on this machine. Listens at the node's own address for published ports and
// at 7946/tcp for other nodes; carries bytes between clients, tasks and other nodes.
//
// One thread of its own with epoll, so that packets do not wait for Raft nor Raft for packets. The machine of
// net/mesh decides on that thread; facts come from the node's thread under one mutex. A dial to a task is
// made under that mutex too: when task_stopping() returns, no connection is on its way to the task. NOT here:
// bytes (mesh/conn), streams (mesh/link), which task (net/mesh).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "ports/mesh.hpp"
#include "real/mesh/delay_line.hpp"

namespace swarm::real {

class L4Relay final : public ports::Mesh {
 public:
  struct Options {
    Address address;                             // of the node; unspecified: all of this machine
    std::uint16_t data_port = model::kDataPort;  // 0: no other nodes
    // The number that a task binds instead of a target port.
    std::function<std::uint32_t(std::uint32_t)> bindable_port;
    // Why other nodes may not be listened for, in a sentence; empty: they may.
    std::string no_peers;
    // For who comes to the data port to say who he is.
    Duration greeting_patience = Duration::seconds(10);
    std::uint64_t seed = 1;  // of the chance in faults
  };
  // `problems`: each time that they change, on the relay's thread.
  using Problems = std::function<void(std::vector<std::string>)>;
  L4Relay(Options options, Problems problems);
  ~L4Relay() override;

  void join(ClusterId cluster, NodeId self) override;
  void leave() override;
  void set_table(std::shared_ptr<const model::ForwardingTable> table) override;
  void task_up(const model::MeshTask& task) override;
  void task_stopping(TaskId task) override;
  void task_gone(TaskId task) override;

  // What is wrong on links to other nodes, and how many times as long as it takes all is to take
  // (billionths). Without `on_link` nothing is.
  struct Faults {
    std::function<relay::LinkFault(const Address& peer)> on_link;
    std::int64_t pace = 1'000'000'000;
  };
  void set_faults(Faults faults);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace swarm::real
