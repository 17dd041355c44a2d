#include "sim/check/checker.hpp"

#include <cstddef>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/time.hpp"
#include "node/node.hpp"
#include "node/replica_disk.hpp"
#include "ports/disk.hpp"
#include "raft/message.hpp"
#include "sim/check/raft_checks.hpp"
#include "sim/machine_index.hpp"
#include "sim/sim_disk.hpp"
#include "store/store.hpp"

namespace swarm::sim {
namespace {

constexpr std::size_t kTail = 30;
constexpr std::size_t kHashes =
    4'096;  // of the last entries; a manager that is further behind gets a snapshot

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

void Checker::after_turn(MachineIndex machine, const std::string& name, const node::Node& node,
                         const SimDisk& disk) {
  const node::Inspection now = node.inspect();
  if (now.raft == nullptr || now.cluster.empty()) {
    seen_.erase(machine);
    return;
  }
  Swarm& swarm = swarms_[now.cluster];
  ManagerSeen& seen = seen_[machine];
  if (seen.id == raft::kNone) {
    seen.id = now.raft->status().id;
    if (!swarm.replica.begun() && now.store->version() > 0) begin(swarm, *now.store);
  }
  if (const auto broken = swarm.raft.check(*now.raft, *now.log, seen)) fail(name, *broken);
  if (const auto broken = log_on_disk(now, disk)) fail(name, *broken);
  follow_log(swarm, seen, now, name);
  if (is_altered(machine, seen.id)) return;
  compare_hash(swarm, seen, now, name);
  compare_store(swarm, seen, now, name);
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
  if (first_ == nullptr) first_ = &swarm;
  if (listener_ && &swarm == first_) listener_(swarm.replica, nullptr);
}

void Checker::follow_log(Swarm& swarm, ManagerSeen& seen, const node::Inspection& now,
                         const std::string& name) {
  const raft::Index until = now.raft->commit();
  if (until <= seen.checked) return;
  // As Raft has them: the mirror of the disk may still hold what they replaced, or be shortened already.
  const auto entries = now.raft->committed_entries(seen.checked + 1);
  if (!entries.empty() && !swarm.raft.empty() && entries.front().index > swarm.raft.last() + 1) {
    swarm.raft.skip();
    begin(swarm, *now.store);
    seen.checked = now.store->version();
    return;
  }
  seen.checked = until;
  for (const raft::Entry& entry : entries) {
    const bool known = !swarm.raft.empty() && swarm.raft.knows(entry.index);
    if (const auto broken = swarm.raft.check(entry, now.raft->term())) fail(name, *broken);
    if (known || !swarm.replica.begun()) continue;
    const auto broken = swarm.replica.apply(entry, shared_.build);
    if (listener_ && &swarm == first_) listener_(swarm.replica, swarm.replica.changes_at(entry.index));
    if (shared_.recorder.keeps_lines())
      for (const auto& remark : swarm.replica.remarks())
        shared_.recorder.remark(shared_.now, name, "task", remark);
    if (broken) fail(name, *broken);
  }
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

void Checker::check_all(MachineIndex machine, const std::string& name, const node::Node& node,
                        SimDisk& disk) {
  after_turn(machine, name, node, disk);
  const node::Inspection now = node.inspect();
  if (const auto broken = differs_on_disk(now, disk)) fail(name, *broken);
  if (now.store == nullptr || now.cluster.empty() || shared_.altered.contains(machine)) return;
  const auto swarm = swarms_.find(now.cluster);
  if (swarm == swarms_.end() || !swarm->second.replica.begun()) return;
  if (const auto broken = swarm->second.replica.differs(*now.store)) fail(name, *broken);
}

}  // namespace swarm::sim
