// Checker: what must hold after every event, whatever happened. Looks at the one node that ran, and there
// only at what is new, so that it costs little beside the turn itself.
//
// Of a swarm it keeps a record of all committed entries and a replica of its own, fed from that record.
// Raft's safety is checked against the record (raft_checks) and against what disks would keep (spoken), the
// life of objects change by change in the replica (object_checks, rules). A broken invariant is a SWARM_CHECK
// failure with the seed and the last lines of the trace. NOT here: liveness (sim/chaos asks for convergence)
// and what clients were promised (sim/workload knows).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "node/node.hpp"
#include "sim/census.hpp"
#include "sim/check/heartbeats.hpp"
#include "sim/check/object_checks.hpp"
#include "sim/check/one_session.hpp"
#include "sim/check/raft_checks.hpp"
#include "sim/machine.hpp"
#include "sim/shared.hpp"
#include "sim/watch.hpp"

namespace swarm::sim {

class Checker {
 public:
  Checker(Shared& shared, const Machines& machines) : shared_(shared), machines_(machines) {}

  void after_turn(const Machine& at);
  // Off: the replica is kept as before, and contradictions are not reported.
  void judge(bool on) { judges_ = on; }
  void machine_ended(MachineIndex machine);  // its daemon
  // The machine's disk comes back as an older copy, and no member counts on what it has lost: the term and
  // the vote on it may go back this once.
  void forgive(MachineIndex machine) { forgiven_.insert(machine); }
  // What a machine says to another, while its turn is under way; and what reaches a daemon.
  void said(MachineIndex from, ports::LinkId link, MachineIndex to, const ports::Frame& frame);
  void heard(MachineIndex to, MachineIndex from, const ports::Frame& frame) {
    heartbeats_.heard(to, from, frame, shared_.now);
  }
  // Called with the replica when it begins (`changes` is null), and after each entry that is committed for
  // the first time.
  using Listener = std::function<void(const Replica&, const std::vector<store::AnyChange>* changes)>;
  void tell(Listener listener) { listener_ = std::move(listener); }
  // The slow checks: whole stores against the replica, and what the node would know if it started now.
  void check_all(Machine& at);

 private:
  struct FirstHash {
    Uint128 hash = 0;
    std::string name;  // of the machine that came to that entry first
  };
  struct Swarm {
    RaftRecord raft;
    Replica replica;
    std::map<raft::Index, FirstHash> hashes;  // of stores, by the last entry that they have applied
    std::vector<Rule> rules;
    Census census;
    std::map<raft::PeerId, MachineIndex> members;  // the machine of each, also of past ones
    std::map<std::pair<raft::Term, raft::Index>, Proposal> proposals;  // not committed yet
  };
  struct Leading {
    raft::Term term = 0;
    raft::Index last = 0;
    Instant since;
  };
  struct Death {  // the last one of a machine
    Instant at, until = Instant::never();
  };
  void forget(MachineIndex machine);
  bool is_cloned(NodeId node) const;
  void fail(const std::string& name, const std::string& sentence) const;
  void begin(Swarm& swarm, const store::Store& store);
  bool is_altered(MachineIndex machine, raft::PeerId id);
  void compare_hash(Swarm& swarm, ManagerSeen& seen, const node::Inspection& now, const std::string& name);
  void note_proposals(Swarm& swarm, const Machine& at, const node::Inspection& now);
  void follow_log(Swarm& swarm, ManagerSeen& seen, const Machine& at, const node::Inspection& now);
  void follow_commits(Swarm& swarm, ManagerSeen& seen, const Machine& at, const node::Inspection& now);
  void first_commit(Swarm& swarm, const ManagerSeen& seen, const Machine& at, const raft::Entry& entry);
  void ask_rules(Swarm& swarm, const Machine& at, const raft::Entry& entry);
  std::optional<std::string> held_by_few(const Swarm& swarm, const ManagerSeen& seen, const Machine& at,
                                         const raft::Entry& entry) const;
  std::optional<std::string> promoted_early(const Swarm& swarm, const ManagerSeen& seen,
                                            const raft::Entry& entry) const;
  std::optional<std::string> removed_unsafely(const Swarm& swarm, const ManagerSeen& seen,
                                              const raft::Entry& entry) const;
  void compare_store(Swarm& swarm, ManagerSeen& seen, const node::Inspection& now, const std::string& name);

  Shared& shared_;
  const Machines& machines_;
  bool judges_ = true;
  Listener listener_;
  const Swarm* first_ = nullptr;  // the one that the listener follows; others are of machines outside it
  std::map<ClusterId, Swarm> swarms_;
  std::map<MachineIndex, ManagerSeen> seen_;  // managers only
  std::map<MachineIndex, Leading> leading_;
  std::set<MachineIndex> forgiven_;
  std::map<MachineIndex, Death> deaths_;
  Heartbeats heartbeats_;
  OneSession one_session_;
  std::string unkept_;  // what was said in this turn and is not so: told when the turn is over
};

}  // namespace swarm::sim
