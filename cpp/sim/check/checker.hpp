// Checker: what must hold after every event, whatever happened. Looks at the one node that ran, and there
// only at what is new, so that it costs little beside the turn itself.
//
// Of a swarm it keeps a record of all committed entries and a replica of its own, fed from that record.
// Raft's safety is checked against the record (raft_checks), the life of objects change by change in the
// replica (object_checks). A broken invariant is a SWARM_CHECK failure with the seed and the last lines of
// the trace. NOT here: liveness (sim/chaos asks for convergence) and what clients were promised (sim/workload
// knows).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "node/node.hpp"
#include "sim/check/object_checks.hpp"
#include "sim/check/raft_checks.hpp"
#include "sim/shared.hpp"
#include "sim/sim_disk.hpp"

namespace swarm::sim {

class Checker {
 public:
  explicit Checker(Shared& shared) : shared_(shared) {}

  void after_turn(MachineIndex machine, const std::string& name, const node::Node& node, const SimDisk& disk);
  // Off: the replica is kept as before, and contradictions are not reported.
  void judge(bool on) { judges_ = on; }
  void machine_ended(MachineIndex machine) { seen_.erase(machine); }
  // Called with the replica when it begins (`changes` is null), and after each entry that is committed for
  // the first time.
  using Listener = std::function<void(const Replica&, const std::vector<store::AnyChange>* changes)>;
  void tell(Listener listener) { listener_ = std::move(listener); }
  // The slow checks: whole stores against the replica, and what the node would know if it started now.
  void check_all(MachineIndex machine, const std::string& name, const node::Node& node, SimDisk& disk);

 private:
  struct FirstHash {
    Uint128 hash = 0;
    std::string name;  // of the machine that came to that entry first
  };
  struct Swarm {
    RaftRecord raft;
    Replica replica;
    std::map<raft::Index, FirstHash> hashes;  // of stores, by the last entry that they have applied
  };
  void fail(const std::string& name, const std::string& sentence) const;
  void begin(Swarm& swarm, const store::Store& store);
  void follow_log(Swarm& swarm, ManagerSeen& seen, const node::Inspection& now, const std::string& name);
  bool is_altered(MachineIndex machine, raft::PeerId id);
  void compare_hash(Swarm& swarm, ManagerSeen& seen, const node::Inspection& now, const std::string& name);
  void compare_store(Swarm& swarm, ManagerSeen& seen, const node::Inspection& now, const std::string& name);

  Shared& shared_;
  bool judges_ = true;
  Listener listener_;
  const Swarm* first_ = nullptr;  // the one that the listener follows; others are of machines outside it
  std::map<ClusterId, Swarm> swarms_;
  std::map<MachineIndex, ManagerSeen> seen_;  // managers only
};

}  // namespace swarm::sim
