#include "sim/check/one_session.hpp"

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/time.hpp"
#include "model/wire.hpp"
#include "node/node.hpp"
#include "ports/transport.hpp"
#include "raft/raft.hpp"
#include "sim/machine.hpp"
#include "sim/machine_index.hpp"

namespace swarm::sim {
namespace {

// A little less than the dispatcher's own patience: a heartbeat period and a half.
constexpr Duration kLives = Duration::millis(700);

MachineIndex original_of(const Machine& at) {
  const auto found = at.shared.clones.find(at.index);
  return found == at.shared.clones.end() ? at.index : found->second;
}

}  // namespace

std::optional<std::string> OneSession::said(const Machine& from, ports::LinkId link, const Machine& to,
                                            const ports::Frame& frame) {
  const auto* message = std::get_if<wire::Message>(&frame);
  if (message == nullptr) return std::nullopt;
  const auto* granted = std::get_if<wire::Session>(message);
  const auto* confirmed = std::get_if<wire::HeartbeatReply>(message);
  if (granted == nullptr && confirmed == nullptr) return std::nullopt;
  const node::Inspection now = from.node->inspect();
  if (now.raft == nullptr) return std::nullopt;
  const Given next{to.index, granted != nullptr ? granted->session : confirmed->session, link,
                   now.raft->term(), from.clock.local()};
  const auto found = given_.find({from.index, original_of(to)});
  const std::optional<Given> before = found == given_.end() ? std::nullopt : std::optional(found->second);
  // Sent again when one of its facts changes, which shows nothing of the node.
  if (granted != nullptr && before && before->session == next.session) return std::nullopt;
  given_.insert_or_assign({from.index, original_of(to)}, next);
  if (!before || before->to == to.index || before->session == next.session) return std::nullopt;
  const bool lives = before->term == next.term && next.confirmed - before->confirmed < kLives &&
                     from.network.has_end(from.index, before->link);
  if (!lives) return std::nullopt;
  return to.options.name + " gets a session, and another daemon of this node was heard " +
         to_string(next.confirmed - before->confirmed) + " before in its own";
}

void OneSession::ended(MachineIndex machine) {
  given_.erase(given_.lower_bound({machine, 0}), given_.lower_bound({machine + 1, 0}));
}

}  // namespace swarm::sim
