#include "sim/check/heartbeats.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <variant>

#include "base/id.hpp"
#include "base/time.hpp"
#include "model/defaults.hpp"
#include "model/node.hpp"
#include "model/wire.hpp"
#include "node/node.hpp"
#include "ports/transport.hpp"
#include "sim/machine.hpp"
#include "sim/machine_index.hpp"
#include "sim/watch.hpp"
#include "store/change_set.hpp"

namespace swarm::sim {
namespace {

constexpr std::size_t kRemembered = 16;  // more than an agent sends within the grace
// A little less than what agents are promised: clocks of these machines may run at other rates.
constexpr Duration kBetween = model::kHeartbeatPeriod * 4 / 5;
constexpr Duration kGrace = kBetween * 3, kNewLeader = kBetween * 6;
constexpr const char* kFailure = "heartbeat failure";

const Machine* machine_of(const Machines& machines, NodeId id) {
  for (const auto& machine : machines)
    if (machine->alive() && machine->node->inspect().id == id) return machine.get();
  return nullptr;
}

bool marks_down(const store::Change<model::Node>& change) {
  return change.before && change.after && change.before->status.state != model::NodeState::down &&
         change.after->status.state == model::NodeState::down &&
         change.after->status.message.starts_with(kFailure);
}

}  // namespace

void Heartbeats::heard(MachineIndex to, MachineIndex from, const ports::Frame& frame, Instant at) {
  const auto* message = std::get_if<wire::Message>(&frame);
  if (message == nullptr) return;
  // A node that asks for a session is not heard by that: it may be refused, while the one before goes on.
  const bool asks = std::holds_alternative<wire::Register>(*message);
  if (!asks && !std::holds_alternative<wire::Heartbeat>(*message)) return;
  auto& times = (asks ? asked_ : heard_)[{to, from}];
  times.push_back(at);
  if (times.size() > kRemembered) times.pop_front();
}

std::optional<std::string> Heartbeats::judge(const store::Change<model::Node>& change,
                                             const Proposal& proposal, const Machines& machines) const {
  if (!marks_down(change)) return std::nullopt;
  const Machine* agent = machine_of(machines, change.after->id);
  const Machine& leader = *machines[proposal.machine];
  if (agent == nullptr || !leader.clock.is_true() || !agent->clock.is_true()) return std::nullopt;
  const auto why = too_early(agent->index, proposal);
  if (!why) return std::nullopt;
  return agent->options.name + " is marked DOWN by " + leader.options.name + ", which " + *why;
}

// A session that the present leader gave ends the time in which a new leader waits for the node; when its
// link closes, it is waited for one period more.
bool Heartbeats::may_be_in_session(MachineIndex agent, const Proposal& proposal) const {
  const auto asked = asked_.find({proposal.machine, agent});
  return asked != asked_.end() && std::ranges::any_of(asked->second, [&](Instant at) {
           return at >= proposal.leads_since && proposal.at - at >= kBetween;
         });
}

std::optional<std::string> Heartbeats::too_early(MachineIndex agent, const Proposal& proposal) const {
  Instant last;
  std::size_t lately = 0;
  if (const auto found = heard_.find({proposal.machine, agent}); found != heard_.end())
    for (const Instant at : found->second) {
      if (at > proposal.at) continue;
      last = std::max(last, at);
      lately += proposal.at - at < kGrace;
    }
  if (last < proposal.leads_since) {
    if (proposal.at - proposal.leads_since >= kNewLeader || may_be_in_session(agent, proposal))
      return std::nullopt;
    return "leads for " + to_string(proposal.at - proposal.leads_since);
  }
  // A single one may be of a session that has ended.
  if (proposal.at - last >= kBetween || lately < 2) return std::nullopt;
  return "heard it " + to_string(proposal.at - last) + " before";
}

}  // namespace swarm::sim
