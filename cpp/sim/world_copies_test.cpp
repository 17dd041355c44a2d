// Copies of disks that are put back: a manager's only while no other member counts on what the copy lacks.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "base/time.hpp"
#include "node/node.hpp"
#include "sim/client.hpp"
#include "sim/test_swarm.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

std::string follower_of(const World& world) { return world.leader() == "m1" ? "m2" : "m1"; }

std::uint64_t term_on_disk(const World& world, const std::string& name) {
  return world.node(name).inspect().log->hard_state().term;
}

// As soon as nothing counts on what it lacks.
bool goes_back(World& world, const std::string& name) {
  return world.run_until([&] { return world.put_back(name); }, Duration::seconds(5));
}

// The engine's own rules are on: they forgive the member its older term, and nothing else.
TEST(WorldCopies, AManagerGoesBackWhileTheOthersRememberAllOfIt) {
  Swarm swarm;
  World& world = swarm.world;
  const std::string first = world.leader();
  for (const auto* name : {"m1", "m2", "m3"}) world.keep_copy(name);
  world.crash(first);
  world.run_for(Duration::seconds(5));
  world.start(first);
  EXPECT_EQ(swarm.create("a", 3), 201u);
  swarm.settle();
  std::string back;
  for (const std::string name : {"m1", "m2", "m3"})
    if (name != first && name != world.leader()) back = name;
  const std::uint64_t before = world.node(back).inspect().raft_id, term = term_on_disk(world, back);
  ASSERT_TRUE(goes_back(world, back));
  EXPECT_LT(term_on_disk(world, back), term);
  const auto is_new = [&] {
    const auto now = world.node(back).inspect();
    return now.raft != nullptr && now.raft_id != before;
  };
  EXPECT_TRUE(world.run_until(is_new, Duration::seconds(10)));
  swarm.settle();
  world.check_all();
  EXPECT_FALSE(world.put_back(back)) << "there is no copy any more";
}

// The third one was away: what was answered is on two disks, and one of them would go back.
TEST(WorldCopies, AManagerThatAnotherOneCountsOnDoesNotGoBack) {
  Swarm swarm;
  World& world = swarm.world;
  const std::string back = follower_of(world);
  std::string away;
  for (const std::string name : {"m1", "m2", "m3"})
    if (name != back && name != world.leader()) away = name;
  world.keep_copy(back);
  const FaultId alone = swarm.begin("partition " + away);
  EXPECT_EQ(swarm.create("a", 1), 201u);
  EXPECT_FALSE(goes_back(world, back));
  EXPECT_TRUE(swarm.has_service(back, "a"));
  EXPECT_TRUE(world.end_fault(alone).ok());
  EXPECT_TRUE(goes_back(world, back));
}

TEST(WorldCopies, TheOnlyManagerDoesNotGoBackAndAWorkerAlwaysMay) {
  WorldOptions options = Swarm::options(1);
  World world(options);
  for (const char* name : {"m1", "w1"}) world.add_machine({name, {}, {}, {}});
  ASSERT_EQ(form_swarm(world, {"m1"}, {"w1"}), "");
  for (const char* name : {"m1", "w1"}) world.keep_copy(name);
  world.run_for(Duration::seconds(2));
  EXPECT_FALSE(world.put_back("m1"));
  EXPECT_TRUE(world.put_back("w1"));
}

}  // namespace
}  // namespace swarm::sim
