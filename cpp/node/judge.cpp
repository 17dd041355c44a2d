#include "node/judge.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "codec/codec.hpp"
#include "model/cluster.hpp"
#include "model/kind.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "node/replica_disk.hpp"
#include "raft/conf_change.hpp"
#include "raft/message.hpp"
#include "raft/raft.hpp"
#include "raft/tracker.hpp"
#include "store/key.hpp"
#include "store/leader_loop.hpp"
#include "store/store.hpp"

// A check ignores the types of messages that it does not name.
#pragma GCC diagnostic ignored "-Wswitch-enum"

namespace swarm::node {
namespace {

using raft::Message;
using raft::MessageType;
using Verdict = std::optional<Rule>;

constexpr std::uint64_t kMaxKeptBytes = 8ULL * 1024 * 1024;
// Of one entry. An action of four bytes takes over a kilobyte when it is read. A leader's loop plans some
// 4,000 (store::kMaxActions), a request has fewer.
constexpr std::size_t kMaxActionsRead = 4 * store::kMaxActions;

constexpr std::array<const char*, kRules> kSentences{{
    "it is local to its node",
    "its sender is no other member",
    "members propose nothing to one another",
    "its term is out of bounds",
    "its term is too far beyond this member's",
    "an index is out of bounds",
    "its context is too long",
    "a read has one entry",
    "another member leads in this term",
    "its commit index is beyond this member's log, or of another entry",
    "it acknowledges entries that this leader does not have",
    "its entries do not follow one another",
    "the terms of its entries go back, or beyond its own",
    "an entry cannot be read",
    "a change of the members cannot be read",
    "its snapshot is missing, or of no index or term that can be",
    "the members of its snapshot are no group",
    "its snapshot cannot be read",
    "its snapshot is too large",
}};

// Only the leader of a term says these.
bool is_of_leader(MessageType type) {
  return type == MessageType::app || type == MessageType::heartbeat || type == MessageType::snap ||
         type == MessageType::timeout_now || type == MessageType::read_index_resp;
}

bool is_peer(raft::PeerId id) { return id != raft::kNone && id < raft::kApplyThread; }

// ---- of every message

Verdict judge_ends(const Message& message, const Known& known) {
  if (message.type == MessageType::prop) return Rule::proposal;
  if (!codec::travels(message.type) || !message.responses.empty()) return Rule::local;
  if (!is_peer(message.from) || message.from == known.self) return Rule::sender;
  return std::nullopt;
}

// A read belongs to no term; a member that has never heard of a term refuses a pre-vote without one.
bool needs_term(const Message& message) {
  return message.type != MessageType::read_index &&
         !(message.type == MessageType::pre_vote_resp && message.reject);
}

Verdict judge_numbers(const Message& message, const Known& known) {
  if (message.term >= raft::kTermBound || message.log_term >= raft::kTermBound) return Rule::term;
  if (message.term == 0 && needs_term(message)) return Rule::term;
  if (known.term != 0 && message.term > known.term + kMaxTermLeap) return Rule::leap;
  for (const raft::Index index : {message.index, message.commit, message.reject_hint})
    if (index >= raft::kIndexBound) return Rule::index;
  if (message.context.size() > kMaxContext) return Rule::context;
  return std::nullopt;
}

// Raft's election safety (section 5.2): a term has one leader.
Verdict judge_leader(const Message& message, const Known& known) {
  const bool of_my_term = message.term == known.term && known.leader != raft::kNone;
  if (of_my_term && is_of_leader(message.type) && message.from != known.leader) return Rule::leader;
  return std::nullopt;
}

// ---- of one type

Verdict judge_change(const raft::Entry& entry) {
  const auto change = raft::read_conf_change(entry);
  if (!change || change->changes.size() > kMaxMembers) return Rule::change;
  for (const auto& single : change->changes)
    if (single.node >= raft::kApplyThread) return Rule::change;
  return std::nullopt;
}

Verdict judge_append(const Message& message) {
  raft::Index index = message.index;
  raft::Term term = message.log_term;
  for (const raft::Entry& entry : message.entries) {
    if (entry.index != ++index) return Rule::order;
    if (entry.term == 0 || entry.term < term || entry.term > message.term) return Rule::entry_term;
    term = entry.term;
    if (entry.type == raft::EntryType::normal) continue;
    if (entry.type > raft::EntryType::conf_change_v2) return Rule::entry;
    if (const Verdict broken = judge_change(entry)) return broken;
  }
  return std::nullopt;
}

// A leader tells a follower of no commit index beyond what that follower has acknowledged, in entries that
// are the leader's own. A build that is older names no term.
Verdict judge_heartbeat(const Message& message, const Known& known) {
  if (message.term < known.term) return std::nullopt;
  const bool both_known = message.log_term != 0 && known.commit_term != 0;
  const bool differs = both_known && message.log_term != known.commit_term;
  return differs || message.commit > known.last_index ? Verdict(Rule::commit) : std::nullopt;
}

// A follower has nothing of this term but what the leader sent.
Verdict judge_acknowledgement(const Message& message, const Known& known) {
  const bool counts = !message.reject && message.term == known.term && known.leader == known.self;
  return counts && message.index > known.last_index ? Verdict(Rule::acknowledged) : std::nullopt;
}

Verdict judge_read(const Message& message) {
  if (message.entries.size() != 1) return Rule::read;
  return message.entries.front().data.size() > kMaxContext ? Verdict(Rule::context) : std::nullopt;
}

std::vector<raft::PeerId> sorted(std::vector<raft::PeerId> ids) {
  std::sort(ids.begin(), ids.end());
  return ids;
}

// Built up from nothing it must be itself again: with voters, none twice, none in two roles at once.
bool is_group(const raft::ConfState& state) {
  raft::ConfState expected = state;
  std::size_t members = 0;
  for (auto* ids :
       {&expected.voters, &expected.learners, &expected.voters_outgoing, &expected.learners_next}) {
    members += ids->size();
    *ids = sorted(std::move(*ids));
    if (!ids->empty() && !(is_peer(ids->front()) && is_peer(ids->back()))) return false;
  }
  if (members > kMaxMembers || state.voters.empty()) return false;
  const auto restored = raft::restore(raft::Tracker{}, 1, state);
  if (!restored) return false;
  raft::Tracker tracker;
  tracker.config = restored->config;
  return tracker.conf_state() == expected;
}

Verdict judge_snapshot(const Message& message) {
  if (!message.snapshot) return Rule::snapshot_place;
  const raft::Snapshot& snapshot = *message.snapshot;
  if (snapshot.index == 0 || snapshot.index >= raft::kIndexBound) return Rule::snapshot_place;
  if (snapshot.term == 0 || snapshot.term > message.term) return Rule::snapshot_place;
  return is_group(snapshot.conf_state) ? std::nullopt : Verdict(Rule::group);
}

Verdict judge_type(const Message& message, const Known& known) {
  switch (message.type) {
    case MessageType::app:
      return judge_append(message);
    case MessageType::heartbeat:
      return judge_heartbeat(message, known);
    case MessageType::snap:
      return judge_snapshot(message);
    case MessageType::app_resp:
      return judge_acknowledgement(message, known);
    case MessageType::read_index:
    case MessageType::read_index_resp:
      return judge_read(message);
    default:
      return std::nullopt;
  }
}

store::Key key_of_record(const store::Store::Record& record) {
  return std::visit([]<class T>(const T& one) { return store::key_of<T>(store::id_of(one)); }, record);
}

store::Key template_of(const model::Task& task) {
  return store::key_of<model::TaskTemplateRecord>({task.service_id, task.spec_version});
}

}  // namespace

const char* sentence(Rule rule) { return kSentences[static_cast<std::size_t>(rule)]; }

Known known_of(const raft::RawNode& raft, raft::PeerId self, const raft::Message& message) {
  return {self, raft.term(), raft.leader(), raft.last_index(), raft.term_at(message.commit)};
}

void name_commit(const raft::RawNode& raft, raft::Message& heartbeat) {
  heartbeat.log_term = raft.term_at(heartbeat.commit);
  if (heartbeat.log_term == 0) heartbeat.commit = 0;
}

std::optional<Rule> judge(const raft::Message& message, const Known& known) {
  for (const auto check : {judge_ends, judge_numbers, judge_leader, judge_type})
    if (const Verdict broken = check(message, known)) return broken;
  return std::nullopt;
}

// ---- what entries and snapshots say

bool is_whole(const UnpackedSnapshot& snapshot) {
  std::map<model::Kind, store::Key> last;  // of each kind
  std::set<store::Key> templates;
  std::size_t clusters = 0;
  for (const auto& [record, encoding] : snapshot.records) {
    store::Key key = key_of_record(record);
    if (key.kind == model::Cluster::kKind) ++clusters;
    if (key.kind == model::TaskTemplateRecord::kKind) templates.insert(key);
    const auto [before, is_first] = last.try_emplace(key.kind, key);
    if (!is_first && key <= before->second) return false;
    before->second = std::move(key);
  }
  return clusters == 1 && std::all_of(snapshot.records.begin(), snapshot.records.end(), [&](const auto& one) {
           const auto* task = std::get_if<model::Task>(&one.record);
           return task == nullptr || templates.contains(template_of(*task));
         });
}

bool JudgedEntries::read(const raft::Entry& entry) {
  if (entry.data.empty()) return true;
  const auto found = kept_.find(entry.index);
  if (found != kept_.end() && found->second.entry == entry) return true;
  if (codec::count_actions(entry.data) > kMaxActionsRead) return false;
  auto transaction = codec::decode_transaction(entry.data);
  if (!transaction) return codec::is_transaction(entry.data);
  if (found != kept_.end()) forget(found);
  Kept kept{entry, std::move(*transaction)};
  if (size_ + kept.size() > kMaxKeptBytes) return true;
  size_ += kept.size();
  kept_.emplace(entry.index, std::move(kept));
  return true;
}

// Compares the bytes, too: what was judged may have been refused by the core, and another entry is here.
std::optional<model::Transaction> JudgedEntries::take(const raft::Entry& entry) {
  while (!kept_.empty() && kept_.begin()->first < entry.index) forget(kept_.begin());
  const auto found = kept_.find(entry.index);
  if (found == kept_.end()) return std::nullopt;
  auto transaction =
      found->second.entry == entry ? std::optional(std::move(found->second.transaction)) : std::nullopt;
  forget(found);
  return transaction;
}

void JudgedEntries::forget(std::map<raft::Index, Kept>::iterator one) {
  size_ -= one->second.size();
  kept_.erase(one);
}

}  // namespace swarm::node
