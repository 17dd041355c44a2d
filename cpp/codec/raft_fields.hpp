// The fields of Raft's values (raft/message.hpp), which know nothing of messages and JSON.
#pragma once

#include "model/describe.hpp"
#include "model/words.hpp"
#include "raft/message.hpp"

namespace swarm::model {

template <>
struct Words<raft::EntryType> {
  static constexpr const char* kName = "entry type";
  static constexpr auto kLast = raft::EntryType::conf_change_v2;
};
template <>
struct Words<raft::MessageType> {
  static constexpr const char* kName = "message type";
  static constexpr auto kLast = raft::MessageType::forget_leader;
};

SWARM_FIELDS(raft::Entry, term, index, type, data)
SWARM_FIELDS(raft::ConfState, voters, learners, voters_outgoing, learners_next, auto_leave)
SWARM_FIELDS(raft::Snapshot, index, term, conf_state, data)
SWARM_FIELDS(raft::HardState, term, vote, commit)
SWARM_FIELDS(raft::Promise, writes, chain, before)
SWARM_FIELDS(raft::StateMark, index, hash, level, outvoted)
// Without `responses`, which never leave their node.
SWARM_FIELDS(raft::Message, type, to, from, term, log_term, index, entries, commit, vote, snapshot, reject,
             reject_hint, context, state)

}  // namespace swarm::model
