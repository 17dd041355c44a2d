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

constexpr std::size_t kRemembered = 16;
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
  const bool beats = std::holds_alternative<wire::Heartbeat>(*message);
  if (!beats && !std::holds_alternative<wire::Register>(*message)) return;
  auto& times = heard_[{to, from}];
  times.push_back({at, beats});
  if (times.size() > kRemembered) times.pop_front();
}

std::optional<std::string> Heartbeats::judge(const store::Change<model::Node>& change,
                                             const Proposal& proposal, const Machines& machines) const {
  if (!marks_down(change)) return std::nullopt;
  const Machine* agent = machine_of(machines, change.after->id);
  const Machine& leader = *machines[proposal.machine];
  if (agent == nullptr || !leader.clock.is_true() || !agent->clock.is_true()) return std::nullopt;
  const std::string name = agent->options.name + " is marked DOWN by " + leader.options.name;
  Instant last;
  std::size_t lately = 0;
  if (const auto found = heard_.find({leader.index, agent->index}); found != heard_.end())
    for (const auto& [at, beats] : found->second) {
      if (at > proposal.at) continue;
      last = std::max(last, at);
      // One that asks for a session has none yet: the manager may wait for the end of the one before.
      lately += beats && proposal.at - at < kGrace;
    }
  if (last < proposal.leads_since) {
    if (proposal.at - proposal.leads_since >= kNewLeader) return std::nullopt;
    return name + ", which leads for " + to_string(proposal.at - proposal.leads_since);
  }
  // A single one may be of a session that has ended.
  if (proposal.at - last >= kBetween || lately < 2) return std::nullopt;
  return name + ", which heard it " + to_string(proposal.at - last) + " before";
}

}  // namespace swarm::sim
