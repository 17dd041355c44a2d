// What a replica does with entries that are committed: transactions change its store, membership changes its
// group.
#include "node/replica.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "codec/codec.hpp"
#include "model/bounds.hpp"
#include "model/cluster.hpp"
#include "model/service.hpp"
#include "node/apply_entry.hpp"
#include "node/replica_disk.hpp"
#include "ports/disk.hpp"
#include "raft/conf_change.hpp"
#include "raft/message.hpp"
#include "store/change_set.hpp"
#include "store/store.hpp"

namespace swarm::node {

using ports::Family;

void Replica::apply(const raft::Entry& entry, ports::DiskBatch& batch) {
  applied_term_ = entry.term;
  if (entry.type == raft::EntryType::normal) {
    apply_transaction(entry);
  } else {
    apply_membership(entry, batch);
  }
  if (states_.wants(entry.index)) note_own_state();
  if (leadership_.stage == Leadership::Stage::elected && entry.term == raft_->term()) {
    leadership_.stage = Leadership::Stage::leading;
    leader_changed_ = true;
  }
}

// What this node proposed, or judged when it came, need not be decoded.
EntryResult Replica::apply_one(const raft::Entry& entry) {
  if (auto own = proposed_.take(entry.term, entry.index))
    return apply_entry(*store_, core_.options.build, std::move(*own), entry.index);
  if (auto judged = judged_.take(entry))
    return apply_entry(*store_, core_.options.build, std::move(*judged), entry.index);
  return apply_entry(*store_, core_.options.build, std::string_view(entry.data), entry.index);
}

void Replica::apply_transaction(const raft::Entry& entry) {
  EntryResult result = apply_one(entry);
  if (entry.data.empty()) return;  // a leader's first entry
  store::Applied& applied = result.applied;
  newest_time_ = std::max(newest_time_, applied.changes.time);
  if (result.refused)
    core_.trace("warning.entry", [&] {
      return "entry " + std::to_string(entry.index) + " changes nothing: " + applied.outcome.error;
    });
  for (const auto& change : applied.changes.changes) {
    if (const auto* cluster = std::get_if<store::Change<model::Cluster>>(&change))
      warn_of(cluster->after.get());
    if (const auto* service = std::get_if<store::Change<model::Service>>(&change))
      warn_of(service->after.get());
  }
  applied_entries_.push_back({result.request, std::move(applied.outcome), std::move(applied.changes)});
}

// What was stored before there were bounds, or by a version without them, is used as near as may be, and
// said.
void Replica::warn_of_stored_numbers() {
  warn_of(store_->cluster());
  for (const auto& [id, service] : store_->services()) warn_of(service.get());
}

template <class Object>
void Replica::warn_of(const Object* object) {
  if (object == nullptr) return;
  for (const std::string& sentence : model::kept_in_bounds(*object))
    core_.trace("warning.bounds", [&] { return sentence; });
}

// No leader proposes a change that cannot be applied. One that is in the log all the same changes nothing, on
// every member alike.
void Replica::pass_over(const raft::Entry& entry) {
  core_.trace("warning.entry", [&] {
    return "entry " + std::to_string(entry.index) +
           " changes nothing: the group of managers cannot become that";
  });
  store_->skip_to(entry.index);
}

void Replica::apply_membership(const raft::Entry& entry, ports::DiskBatch& batch) {
  const raft::ConfChangeV2 change = raft::decode_conf_change(entry);
  if (!raft_->can_apply(change)) return pass_over(entry);
  for (const auto& single : change.changes) tell_member(single, entry.index);
  conf_state_ = raft_->apply_conf_change(change);
  for (const auto& single : change.changes) {
    if (single.node == raft::kNone) continue;
    if (single.type == raft::ConfChangeType::remove_node) {
      members_.erase(single.node);
      removed_.insert(single.node);
      batch.erase(Family::raft_state, member_key(single.node));
      batch.put(Family::raft_state, removed_key(single.node), "");
    } else if (auto peer = codec::decode_manager_peer(single.context); peer && peer->raft_id == single.node) {
      members_[single.node] = *peer;
      batch.put(Family::raft_state, member_key(single.node), codec::encode(*peer));
    }
  }
  batch.put(Family::raft_state, "conf", codec::encode(conf_state_));
  store_->skip_to(entry.index);
  members_changed_ = true;
}

}  // namespace swarm::node
