// Codec: values to bytes and back. Plain headers: protobuf stays behind them.
//
// Decoding is total: whatever the bytes, the answer is a value or an Error ("corrupt task: ..."), never a
// crash. What was absent stays absent. Enums out of range are errors; unknown fields are ignored, so that a
// newer node may speak to an older one. What stands in the log is different: there, what an older node would
// drop or refuse must wait for its level (model/feature_level.hpp). NEVER compare or hash encoded bytes:
// compare values.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "raft/message.hpp"

namespace swarm::codec {

std::string encode(const model::Transaction& transaction);
Result<model::Transaction> decode_transaction(std::string_view bytes);
// Returns true if the bytes have the form of a transaction, be it one of a newer build: with kinds, actions
// or words that this one does not know and decode_transaction() refuses.
bool is_transaction(std::string_view bytes);
// How many actions it has, without reading them; 0 if the bytes have not the form of one.
std::size_t count_actions(std::string_view bytes);

// Objects as they lie on disk and in snapshots. A task goes without its template.
template <class T>
concept AnyKind = model::Kinds::contains<T>;
template <AnyKind T>
std::string encode(const T& object);
// The errors name the kind: "corrupt task: ...".
template <AnyKind T>
Result<T> decode(std::string_view bytes);

// The level in a stored cluster, whatever else a newer build wrote there; 1 where it cannot be read.
model::FeatureLevel feature_level_of_cluster(std::string_view bytes);

// A task as its agent keeps it on disk: with its template.
std::string encode_task_record(const model::Task& task);
Result<model::Task> decode_task_record(std::string_view bytes);

std::string encode(const wire::Message& message);
Result<wire::Message> decode_wire_message(std::string_view bytes);
std::string encode(const wire::Hello& hello);
Result<wire::Hello> decode_hello(std::string_view bytes);
std::string encode(const wire::ManagerPeer& peer);
Result<wire::ManagerPeer> decode_manager_peer(std::string_view bytes);

// Returns true of the messages that go from one member to another; the others are a member's words to itself.
bool travels(raft::MessageType type);
std::string encode(const raft::Message& message);
Result<raft::Message> decode_raft_message(std::string_view bytes);
std::string encode(const raft::Entry& entry);
Result<raft::Entry> decode_entry(std::string_view bytes);
std::string encode(const raft::HardState& state);
// Bytes that may follow those of a HardState: each is read as if the other were not there.
std::string encode(const raft::Promise& promise);
Result<raft::Promise> decode_promise(std::string_view bytes);
Result<raft::HardState> decode_hard_state(std::string_view bytes);
std::string encode(const raft::ConfState& state);
Result<raft::ConfState> decode_conf_state(std::string_view bytes);
std::string encode(const raft::Snapshot& snapshot);
Result<raft::Snapshot> decode_snapshot(std::string_view bytes);

}  // namespace swarm::codec
