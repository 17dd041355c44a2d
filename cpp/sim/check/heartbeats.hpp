// Heartbeats: which agent a leader has heard, and when; and from that, whether it was right to mark a node
// DOWN (reliability: no node that heartbeats is marked down, also after a change of leader).
//
// NOT here: whether a dead node is marked DOWN in time (at_rest, sim/overdue).
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "model/node.hpp"
#include "ports/ports.hpp"
#include "sim/machine.hpp"
#include "sim/watch.hpp"

namespace swarm::sim {

class Heartbeats {
 public:
  void heard(MachineIndex to, MachineIndex from, const ports::Frame& frame, Instant at);
  // Returns why the change, which the leader proposed, marks a node DOWN wrongly; nothing if it does not.
  std::optional<std::string> judge(const store::Change<model::Node>& change, const Proposal& proposal,
                                   const Machines& machines) const;
  // Returns why the leader marks the agent DOWN too early by `proposal`; nothing if it does not.
  std::optional<std::string> too_early(MachineIndex agent, const Proposal& proposal) const;

 private:
  using Times = std::map<std::pair<MachineIndex, MachineIndex>, std::deque<Instant>>;
  bool may_be_in_session(MachineIndex agent, const Proposal& proposal) const;

  Times heard_, asked_;  // heartbeats; requests for a session
};

}  // namespace swarm::sim
