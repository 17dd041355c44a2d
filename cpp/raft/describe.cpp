#include "raft/describe.hpp"

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "raft/conf_change.hpp"
#include "raft/message.hpp"
#include "raft/raft.hpp"

namespace swarm::raft {
namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

std::string target(PeerId id) {
  if (id == kNone) return "None";
  if (id == kAppendThread) return "AppendThread";
  if (id == kApplyThread) return "ApplyThread";
  char text[24];
  std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(id));
  return text;
}

std::string list(const std::vector<PeerId>& ids) {
  std::string text = "[";
  for (const PeerId id : ids) text += (text.size() > 1 ? " " : "") + number(id);
  return text + "]";
}

std::string describe_entries_of(const Message& message, const std::string& indent) {
  if (message.entries.empty()) return "";
  if (message.entries.size() == 1) return " Entries:[" + describe(message.entries[0]) + "]";
  std::string text = " Entries:[";
  for (const Entry& entry : message.entries) text += "\n" + indent + "  " + describe(entry);
  return text + "\n" + indent + "]";
}

std::string describe(const ReadState& state) {
  std::string text = "{" + number(state.index) + " [";
  for (std::size_t i = 0; i < state.context.size(); ++i)
    text += (i > 0 ? " " : "") + number(static_cast<unsigned char>(state.context[i]));
  return text + "]}";
}

}  // namespace

const char* to_string(MessageType type) {
  static constexpr const char* kNames[] = {"MsgHup",
                                           "MsgBeat",
                                           "MsgProp",
                                           "MsgApp",
                                           "MsgAppResp",
                                           "MsgVote",
                                           "MsgVoteResp",
                                           "MsgSnap",
                                           "MsgHeartbeat",
                                           "MsgHeartbeatResp",
                                           "MsgUnreachable",
                                           "MsgSnapStatus",
                                           "MsgCheckQuorum",
                                           "MsgTransferLeader",
                                           "MsgTimeoutNow",
                                           "MsgReadIndex",
                                           "MsgReadIndexResp",
                                           "MsgPreVote",
                                           "MsgPreVoteResp",
                                           "MsgStorageAppend",
                                           "MsgStorageAppendResp",
                                           "MsgStorageApply",
                                           "MsgStorageApplyResp",
                                           "MsgForgetLeader"};
  return kNames[static_cast<std::size_t>(type)];
}

const char* to_string(EntryType type) {
  static constexpr const char* kNames[] = {"EntryNormal", "EntryConfChange", "EntryConfChangeV2"};
  return kNames[static_cast<std::size_t>(type)];
}

std::string quote(std::string_view bytes) {
  std::string text = "\"";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text += '\\';
      text += c;
    } else if (c == '\n') {
      text += "\\n";
    } else if (c == '\t') {
      text += "\\t";
    } else if (c == '\r') {
      text += "\\r";
    } else if (byte < 0x20 || byte >= 0x7f) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\x%02x", byte);
      text += escape;
    } else {
      text += c;
    }
  }
  return text + "\"";
}

std::string describe(const std::vector<ConfChangeSingle>& changes) {
  std::string text;
  for (const ConfChangeSingle& change : changes) {
    if (!text.empty()) text += ' ';
    text += "vrul"[static_cast<std::size_t>(change.type)];
    text += number(change.node);
  }
  return text;
}

std::string describe(const Entry& entry) {
  std::string payload;
  if (entry.type == EntryType::normal) {
    payload = quote(entry.data);
  } else {
    payload = describe(decode_conf_change(entry).changes);
  }
  return number(entry.term) + "/" + number(entry.index) + " " + to_string(entry.type) +
         (payload.empty() ? "" : " " + payload);
}

std::string describe(const std::vector<Entry>& entries) {
  std::string text;
  for (const Entry& entry : entries) text += describe(entry) + "\n";
  return text;
}

std::string describe(const ConfState& state) {
  return "Voters:" + list(state.voters) + " VotersOutgoing:" + list(state.voters_outgoing) +
         " Learners:" + list(state.learners) + " LearnersNext:" + list(state.learners_next) +
         " AutoLeave:" + (state.auto_leave ? "true" : "false");
}

std::string describe(const Snapshot& snapshot) {
  return "Index:" + number(snapshot.index) + " Term:" + number(snapshot.term) +
         " ConfState:" + describe(snapshot.conf_state);
}

std::string describe(const HardState& state) {
  return "Term:" + number(state.term) + (state.vote != kNone ? " Vote:" + number(state.vote) : "") +
         " Commit:" + number(state.commit);
}

std::string describe(const Message& message, const std::string& indent) {
  std::string text = indent + target(message.from) + "->" + target(message.to) + " " +
                     to_string(message.type) + " Term:" + number(message.term) +
                     " Log:" + number(message.log_term) + "/" + number(message.index);
  if (message.reject) text += " Rejected (Hint: " + number(message.reject_hint) + ")";
  if (message.commit != 0) text += " Commit:" + number(message.commit);
  if (message.vote != kNone) text += " Vote:" + number(message.vote);
  text += describe_entries_of(message, indent);
  if (message.snapshot && !message.snapshot->empty())
    text += "\n" + indent + "  Snapshot: " + describe(*message.snapshot);
  if (message.responses.empty()) return text;
  text += " Responses:[";
  for (const Message& response : message.responses) text += "\n" + describe(response, indent + "  ");
  return text + "\n" + indent + "]";
}

std::string describe(const Ready& ready) {
  std::string text;
  if (ready.soft_state)
    text += "Lead:" + number(ready.soft_state->leader) + " State:" + to_string(ready.soft_state->role) + "\n";
  if (ready.hard_state) text += "HardState " + describe(*ready.hard_state) + "\n";
  if (!ready.read_states.empty()) {
    text += "ReadStates [";
    for (std::size_t i = 0; i < ready.read_states.size(); ++i)
      text += (i > 0 ? " " : "") + describe(ready.read_states[i]);
    text += "]\n";
  }
  if (!ready.entries.empty()) text += "Entries:\n" + describe(ready.entries);
  if (ready.snapshot) text += "Snapshot " + describe(*ready.snapshot) + "\n";
  if (!ready.committed_entries.empty()) text += "CommittedEntries:\n" + describe(ready.committed_entries);
  if (!ready.messages.empty() || !ready.messages_after_append.empty()) {
    text += "Messages:\n";
    for (const Message& message : ready.messages) text += describe(message) + "\n";
    for (const Message& message : ready.messages_after_append) text += describe(message) + "\n";
  }
  if (text.empty()) return "<empty Ready>";
  return std::string("Ready MustSync=") + (ready.must_sync ? "true" : "false") + ":\n" + text;
}

}  // namespace swarm::raft
