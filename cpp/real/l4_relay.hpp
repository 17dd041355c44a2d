// L4Relay: the mesh's packet path on this machine. Listens at the node's own address for published ports and
// at 7946/tcp for other nodes; carries bytes between clients, tasks and other nodes.
//
// One thread of its own with epoll, so that packets do not wait for Raft nor Raft for packets. It works in
// rounds:
//
//   1. what is ready (mesh/poller) is noted: no call, no decision
//   2. clients and nodes that have arrived are taken in; links give their frames to connections; connections
//      move their bytes. Each returns its news, and the round gathers them as events
//   3. the machine of net/mesh is asked once, with all events; what it wants is carried out
//   4. what links have to send is written
//
// Facts come from the node's thread under one mutex, and 3 happens under it: when task_stopping() returns, no
// connection is on its way to the task, and none will be. Connections, links and listeners are named by
// number everywhere: one that has gone is not found, so that it can be destroyed at once. NOT here: bytes
// (mesh/flow, mesh/conn), streams (mesh/link), which task (net/mesh).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "ports/mesh.hpp"
#include "real/mesh/delay_line.hpp"
#include "real/netlink/net_space.hpp"
#include "real/stream/byte_stream.hpp"

namespace swarm::real {

class L4Relay final : public ports::Mesh {
 public:
  struct Options {
    Address address;                             // of the node; unspecified: all of this machine
    std::uint16_t data_port = model::kDataPort;  // 0: no other nodes
    // The number that a task binds instead of a target port.
    std::function<std::uint32_t(std::uint32_t)> bindable_port;
    // The network namespace of a task of this node; null: it listens in this one.
    std::function<std::shared_ptr<const netlink::NetSpace>(TaskId)> space_of;
    // How long a peer at the data port may take to introduce itself.
    Duration greeting_patience = Duration::seconds(10);
    // Where the host is asked to listen for published ports, too (mesh/listeners); empty: nowhere.
    std::string publish_door;
    std::uint64_t seed = 1;   // of the chance in faults
    StreamMaker link_stream;  // what links are made of; empty: plain sockets
  };
  // `problems` is called each time that they change, on the relay's thread.
  using Problems = std::function<void(std::vector<std::string>)>;
  L4Relay(Options options, Problems problems);
  ~L4Relay() override;

  void join(ClusterId cluster, NodeId self) override;
  void leave() override;
  void set_table(std::shared_ptr<const model::ForwardingTable> table) override;
  void task_up(const model::MeshTask& task) override;
  void task_stopping(TaskId task) override;
  void task_gone(TaskId task) override;

  // What is wrong on links to other nodes (without `on_link`: nothing), and by how much to multiply the time
  // of everything (billionths).
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
