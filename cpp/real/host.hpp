// Host: one real node. It wires the deterministic node to the real ports and turns events and deadlines into
// turns:
//
//     events of sockets, processes, disk  ->  node.handle
//     once per batch of events            ->  node.turn, then one timer at node.next_deadline
//
// NOT here: flags, signals and pid files (tools/swarmd); what a node does (node/).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "model/annotations.hpp"
#include "model/feature_level.hpp"
#include "real/api_tls.hpp"
#include "real/http/reactor.hpp"
#include "real/log_trace.hpp"

namespace swarm::real {

struct HostOptions {
  std::string data_root;
  std::vector<std::string> hosts;  // where the API listens; empty: unix://DATA_ROOT/docker.sock
  std::string socket_group;        // of the unix sockets, by name or number; empty: this process's
  model::Labels labels;            // of the engine
  LogLevel log_level = LogLevel::info;
  Address address;                 // unspecified: all interfaces
  std::string hostname;            // empty: the machine's
  ApiTls tls;                      // of the API over TCP
  bool insecure_open_api = false;  // over TCP outside loopback, although clients prove nothing
  std::string publish_door;        // of the hub, where the host does not reach this node (mesh/listeners)
  // Folders that tasks with namespaces of their own do not see, beside the data root: other nodes' of a
  // cluster on this machine.
  std::vector<std::string> hidden;
  bool faults = false;   // takes orders for faults (faults.hpp)
  model::Build build{};  // what it announces; another than its own only in tests of upgrades
};

class Host {
 public:
  // Everything that can be refused is refused here, in one sentence.
  static Result<std::unique_ptr<Host>> open(HostOptions options);
  ~Host();

  Reactor& reactor();
  LogTrace& log();
  const std::vector<std::string>& urls() const;  // where the API answers

  // Runs until an orderly stop has ended.
  void run();
  // Stops in order: stops tasks, hands leadership over. After 15 s, or on the second call, it stops at once.
  void stop();

 private:
  struct Impl;
  explicit Host(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace swarm::real
