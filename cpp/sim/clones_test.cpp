// Two daemons with copies of one data root: one at a time is the node, and no swarm comes to harm.
#include <gtest/gtest.h>

#include <string>

#include "base/time.hpp"
#include "node/node.hpp"
#include "sim/client.hpp"
#include "sim/test_swarm.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

bool in_session(const World& world, const std::string& name) {
  return world.node(name).inspect().worker->in_session();
}

TEST(Clones, ASecondDaemonOfAWorkerIsRefusedWhileTheFirstLives) {
  Swarm swarm;
  World& world = swarm.world;
  EXPECT_EQ(swarm.create("a", 5), 201u);
  swarm.settle();
  world.clone("w1");
  EXPECT_TRUE(world.has_clone("w1"));
  EXPECT_EQ(world.machines().size(), 5u) << "a clone is listed";
  world.run_for(Duration::seconds(10));
  EXPECT_TRUE(in_session(world, "w1"));
  EXPECT_FALSE(in_session(world, "w1-clone"));
  const std::string info = world.ask("w1-clone", get("/info")).body;
  EXPECT_NE(info.find("another daemon has this node's identity and is in session"), std::string::npos)
      << info;
  world.crash("w1-clone");
  EXPECT_FALSE(world.has_clone("w1"));
  swarm.settle();
  EXPECT_EQ(world.not_at_rest(), "");
}

TEST(Clones, TheSecondDaemonIsTheNodeWhenTheFirstOneIsDeadAndTheFirstOneIsItAgain) {
  Swarm swarm;
  World& world = swarm.world;
  EXPECT_EQ(swarm.create("a", 5), 201u);
  swarm.settle();
  world.clone("w1");
  world.crash("w1");
  EXPECT_TRUE(world.run_until([&] { return in_session(world, "w1-clone"); }, Duration::seconds(10)));
  world.start("w1");
  world.run_for(Duration::seconds(5));
  EXPECT_FALSE(in_session(world, "w1"));
  world.power_off("w1-clone");
  EXPECT_TRUE(world.run_until([&] { return in_session(world, "w1"); }, Duration::seconds(10)));
  swarm.settle();
  EXPECT_EQ(world.not_at_rest(), "");
}

// Its words are those of the member whose identity it has, and that member's address is where answers go.
TEST(Clones, ASecondDaemonOfTheLeaderNeverLeads) {
  Swarm swarm;
  World& world = swarm.world;
  const std::string leader = world.leader();
  world.clone(leader);
  world.run_for(Duration::seconds(5));
  EXPECT_EQ(world.leader(), leader);
  world.crash(leader);
  EXPECT_TRUE(world.run_until([&] { return !world.leader().empty(); }, Duration::seconds(10)));
  EXPECT_FALSE(world.node(leader + "-clone").inspect().is_leader);
  world.crash(leader + "-clone");
  world.start(leader);
  swarm.settle();
  world.check_all();
}

}  // namespace
}  // namespace swarm::sim
