#include "node/replica_recovery.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "base/time.hpp"
#include "codec/codec.hpp"
#include "model/feature_level.hpp"
#include "model/node.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "node/apply_entry.hpp"
#include "node/replica_disk.hpp"
#include "ports/disk.hpp"
#include "raft/message.hpp"
#include "raft/promise.hpp"
#include "store/store.hpp"

namespace swarm::node {
namespace {

using ports::Family;

// Applies what the log has behind the store, committed or not: its answer may have been given. Changes of the
// members mean nothing to the new group.
void apply_rest(const ManagerState& state, const model::Build& build, store::Store& store) {
  for (const raft::Entry& entry : state.entries) {
    if (entry.index != store.version() + 1) continue;
    if (entry.type == raft::EntryType::normal)
      apply_entry(store, build, std::string_view(entry.data), entry.index);
    if (store.version() < entry.index) store.skip_to(entry.index);
  }
}

// The other managers become workers: they are no members of the new group, and may be promoted again.
model::Transaction without_others(const store::Store& store, const wire::ManagerPeer& self, WallTime now) {
  model::Transaction transaction;
  transaction.time = now;
  for (const auto& [id, stored] : store.nodes()) {
    if (id == self.node || stored->spec.desired_role != model::NodeRole::manager) continue;
    model::Node node = *stored;
    node.spec.desired_role = node.role = model::NodeRole::worker;
    node.manager.reset();
    transaction.actions.push_back(model::Put{node});
  }
  return transaction;
}

bool is_whole_log(const ManagerState& state) {
  const raft::Index last = state.entries.empty() ? state.snapshot.index : state.entries.back().index;
  return what_the_log_lacks(state).empty() && last >= state.applied;
}

// The history goes on: nothing of it is taken back.
void keep_log(const ManagerState& state, ports::DiskBatch& batch) {
  batch.put(Family::raft_state, "snapshot", codec::encode(state.snapshot));
  for (const raft::Entry& entry : state.entries)
    batch.put(Family::raft_log, log_key(entry.index), codec::encode(entry));
}

// This member is elected by itself, in a term of its own.
raft::HardState elected(const ManagerState& state) {
  raft::Term term = state.hard.term;
  if (!state.entries.empty()) term = std::max(term, state.entries.back().term);
  return {term + kForcedLeap, state.raft_id, 0};
}

// It names the mark that there is, so that a crash before its own mark finds a whole disk.
void promise(const raft::HardState& hard, const raft::Promise& last, const raft::Promise& marked,
             ports::DiskBatch& batch) {
  const raft::Promise next = raft::next_promise(last, marked, hard, hard.commit, hard.term);
  put_hard_state(hard, next, batch);
  batch.mark = mark_of(next);
}

}  // namespace

Result<ports::DiskBatch> group_of_one(ManagerState state, std::string_view mark,
                                      const wire::ManagerPeer& self, const model::Build& build,
                                      WallTime now) {
  if (self.raft_id != state.raft_id)
    return plain_error(
        Code::failed_precondition,
        "this disk has nothing of the swarm: its state was given up for a new member's, which never "
        "took part. Recover another manager");
  store::Store store;
  const bool is_whole = is_whole_log(state);
  if (const auto restored = store.restore(std::move(state.records), state.applied); !restored)
    return restored.error();
  apply_rest(state, build, store);
  raft::HardState hard = elected(state);
  hard.commit = store.version() + 1;
  state.entries.push_back(
      {hard.term, hard.commit, raft::EntryType::normal, codec::encode(without_others(store, self, now))});
  apply_entry(store, build, std::string_view(state.entries.back().data), hard.commit);

  raft::Snapshot begin;
  begin.index = hard.commit;
  begin.term = hard.term;
  begin.conf_state.voters = {self.raft_id};
  for (const auto& [id, peer] : state.members)
    if (id != self.raft_id) state.removed.insert(id);
  ports::DiskBatch batch;
  batch.sync = true;
  put_snapshot(begin, store, {{self.raft_id, self}}, state.removed, batch);
  if (is_whole) keep_log(state, batch);
  batch.put(Family::objects, kAppliedKey, eight(hard.commit));
  const raft::Promise marked = read_mark(mark, state.raft_id);
  promise(hard, marked.writes != 0 ? marked : state.promise, marked, batch);
  return batch;
}

}  // namespace swarm::node
