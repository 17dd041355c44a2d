#include "raft/quorum.hpp"

#include <gtest/gtest.h>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/result.hpp"
#include "base/rng.hpp"
#include "raft/conf_change.hpp"
#include "raft/message.hpp"
#include "raft/tracker.hpp"

namespace swarm::raft {
namespace {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : rng(seed) {}
  MajorityConfig majority() {
    MajorityConfig config;
    const std::uint64_t size = rng.below(8);
    for (std::uint64_t i = 0; i < size; ++i) config.voters.insert(1 + rng.below(9));
    return config;
  }
  std::map<PeerId, Index> indexes() {
    std::map<PeerId, Index> known;
    for (PeerId id = 1; id <= 9; ++id)
      if (rng.chance(3, 4)) known[id] = rng.below(12);
    return known;
  }
  Votes votes() {
    Votes votes;
    for (PeerId id = 1; id <= 9; ++id)
      if (rng.chance(2, 3)) votes[id] = rng.chance(1, 2);
    return votes;
  }
  Rng rng;
};

AckedIndex lookup(const std::map<PeerId, Index>& known) {
  return [&known](PeerId id) -> std::optional<Index> {
    const auto it = known.find(id);
    return it == known.end() ? std::nullopt : std::optional(it->second);
  };
}

// Whether `yes` of `config` are a majority, by counting.
bool majority_of(const MajorityConfig& config, const std::function<bool(PeerId)>& yes) {
  std::size_t count = 0;
  for (const PeerId id : config.voters) count += yes(id) ? 1 : 0;
  return 2 * count > config.voters.size();
}

TEST(Quorum, TheCommittedIndexIsWhatCountingGives) {
  Dice dice(1);
  for (int round = 0; round < 50'000; ++round) {
    const auto config = dice.majority();
    const auto known = dice.indexes();
    const Index index = config.committed_index(lookup(known));
    ASSERT_EQ(index, config.slow_committed_index(lookup(known)));
    ASSERT_EQ(index, (JointConfig{config, {}}.committed_index(lookup(known))));
    ASSERT_EQ(index, (JointConfig{config, config}.committed_index(lookup(known))));
  }
}

TEST(Quorum, AJointCommitNeedsBothHalves) {
  Dice dice(2);
  for (int round = 0; round < 20'000; ++round) {
    const JointConfig config{dice.majority(), dice.majority()};
    const auto known = dice.indexes();
    const Index index = config.committed_index(lookup(known));
    ASSERT_EQ(index, (JointConfig{config.outgoing, config.incoming}.committed_index(lookup(known))));
    if (index == 0 || index == kNoLimit) continue;
    const auto has = [&](PeerId id) { return lookup(known)(id).value_or(0) >= index; };
    for (const auto* half : {&config.incoming, &config.outgoing}) {
      ASSERT_TRUE(half->voters.empty() || majority_of(*half, has));
    }
  }
}

TEST(Quorum, AVoteIsWonOrLostOnlyWhenTheMissingOnesCannotChangeIt) {
  Dice dice(3);
  for (int round = 0; round < 20'000; ++round) {
    const JointConfig config{dice.majority(), dice.majority()};
    const Votes votes = dice.votes();
    const auto with_missing = [&](bool as) {
      const auto yes = [&](PeerId id) { return votes.contains(id) ? votes.at(id) : as; };
      return (config.incoming.voters.empty() || majority_of(config.incoming, yes)) &&
             (config.outgoing.voters.empty() || majority_of(config.outgoing, yes));
    };
    const bool at_worst = with_missing(false), at_best = with_missing(true);
    const VoteResult expected = at_worst ? VoteResult::won : at_best ? VoteResult::pending : VoteResult::lost;
    ASSERT_EQ(config.vote_result(votes), expected);
  }
}

// ---- changes of the configuration

std::vector<ConfChangeSingle> random_changes(Rng& rng) {
  std::vector<ConfChangeSingle> changes;
  const std::uint64_t count = 1 + rng.below(4);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto type = static_cast<ConfChangeType>(rng.below(4));
    changes.push_back({type, 1 + rng.below(6), {}});
  }
  return changes;
}

// What must hold of every configuration (etcd's confchange: checkInvariants).
void expect_sound(const TrackerConfig& config, const ProgressMap& progress) {
  std::set<PeerId> members = config.voters.ids();
  members.insert(config.learners.begin(), config.learners.end());
  members.insert(config.learners_next.begin(), config.learners_next.end());
  ASSERT_EQ(members.size(), progress.size()) << config.str();
  for (const PeerId id : members) ASSERT_TRUE(progress.contains(id));
  for (const PeerId id : config.learners) {
    ASSERT_FALSE(config.voters.ids().contains(id)) << config.str();
    ASSERT_TRUE(progress.at(id).is_learner);
  }
  for (const PeerId id : config.learners_next) {
    ASSERT_TRUE(config.voters.outgoing.voters.contains(id));
    ASSERT_FALSE(progress.at(id).is_learner);
  }
  if (config.voters.is_joint()) return;
  ASSERT_TRUE(config.learners_next.empty());
  ASSERT_FALSE(config.auto_leave);
}

Tracker random_tracker(Rng& rng) {
  Tracker tracker;
  tracker.max_inflight = 10;
  const auto take = [&](const Result<Changed>& changed) {
    if (!changed) return;
    tracker.config = changed->config;
    tracker.progress = changed->progress;
  };
  take(Changer(tracker, 10).simple({{ConfChangeType::add_node, 1, {}}}));
  const std::uint64_t steps = rng.below(12);
  for (std::uint64_t i = 0; i < steps; ++i) {
    const auto changes = random_changes(rng);
    const bool auto_leave = rng.chance(1, 2);
    const Changer changer(tracker, 10);
    switch (rng.below(3)) {
      case 0:
        take(changer.simple(changes));
        break;
      case 1:
        take(changer.enter_joint(auto_leave, changes));
        break;
      default:
        take(changer.leave_joint());
        break;
    }
  }
  return tracker;
}

TEST(ConfChange, EveryConfigurationIsSoundAndComesBackFromItsConfState) {
  Rng rng(4);
  int joint = 0;
  for (int round = 0; round < 3'000; ++round) {
    const Tracker tracker = random_tracker(rng);
    ASSERT_NO_FATAL_FAILURE(expect_sound(tracker.config, tracker.progress));
    joint += tracker.config.voters.is_joint() ? 1 : 0;
    Tracker fresh;
    fresh.max_inflight = 10;
    const auto restored = restore(fresh, 10, tracker.conf_state());
    ASSERT_TRUE(restored.ok()) << tracker.config.str() << ": " << restored.error().message;
    ASSERT_EQ(restored->config, tracker.config)
        << tracker.config.str() << " came back as " << restored->config.str();
  }
  EXPECT_GT(joint, 500);
}

TEST(ConfChange, AJointChangeEndsWhereSimpleOnesDo) {
  Rng rng(5);
  for (int round = 0; round < 3'000; ++round) {
    Tracker one = random_tracker(rng);
    if (one.config.voters.is_joint()) continue;
    Tracker two = one;
    const auto changes = random_changes(rng);
    bool possible = true;
    for (const auto& change : changes) {
      const auto next = Changer(one, 10).simple({change});
      possible = possible && next.ok();
      if (!possible) break;
      one.config = next->config;
      one.progress = next->progress;
    }
    if (!possible) continue;
    const auto entered = Changer(two, 10).enter_joint(false, changes);
    ASSERT_TRUE(entered.ok()) << entered.error().message;
    two.config = entered->config;
    two.progress = entered->progress;
    const auto left = Changer(two, 10).leave_joint();
    ASSERT_TRUE(left.ok());
    ASSERT_EQ(left->config, one.config);
  }
}

TEST(ConfChange, AnEntryCarriesAChangeThereAndBack) {
  Rng rng(6);
  for (int round = 0; round < 500; ++round) {
    ConfChangeV2 change;
    change.transition = static_cast<Transition>(rng.below(3));
    change.changes = random_changes(rng);
    for (auto& single : change.changes) single.context = std::string(rng.below(5), '\xff');
    ASSERT_EQ(decode_conf_change(encode_conf_change(change)), change);
  }
  EXPECT_TRUE(encode_conf_change({}).data.empty()) << "leaving a joint configuration";
}

TEST(ConfChange, AnEntryThatCannotBeReadIsAChangeThatChangesNothing) {
  ConfChangeV2 change;
  change.changes = {{ConfChangeType::remove_node, 1, "context"}};
  for (std::size_t size = 2; size < encode_conf_change(change).data.size(); ++size) {
    Entry entry = encode_conf_change(change);
    entry.data = entry.data.str().substr(0, size);
    const ConfChangeV2 read = decode_conf_change(entry);
    ASSERT_EQ(read.changes.size(), 1U) << size;
    ASSERT_EQ(read.changes[0].node, kNone);
    ASSERT_FALSE(read.leaves_joint() || read.enters_joint());
  }
}

}  // namespace
}  // namespace swarm::raft
