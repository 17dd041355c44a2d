// A small world of five members in memory: messages are lost, doubled and reordered, disks are slow, members
// crash and come back, logs are compacted, leadership moves, members join and leave. Checked at every step:
// election safety, log matching, leader completeness, state-machine safety, and that what is committed is on
// a majority's disks. At the end the world is quiet, and all members must agree.
#include <gtest/gtest.h>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "raft/conf_change.hpp"
#include "raft/message.hpp"
#include "raft/progress.hpp"
#include "raft/raft.hpp"
#include "raft/storage.hpp"
#include "raft/tracker.hpp"

namespace swarm::raft {
namespace {

constexpr PeerId kMembers = 5;

// A disk that survives crashes: the log, and the state machine's value at `applied`.
class Disk : public MemoryStorage {
 public:
  Result<Snapshot> snapshot() const override { return Snapshot{applied, *term(applied), conf, value()}; }
  InitialState initial_state() const override { return {hard_state(), conf}; }
  std::string value() const {
    std::string bytes;
    put_u64(bytes, hash);
    return bytes;
  }
  void install(const Snapshot& from) {
    apply_snapshot(from);
    applied = from.index;
    conf = from.conf_state;
    hash = get_u64(from.data);
  }

  Index applied = 0;
  ConfState conf;
  std::uint64_t hash = kFnvStart;  // of all applied entries: the state machine
};

struct Member {
  Disk disk;
  std::unique_ptr<RawNode> raw;  // null: down
  std::optional<Ready> writing;  // on its way to the disk
};

class World {
 public:
  World(std::uint64_t seed, bool changes_members) : rng_(seed), changes_members_(changes_members) {
    loss_ = rng_.below(20);
    for (PeerId id = 1; id <= kMembers; ++id) {
      for (PeerId voter = 1; voter <= (changes_members ? 3 : kMembers); ++voter)
        members_[id].disk.conf.voters.push_back(voter);
      start(id);
    }
  }

  void chaos(int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFatalFailure(); ++i) event();
  }

  // No more faults: everything is delivered, ticks go on.
  void calm() {
    for (auto& [id, member] : members_)
      if (!member.raw) start(id);
    loss_ = 0;
    for (int round = 0; round < 400; ++round) {
      for (auto& [id, member] : members_) member.raw->tick();
      for (int i = 0; i < 400 && busy(); ++i) {
        for (auto& [id, member] : members_) begin_write(id);
        for (auto& [id, member] : members_) finish_write(id);
        while (!messages_.empty()) deliver(0);
      }
      if (round % 50 == 0) report_lost_snapshots();
      if (round == 300) propose();
    }
  }

  void expect_agreement() {
    const PeerId leader = leader_now();
    ASSERT_NE(leader, kNone) << "nobody leads a quiet world";
    const Disk& its = members_.at(leader).disk;
    EXPECT_GT(its.applied, 0u);
    for (const PeerId id : its.conf.voters) {
      EXPECT_EQ(members_.at(id).disk.applied, its.applied) << id;
      EXPECT_EQ(members_.at(id).disk.hash, its.hash) << id;
    }
    for (const PeerId id : its.conf.learners) EXPECT_EQ(members_.at(id).disk.hash, its.hash) << id;
  }
  int elections() const { return static_cast<int>(leaders_.size()); }
  Index committed() const { return committed_.empty() ? 0 : committed_.rbegin()->first; }
  int snapshots = 0, changes = 0;

 private:
  void start(PeerId id) {
    Member& member = members_[id];
    Config config;
    config.id = id;
    config.seed = rng_.next();
    config.pre_vote = config.check_quorum = true;
    config.max_inflight_msgs = 4;
    config.max_size_per_msg = 200;
    config.applied = member.disk.applied;
    member.raw = std::make_unique<RawNode>(config, member.disk);
  }

  bool busy() const {
    for (const auto& [id, member] : members_)
      if (member.writing || member.raw->has_ready()) return true;
    return !messages_.empty();
  }

  PeerId leader_now() const {
    PeerId found = kNone;
    Term newest = 0;
    for (const auto& [id, member] : members_) {
      if (!member.raw || member.raw->role() != Role::leader || member.raw->term() < newest) continue;
      found = id;
      newest = member.raw->term();
    }
    return found;
  }

  PeerId any() { return 1 + rng_.below(kMembers); }

  void event() {
    const PeerId id = any();
    Member& member = members_[id];
    const std::uint64_t dice = rng_.below(1000);
    if (!member.raw) {
      if (dice < 100) start(id);
      return;
    }
    if (dice < 420) {
      if (!messages_.empty()) deliver(rng_.below(std::min<std::uint64_t>(messages_.size(), 12)));
    } else if (dice < 560) {
      member.raw->tick();
    } else if (dice < 720) {
      finish_write(id);
    } else if (dice < 800) {
      propose();
    } else if (dice < 806) {
      crash(id);
    } else if (dice < 816) {
      compact(id);
    } else if (dice < 820) {
      member.raw->transfer_leader(any());
    } else if (dice < 824) {
      member.raw->hint_leader_lost();
    } else if (dice < 830) {
      member.raw->report_unreachable(any());
    } else if (dice < 836) {
      change_members();
    } else if (dice < 845) {
      const bool arrived = rng_.chance(1, 2);
      member.raw->report_snapshot(any(), arrived);
    }
    begin_write(id);
    note_leader(id);
  }

  // The host's duty: a snapshot that was not acknowledged for long did not arrive.
  void report_lost_snapshots() {
    const PeerId leader = leader_now();
    if (leader == kNone) return;
    for (const auto& [id, progress] : ProgressMap(members_[leader].raw->progress()))
      if (progress.state == ProgressState::snapshot) members_[leader].raw->report_snapshot(id, false);
  }

  void propose() {
    const PeerId leader = leader_now();
    if (leader != kNone) (void)members_[leader].raw->propose("p" + std::to_string(++proposals_)).ok();
  }

  void change_members() {
    const PeerId leader = leader_now();
    if (!changes_members_ || leader == kNone) return;
    const auto type = std::array{ConfChangeType::add_node, ConfChangeType::remove_node,
                                 ConfChangeType::add_learner_node}[rng_.below(3)];
    ConfChangeV2 change;
    change.changes = {{type, any(), {}}};
    if (rng_.chance(1, 4)) change.changes.push_back({ConfChangeType::add_node, any(), {}});
    if (keeps_a_quorum(members_[leader].disk.conf, change))
      (void)members_[leader].raw->propose_conf_change(change).ok();
  }

  // As the product does: never down to fewer than two voters.
  static bool keeps_a_quorum(const ConfState& conf, const ConfChangeV2& change) {
    std::set<PeerId> voters(conf.voters.begin(), conf.voters.end());
    for (const auto& single : change.changes) {
      voters.erase(single.node);
      if (single.type == ConfChangeType::add_node) voters.insert(single.node);
    }
    return voters.size() >= 2;
  }

  void crash(PeerId id) {
    members_[id].raw.reset();
    members_[id].writing.reset();  // one batch: all of it was written, or nothing
  }

  void compact(PeerId id) {
    Disk& disk = members_[id].disk;
    if (members_[id].writing || disk.applied < disk.first_index() + 3) return;
    (void)disk.compact(disk.applied - 2);
  }

  void send(const std::vector<Message>& list) {
    for (const Message& message : list) {
      if (rng_.below(100) < loss_) continue;
      messages_.push_back(message);
      if (loss_ != 0 && rng_.chance(1, 30)) messages_.push_back(message);
    }
  }

  void deliver(std::uint64_t which) {
    const Message message = messages_[which];
    messages_.erase(messages_.begin() + static_cast<std::ptrdiff_t>(which));
    if (message.to == kNone || message.to > kMembers || !members_[message.to].raw) return;
    (void)members_[message.to].raw->step(message).ok();
    begin_write(message.to);
    note_leader(message.to);
  }

  void begin_write(PeerId id) {
    Member& member = members_[id];
    if (!member.raw || member.writing || !member.raw->has_ready()) return;
    member.writing = member.raw->ready();
    send(member.writing->messages);
  }

  void finish_write(PeerId id) {
    Member& member = members_[id];
    if (!member.writing) return;
    const Ready ready = std::move(*member.writing);
    member.writing.reset();
    Disk& disk = member.disk;
    if (ready.hard_state) {
      ASSERT_GE(ready.hard_state->term, disk.hard_state().term);
      disk.set_hard_state(*ready.hard_state);
    }
    if (ready.snapshot) {
      disk.install(*ready.snapshot);
      ASSERT_EQ(hash_at_[ready.snapshot->index], disk.hash) << "a snapshot of something else";
      ++snapshots;
    }
    disk.append(ready.entries);
    for (const Entry& entry : ready.entries) check_log_matching(disk, entry);
    for (const Entry& entry : ready.committed_entries) apply(member, entry);
    send(ready.messages_after_append);
    member.raw->advance();
    note_leader(id);
    check_leader_completeness(id);
  }

  void apply(Member& member, const Entry& entry) {
    Disk& disk = member.disk;
    ASSERT_EQ(entry.index, disk.applied + 1) << "applied in order, each once";
    const auto [known, first] = committed_.try_emplace(entry.index, entry);
    ASSERT_EQ(known->second, entry) << "two members applied different entries";
    if (first) check_durable(entry);
    disk.applied = entry.index;
    disk.hash = fnv1a(entry.data.str() + std::to_string(entry.term), disk.hash);
    hash_at_[entry.index] = disk.hash;
    if (entry.type == EntryType::normal) return;
    disk.conf = member.raw->apply_conf_change(decode_conf_change(entry));
    ++changes;
  }

  // ---- the invariants

  void note_leader(PeerId id) {
    const Member& member = members_[id];
    if (!member.raw || member.raw->role() != Role::leader) return;
    const auto [known, first] = leaders_.try_emplace(member.raw->term(), id);
    ASSERT_EQ(known->second, id) << "two leaders in term " << member.raw->term();
  }

  // Equal index and term: equal entries, and equal terms before them.
  void check_log_matching(const Disk& disk, const Entry& entry) {
    const Term before = *disk.term(entry.index - 1);
    const auto [known, first] =
        entries_.try_emplace({entry.index, entry.term}, std::pair(before, entry.data.str()));
    ASSERT_EQ(known->second, (std::pair(before, entry.data.str()))) << "logs differ at " << entry.index;
  }

  // A leader has every entry that was committed in an earlier term.
  void check_leader_completeness(PeerId id) {
    const Member& member = members_[id];
    if (!member.raw || member.raw->role() != Role::leader || member.writing) return;
    for (auto it = committed_.lower_bound(member.disk.first_index()); it != committed_.end(); ++it) {
      if (it->second.term >= member.raw->term()) break;
      ASSERT_GE(member.disk.last_index(), it->first)
          << "the leader of term " << member.raw->term() << " lacks it";
      ASSERT_EQ(*member.disk.term(it->first), it->second.term);
    }
  }

  // With fixed members: an entry that anybody applies is on a majority's disks.
  void check_durable(const Entry& entry) {
    if (changes_members_) return;
    std::size_t holders = 0;
    for (const auto& [id, member] : members_) {
      const bool compacted = entry.index < member.disk.first_index();
      holders += compacted ||
                 (entry.index <= member.disk.last_index() && *member.disk.term(entry.index) == entry.term);
    }
    ASSERT_GT(2 * holders, kMembers) << "entry " << entry.index << " is committed but not durable";
  }

  Rng rng_;
  const bool changes_members_;
  std::uint64_t loss_ = 0;  // percent
  std::map<PeerId, Member> members_;
  std::deque<Message> messages_;
  int proposals_ = 0;
  std::map<Term, PeerId> leaders_;
  std::map<Index, Entry> committed_;
  std::map<Index, std::uint64_t> hash_at_;
  std::map<std::pair<Index, Term>, std::pair<Term, std::string>> entries_;
};

TEST(RaftSafety, HoldsInEveryWorldAndQuietWorldsAgree) {
  int elections = 0, snapshots = 0, changes = 0;
  Index committed = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed, seed % 2 == 0);
    world.chaos(6'000);
    ASSERT_FALSE(HasFatalFailure());
    world.calm();
    ASSERT_NO_FATAL_FAILURE(world.expect_agreement());
    elections += world.elections();
    snapshots += world.snapshots;
    changes += world.changes;
    committed += world.committed();
  }
  // The worlds were worth living in.
  EXPECT_GT(elections, 600);
  EXPECT_GT(snapshots, 100);
  EXPECT_GT(changes, 500);
  EXPECT_GT(committed, 10'000u);
}

}  // namespace
}  // namespace swarm::raft
