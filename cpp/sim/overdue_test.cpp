// The look for dead nodes that are still shown as ready: whom it finds, and whom it must not accuse.
#include "sim/overdue.hpp"

#include <gtest/gtest.h>

#include <string>

#include "base/id.hpp"
#include "base/time.hpp"
#include "model/node.hpp"
#include "node/node.hpp"
#include "sim/test_swarm.hpp"
#include "sim/world.hpp"
#include "store/store.hpp"

namespace swarm::sim {
namespace {

// Looks every second, as chaos does. Returns the first complaint; "" for none.
std::string complaint(Overdue& overdue, World& world, int seconds) {
  for (int second = 0; second < seconds; ++second) {
    if (auto late = overdue.look(world); !late.empty()) return late;
    world.run_for(Duration::seconds(1));
  }
  return overdue.look(world);
}

TEST(Overdue, ADeadNodeThatIsMarkedDownInTimeIsNoComplaint) {
  Swarm swarm;
  Overdue overdue;
  EXPECT_EQ(complaint(overdue, swarm.world, 2), "");
  swarm.world.power_off("w1");
  EXPECT_EQ(complaint(overdue, swarm.world, 20), "");
}

// Seeds 3012 and 3661: the leader had given the clone a session, and rightly showed the node as ready.
TEST(Overdue, ACloneThatLivesAndDiesBetweenTwoLooksWasTheNodeMeanwhile) {
  Swarm swarm;
  World& world = swarm.world;
  Overdue overdue;
  EXPECT_EQ(complaint(overdue, world, 2), "");
  world.power_off("w1");
  EXPECT_EQ(complaint(overdue, world, 15), "");
  world.clone("w1");
  world.run_for(Duration::millis(300));
  world.power_off("w1-clone");
  EXPECT_EQ(complaint(overdue, world, 20), "");
}

// Seed 12100: it was READY for a tenth of a second, and got a task.
TEST(Overdue, ANodeThatWasReadyBetweenTwoLooksIsNotDownAllThatTime) {
  Swarm swarm;
  World& world = swarm.world;
  Overdue overdue;
  const NodeId w1 = world.node("w1").inspect().id;
  const auto store = [&]() -> const store::Store& { return *world.node(world.leader()).inspect().store; };
  const auto state = [&] { return store().node(w1)->status.state; };
  const auto until = [&](auto condition) {
    for (int i = 0; i < 1'000'000 && !condition(); ++i) world.run_for(Duration::micros(20));
    return condition();
  };
  EXPECT_EQ(complaint(overdue, world, 2), "");
  world.power_off("w1");
  EXPECT_EQ(complaint(overdue, world, 20), "");
  ASSERT_EQ(state(), model::NodeState::down);
  world.start("w1");
  ASSERT_TRUE(until([&] { return state() == model::NodeState::ready; }));
  EXPECT_EQ(swarm.create("a", 12), 201u);
  ASSERT_TRUE(until([&] { return !store().tasks_on_node(w1).empty(); }));
  world.power_off("w1");
  ASSERT_TRUE(until([&] { return state() == model::NodeState::down; }));
  EXPECT_EQ(overdue.look(world), "");
}

}  // namespace
}  // namespace swarm::sim
