// Judge: which messages of other members the Raft core may see. One table of rules in front of
// RawNode::step.
//
// Raft assumes that members fail by stopping (Ongaro and Ousterhout 2014, section 2). A member with a bug, or
// a program that speaks on a member's link, sends what no honest member can mean, and the core would end at a
// check of its own. Each rule says what every honest message is, by what the message and this member
// alone prove: a message that breaks one is dropped, its link is closed, and the log names the rule. Where an
// honest member may differ (a build that is newer, a message that is late) there is no rule.
//
// It is here and not in raft/: only the node knows what entries and snapshots mean, and the core is driven by
// etcd's test data, where a test is the peer.
// NOT here: which node may send which message (permissions); messages that are false and keep every rule,
// against which Raft itself has no means.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "model/transaction.hpp"
#include "node/replica_disk.hpp"
#include "raft/raft.hpp"

namespace swarm::node {

// A member may miss this many terms while it is down (an election a second for 136 years). One message raises
// a term by no more, so that no peer can use the terms up: a message from further beyond is dropped, and this
// member's own term is raised by one leap (Replica::step). Its link stays.
inline constexpr raft::Term kMaxTermLeap = raft::Term{1} << 32;
// Of a read, or of a vote that is asked for on a leader's word.
inline constexpr std::size_t kMaxContext = 64;
// Voters and learners of a group.
inline constexpr std::size_t kMaxMembers = 1'000;

enum class Rule : std::uint8_t {
  local,
  sender,
  proposal,
  term,
  leap,
  index,
  context,
  read,
  leader,
  commit,
  acknowledged,
  order,
  entry_term,
  entry,
  change,
  snapshot_place,
  group,
  snapshot,
  size,
};
inline constexpr std::size_t kRules = static_cast<std::size_t>(Rule::size) + 1;
const char* sentence(Rule rule);  // of the log: what is wrong

// What this member knows by itself.
struct Known {
  raft::PeerId self = raft::kNone;
  raft::Term term = 0;
  raft::PeerId leader = raft::kNone;  // of that term; kNone: it hears none
  raft::Index last_index = 0;
  raft::Term commit_term = 0;  // of its entry at the commit index that the message names; 0: it has none
};
Known known_of(const raft::RawNode& raft, raft::PeerId self, const raft::Message& message);

// A leader's heartbeat names the term of its entry at the commit index, so that a follower sees if its own
// entry there is another one (adr 32). What its log has no more it cannot name, nor commit by a heartbeat.
void name_commit(const raft::RawNode& raft, raft::Message& heartbeat);

// Returns the rule that `message` breaks, but for what transactions and the data of a snapshot say. Costs the
// number of its entries.
std::optional<Rule> judge(const raft::Message& message, const Known& known);

// Returns true if a snapshot's content makes a store: one cluster, the keys of a kind ascending (so that none
// comes twice), a template for each task.
bool is_whole(const UnpackedSnapshot& snapshot);

// The transactions of entries that a leader sent, read when they were judged and kept until they are applied:
// no entry is decoded twice. One that is not kept (too many wait, or another entry took its place) is decoded
// when it is applied.
class JudgedEntries {
 public:
  // Returns false if the bytes are no transaction, or one of more actions than any leader proposes. One with
  // a kind or an action that this build does not know is one: every replica refuses it when it is applied
  // (adr 24).
  bool read(const raft::Entry& entry);
  // Of the entry that is applied now; forgets those before it.
  std::optional<model::Transaction> take(const raft::Entry& entry);
  std::size_t size() const { return kept_.size(); }
  void clear() { kept_.clear(), size_ = 0; }

 private:
  struct Kept {
    raft::Entry entry;
    model::Transaction transaction;
    std::uint64_t size() const {
      return entry.data.size() + transaction.actions.size() * sizeof(model::Action);
    }
  };
  void forget(std::map<raft::Index, Kept>::iterator one);

  std::map<raft::Index, Kept> kept_;
  std::uint64_t size_ = 0;  // in memory, about
};

}  // namespace swarm::node
