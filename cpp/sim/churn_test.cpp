// What the administrator of a storm puts right when the storm is over.
#include "sim/churn.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "node/node.hpp"
#include "sim/client.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

using Names = std::vector<std::string>;

// A swarm of m1, w1 and w2, whose only manager m1 hands over to w1.
class ChurnTest : public testing::Test {
 protected:
  ChurnTest() {
    for (const auto* name : {"m1", "w1", "w2"})
      world_.add_machine({name, {}, {}, {4'000'000'000, 8LL << 30, 0, {}}});
    EXPECT_EQ(form_swarm(world_, {"m1"}, {"w1", "w2"}), "");
    world_.run_for(Duration::seconds(1));
  }
  std::string id(const std::string& machine) const { return world_.node(machine).inspect().id.str(); }
  void set_role(const std::string& machine, const std::string& role) {
    const std::string leader = leader_of(world_), target = "/nodes/" + id(machine);
    const auto version = std::to_string(version_of(world_.ask(leader, get(target)).body));
    const Reply reply = world_.ask(leader, post(target + "/update?version=" + version,
                                                R"({"Availability":"active","Role":")" + role + R"("})"));
    EXPECT_EQ(reply.head.status, 200u) << reply.body;
  }
  void wait_for_voters(std::size_t count) {
    const auto voters = [&] {
      const auto* group = world_.node("w1").inspect().group;
      return group == nullptr ? 0 : group->voters.size();
    };
    EXPECT_TRUE(world_.run_until([&] { return voters() == count; }, Duration::seconds(20))) << voters();
  }
  void hand_over() {
    set_role("w1", "manager");
    wait_for_voters(2);
    set_role("m1", "worker");
    wait_for_voters(1);
  }
  // Returns the id that w2 has when all is put right.
  std::string put_right() {
    Churn churn(world_, Rng(1), {"w1"}, {"m1", "w2"}, true);
    bool done = false;
    for (int slice = 0; slice < 800; ++slice) {
      done = churn.repair();
      world_.run_for(Duration::millis(50));
    }
    EXPECT_TRUE(done);
    EXPECT_EQ(group_not_settled(world_, {"w1"}), "");
    return id("w2");
  }
  bool is_ready(const std::string& node) {
    return world_.ask("w1", get("/nodes/" + node)).body.find(R"("State":"ready")") != std::string::npos;
  }

  World world_{WorldOptions{}};
};

TEST_F(ChurnTest, ANodeThatWasOffWhileAllItsManagersWereDemotedLeavesAndJoinsAgain) {
  const std::string before = id("w2");
  world_.power_off("w2");
  hand_over();
  world_.start("w2");
  world_.run_for(Duration::seconds(60));
  EXPECT_FALSE(is_ready(before)) << "the engine has a way back of its own";
  const std::string after = put_right();
  EXPECT_NE(after, before);
  EXPECT_TRUE(is_ready(after));
}

TEST_F(ChurnTest, ANodeThatWasToldOfTheNewManagersStays) {
  const std::string before = id("w2");
  hand_over();
  world_.run_for(Duration::seconds(5));
  world_.power_off("w2");
  world_.run_for(Duration::seconds(20));
  world_.start("w2");
  EXPECT_EQ(put_right(), before);
  EXPECT_TRUE(is_ready(before));
}

}  // namespace
}  // namespace swarm::sim
