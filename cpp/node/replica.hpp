// Replica: the Raft half of a manager node. The consensus core, the log on disk, the store it feeds, and the
// members' addresses. Leader or follower alike; what only a leader does is in leader_loops.
//
// Durability (Raft section 5, and "durable before said"): one synced batch at a time is on its way to the
// disk. Messages that may go at once are sent with it; those that promise what it holds are sent when it is
// done. Entries, hard state, applied objects and the applied index of one round share the batch; it is synced
// when entries or votes changed.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "node/apply_entry.hpp"
#include "node/core.hpp"
#include "node/disk_pace.hpp"
#include "node/judge.hpp"
#include "node/leadership.hpp"
#include "node/proposed.hpp"
#include "node/raft_story.hpp"
#include "node/replica_disk.hpp"
#include "node/snapshot_sender.hpp"
#include "node/state_check.hpp"
#include "raft/raft.hpp"
#include "store/store.hpp"

namespace swarm::node {

class Replica;
// The in-memory mirror of the log; a snapshot is made of the store when a follower needs one.
class ReplicaLog final : public raft::MemoryStorage {
 public:
  explicit ReplicaLog(Replica& replica) : replica_(replica) {}
  Result<raft::Snapshot> snapshot() const override;

 private:
  Replica& replica_;
};

// The log is shortened when its entries take more than this, however few they are; of them the newest stay
// for followers that lag, up to kKeptLogBytes. What a manager holds of its log in memory and on disk is
// bounded by the first and one turn's entries. (By entries: Cluster.Spec.Raft.SnapshotInterval and
// LogEntriesForSlowFollowers.)
inline constexpr std::uint64_t kMaxLogBytes = 64ULL * 1024 * 1024;
inline constexpr std::uint64_t kKeptLogBytes = 16ULL * 1024 * 1024;

// One applied entry, for the parts that follow the store.
struct AppliedEntry {
  std::uint64_t request = 0;  // of a transaction; 0 for membership changes
  model::Outcome outcome;
  store::ChangeSet changes;
};

class Replica {
 public:
  // What the disk holds: nothing of it is forgotten (what_is_forgotten). An Error if it is no whole store.
  static Result<std::unique_ptr<Replica>> load(Core& core, ManagerState state);
  // A new swarm of one manager: `first` is its first transaction, `self` its only member.
  static std::unique_ptr<Replica> create(Core& core, const wire::ManagerPeer& self,
                                         const model::Transaction& first);
  // An empty member-to-be: the leader will send it everything.
  static std::unique_ptr<Replica> join(Core& core, std::uint64_t raft_id,
                                       const std::vector<wire::ManagerPeer>& members);
  ~Replica();
  // A new member takes part once its node's identity on disk has its Raft id: a member must never forget a
  // vote.
  void begin() { busy_ = false; }
  Life life() const { return life_; }
  // The batch that it waited for is on disk.
  void on_stored();

  // ---- in
  // The node speaks as this member, as the permissions allow. The group may have taken it in while this one
  // was away: the answers have to find it.
  void note_speaker(std::uint64_t raft_id, NodeId node);
  // Both return the rule that the message breaks: it was dropped (node/judge).
  std::optional<Rule> step(raft::Message message);
  std::optional<Rule> on_chunk(ports::LinkId link, const wire::SnapshotChunk& chunk);
  void on_ack(ports::LinkId link, const wire::SnapshotAck& ack);
  void on_link_gone(const LinkGone& event);
  // Proposes. Returns the number that comes back with the outcome; 0 if this node does not lead.
  std::uint64_t propose(model::Transaction transaction);
  // The same for what a client asks for: an Error if it writes more than one request may.
  Result<std::uint64_t> propose_request(model::Transaction transaction);
  bool propose_membership(const raft::ConfChangeV2& change);
  void read_index(std::uint64_t context);
  // Returns the other voter with the longest log, if possible one that this leader hears from; 0 if there is
  // none.
  std::uint64_t successor() const;
  // Asks the members for a word that was surely said after this.
  void ask_all();
  // Returns true if a majority of the voters that would stay without this one has answered what this leader
  // asked lately. Any other word may be of the dead: it may have waited on a link, or here while this leader
  // stood still.
  bool hears_majority_without(std::uint64_t raft_id) const;
  std::string name_of(std::uint64_t raft_id) const;  // "" for 0
  // The names of the other voters that have not answered so.
  std::vector<std::string> silent_without(std::uint64_t raft_id) const;
  void transfer_leadership(std::uint64_t to);  // 0: nothing happens
  void campaign();
  void on_deadline();
  Instant next_deadline() const { return has_chunk() ? std::min(next_tick_, core_.now) : next_tick_; }
  // One round: what Raft has ready goes to the disk, the peers and the store. Returns true if there was
  // something. A round that meets a feature level which this build does not know keeps nothing, as after a
  // crash: see too_new().
  bool run();

  // ---- out
  std::vector<AppliedEntry> take_applied() { return std::exchange(applied_entries_, {}); }
  std::vector<std::uint64_t> take_reads();
  // Returns true once after each change of leader (by term or name).
  bool take_leader_changed() { return std::exchange(leader_changed_, false); }
  bool take_members_changed() { return std::exchange(members_changed_, false); }
  // Returns true once after a snapshot took the place of entries: their changes are not reported one by one.
  bool take_skipped() { return std::exchange(skipped_, false); }

  // The level of the swarm, where this build does not know it: this replica must not take part from here on;
  // else 0.
  model::FeatureLevel too_new() const { return too_new_; }
  // The entry at which a majority of the managers has another state than this one: it must not take part from
  // here on; else 0.
  raft::Index outvoted_at() const { return std::max(outvoted_at_, states_.outvoted_at()); }
  // The entry that its leader says this member has acknowledged, where its log ends before that: it must not
  // take part from here on; else 0.
  raft::Index counted_on() const { return counted_on_; }

  // ---- looking
  WallTime newest_time() const { return newest_time_; }  // of the log: it never goes back, and may be ahead
  const store::Store& store() const { return *store_; }
  const raft::RawNode& raft() const { return *raft_; }
  void reseed(std::uint64_t seed) { raft_->reseed(seed); }
  const ReplicaLog& log() const { return *log_; }
  std::uint64_t raft_id() const { return raft_id_; }
  const Leadership& leadership() const { return leadership_; }
  std::uint64_t leader() const { return leadership_.leader; }  // 0: unknown
  bool leads() const { return leadership_.leads(); }
  const std::map<std::uint64_t, wire::ManagerPeer>& members() const { return members_; }
  std::vector<NodeId> member_nodes() const;
  const std::set<std::uint64_t>& removed() const { return removed_; }
  std::optional<Address> address_of(std::uint64_t raft_id) const;
  bool was_removed(std::uint64_t raft_id) const { return removed_.contains(raft_id); }
  std::set<std::uint64_t> voters() const;
  std::set<std::uint64_t> learners() const;
  // Voters and learners that this node has heard from lately; complete on the leader only.
  docker::RaftView view() const;
  docker::RaftDetail detail() const;
  docker::RaftLogPart log_part(const docker::AskRaftLog& asked) const;
  docker::RaftPast past(std::uint64_t after) const;
  // Numbers that change whenever looks may show something else: see Visible.
  std::uint64_t visible_swarm() const;
  std::uint64_t visible_raft() const;
  const raft::ConfState& group() const { return conf_state_; }
  // A snapshot of the store, for a follower that needs one; its data is packed as it is sent.
  raft::Snapshot make_snapshot();
  bool busy() const { return busy_; }
  const DiskPace& disk_pace() const { return disk_pace_; }
  // States that differ, as far as this manager knows, in words; "" for none.
  std::string state_problem() const;

 private:
  std::optional<Address> address_of_newcomer(std::uint64_t raft_id) const;
  bool hears(std::uint64_t raft_id) const;       // of a leader: the member, lately
  bool has_answered(std::uint64_t voter) const;  // the same, what it was asked lately
  explicit Replica(Core& core);
  void start_raft(std::uint64_t applied);
  // One round, over one Ready: what is kept, what is sent at once, what is applied, and what waits for the
  // disk.
  void persist(const raft::Ready& ready, ports::DiskBatch& batch);
  void promise(const raft::Ready& ready, ports::DiskBatch& batch);
  void send_at_once(raft::Ready& ready);
  bool apply(const raft::Ready& ready, ports::DiskBatch& batch);  // false: it is too new, see too_new()
  bool prepare(model::Transaction& transaction);                  // false: it cannot be proposed here, or now
  std::uint64_t append(model::Transaction transaction, std::string bytes);
  WallTime next_time();
  void note_times();
  std::optional<Rule> judge_message(const raft::Message& message);
  void follow_leap(raft::PeerId from);
  void note_what_is_counted_on(const raft::Message& message);
  std::optional<Rule> judge_entries(const raft::Message& message);
  std::optional<Rule> take_head(ports::LinkId link, const wire::SnapshotChunk& chunk);
  bool may_install(std::uint64_t index, std::string_view data);
  bool is_too_new(model::FeatureLevel level);
  void finish(raft::Ready& ready);
  void note_pace(const raft::Ready& stored);
  // replica_states.cpp: are the managers' states the same?
  void mark_state(raft::Message& message) const;
  void note_state(const raft::Message& message);
  void note_heard(const raft::Message& message);
  void note_own_state();
  void look_at_states();
  void tell_own_difference();
  void tell_difference(const StateCheck::Finding& found);
  std::string difference_in_words() const;
  void send_all(std::vector<raft::Message> messages);
  void install(const raft::Snapshot& snapshot, ports::DiskBatch& batch);
  void apply(const raft::Entry& entry, ports::DiskBatch& batch);
  void apply_transaction(const raft::Entry& entry);
  EntryResult apply_one(const raft::Entry& entry);
  void warn_of_stored_numbers();
  template <class Object>
  void warn_of(const Object* object);
  void apply_membership(const raft::Entry& entry, ports::DiskBatch& batch);
  void pass_over(const raft::Entry& entry);
  void note_soft_state(const raft::Ready& ready);
  void send(raft::Message message);
  void send_snapshot(const raft::Message& message, const Address& to);
  bool has_chunk() const;
  void send_chunks();
  void resend_chunks();
  std::uint64_t kept_for_snapshots() const;
  void give_up_snapshots();  // those that took too long count as lost
  // The story: what changed in Raft since the last look, and what happened to members and snapshots.
  void begin_story();
  void note_raft();
  void tell(docker::RaftEvent event);
  void tell_member(const raft::ConfChangeSingle& change, std::uint64_t index);
  void tell_snapshot(const char* action, std::uint64_t index, std::uint64_t to);
  void compact(std::uint64_t applied, ports::DiskBatch& batch);

  Core& core_;
  Life life_;
  std::uint64_t raft_id_ = 0;
  std::unique_ptr<ReplicaLog> log_;
  std::unique_ptr<raft::RawNode> raft_;
  std::unique_ptr<store::Store> store_;
  std::map<std::uint64_t, wire::ManagerPeer> members_;
  std::set<std::uint64_t> removed_;
  std::map<NodeId, std::uint64_t> newcomers_;  // nodes, each with the Raft id that this log does not know yet
  raft::ConfState conf_state_;
  Leadership leadership_{Leadership::Stage::following, 0, 0, {}};
  WallTime leader_since_;
  std::uint64_t began_from_ = 0;        // of its store: a snapshot's index, or what the disk had
  raft::HardState hard_;                // as it is on disk, or on its way there
  bool hard_is_newer_ = false;          // than on disk: the start saw more to be committed
  raft::Promise promise_;               // the same
  raft::Promise marked_;                // the last promise whose mark is on disk
  raft::Term applied_term_ = 0;         // of the entry at the store's version
  WallTime newest_time_;                // of what is in the store, or proposed here
  bool busy_ = false;                   // a batch is on its way to the disk, or it does not take part yet
  std::optional<raft::Ready> storing_;  // the round of that batch; none: a new swarm's first
  model::FeatureLevel too_new_ = 0;
  bool leader_changed_ = false, members_changed_ = false, skipped_ = false;
  DiskPace disk_pace_;
  bool was_slow_ = false;               // as the log said last
  Instant may_step_aside_ = Instant{};  // not again before
  StateCheck states_;
  StateCheck::Finding difference_;  // the one that this leader's log named last
  bool differed_ = false;           // whether this follower's log named one last
  raft::Index outvoted_at_ = 0;     // while it led
  raft::Index counted_on_ = 0;
  std::optional<Instant> doubted_since_;  // all heartbeats since then count on more than there is
  Instant next_look_;                     // at states
  Instant next_tick_;
  Proposed proposed_;
  JudgedEntries judged_;
  RaftStory story_;
  RaftFacts facts_;
  std::map<std::uint64_t, Instant> heard_;     // by a leader: when the member last answered
  std::map<std::uint64_t, Instant> answered_;  // and when it had asked what the member answered last
  std::vector<AppliedEntry> applied_entries_;
  std::vector<std::uint64_t> reads_;
  // Made when Raft asked for a snapshot; its messages go out before anything else is applied.
  std::shared_ptr<const SnapshotSource> snapshot_source_;
  // A snapshot that is on its way to a member; `link` is 0 while there is none.
  struct Outgoing {
    ports::LinkId link = 0;
    Address to;
    SnapshotSender sender;
    Instant resend;  // frames on an open link may be lost
  };
  std::map<std::uint64_t, Outgoing> outgoing_;
  struct Sent {
    Instant lost_at;  // it counts as lost then
    std::uint64_t index = 0;
  };
  std::map<std::uint64_t, Sent> snapshots_sent_;  // by member
  // One that is on its way here: a newer one takes its place. Where its link is lost it is kept for a while.
  struct Incoming {
    ports::LinkId link = 0;
    std::uint32_t next = 0;
    raft::Message message;  // its snapshot's data grows
    Instant keep_until;
  };
  std::optional<Incoming> incoming_;
  std::optional<std::pair<std::uint64_t, UnpackedSnapshot>> unpacked_;  // by index: on its way through Raft
};

}  // namespace swarm::node
