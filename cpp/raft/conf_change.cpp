#include "raft/conf_change.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "raft/message.hpp"
#include "raft/quorum.hpp"

namespace swarm::raft {
namespace {

Error refuse(const char* why) { return plain_error(Code::failed_precondition, why); }

// One byte of transition, then per change: type, node, length and bytes of the context.
std::string encode_changes(const ConfChangeV2& change) {
  std::string data(1, static_cast<char>(change.transition));
  for (const ConfChangeSingle& single : change.changes) {
    data += static_cast<char>(single.type);
    put_u64(data, single.node);
    put_u32(data, static_cast<std::uint32_t>(single.context.size()));
    data += single.context;
  }
  return data;
}

constexpr std::size_t kHead = 1 + 8 + 4;

ConfChangeV2 unreadable(bool v1) {
  ConfChangeV2 change;
  change.v1 = v1;
  change.changes.push_back({ConfChangeType::update_node, kNone, {}});
  return change;
}

}  // namespace

Entry encode_conf_change(const ConfChangeV2& change) {
  Entry entry;
  entry.type = change.v1 ? EntryType::conf_change : EntryType::conf_change_v2;
  if (!change.leaves_joint()) entry.data = encode_changes(change);
  return entry;
}

std::optional<ConfChangeV2> read_conf_change(const Entry& entry) {
  ConfChangeV2 change;
  change.v1 = entry.type == EntryType::conf_change;
  if (entry.data.empty()) return change;
  change.transition = static_cast<Transition>(entry.data.str()[0]);
  if (change.transition > Transition::joint_explicit) return std::nullopt;
  std::string_view rest = std::string_view(entry.data).substr(1);
  while (!rest.empty()) {
    if (rest.size() < kHead) return std::nullopt;
    const auto type = static_cast<ConfChangeType>(rest[0]);
    const std::size_t length = get_u32(rest, 9);
    if (type > ConfChangeType::add_learner_node || rest.size() - kHead < length) return std::nullopt;
    change.changes.push_back({type, get_u64(rest, 1), std::string(rest.substr(kHead, length))});
    rest.remove_prefix(kHead + length);
  }
  return change;
}

ConfChangeV2 decode_conf_change(const Entry& entry) {
  auto change = read_conf_change(entry);
  return change ? std::move(*change) : unreadable(entry.type == EntryType::conf_change);
}

Result<Changed> Changer::enter_joint(bool auto_leave, const std::vector<ConfChangeSingle>& changes) const {
  Changed changed{tracker_.config, tracker_.progress};
  JointConfig& voters = changed.config.voters;
  if (voters.is_joint()) return refuse("config is already joint");
  if (voters.incoming.voters.empty()) return refuse("can't make a zero-voter config joint");
  voters.outgoing = voters.incoming;
  if (const auto applied = apply(changed, changes); !applied) return applied.error();
  changed.config.auto_leave = auto_leave;
  return changed;
}

Result<Changed> Changer::leave_joint() const {
  Changed changed{tracker_.config, tracker_.progress};
  TrackerConfig& config = changed.config;
  if (!config.voters.is_joint()) return refuse("can't leave a non-joint config");
  for (const PeerId id : config.learners_next) {
    config.learners.insert(id);
    changed.progress[id].is_learner = true;
  }
  config.learners_next.clear();
  for (const PeerId id : config.voters.outgoing.voters)
    if (!config.voters.incoming.voters.contains(id) && !config.learners.contains(id))
      changed.progress.erase(id);
  config.voters.outgoing.voters.clear();
  config.auto_leave = false;
  return changed;
}

Result<Changed> Changer::simple(const std::vector<ConfChangeSingle>& changes) const {
  if (tracker_.config.voters.is_joint()) return refuse("can't apply simple config change in joint config");
  Changed changed{tracker_.config, tracker_.progress};
  if (const auto applied = apply(changed, changes); !applied) return applied.error();
  const auto& before = tracker_.config.voters.incoming.voters;
  const auto& after = changed.config.voters.incoming.voters;
  std::vector<PeerId> differing;
  std::set_symmetric_difference(before.begin(), before.end(), after.begin(), after.end(),
                                std::back_inserter(differing));
  if (differing.size() > 1) return refuse("more than one voter changed without entering joint config");
  return changed;
}

Result<void> Changer::apply(Changed& changed, const std::vector<ConfChangeSingle>& changes) const {
  for (const ConfChangeSingle& change : changes) {
    if (change.node == kNone) continue;  // the application decided not to apply it
    switch (change.type) {
      case ConfChangeType::add_node:
        make_voter(changed, change.node);
        break;
      case ConfChangeType::add_learner_node:
        make_learner(changed, change.node);
        break;
      case ConfChangeType::remove_node:
        remove(changed, change.node);
        break;
      case ConfChangeType::update_node:
        break;
    }
  }
  if (changed.config.voters.incoming.voters.empty()) return refuse("removed all voters");
  return {};
}

void Changer::make_voter(Changed& changed, PeerId id) const {
  const auto it = changed.progress.find(id);
  if (it == changed.progress.end()) return start_progress(changed, id, false);
  it->second.is_learner = false;
  changed.config.learners.erase(id);
  changed.config.learners_next.erase(id);
  changed.config.voters.incoming.voters.insert(id);
}

void Changer::make_learner(Changed& changed, PeerId id) const {
  const auto it = changed.progress.find(id);
  if (it == changed.progress.end()) return start_progress(changed, id, true);
  if (it->second.is_learner) return;
  const Progress kept = it->second;
  remove(changed, id);
  changed.progress[id] = kept;
  // A voter of the outgoing half cannot be a learner before the joint configuration is left.
  if (changed.config.voters.outgoing.voters.contains(id)) {
    changed.config.learners_next.insert(id);
  } else {
    changed.progress[id].is_learner = true;
    changed.config.learners.insert(id);
  }
}

void Changer::remove(Changed& changed, PeerId id) const {
  if (!changed.progress.contains(id)) return;
  changed.config.voters.incoming.voters.erase(id);
  changed.config.learners.erase(id);
  changed.config.learners_next.erase(id);
  if (!changed.config.voters.outgoing.voters.contains(id)) changed.progress.erase(id);
}

void Changer::start_progress(Changed& changed, PeerId id, bool is_learner) const {
  (is_learner ? changed.config.learners : changed.config.voters.incoming.voters).insert(id);
  Progress fresh;
  // Probing starts at the end of the log: a new member refuses, and says where its own log ends.
  fresh.next = std::max<Index>(last_index_, 1);
  fresh.is_learner = is_learner;
  // Counts as active, or a check of the quorum right after the change would end the leader's term.
  fresh.recent_active = true;
  fresh.inflights = Inflights(tracker_.max_inflight, tracker_.max_inflight_bytes);
  changed.progress[id] = fresh;
}

Result<Changed> apply_change(const Tracker& tracker, Index last_index, const ConfChangeV2& change) {
  const Changer changer(tracker, last_index);
  if (change.leaves_joint()) return changer.leave_joint();
  if (change.enters_joint()) return changer.enter_joint(change.auto_leave(), change.changes);
  return changer.simple(change.changes);
}

Result<Changed> restore(Tracker tracker, Index last_index, const ConfState& state) {
  const auto single = [](ConfChangeType type, PeerId id) { return ConfChangeSingle{type, id, {}}; };
  std::vector<ConfChangeSingle> outgoing, incoming;
  for (const PeerId id : state.voters_outgoing) {
    outgoing.push_back(single(ConfChangeType::add_node, id));
    incoming.push_back(single(ConfChangeType::remove_node, id));
  }
  for (const PeerId id : state.voters) incoming.push_back(single(ConfChangeType::add_node, id));
  for (const PeerId id : state.learners) incoming.push_back(single(ConfChangeType::add_learner_node, id));
  for (const PeerId id : state.learners_next)
    incoming.push_back(single(ConfChangeType::add_learner_node, id));
  const auto step = [&](const Result<Changed>& changed) -> Result<void> {
    if (!changed) return changed.error();
    tracker.config = changed->config;
    tracker.progress = changed->progress;
    return {};
  };
  for (const auto& change : outgoing.empty() ? incoming : outgoing)
    if (const auto done = step(Changer(tracker, last_index).simple({change})); !done) return done.error();
  if (!outgoing.empty()) {
    const auto done = step(Changer(tracker, last_index).enter_joint(state.auto_leave, incoming));
    if (!done) return done.error();
  }
  return Changed{tracker.config, tracker.progress};
}

}  // namespace swarm::raft
