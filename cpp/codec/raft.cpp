// Raft's messages and what a manager keeps of its log.
//
// Local messages (ticks, storage threads) never travel: decoding refuses them, so that no peer can pass
// itself off as this node's own disk. Appended entries must follow one another, as the core relies on it.
#include "codec/codec.hpp"
#include "codec/convert.hpp"
#include "raft.pb.h"

namespace swarm::codec {
namespace {

namespace pb = swarmpy::raft;

template <class Repeated>
std::vector<raft::PeerId> peers(const Repeated& in) {
  return {in.begin(), in.end()};
}

void put(const raft::Entry& from, pb::Entry* to) {
  to->set_term(from.term);
  to->set_index(from.index);
  to->set_type(static_cast<std::uint32_t>(from.type));
  to->set_data(from.data);
}
void get(const pb::Entry& from, raft::Entry& to, Reading& reading) {
  to.term = from.term();
  to.index = from.index();
  to.type = reading.enumerated(from.type(), raft::EntryType::conf_change_v2, "entry type");
  to.data = from.data();
}

void put(const raft::ConfState& from, pb::ConfState* to) {
  for (const auto id : from.voters) to->add_voters(id);
  for (const auto id : from.learners) to->add_learners(id);
  for (const auto id : from.voters_outgoing) to->add_voters_outgoing(id);
  for (const auto id : from.learners_next) to->add_learners_next(id);
  to->set_auto_leave(from.auto_leave);
}
void get(const pb::ConfState& from, raft::ConfState& to, Reading&) {
  to = {peers(from.voters()), peers(from.learners()), peers(from.voters_outgoing()),
        peers(from.learners_next()), from.auto_leave()};
}

void put(const raft::Snapshot& from, pb::Snapshot* to) {
  to->set_index(from.index);
  to->set_term(from.term);
  put(from.conf_state, to->mutable_conf_state());
  to->set_data(from.data);
}
void get(const pb::Snapshot& from, raft::Snapshot& to, Reading& reading) {
  to.index = from.index();
  to.term = from.term();
  get(from.conf_state(), to.conf_state, reading);
  to.data = from.data();
}

void put(const raft::HardState& from, pb::HardState* to) {
  to->set_term(from.term);
  to->set_vote(from.vote);
  to->set_commit(from.commit);
}
void get(const pb::HardState& from, raft::HardState& to, Reading&) {
  to = {from.term(), from.vote(), from.commit()};
}

void put(const raft::Message& from, pb::Message* to) {
  to->set_type(static_cast<std::uint32_t>(from.type));
  to->set_to(from.to);
  to->set_from(from.from);
  to->set_term(from.term);
  to->set_log_term(from.log_term);
  to->set_index(from.index);
  for (const auto& entry : from.entries) put(entry, to->add_entries());
  to->set_commit(from.commit);
  to->set_vote(from.vote);
  if (from.snapshot) put(*from.snapshot, to->mutable_snapshot());
  to->set_reject(from.reject);
  to->set_reject_hint(from.reject_hint);
  to->set_context(from.context);
}

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
    default:
      return true;
  }
}

void check(const raft::Message& message, Reading& reading) {
  if (!travels(message.type)) reading.fail("a message that is local to its node");
  if (message.from >= raft::kApplyThread) reading.fail("a sender that is no peer");
  const bool needs_entries =
      message.type == raft::MessageType::prop || message.type == raft::MessageType::read_index;
  if (needs_entries && message.entries.empty()) reading.fail("a request without an entry");
  if (message.type != raft::MessageType::app) return;
  for (std::size_t i = 0; i < message.entries.size(); ++i)
    if (message.entries[i].index != message.index + 1 + i)
      reading.fail("entries that do not follow one another");
}

void get(const pb::Message& from, raft::Message& to, Reading& reading) {
  to.type = reading.enumerated(from.type(), raft::MessageType::forget_leader, "message type");
  to.to = from.to();
  to.from = from.from();
  to.term = from.term();
  to.log_term = from.log_term();
  to.index = from.index();
  to.entries.reserve(static_cast<std::size_t>(from.entries_size()));
  for (const auto& entry : from.entries()) get(entry, to.entries.emplace_back(), reading);
  to.commit = from.commit();
  to.vote = from.vote();
  if (from.has_snapshot()) {
    to.snapshot = std::make_shared<raft::Snapshot>();
    get(from.snapshot(), *to.snapshot, reading);
  }
  to.reject = from.reject();
  to.reject_hint = from.reject_hint();
  to.context = from.context();
  check(to, reading);
}

template <class Message, class T>
std::string encode_as(const T& value) {
  Message message;
  put(value, &message);
  return serialized(message);
}

template <class Message, class T>
Result<T> read_as(std::string_view bytes, const char* kind) {
  return decode_as<Message, T>(
      bytes, kind, [](const Message& message, T& value, Reading& reading) { get(message, value, reading); });
}

}  // namespace

std::string encode(const raft::Message& message) { return encode_as<pb::Message>(message); }
std::string encode(const raft::Entry& entry) { return encode_as<pb::Entry>(entry); }
std::string encode(const raft::HardState& state) { return encode_as<pb::HardState>(state); }
std::string encode(const raft::ConfState& state) { return encode_as<pb::ConfState>(state); }
std::string encode(const raft::Snapshot& snapshot) { return encode_as<pb::Snapshot>(snapshot); }

Result<raft::Message> decode_raft_message(std::string_view bytes) {
  return read_as<pb::Message, raft::Message>(bytes, "raft message");
}
Result<raft::Entry> decode_entry(std::string_view bytes) {
  return read_as<pb::Entry, raft::Entry>(bytes, "entry");
}
Result<raft::HardState> decode_hard_state(std::string_view bytes) {
  return read_as<pb::HardState, raft::HardState>(bytes, "hard state");
}
Result<raft::ConfState> decode_conf_state(std::string_view bytes) {
  return read_as<pb::ConfState, raft::ConfState>(bytes, "membership");
}
Result<raft::Snapshot> decode_snapshot(std::string_view bytes) {
  return read_as<pb::Snapshot, raft::Snapshot>(bytes, "snapshot");
}

}  // namespace swarm::codec
