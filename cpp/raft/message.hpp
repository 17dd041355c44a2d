// Raft's values: entries, messages, configurations. Values only; what they do is in the roles.
//
// Words of the Raft paper (Ongaro and Ousterhout, 2014) and dissertation; the shape of messages is etcd's, so
// that its published test data can be run against this core.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/id.hpp"

namespace swarm::raft {

using Term = std::uint64_t;
using Index = std::uint64_t;
using PeerId = std::uint64_t;

inline constexpr PeerId kNone = 0;
// Where messages to local storage go when storage writes are asynchronous.
inline constexpr PeerId kAppendThread = std::numeric_limits<std::uint64_t>::max();
inline constexpr PeerId kApplyThread = kAppendThread - 1;
// Every term and index of a message and of a log is below these: counting on never wraps.
inline constexpr Term kTermBound = Term{1} << 63;
inline constexpr Index kIndexBound = Index{1} << 63;
inline constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

// The bytes of an entry, which never change. The log, the message to each follower and what goes to the disk
// hold them at the same time: a copy of Data is one more reference to them.
class Data {
 public:
  Data() = default;
  Data(std::string bytes)  // NOLINT(google-explicit-constructor): a string is what there is before
      : bytes_(bytes.empty() ? nullptr : std::make_shared<const std::string>(std::move(bytes))) {}
  Data(const char* text) : Data(std::string(text)) {}  // NOLINT(google-explicit-constructor)

  const std::string& str() const { return bytes_ ? *bytes_ : none(); }
  operator const std::string&() const { return str(); }  // NOLINT(google-explicit-constructor)
  operator std::string_view() const { return str(); }    // NOLINT(google-explicit-constructor)
  bool empty() const { return bytes_ == nullptr; }
  std::size_t size() const { return str().size(); }
  void clear() { bytes_.reset(); }
  friend bool operator==(const Data& a, const Data& b) { return a.bytes_ == b.bytes_ || a.str() == b.str(); }

 private:
  static const std::string& none() {
    static const std::string kEmpty;
    return kEmpty;
  }
  std::shared_ptr<const std::string> bytes_;  // null for none
};

enum class EntryType : std::uint8_t { normal, conf_change, conf_change_v2 };

struct Entry {
  Term term = 0;
  Index index = 0;
  EntryType type = EntryType::normal;
  Data data;
  bool operator==(const Entry&) const = default;
};

// The membership in force: voters, and while a joint change is under way the voters of the configuration that
// is left.
struct ConfState {
  std::vector<PeerId> voters;
  std::vector<PeerId> learners;
  std::vector<PeerId> voters_outgoing;
  std::vector<PeerId>
      learners_next;  // voters of the outgoing half that become learners when the joint change ends
  bool auto_leave = false;
  bool operator==(const ConfState&) const = default;
};

struct Snapshot {
  Index index = 0;
  Term term = 0;
  ConfState conf_state;
  std::string data;
  bool empty() const { return index == 0; }
  bool operator==(const Snapshot&) const = default;
};

// What must survive a crash besides the log.
struct HardState {
  Term term = 0;
  PeerId vote = kNone;
  Index commit = 0;
  bool empty() const { return term == 0 && vote == kNone && commit == 0; }
  bool operator==(const HardState&) const = default;
};

// What a member has said that it keeps, as its durable writes (raft/promise.hpp).
struct Promise {
  std::uint64_t writes = 0;  // how many there were; 0: none
  std::uint64_t chain = 0;   // of all of them; it begins with the member's id
  std::uint64_t before = 0;  // of those that were marked when the last was written
  bool operator==(const Promise&) const = default;
};

enum class MessageType : std::uint8_t {
  hup,   // local: start an election
  beat,  // local: send heartbeats
  prop,  // append these entries
  app,   // AppendEntries
  app_resp,
  vote,  // RequestVote
  vote_resp,
  snap,  // InstallSnapshot
  heartbeat,
  heartbeat_resp,
  unreachable,   // local: the last message to a peer did not arrive
  snap_status,   // local: how sending a snapshot went
  check_quorum,  // local: is a quorum still active?
  transfer_leader,
  timeout_now,  // campaign at once (dissertation section 3.10)
  read_index,   // linearizable read (dissertation section 6.4)
  read_index_resp,
  pre_vote,  // dissertation section 9.6
  pre_vote_resp,
  storage_append,  // to and from the local append thread
  storage_append_resp,
  storage_apply,  // to and from the local apply thread
  storage_apply_resp,
  forget_leader,  // local: be ready to vote for another
};

// What a leader's host says of its state machine beside a heartbeat, and a follower's beside the answer
// (node/state_check). The core passes it over.
struct StateMark {
  Index index = 0;  // of the last entry that it had applied
  Uint128 hash = 0;
  std::uint32_t level = 0;  // the feature level of the sender's build: others may write the same otherwise
  bool outvoted = false;    // a majority of the voters has this hash there, and the receiver has another
  bool operator==(const StateMark&) const = default;
};

struct Message {
  MessageType type = MessageType::hup;
  PeerId to = kNone;
  PeerId from = kNone;
  Term term = 0;
  Term log_term = 0;
  Index index = 0;
  std::vector<Entry> entries;
  Index commit = 0;
  PeerId vote = kNone;
  std::shared_ptr<Snapshot> snapshot;  // null: none
  bool reject = false;
  Index reject_hint = 0;
  std::string context;
  std::optional<StateMark> state;
  std::vector<Message> responses;  // storage messages only: to be sent once the storage work is done
};

enum class ConfChangeType : std::uint8_t { add_node, remove_node, update_node, add_learner_node };

struct ConfChangeSingle {
  ConfChangeType type = ConfChangeType::add_node;
  PeerId node = kNone;
  std::string context;  // what the application wants to know of the node; opaque here
  bool operator==(const ConfChangeSingle&) const = default;
};

// How a change of several members goes through its joint configuration.
enum class Transition : std::uint8_t {
  automatic,       // simple where that is possible, else joint and left by itself
  joint_implicit,  // joint, left by itself
  joint_explicit,  // joint, left when told to
};

struct ConfChangeV2 {
  Transition transition = Transition::automatic;
  std::vector<ConfChangeSingle> changes;
  // Proposed as an entry of the old kind, which allows one change only.
  bool v1 = false;
  bool operator==(const ConfChangeV2&) const = default;

  bool leaves_joint() const { return transition == Transition::automatic && changes.empty(); }
  bool enters_joint() const { return transition != Transition::automatic || changes.size() > 1; }
  bool auto_leave() const { return transition != Transition::joint_explicit; }
};

}  // namespace swarm::raft
