// Taking a new configuration into force.
#include "base/check.hpp"
#include "raft/conf_change.hpp"
#include "raft/core.hpp"
#include "raft/message.hpp"
#include "raft/raft.hpp"

namespace swarm::raft {

ConfState Raft::apply_conf_change(const ConfChangeV2& change) {
  const auto changed = apply_change(tracker, log.last_index(), change);
  SWARM_CHECK(changed.ok(), "a committed membership change cannot be applied:",
              changed.ok() ? "" : changed.error().message);
  return switch_to(*changed);
}

ConfState Raft::switch_to(const Changed& changed) {
  tracker.config = changed.config;
  tracker.progress = changed.progress;
  const ConfState state = tracker.conf_state();
  const auto self = tracker.progress.find(config.id);
  is_learner = self != tracker.progress.end() && self->second.is_learner;
  if ((self == tracker.progress.end() || is_learner) && role == Role::leader) {
    if (config.step_down_on_removal) become_follower(term, kNone);
    return state;
  }
  if (role != Role::leader || state.voters.empty()) return state;
  if (maybe_commit()) {
    release_waiting_reads();
    broadcast_append();  // the new configuration needs fewer acknowledgements
  } else {
    for (const auto& [id, progress] : tracker.progress)
      if (id != config.id) maybe_send_append(id, false);
  }
  release_confirmed_reads();
  if (transfer_target != kNone && !tracker.config.voters.ids().contains(transfer_target))
    transfer_target = kNone;
  return state;
}

}  // namespace swarm::raft
