#include "sim/check/spoken.hpp"

#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "codec/codec.hpp"
#include "node/replica_disk.hpp"
#include "ports/disk.hpp"
#include "raft/message.hpp"
#include "sim/sim_disk.hpp"

namespace swarm::sim {
namespace {

using ports::Family;
using raft::MessageType;

raft::Index applied_for_sure(const SimDisk& disk) {
  const std::string* applied = disk.durable(Family::objects, node::kAppliedKey);
  return applied == nullptr ? 0 : get_u64(*applied);
}

// What is written over at this moment is not there yet.
bool has_log_entry(const SimDisk& disk, raft::Index index) {
  const std::string key = node::log_key(index);
  const std::string* sure = disk.durable(Family::raft_log, key);
  return sure != nullptr && sure == disk.value(Family::raft_log, key);
}

// A leader of a later term has written over the log since the entry came. The answer may still go out then:
// in its own term the entry was there, and no disk brings it back.
bool is_overtaken(const raft::Message& message, const SimDisk& disk) {
  const auto key = disk.last_key(Family::raft_log);
  if (!key) return false;
  const std::string* last = disk.value(Family::raft_log, *key);
  const auto entry = codec::decode_entry(last == nullptr ? std::string() : *last);
  if (!entry || entry->term <= message.term) return false;
  return disk.durable(Family::raft_log, *key) == last ||
         disk.durable(Family::raft_log, node::log_key(message.index)) != nullptr;
}

// Once it is in a later term it can vote in this one no more, whatever it remembers of it.
std::optional<std::string> unkept_vote(const raft::Message& message, const SimDisk& disk) {
  const std::string* sure = disk.durable(Family::raft_state, "hard");
  const auto hard = codec::decode_hard_state(sure == nullptr ? std::string() : *sure);
  if (hard && (hard->term > message.term || (hard->term == message.term && hard->vote == message.to)))
    return std::nullopt;
  return "it has said its vote of term " + std::to_string(message.term) + " before that is on its disk";
}

std::optional<std::string> unkept_append(const raft::Message& message, const SimDisk& disk) {
  if (message.index == 0 || has_log_entry(disk, message.index) || applied_for_sure(disk) >= message.index ||
      is_overtaken(message, disk))
    return std::nullopt;
  return "it has acknowledged entry " + std::to_string(message.index) + " before that is on its disk";
}

}  // namespace

std::optional<std::string> unkept(const raft::Message& message, const SimDisk& disk) {
  if (message.reject) return std::nullopt;
  if (message.type == MessageType::vote_resp) return unkept_vote(message, disk);
  if (message.type == MessageType::app_resp) return unkept_append(message, disk);
  return std::nullopt;
}

bool surely_has(const SimDisk& disk, raft::PeerId id, raft::Index index, const std::string& stored) {
  const std::string* self = disk.value(Family::raft_state, "self");
  if (self == nullptr || get_u64(*self) != id) return true;
  const std::string* sure = disk.durable(Family::raft_log, node::log_key(index));
  return (sure != nullptr && *sure == stored) || applied_for_sure(disk) >= index;
}

}  // namespace swarm::sim
