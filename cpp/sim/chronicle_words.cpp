#include "sim/chronicle_words.hpp"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "model/task.hpp"
#include "model/wire.hpp"
#include "ports/transport.hpp"
#include "raft/message.hpp"

namespace swarm::sim {
namespace {

// Raft's types first, by their number; then wire::Message's, by theirs.
constexpr std::size_t kRaftKinds = static_cast<std::size_t>(raft::MessageType::forget_leader) + 1;

// Long: a table, one row for each kind of message.
std::vector<MessageKind> make_kinds() {
  std::vector<MessageKind> kinds{
      {"hup", "election"},
      {"beat", "heartbeat"},
      {"propose", "log"},
      {"append", "log"},
      {"append reply", "log"},
      {"vote", "election"},
      {"vote reply", "election"},
      {"snapshot", "log"},
      {"raft heartbeat", "heartbeat"},
      {"raft heartbeat reply", "heartbeat"},
      {"unreachable", "log"},
      {"snapshot status", "log"},
      {"check quorum", "election"},
      {"transfer leadership", "election"},
      {"timeout now", "election"},
      {"read index", "heartbeat"},
      {"read index reply", "heartbeat"},
      {"pre-vote", "election"},
      {"pre-vote reply", "election"},
      {"storage append", "log"},
      {"storage append reply", "log"},
      {"storage apply", "log"},
      {"storage apply reply", "log"},
      {"forget leader", "election"},
  };
  const MessageKind wire[] = {
      {"join", "membership"},
      {"join reply", "membership"},
      {"raft join", "membership"},
      {"raft join reply", "membership"},
      {"leave", "membership"},
      {"leave reply", "membership"},
      {"register", "dispatcher"},
      {"session", "dispatcher"},
      {"session refused", "dispatcher"},
      {"heartbeat", "heartbeat"},
      {"heartbeat reply", "heartbeat"},
      {"feed", "dispatcher"},
      {"feed reply", "dispatcher"},
      {"task report", "dispatcher"},
      {"task report reply", "dispatcher"},
      {"log subscribe", "output"},
      {"log unsubscribe", "output"},
      {"log lines", "output"},
      {"request passed on", "api"},
      {"reply", "api"},
      {"reply body", "api"},
      {"request cancelled", "api"},
      {"snapshot piece", "log"},
  };
  kinds.insert(kinds.end(), std::begin(wire), std::end(wire));
  return kinds;
}

MessageFacts of_raft(const raft::Message& message) {
  MessageFacts facts;
  facts.kind = static_cast<std::uint8_t>(message.type);
  facts.refused = message.reject;
  facts.term = message.term;
  facts.index = message.index;
  facts.commit = message.commit;
  facts.count = static_cast<std::uint32_t>(message.entries.size());
  for (const auto& entry : message.entries) facts.bytes += entry.data.size();
  if (message.snapshot) facts.bytes += message.snapshot->data.size();
  return facts;
}

std::string why(const std::optional<Error>& error) { return error ? error->message : std::string(); }

// What is worth to be read of each; nothing of the others.
struct Teller {
  MessageFacts& facts;

  template <class T>
  void operator()(const T&) const {}
  void operator()(const wire::JoinReply& it) const { facts.text = why(it.error); }
  void operator()(const wire::RaftJoinReply& it) const { facts.text = why(it.error); }
  void operator()(const wire::LeaveReply& it) const { facts.text = why(it.error); }
  void operator()(const wire::SessionRefused& it) const {
    facts.text = it.reason;
    facts.refused = true;
  }
  void operator()(const wire::FeedUpdate& it) const {
    facts.count = static_cast<std::uint32_t>(it.items.size() + it.removed.size());
    facts.index = it.store_version;
    for (const auto& item : it.items)
      if (const auto* task = std::get_if<model::Task>(&item))
        tell(model::task_name(*task) + " " + to_string(task->desired_state));
  }
  void operator()(const wire::FeedAck& it) const {
    facts.refused = it.refused != 0;
    for (const auto& problem : it.problems) tell(problem);
  }
  void operator()(const wire::TaskReport& it) const {
    facts.count = static_cast<std::uint32_t>(it.statuses.size());
    for (const auto& [task, status] : it.statuses)
      tell(task.str() + " " + to_string(status.state) + (status.err.empty() ? "" : ": " + status.err));
  }
  void operator()(const wire::LogChunk& it) const {
    facts.count = static_cast<std::uint32_t>(it.lines.size());
  }
  void operator()(const wire::ApiForward& it) const {
    facts.text = it.method + " " + it.target;
    facts.bytes = it.body.size();
  }
  void operator()(const wire::ApiReplyHead& it) const { facts.text = "status " + std::to_string(it.status); }
  void operator()(const wire::ApiReplyBody& it) const { facts.bytes = it.bytes.size(); }
  void operator()(const wire::SnapshotChunk& it) const {
    facts.index = it.snapshot_index;
    facts.bytes = it.data.size() + it.message.size();
  }
  void operator()(const wire::SnapshotAck& it) const { facts.index = it.snapshot_index; }

  void tell(const std::string& what) const {
    constexpr std::size_t kMost = 160;
    if (facts.text.size() > kMost) return;
    facts.text += (facts.text.empty() ? "" : ", ") + what;
    if (facts.text.size() > kMost) facts.text += ", ...";
  }
};

}  // namespace

const std::vector<MessageKind>& message_kinds() {
  static const std::vector<MessageKind> kinds = make_kinds();
  return kinds;
}

MessageFacts describe(const ports::Frame& frame) {
  if (const auto* raft = std::get_if<raft::Message>(&frame)) return of_raft(*raft);
  const auto& message = std::get<wire::Message>(frame);
  MessageFacts facts;
  facts.kind = static_cast<std::uint8_t>(kRaftKinds + message.index());
  std::visit(Teller{facts}, message);
  return facts;
}

}  // namespace swarm::sim
