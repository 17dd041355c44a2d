// Raft's promises, broken by what no Raft can bear: a disk that forgets. Each ready-made rule that nothing
// else breaks is broken here, by faults alone; and none cries wolf in storms that Raft does bear.
#include <gtest/gtest.h>

#include "faults/draw.hpp"
#include "sim/test_swarm.hpp"
#include "sim/watch_rules.hpp"

namespace swarm::sim {
namespace {

std::string seconds(Instant at) {
  const std::string ms = std::to_string((at - Instant{}).ns / 1'000'000 % 1000);
  return std::to_string((at - Instant{}).ns / 1'000'000'000) + "." + std::string(3 - ms.size(), '0') + ms +
         "s";
}

// One voter forgets that it has voted and what it has acknowledged; so the manager that was away, which knows
// of neither, wins the same term, and writes over what was committed and answered.
struct TwoHistories : Swarm {
  explicit TwoHistories(const RuleSpec& spec) {
    world.watch().add(*make_rule(spec));
    away = world.leader();
    EXPECT_EQ(create("kept", 1), 201u);
    world.run_for(Duration::seconds(1));
    for (const std::string name : {"m1", "m2", "m3"})
      if (name != away) begin("disk " + name + " old_copy");
    const FaultId alone = begin("partition " + away);
    EXPECT_TRUE(world.run_until([&] { return !world.leader().empty() && world.leader() != away; },
                                Duration::seconds(20)));
    first = world.leader();
    term = world.node(first).inspect().raft->term();
    EXPECT_EQ(create("lost", 1), 201u);
    world.run_for(Duration::seconds(1));
    for (const std::string name : {"m1", "m2", "m3"})
      if (name != away && name != first) forgetful = name;
    EXPECT_FALSE(world.watch().broken());
    begin("partition " + first);
    EXPECT_TRUE(world.end_fault(alone).ok());
    world.crash(forgetful);
    forgot = world.now();
    world.start(forgetful);
  }
  // Until the rule is broken, which ends a run.
  bool breaks(Duration within) {
    const Instant end = world.now() + within;
    while (!world.watch().broken() && world.now() < end && world.step()) continue;
    return world.watch().broken().has_value();
  }
  std::string caveat() const {
    return ". This run is outside of what Raft assumes: " + forgetful +
           "'s disk came back as an older copy at " + to_string(forgot - Instant{});
  }
  std::string away, first, forgetful;
  raft::Term term = 0;
  Instant forgot;
};

TEST(BrokenPromises, TwoLeadersOfATermAreTold) {
  TwoHistories swarm({"one_leader_per_term", "", 0});
  ASSERT_TRUE(swarm.breaks(Duration::seconds(20)));
  const Broken& said = *swarm.world.watch().broken();
  EXPECT_EQ(said.name, "one_leader_per_term");
  EXPECT_EQ(said.at, swarm.world.now());
  EXPECT_EQ(said.what, swarm.first + " and " + swarm.away + " both led in term " +
                           std::to_string(swarm.term) + ", at " + seconds(said.at) + swarm.caveat());
}

TEST(BrokenPromises, ACommitThatIsWrittenOverIsTold) {
  TwoHistories swarm({"no_lost_commits", "", 0});
  ASSERT_TRUE(swarm.breaks(Duration::seconds(20)));
  const Broken& said = *swarm.world.watch().broken();
  EXPECT_EQ(said.name, "no_lost_commits");
  EXPECT_EQ(said.at, swarm.world.now());
  EXPECT_NE(said.what.find(", was another one on "), std::string::npos) << said.what;
  EXPECT_NE(said.what.find(" at " + seconds(said.at) + swarm.caveat()), std::string::npos) << said.what;
}

TEST(BrokenPromises, TwoLogsThatDifferAreTold) {
  TwoHistories swarm({"log_matching", "", 0});
  ASSERT_TRUE(swarm.breaks(Duration::seconds(20)));
  const Broken& said = *swarm.world.watch().broken();
  EXPECT_EQ(said.name, "log_matching");
  EXPECT_EQ(said.at, swarm.world.now());
  EXPECT_TRUE(said.what.starts_with("the logs of ")) << said.what;
  EXPECT_NE(said.what.find(" of term " + std::to_string(swarm.term) + ", at " + seconds(said.at)),
            std::string::npos)
      << said.what;
}

TEST(BrokenPromises, AWriteThatWasAnsweredAndIsGoneIsTold) {
  TwoHistories swarm({"no_lost_writes", "", 0});
  ASSERT_TRUE(swarm.breaks(Duration::seconds(20)));
  const Broken& said = *swarm.world.watch().broken();
  EXPECT_EQ(said.name, "no_lost_writes");
  EXPECT_EQ(said.at, swarm.world.now());
  EXPECT_NE(said.what.find(", which leads in term " + std::to_string(swarm.term)), std::string::npos)
      << said.what;
}

// Without a rule of the user's own the engine's own say it.
TEST(BrokenPromises, NobodyNeedsToAskForThem) {
  const CheckHandler before =
      set_check_handler([](const std::string& sentence) { throw std::runtime_error(sentence); });
  Swarm swarm;
  const std::string follower = swarm.world.leader() == "m1" ? "m2" : "m1";
  swarm.begin("disk " + follower + " old_copy");
  swarm.world.crash(swarm.world.leader());
  swarm.world.run_for(Duration::seconds(10));
  swarm.world.crash(follower);
  std::string said;
  try {
    swarm.world.start(follower);
    swarm.world.run_for(Duration::seconds(10));
  } catch (const std::exception& failed) {
    said = failed.what();
  }
  set_check_handler(before);
  EXPECT_NE(said.find("the term on disk went back"), std::string::npos) << said;
  EXPECT_NE(said.find("This run is outside of what Raft assumes"), std::string::npos) << said;
}

TEST(BrokenPromises, NoneCriesWolfInStorms) {
  std::map<std::string, std::uint64_t> asked;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Swarm swarm(seed);
    std::map<std::string, RuleId> rules;
    for (const char* kind : {"one_leader_per_term", "no_lost_commits", "no_lost_writes", "log_matching",
                             "at_most_one_per_slot", "replicas_at_most_desired", "update_pace"})
      rules[kind] = swarm.world.watch().add(*make_rule({kind, "", 0}));
    faults::DrawOptions options;
    options.seed = seed;
    options.managers = {"m1", "m2", "m3"};
    options.workers = {"w1", "w2"};
    options.every = Duration::seconds(1);
    options.lasts = Duration::seconds(2);
    options.duration = Duration::seconds(8);
    ASSERT_TRUE(swarm.world.run_plan(*faults::draw(options)).ok());
    for (int i = 0; i < 4; ++i) {
      swarm.create("web" + std::to_string(i), 3);
      swarm.world.run_for(Duration::seconds(2));
    }
    swarm.world.heal();
    swarm.world.run_for(Duration::seconds(2));
    const auto& broken = swarm.world.watch().broken();
    ASSERT_FALSE(broken) << "seed " << seed << ": " << broken->name << ": " << broken->what;
    for (const auto& [kind, id] : rules) asked[kind] += swarm.world.watch().asked(id);
  }
  for (const auto& [kind, times] : asked) EXPECT_GT(times, 10'000u) << kind;
}

}  // namespace
}  // namespace swarm::sim
