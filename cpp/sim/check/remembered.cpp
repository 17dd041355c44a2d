#include "sim/check/remembered.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "codec/codec.hpp"
#include "node/node.hpp"
#include "node/replica_disk.hpp"
#include "ports/disk.hpp"
#include "raft/message.hpp"
#include "raft/raft.hpp"
#include "sim/check/spoken.hpp"
#include "sim/machine.hpp"
#include "sim/sim_disk.hpp"

namespace swarm::sim {
namespace {

using ports::Family;

std::optional<node::Inspection> member(const Machine& at) {
  if (!at.alive()) return std::nullopt;
  node::Inspection now = at.node->inspect();
  return now.raft == nullptr ? std::nullopt : std::optional(now);
}

const Machine* machine_of(const Machines& machines, const node::Inspection& group, raft::PeerId id) {
  for (const auto& machine : machines) {
    const auto now = machine->is_clone() ? std::nullopt : member(*machine);
    if (now && now->cluster == group.cluster && now->raft_id == id) return machine.get();
  }
  return nullptr;
}

bool has_term(const SimDisk& disk, raft::Term term) {
  const std::string* stored = disk.durable(Family::raft_state, "hard");
  const auto hard = codec::decode_hard_state(stored == nullptr ? std::string() : *stored);
  return hard && hard->term == term;
}

// A log that is all in a snapshot ends with what is applied.
bool has_log_of(const SimDisk& disk, raft::PeerId id, const SimDisk& other) {
  const auto key = other.last_key(Family::raft_log);
  const std::string* applied = other.value(Family::objects, node::kAppliedKey);
  const raft::Index last = std::max(key ? get_u64(*key) : 0, applied == nullptr ? 0 : get_u64(*applied));
  const std::string* stored = other.value(Family::raft_log, node::log_key(last));
  return surely_has(disk, id, last, stored == nullptr ? std::string() : *stored);
}

// A candidate of this very term could still win it with a vote that is given twice.
bool follows(const node::Inspection& now, const node::Inspection& self) {
  const bool settled = now.raft->role() == raft::Role::leader || now.raft->role() == raft::Role::follower;
  return settled && now.raft->term() == self.raft->term() && now.group->voters == self.group->voters;
}

}  // namespace

bool others_remember(const Machines& machines, const Machine& at) {
  const auto self = member(at);
  if (!self || std::ranges::count(self->group->voters, self->raft_id) != 1) return false;
  if (self->group->voters.size() < 3) return false;  // the others are no majority without it
  bool led = self->raft->role() == raft::Role::leader;
  for (const raft::PeerId voter : self->group->voters) {
    if (voter == self->raft_id) continue;
    const Machine* other = machine_of(machines, *self, voter);
    const auto now = other == nullptr ? std::nullopt : member(*other);
    if (!now || !follows(*now, *self)) return false;
    if (!has_term(other->disk, self->raft->term()) || !has_log_of(other->disk, voter, at.disk)) return false;
    led = led || now->raft->role() == raft::Role::leader;
  }
  return led;
}

}  // namespace swarm::sim
