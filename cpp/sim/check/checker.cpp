#include "sim/check/checker.hpp"

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/id.hpp"
#include "base/time.hpp"
#include "model/node.hpp"
#include "node/node.hpp"
#include "node/replica_disk.hpp"
#include "ports/disk.hpp"
#include "ports/transport.hpp"
#include "raft/conf_change.hpp"
#include "raft/message.hpp"
#include "raft/raft.hpp"
#include "sim/check/raft_checks.hpp"
#include "sim/check/rules.hpp"
#include "sim/check/spoken.hpp"
#include "sim/machine.hpp"
#include "sim/machine_index.hpp"
#include "sim/sim_disk.hpp"
#include "sim/watch.hpp"
#include "store/change_set.hpp"
#include "store/store.hpp"

namespace swarm::sim {
namespace {

constexpr std::size_t kTail = 30;
constexpr std::size_t kHashes =
    4'096;  // of the last entries; a manager that is further behind gets a snapshot
constexpr raft::Index kOldProposals = 10'000;
// Entries that a learner may still lack when its promotion is committed: those that were under way.
constexpr raft::Index kCaughtUp = 64;
constexpr Duration kKnownToBeDead = Duration::seconds(1);

// What a newer leader wrote over must be gone from the disk, too: a restart would bring it back.
std::optional<std::string> log_on_disk(const node::Inspection& now, const SimDisk& disk) {
  const auto key = disk.last_key(ports::Family::raft_log);
  if (now.writes_log || !key || get_u64(*key) == now.log->last_index()) return std::nullopt;
  return "the log on disk ends at " + std::to_string(get_u64(*key)) + ", the node's at " +
         std::to_string(now.log->last_index());
}

// A start would find the members and the removed that the node knows, and as much of the log applied.
std::optional<std::string> differs_on_disk(const node::Inspection& now, SimDisk& disk) {
  if (now.raft == nullptr) return std::nullopt;
  const auto state = node::load_replica(disk);
  if (!state) return state.error().message;
  if (state->members != *now.members) return "the members on disk are not those of the node";
  if (state->removed != *now.removed) return "the removed members on disk are not those of the node";
  if (state->applied == now.store->version()) return std::nullopt;
  return "the disk has applied " + std::to_string(state->applied) + ", the node " +
         std::to_string(now.store->version());
}

}  // namespace

void Checker::fail(const std::string& name, const std::string& sentence) const {
  if (!judges_) return;
  if (shared_.chronicle)
    shared_.chronicle->broken(shared_.now, "the engine's own rules", name + ": " + sentence);
  std::string tail;
  const auto& lines = shared_.recorder.lines();
  for (std::size_t i = lines.size() > kTail ? lines.size() - kTail : 0; i < lines.size(); ++i)
    tail += "\n  " + to_string(lines[i].at - Instant{}) + " " + lines[i].machine + " " + lines[i].kind + " " +
            lines[i].text;
  SWARM_CHECK(false, name + ": " + sentence + " (seed " + std::to_string(shared_.options.seed) + ", at " +
                         to_string(shared_.now - Instant{}) + ")" + shared_.caveat() + tail);
}

void Checker::machine_ended(MachineIndex machine) {
  forget(machine);
  one_session_.ended(machine);
  deaths_[machine] = {shared_.now, Instant::never()};
}

void Checker::forget(MachineIndex machine) {
  seen_.erase(machine);
  leading_.erase(machine);
}

void Checker::said(MachineIndex from, ports::LinkId link, MachineIndex to, const ports::Frame& frame) {
  if (!unkept_.empty()) return;
  if (const auto* message = std::get_if<raft::Message>(&frame)) {
    if (auto broken = unkept(*message, machines_[from]->disk)) unkept_ = std::move(*broken);
  } else if (auto broken = one_session_.said(*machines_[from], link, *machines_[to], frame)) {
    unkept_ = std::move(*broken);
  }
}

void Checker::after_turn(const Machine& at) {
  const std::string& name = at.options.name;
  if (const std::string unkept = std::exchange(unkept_, {}); !unkept.empty()) fail(name, unkept);
  if (const auto death = deaths_.find(at.index); death != deaths_.end())
    death->second.until = std::min(death->second.until, shared_.now);
  const node::Inspection now = at.node->inspect();
  if (now.raft == nullptr || now.cluster.empty()) return forget(at.index);
  // Its messages are those of the member whose name it has; what it knows is that member's past.
  if (at.is_clone()) return now.is_leader ? fail(name, "a copy of a manager's data root leads") : void();
  Swarm& swarm = swarms_[now.cluster];
  ManagerSeen& seen = seen_[at.index];
  if (seen.id == raft::kNone) {
    seen.id = now.raft->status().id;
    swarm.members[seen.id] = at.index;
    if (forgiven_.erase(at.index) != 0) swarm.raft.forget_vote(seen.id);
    if (!swarm.replica.begun() && now.store->version() > 0) begin(swarm, *now.store);
  }
  if (const auto broken = swarm.raft.check(*now.raft, *now.log, seen)) fail(name, *broken);
  if (const auto broken = log_on_disk(now, at.disk)) fail(name, *broken);
  note_proposals(swarm, at, now);
  follow_log(swarm, seen, at, now);
  if (is_altered(at.index, seen.id)) return;
  compare_hash(swarm, seen, now, name);
  compare_store(swarm, seen, now, name);
  for (const Rule& rule : swarm.rules)
    if (rule.turned)
      if (const auto broken = rule.turned({at, now, shared_.now})) fail(rule.name, *broken);
}

// Until it has become another member, with the others' store.
bool Checker::is_altered(MachineIndex machine, raft::PeerId id) {
  const auto found = shared_.altered.find(machine);
  if (found == shared_.altered.end()) return false;
  if (found->second == raft::kNone) found->second = id;
  if (found->second == id) return true;
  shared_.altered.erase(found);
  return false;
}

// Of all managers that have applied the same entries.
void Checker::compare_hash(Swarm& swarm, ManagerSeen& seen, const node::Inspection& now,
                           const std::string& name) {
  const raft::Index version = now.store->version();
  if (version == 0 || version == seen.hashed_version) return;
  seen.hashed_version = version;
  const Uint128 hash = node::state_hash(*now.store);
  const auto first = swarm.hashes.try_emplace(version, FirstHash{hash, name}).first;
  if (first->second.hash != hash)
    fail(name, "the hash of its store at entry " + std::to_string(version) + " is not that of " +
                   first->second.name);
  if (swarm.hashes.size() > kHashes) swarm.hashes.erase(swarm.hashes.begin());
}

void Checker::begin(Swarm& swarm, const store::Store& store) {
  swarm.replica.begin(store);
  swarm.rules = engine_rules();
  swarm.census.begin(swarm.replica.store());
  if (first_ == nullptr) first_ = &swarm;
  if (listener_ && &swarm == first_) listener_(swarm.replica, nullptr);
}

void Checker::note_proposals(Swarm& swarm, const Machine& at, const node::Inspection& now) {
  if (now.raft->role() != raft::Role::leader) {
    leading_.erase(at.index);
    return;
  }
  const raft::Term term = now.raft->term();
  const raft::Index last = now.raft->last_index();
  Leading& leading = leading_[at.index];
  if (leading.term != term) leading = {term, last, shared_.now};
  while (leading.last < last)
    swarm.proposals[{term, ++leading.last}] = {at.index, term, shared_.now, leading.since,
                                               at.clock.is_true()};
}

void Checker::follow_log(Swarm& swarm, ManagerSeen& seen, const Machine& at, const node::Inspection& now) {
  if (now.raft->commit() > seen.checked) follow_commits(swarm, seen, at, now);
  seen.voters = now.group->voters;
}

void Checker::follow_commits(Swarm& swarm, ManagerSeen& seen, const Machine& at,
                             const node::Inspection& now) {
  // As Raft has them: the mirror of the disk may still hold what they replaced, or be shortened already.
  const auto entries = now.raft->committed_entries(seen.checked + 1);
  if (!entries.empty() && !swarm.raft.empty() && entries.front().index > swarm.raft.last() + 1) {
    swarm.raft.skip();
    begin(swarm, *now.store);
    seen.checked = now.store->version();
    return;
  }
  seen.checked = now.raft->commit();
  for (const raft::Entry& entry : entries) {
    const bool known = !swarm.raft.empty() && swarm.raft.knows(entry.index);
    if (const auto broken = swarm.raft.check(entry, now.raft->term())) fail(at.options.name, *broken);
    if (!known) first_commit(swarm, seen, at, entry);
  }
}

void Checker::first_commit(Swarm& swarm, const ManagerSeen& seen, const Machine& at,
                           const raft::Entry& entry) {
  const std::string& name = at.options.name;
  if (const auto broken = held_by_few(swarm, seen, at, entry)) fail(name, *broken);
  if (const auto broken = promoted_early(swarm, seen, entry)) fail(name, *broken);
  if (const auto broken = removed_unsafely(swarm, seen, entry)) fail(name, *broken);
  if (!swarm.replica.begun()) return;
  const auto broken = swarm.replica.apply(entry, shared_.build);
  if (listener_ && &swarm == first_) listener_(swarm.replica, swarm.replica.changes_at(entry.index));
  if (shared_.recorder.keeps_lines())
    for (const auto& remark : swarm.replica.remarks())
      shared_.recorder.remark(shared_.now, name, "task", remark);
  if (broken) fail(name, *broken);
  ask_rules(swarm, at, entry);
}

void Checker::ask_rules(Swarm& swarm, const Machine& at, const raft::Entry& entry) {
  const auto proposed = swarm.proposals.extract({entry.term, entry.index});
  while (!swarm.proposals.empty() && swarm.proposals.begin()->first.second + kOldProposals < entry.index)
    swarm.proposals.erase(swarm.proposals.begin());
  const auto* changes = swarm.replica.changes_at(entry.index);
  if (changes == nullptr) return;
  swarm.census.changed(*changes, swarm.replica.store());
  const Commit commit{*changes, swarm.replica.store(), swarm.census, shared_.now,
                      proposed.empty() ? nullptr : &proposed.mapped()};
  for (const Rule& rule : swarm.rules)
    if (rule.committed)
      if (const auto broken = rule.committed(commit)) fail(rule.name, *broken);
  if (commit.proposal == nullptr) return;
  for (const auto& change : *changes)
    if (const auto* node = std::get_if<store::Change<model::Node>>(&change);
        node != nullptr && !is_cloned(node->latest().id))
      if (const auto broken = heartbeats_.judge(*node, *commit.proposal, machines_))
        fail(at.options.name, *broken);
}

// Of such a node two daemons speak, and one of them is in session.
bool Checker::is_cloned(NodeId node) const {
  return std::ranges::any_of(shared_.clones, [&](const auto& clone) {
    return std::ranges::any_of(std::initializer_list<MachineIndex>{clone.first, clone.second},
                               [&](MachineIndex one) {
                                 return machines_[one]->alive() && machines_[one]->node->inspect().id == node;
                               });
  });
}

// What one of the members calls committed, a majority of them has, and would still have after a power cut
// (CommittedIsDurable in etcd's model).
std::optional<std::string> Checker::held_by_few(const Swarm& swarm, const ManagerSeen& seen,
                                                const Machine& at, const raft::Entry& entry) const {
  if (!shared_.damage.empty() || seen.voters.empty()) return std::nullopt;
  if (at.node->inspect().group->voters != seen.voters) return std::nullopt;  // it changed in this turn
  const std::string* stored = at.disk.value(ports::Family::raft_log, node::log_key(entry.index));
  if (stored == nullptr) return std::nullopt;
  const auto has = std::ranges::count_if(seen.voters, [&](raft::PeerId id) {
    const auto member = swarm.members.find(id);
    return member == swarm.members.end() ||
           surely_has(machines_[member->second]->disk, id, entry.index, *stored);
  });
  if (static_cast<std::size_t>(has) * 2 > seen.voters.size()) return std::nullopt;
  return "entry " + std::to_string(entry.index) + " is called committed, and is on the disks of " +
         std::to_string(has) + " of " + std::to_string(seen.voters.size()) + " voters";
}

// A learner gets its vote when it has caught up: a voter that lags counts in every majority.
std::optional<std::string> Checker::promoted_early(const Swarm& swarm, const ManagerSeen& seen,
                                                   const raft::Entry& entry) const {
  if (entry.type == raft::EntryType::normal || !shared_.damage.empty() || seen.voters.empty())
    return std::nullopt;
  for (const auto& change : raft::decode_conf_change(entry).changes) {
    const auto member = swarm.members.find(change.node);
    if (change.type != raft::ConfChangeType::add_node || member == swarm.members.end()) continue;
    const SimDisk& disk = machines_[member->second]->disk;
    const std::string* self = disk.value(ports::Family::raft_state, "self");
    const auto last = disk.last_key(ports::Family::raft_log);
    if (self == nullptr || get_u64(*self) != change.node) continue;
    const std::string* applied = disk.value(ports::Family::objects, node::kAppliedKey);
    const raft::Index has = std::max(last ? get_u64(*last) : 0, applied == nullptr ? 0 : get_u64(*applied));
    if (has + kCaughtUp < entry.index)
      return machines_[member->second]->options.name + " becomes a voter with entry " +
             std::to_string(entry.index) + ", and has the log up to " + std::to_string(has);
  }
  return std::nullopt;
}

// Of the voters that stay a majority is there when the leader asks for the removal, as far as it can know.
std::optional<std::string> Checker::removed_unsafely(const Swarm& swarm, const ManagerSeen& seen,
                                                     const raft::Entry& entry) const {
  const auto proposal = swarm.proposals.find({entry.term, entry.index});
  if (entry.type == raft::EntryType::normal || proposal == swarm.proposals.end()) return std::nullopt;
  const Instant at = proposal->second.at;
  for (const auto& change : raft::decode_conf_change(entry).changes) {
    if (change.type != raft::ConfChangeType::remove_node) continue;
    std::size_t staying = 0, dead = 0;
    for (const raft::PeerId voter : seen.voters) {
      if (voter == change.node) continue;
      ++staying;
      const auto member = swarm.members.find(voter);
      const auto death = member == swarm.members.end() ? deaths_.end() : deaths_.find(member->second);
      dead += death != deaths_.end() && death->second.at + kKnownToBeDead < at && at < death->second.until;
    }
    if (std::ranges::find(seen.voters, change.node) != seen.voters.end() && (staying - dead) * 2 <= staying)
      return "a voter is taken out of the group, and " + std::to_string(dead) + " of the " +
             std::to_string(staying) + " voters that stay are dead";
  }
  return std::nullopt;
}

void Checker::compare_store(Swarm& swarm, ManagerSeen& seen, const node::Inspection& now,
                            const std::string& name) {
  const raft::Index version = now.store->version();
  if (version < seen.store_version)
    fail(name,
         "the store went back from " + std::to_string(seen.store_version) + " to " + std::to_string(version));
  if (version == seen.store_version || !swarm.replica.begun()) return;
  if (version != swarm.replica.store().version()) return;  // behind, and checked once it is not
  if (const auto broken = swarm.replica.differs_recently(*now.store, seen.store_version)) fail(name, *broken);
  seen.store_version = version;
}

void Checker::check_all(Machine& at) {
  after_turn(at);
  const node::Inspection now = at.node->inspect();
  if (const auto broken = differs_on_disk(now, at.disk)) fail(at.options.name, *broken);
  if (now.store == nullptr || now.cluster.empty() || shared_.altered.contains(at.index)) return;
  const auto swarm = swarms_.find(now.cluster);
  if (swarm == swarms_.end() || !swarm->second.replica.begun()) return;
  if (const auto broken = swarm->second.replica.differs(*now.store)) fail(at.options.name, *broken);
}

}  // namespace swarm::sim
