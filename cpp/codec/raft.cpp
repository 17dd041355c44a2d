// Raft's messages and what a manager keeps of its log.
//
// Local messages (ticks, storage threads) never travel: decoding refuses them, so that no peer can pass
// itself off as this node's own disk. Appended entries must follow one another, as the core relies on it.
#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "codec/codec.hpp"
#include "codec/described.hpp"
#include "codec/raft_fields.hpp"
#include "raft.pb.h"
#include "raft/message.hpp"

namespace swarm::codec {

bool travels(raft::MessageType type) {
  switch (type) {
    case raft::MessageType::hup:
    case raft::MessageType::beat:
    case raft::MessageType::unreachable:
    case raft::MessageType::snap_status:
    case raft::MessageType::check_quorum:
    case raft::MessageType::storage_append:
    case raft::MessageType::storage_append_resp:
    case raft::MessageType::storage_apply:
    case raft::MessageType::storage_apply_resp:
    case raft::MessageType::forget_leader:
      return false;
    case raft::MessageType::prop:
    case raft::MessageType::app:
    case raft::MessageType::app_resp:
    case raft::MessageType::vote:
    case raft::MessageType::vote_resp:
    case raft::MessageType::snap:
    case raft::MessageType::heartbeat:
    case raft::MessageType::heartbeat_resp:
    case raft::MessageType::transfer_leader:
    case raft::MessageType::timeout_now:
    case raft::MessageType::read_index:
    case raft::MessageType::read_index_resp:
    case raft::MessageType::pre_vote:
    case raft::MessageType::pre_vote_resp:
      return true;
  }
  return false;
}

namespace {

namespace pb = swarmpy::raft;

// Why the core must not see this message; "" if it may.
const char* fault_of(const raft::Message& message) {
  if (!travels(message.type)) return "a message that is local to its node";
  if (message.from >= raft::kApplyThread) return "a sender that is no peer";
  const bool needs_entries =
      message.type == raft::MessageType::prop || message.type == raft::MessageType::read_index;
  if (needs_entries && message.entries.empty()) return "a request without an entry";
  if (message.type != raft::MessageType::app) return "";
  for (std::size_t i = 0; i < message.entries.size(); ++i)
    if (message.entries[i].index != message.index + 1 + i) return "entries that do not follow one another";
  return "";
}

}  // namespace

std::string encode(const raft::Message& message) { return encode_as<pb::Message>(message); }
std::string encode(const raft::Entry& entry) { return encode_as<pb::Entry>(entry); }
std::string encode(const raft::HardState& state) { return encode_as<pb::HardState>(state); }
std::string encode(const raft::Promise& promise) { return encode_as<pb::Promise>(promise); }
std::string encode(const raft::ConfState& state) { return encode_as<pb::ConfState>(state); }
std::string encode(const raft::Snapshot& snapshot) { return encode_as<pb::Snapshot>(snapshot); }

Result<raft::Message> decode_raft_message(std::string_view bytes) {
  auto message = decode_as<pb::Message, raft::Message>(bytes, "raft message");
  if (!message) return message;
  const std::string fault = fault_of(*message);
  if (!fault.empty()) return plain_error(Code::data_loss, "corrupt raft message: " + fault);
  return message;
}
Result<raft::Entry> decode_entry(std::string_view bytes) {
  return decode_as<pb::Entry, raft::Entry>(bytes, "entry");
}
Result<raft::HardState> decode_hard_state(std::string_view bytes) {
  return decode_as<pb::HardState, raft::HardState>(bytes, "hard state");
}
Result<raft::Promise> decode_promise(std::string_view bytes) {
  return decode_as<pb::Promise, raft::Promise>(bytes, "promise");
}
Result<raft::ConfState> decode_conf_state(std::string_view bytes) {
  return decode_as<pb::ConfState, raft::ConfState>(bytes, "membership");
}
Result<raft::Snapshot> decode_snapshot(std::string_view bytes) {
  return decode_as<pb::Snapshot, raft::Snapshot>(bytes, "snapshot");
}

}  // namespace swarm::codec
