// The look for dead nodes that are still shown as ready: whom it finds, and whom it must not accuse.
#include "sim/overdue.hpp"

#include <gtest/gtest.h>

#include <string>

#include "base/time.hpp"
#include "sim/test_swarm.hpp"
#include "sim/world.hpp"

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

}  // namespace
}  // namespace swarm::sim
