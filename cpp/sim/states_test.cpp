// Replicas that differ: a manager whose disk has another value of an object than the others is found, named,
// and rebuilt by itself; where no majority agrees, all managers say so and none is taken out.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/id.hpp"
#include "base/time.hpp"
#include "node/replica_disk.hpp"
#include "sim/client.hpp"
#include "sim/test_swarm.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

struct Altered : Swarm {
  explicit Altered(std::uint64_t seed = 1) : Swarm(seed) {
    EXPECT_EQ(create("web", 2), 201u);
    settle();
  }
  std::string follower() const { return world.leader() == "m1" ? "m2" : "m1"; }
  Uint128 hash(const std::string& name) const { return node::state_hash(*world.node(name).inspect().store); }
  std::uint64_t raft_id(const std::string& name) const { return world.node(name).inspect().raft_id; }
  bool takes_part(const std::string& name) const { return world.node(name).inspect().raft != nullptr; }
  void alter(const std::string& name) {
    begin("disk " + name + " altered");
    world.crash(name);
    world.start(name);
  }
  bool is_another_member(const std::string& name, std::uint64_t than, Duration within) {
    return world.run_until([&] { return takes_part(name) && raft_id(name) != than; }, within);
  }
  // It may be an entry behind at any moment.
  bool has_the_leaders_state(const std::string& name) {
    return world.run_until(
        [&] {
          return !world.leader().empty() && takes_part(name) && takes_part(world.leader()) &&
                 hash(name) == hash(world.leader());
        },
        Duration::seconds(2));
  }
  std::string info(const std::string& name) { return world.ask(name, get("/info")).body; }
  std::size_t told(std::string_view what) {
    std::size_t count = 0;
    for (const auto& event : world.take_trace())
      if (event.kind == "warning.state" && event.text.find(what) != std::string::npos) ++count;
    return count;
  }
};

TEST(States, AFollowerThatDiffersIsANewMemberWithinSeconds) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Altered swarm(seed);
    const std::string victim = swarm.follower();
    const std::uint64_t before = swarm.raft_id(victim);
    swarm.world.take_trace();
    swarm.alter(victim);
    ASSERT_NE(swarm.hash(victim), swarm.hash(swarm.world.leader())) << "seed " << seed;
    ASSERT_TRUE(swarm.is_another_member(victim, before, Duration::seconds(6))) << "seed " << seed;
    swarm.settle();
    EXPECT_TRUE(swarm.has_the_leaders_state(victim)) << "seed " << seed;
    EXPECT_GE(swarm.told("is not the one that a majority of the managers has"), 1u) << "by itself";
  }
}

TEST(States, WhileWritesGoOnItIsFoundAllTheSame) {
  Altered swarm;
  const std::string victim = swarm.follower();
  const std::uint64_t before = swarm.raft_id(victim);
  swarm.alter(victim);
  for (int i = 0; i < 600 && (!swarm.takes_part(victim) || swarm.raft_id(victim) == before); ++i) {
    ASSERT_EQ(swarm.create("s" + std::to_string(i), 1), 201u);
    swarm.world.run_for(Duration::millis(5));
  }
  EXPECT_NE(swarm.raft_id(victim), before);
  swarm.settle();
  EXPECT_TRUE(swarm.has_the_leaders_state(victim));
}

// It is elected before any other manager can tell what it has.
TEST(States, ALeaderThatIsOutvotedHandsOverAndIsRebuilt) {
  int led = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Altered swarm(seed);
    const std::uint64_t before = swarm.raft_id("m1");
    swarm.begin("disk m1 altered");
    for (const auto* name : {"m1", "m2", "m3"}) swarm.world.crash(name);
    for (const auto* name : {"m1", "m2", "m3"}) swarm.world.start(name);
    led += swarm.world.run_until([&] { return swarm.world.leader() == "m1"; }, Duration::seconds(2)) ? 1 : 0;
    ASSERT_TRUE(swarm.is_another_member("m1", before, Duration::seconds(15))) << "seed " << seed;
    swarm.settle();
    EXPECT_TRUE(swarm.has_the_leaders_state("m1")) << "seed " << seed;
    EXPECT_TRUE(swarm.has_the_leaders_state("m2")) << "seed " << seed;
  }
  EXPECT_GE(led, 2);
}

TEST(States, WhereNoMajorityAgreesAllSayItAndNoneIsTakenOut) {
  Altered swarm;
  const std::string leader = swarm.world.leader();
  std::set<std::string> victims{"m1", "m2", "m3"};
  victims.erase(leader);
  std::set<std::uint64_t> ids;
  for (const std::string& name : victims) ids.insert(swarm.raft_id(name));
  const auto differ = [&] {
    std::set<Uint128> states;
    for (const auto* name : {"m1", "m2", "m3"}) states.insert(swarm.hash(name));
    return states.size() == 3;
  };
  for (const std::string& name : victims) {
    swarm.begin("disk " + name + " altered");
    swarm.world.crash(name);
  }
  for (const std::string& name : victims) swarm.world.start(name);
  ASSERT_TRUE(differ()) << "two objects of one seed were the same: take another seed";
  swarm.world.run_for(Duration::seconds(10));
  std::set<std::uint64_t> after;
  for (const std::string& name : victims) after.insert(swarm.raft_id(name));
  EXPECT_EQ(after, ids);
  EXPECT_TRUE(differ());
  const std::string now = swarm.world.leader();
  for (const std::string name : {"m1", "m2", "m3"}) {
    const std::string what = name == now ? "no majority has the same" : "is not the leader's at entry ";
    EXPECT_NE(swarm.info(name).find(what), std::string::npos) << name << ": " << swarm.info(name);
  }
  EXPECT_EQ(swarm.create("still", 1), 201u) << "they go on";
}

}  // namespace
}  // namespace swarm::sim
