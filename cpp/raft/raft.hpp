// Raft, the public face: a pure machine in etcd's shape. It never does anything; it says what has to be done.
//
//     tick / step / propose / campaign ...      what happened
//     if has_ready(): ready()                   what has to be done about it:
//        1. write hard_state, entries and snapshot to disk (synced when must_sync); `messages` may go at once
//        2. when that is durable: mirror it in the storage, send `messages_after_append`
//        3. apply committed_entries (membership changes through apply_conf_change)
//        4. advance()
//
// Between ready() and advance() anything may be stepped, ticked and proposed: a host with a slow disk goes on
// listening. With async_storage_writes the same duties come as messages to kAppendThread and kApplyThread,
// several may be under way, and advance() is not called.
//
// In here: elections with pre-vote and check-quorum, pipelined appends with conflict hints, snapshots,
// learners, joint consensus, leader transfer, linearizable reads. NOT in here: clocks (a tick is what the
// host says it is), disks, networks, the meaning of entries.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "raft/message.hpp"
#include "raft/storage.hpp"
#include "raft/tracker.hpp"

namespace swarm::raft {

enum class Role : std::uint8_t { follower, candidate, leader, pre_candidate };
const char* to_string(Role role);  // "StateLeader"

enum class ReadOnly : std::uint8_t {
  safe,         // a read is confirmed by a round of heartbeats
  lease_based,  // a read trusts the leader's lease, and so the clocks; needs check_quorum
};

struct Config {
  PeerId id = kNone;
  int election_tick = 10;
  int heartbeat_tick = 1;
  std::uint64_t max_size_per_msg = kNoLimit;
  std::uint64_t max_committed_size_per_ready = kNoLimit;
  std::uint64_t max_uncommitted_size = kNoLimit;  // proposals beyond it are dropped
  std::size_t max_inflight_msgs = 256;
  std::uint64_t max_inflight_bytes = 0;  // 0: no limit
  bool async_storage_writes = false;
  bool pre_vote = false;
  bool check_quorum = false;
  bool step_down_on_removal = false;
  bool disable_conf_change_validation = false;
  bool disable_proposal_forwarding = false;
  ReadOnly read_only = ReadOnly::safe;
  Index applied = 0;       // what the host has applied already
  std::uint64_t seed = 0;  // of the randomised election timeout
};

struct SoftState {
  PeerId leader = kNone;
  Role role = Role::follower;
  bool operator==(const SoftState&) const = default;
};

// A read asked for with `context` may be served once `index` is applied.
struct ReadState {
  Index index = 0;
  std::string context;
};

struct Ready {
  std::optional<SoftState> soft_state;  // only when it changed
  std::optional<HardState> hard_state;
  std::vector<ReadState> read_states;
  std::vector<Entry> entries;
  std::optional<Snapshot> snapshot;
  std::vector<Entry> committed_entries;
  std::vector<Message> messages;               // may go at once
  std::vector<Message> messages_after_append;  // only when hard_state, entries and snapshot are durable
  bool must_sync = false;
};

struct Status {
  PeerId id = kNone;
  Term term = 0;
  PeerId vote = kNone;
  PeerId leader = kNone;
  Role role = Role::follower;
  Index commit = 0;
  Index applied = 0;
  Index last_index = 0;
  PeerId transfer_target = kNone;
  bool conf_change_pending = false;  // a membership change is in the log and not applied yet
  TrackerConfig config;
  ProgressMap progress;  // on the leader only
};

class Raft;

class RawNode {
 public:
  RawNode(const Config& config, const Storage& storage);
  ~RawNode();

  void tick();
  Result<void> campaign();
  Result<void> propose(std::string data);
  Result<void> propose_conf_change(const ConfChangeV2& change);
  // Returns true if the change leads from the present configuration to one that can be. Every member answers
  // alike for the same entry: a host passes over a committed change that can not be applied.
  bool can_apply(const ConfChangeV2& change) const;
  // For every committed membership change, in order; a change whose nodes are kNone is skipped over.
  ConfState apply_conf_change(const ConfChangeV2& change);
  // A message from a peer (or from a storage thread).
  Result<void> step(Message message);

  bool has_ready() const;
  Ready ready();
  void advance();

  Result<void> read_index(std::string context);
  // Returns true while this leader's heartbeats ask a quorum about reads.
  bool asks_for_reads() const;
  void report_unreachable(PeerId id);
  void report_snapshot(PeerId id, bool arrived);
  void transfer_leader(PeerId to);
  Result<void> forget_leader();
  // The connection to the leader closed: it may be dead. A follower asks for votes within two ticks instead
  // of waiting for silence. Safe even if the leader lives: pre-vote asks the others first.
  void hint_leader_lost();

  Status status() const;
  // Cheap parts of status(), for every turn.
  Term term() const;
  PeerId leader() const;
  // Returns true if this node leads, or has heard from its leader within an election timeout.
  bool hears_leader() const;
  Role role() const;
  PeerId vote() const;
  Index commit() const;
  // Of the log in memory, on disk or not. An empty log has last < first.
  Index first_index() const;
  Index last_index() const;
  // Of the entry at `index`; 0: this log does not have it (any more).
  Term term_at(Index index) const;
  // At most `count` entries from `from` on, or from the first that is kept.
  std::vector<Entry> entries(Index from, std::uint64_t count) const;
  bool conf_change_pending() const;
  // From `from` on, as far as the log still has them; on disk or not.
  std::vector<Entry> committed_entries(Index from) const;
  const ProgressMap& progress() const;
  void reseed(std::uint64_t seed);                  // new random draws; the present timeout stays
  void set_randomized_election_timeout(int ticks);  // for tests; holds until the role changes

 private:
  std::unique_ptr<Raft> raft_;
  SoftState last_soft_;
  HardState last_hard_;
  std::vector<Message> steps_on_advance_;
  bool async_ = false;
};

}  // namespace swarm::raft
