// What faults of disks do, exactly: slow, full, failing, torn, flipped, forgetful ones.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "base/time.hpp"
#include "faults/fault.hpp"
#include "model/node.hpp"
#include "sim/client.hpp"
#include "sim/test_swarm.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

std::size_t count_trace(World& world, std::string_view kind, std::string_view part) {
  std::size_t found = 0;
  for (const auto& line : world.take_trace())
    if (line.kind == kind && line.text.find(part) != std::string::npos) ++found;
  return found;
}

Duration time_of_write(Swarm& swarm, const std::string& name) {
  const Instant begin = swarm.world.now();
  EXPECT_EQ(swarm.create(name, 1), 201u);
  return swarm.world.now() - begin;
}

TEST(Disks, ASlowOneMakesWritesSlow) {
  Swarm swarm;
  swarm.begin("disk m1 fsync_delay 30ms");
  swarm.begin("disk m2 fsync_delay 30ms");
  swarm.begin("disk m3 fsync_delay 30ms");
  EXPECT_GE(time_of_write(swarm, "a"), Duration::millis(30));
  swarm.world.heal();
  swarm.world.run_for(Duration::millis(100));
  EXPECT_LT(time_of_write(swarm, "b"), Duration::millis(30));
}

// ---- a disk that is full or fails ends the member's part, and not its daemon

bool takes_part(const World& world, const std::string& name) {
  return world.alive(name) && world.node(name).inspect().raft != nullptr;
}

std::string info_of(Swarm& swarm, const std::string& name) {
  return swarm.world.ask(name, get("/info")).body;
}

// The ids of the containers that run there.
std::string containers(Swarm& swarm, const std::string& name) {
  const std::string body = swarm.world.ask(name, get("/containers/json")).body;
  std::string ids;
  for (std::size_t at = body.find("\"Id\":"); at != std::string::npos; at = body.find("\"Id\":", at + 1))
    ids += body.substr(at + 6, 66);
  return ids;
}

bool comes_to_have(Swarm& swarm, const std::string& name, const std::string& service) {
  return swarm.world.run_until(
      [&] { return takes_part(swarm.world, name) && swarm.has_service(name, service); },
      Duration::seconds(20));
}

TEST(Disks, AFullOneEndsTheMembersPartAndItGoesOnWhenThereIsRoom) {
  Swarm swarm;
  World& world = swarm.world;
  const std::string leader = world.leader();
  EXPECT_EQ(swarm.create("kept", 1), 201u);
  swarm.settle();
  const auto raft_id = world.node(leader).inspect().raft_id;
  swarm.begin("disk leader full");
  EXPECT_EQ(swarm.create("lost", 1), 503u) << "the first write fails, or its outcome is not known";
  EXPECT_TRUE(world.run_until([&] { return !world.leader().empty(); }, Duration::seconds(2)));
  EXPECT_EQ(swarm.create("other", 1), 201u);
  world.run_for(Duration::seconds(1));
  EXPECT_TRUE(world.alive(leader));
  EXPECT_FALSE(takes_part(world, leader));
  EXPECT_NE(world.leader(), leader);
  EXPECT_EQ(count_trace(world, "warning.disk", "write: no space left on device (ENOSPC)"), 1u);
  const std::string info = info_of(swarm, leader);
  EXPECT_NE(info.find("\"LocalNodeState\":\"error\""), std::string::npos) << info;
  EXPECT_NE(info.find("goes on by itself when the disk takes writes again"), std::string::npos) << info;
  EXPECT_EQ(world.ask(leader, get("/services")).head.status, 200u) << "the leader answers in its place";
  EXPECT_EQ(world.ask(leader, get("/containers/json")).head.status, 200u);
  world.run_for(Duration::seconds(5));
  EXPECT_FALSE(takes_part(world, leader));
  world.heal();
  EXPECT_TRUE(world.run_until([&] { return takes_part(world, leader); }, Duration::seconds(3)));
  swarm.settle();
  EXPECT_EQ(world.node(leader).inspect().raft_id, raft_id) << "it is the member that it was";
  EXPECT_TRUE(comes_to_have(swarm, leader, "other"));
  EXPECT_TRUE(swarm.has_service(leader, "kept"));
}

TEST(Disks, WhereAllAreFullTheApiAnswersTheTasksLiveAndAllGoesOnByItself) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Swarm swarm(seed);
    World& world = swarm.world;
    EXPECT_EQ(swarm.create("kept", 3), 201u);
    swarm.settle();
    const auto all = [&] {
      return containers(swarm, "m1") + containers(swarm, "m2") + containers(swarm, "m3") +
             containers(swarm, "w1") + containers(swarm, "w2");
    };
    const std::string before = all();
    EXPECT_NE(before, "");
    for (const auto* name : {"m1", "m2", "m3"}) swarm.begin(std::string("disk ") + name + " full");
    EXPECT_NE(swarm.create("not", 1), 201u);
    world.run_for(Duration::seconds(30));
    for (const std::string name : {"m1", "m2", "m3"}) {
      ASSERT_TRUE(world.alive(name)) << "seed " << seed;
      EXPECT_NE(info_of(swarm, name).find("no space left"), std::string::npos) << "seed " << seed;
    }
    EXPECT_EQ(all(), before);
    world.heal();
    swarm.settle();
    EXPECT_EQ(swarm.create("after", 1), 201u);
    for (const std::string name : {"m1", "m2", "m3"}) {
      EXPECT_TRUE(comes_to_have(swarm, name, "after")) << "seed " << seed;
      EXPECT_TRUE(swarm.has_service(name, "kept")) << "seed " << seed;
    }
  }
}

// Whatever the operation that fails first: no daemon ends, no answered write is lost.
TEST(Disks, FromTheNthOperationOnTheMemberTakesNoPartUntilTheDiskIsWell) {
  for (std::int64_t after = 1; after <= 24; ++after) {
    Swarm swarm(static_cast<std::uint64_t>(after));
    World& world = swarm.world;
    const std::string victim = after % 2 == 0 ? world.leader() : world.leader() == "m1" ? "m2" : "m1";
    swarm.begin("disk " + victim + " errors " + (after % 4 < 2 ? "fsync" : "write") + "=EIO after " +
                std::to_string(after));
    std::vector<std::string> acknowledged;
    for (int i = 0; i < 12; ++i) {
      const std::string name = "b" + std::to_string(i);
      EXPECT_TRUE(world.run_until([&] { return !world.leader().empty(); }, Duration::seconds(2)));
      if (swarm.create(name, 1) == 201u) acknowledged.push_back(name);
    }
    world.run_for(Duration::seconds(2));
    EXPECT_GE(acknowledged.size(), 10u) << "operation " << after;
    EXPECT_TRUE(world.alive(victim));
    EXPECT_FALSE(takes_part(world, victim)) << "operation " << after;
    EXPECT_NE(info_of(swarm, victim).find("input/output error"), std::string::npos);
    world.heal();
    swarm.settle();
    for (const std::string& name : acknowledged)
      EXPECT_TRUE(comes_to_have(swarm, victim, name)) << name << ", operation " << after;
  }
}

// A worker's batches wait: its node stays ready, its tasks run on.
TEST(Disks, AWorkerWhoseDiskFailsKeepsItsTasksAndItsSession) {
  Swarm swarm;
  World& world = swarm.world;
  EXPECT_EQ(swarm.create("kept", 6), 201u);
  swarm.settle();
  const std::string before = containers(swarm, "w1");
  swarm.begin("disk w1 errors write=EIO,fsync=EIO");
  EXPECT_EQ(swarm.create("more", 6), 201u);
  world.run_for(Duration::seconds(60));
  const auto id = world.node("w1").inspect().id;
  EXPECT_EQ(world.node(world.leader()).inspect().store->node(id)->status.state, model::NodeState::ready);
  EXPECT_NE(info_of(swarm, "w1").find("Its tasks go on, and new ones wait for the disk"), std::string::npos);
  EXPECT_EQ(containers(swarm, "w1"), before);
  world.heal();
  swarm.settle();
  EXPECT_EQ(info_of(swarm, "w1").find("wait for the disk"), std::string::npos);
}

TEST(Disks, AnInitThatCannotBeWrittenIsRefusedAndMayBeTriedAgain) {
  World world(WorldOptions{});
  world.add_machine({"m1", {}, {}, {4'000'000'000, 8LL << 30, 0, {}}});
  EXPECT_TRUE(world.begin_fault(*faults::parse("disk m1 full")).ok());
  const auto refused = world.ask("m1", post("/swarm/init", R"({"ListenAddr":"0.0.0.0:2377","Spec":{}})"));
  EXPECT_GE(refused.head.status, 500u);
  EXPECT_NE(refused.body.find("no space left on device"), std::string::npos) << refused.body;
  EXPECT_NE(world.ask("m1", get("/info")).body.find("\"LocalNodeState\":\"inactive\""), std::string::npos);
  world.heal();
  world.run_for(Duration::seconds(2));
  EXPECT_EQ(form_swarm(world, {"m1"}, {}), "");
}

TEST(Disks, ADiskThatCannotBeReadKeepsItsDaemonDown) {
  Swarm swarm;
  World& world = swarm.world;
  swarm.begin("disk w1 errors read=EIO");
  world.crash("w1");
  world.start("w1");
  EXPECT_FALSE(world.alive("w1"));
  EXPECT_EQ(count_trace(world, "sim.disk", "the daemon does not start: read: input/output error (EIO)"), 1u);
  world.heal();
  EXPECT_TRUE(world.alive("w1"));
  swarm.settle();
}

TEST(Disks, ATornBatchCostsNothingThatWasAnswered) {
  Swarm swarm;
  swarm.begin("disk m1 torn");
  swarm.begin("disk m2 torn");
  swarm.begin("disk m3 torn");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(swarm.create("s" + std::to_string(i), 1), 201u);
  for (const auto* name : {"m1", "m2", "m3"}) swarm.world.crash(name);
  for (const auto* name : {"m1", "m2", "m3"}) swarm.world.start(name);
  swarm.settle();
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(swarm.has_service(swarm.world.leader(), "s" + std::to_string(i)));
}

TEST(Disks, AFlippedBitOfTheNodesOwnSideKeepsItsDaemonDown) {
  Swarm swarm;
  World& world = swarm.world;
  swarm.begin("disk w1 flip 1");
  EXPECT_EQ(swarm.create("a", 4), 201u);
  swarm.settle();
  world.crash("w1");
  world.start("w1");
  EXPECT_FALSE(world.alive("w1"));
  EXPECT_EQ(count_trace(world, "sim.disk", "the data root is corrupt: the checksum of a record of"), 1u);
  world.heal();
  EXPECT_TRUE(world.alive("w1"));
  swarm.settle();
}

// Its tasks run on. The others take it in again, as one that has forgotten.
TEST(Disks, AFlippedBitOfAManagersSideIsSaidAndHealsByItself) {
  int healed = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Swarm swarm(seed);
    World& world = swarm.world;
    const std::string victim = world.leader() == "m1" ? "m2" : "m1";
    const auto raft_id = world.node(victim).inspect().raft_id;
    swarm.begin("disk " + victim + " flip 2");
    EXPECT_EQ(swarm.create("a", 3), 201u);
    swarm.settle();
    world.crash(victim);
    world.take_trace();
    world.start(victim);
    if (count_trace(world, "warning.forgetful", "it is damaged (the checksum of a record of") == 0) continue;
    ++healed;  // the bit was one of a manager's side
    ASSERT_TRUE(world.alive(victim)) << "seed " << seed;
    EXPECT_TRUE(world.run_until([&] { return takes_part(world, victim); }, Duration::seconds(10)));
    EXPECT_NE(world.node(victim).inspect().raft_id, raft_id);
    EXPECT_TRUE(comes_to_have(swarm, victim, "a"));
    world.heal();  // the bit that was flipped has gone
    EXPECT_EQ(swarm.create("b", 1), 201u);
    EXPECT_TRUE(comes_to_have(swarm, victim, "b"));
  }
  EXPECT_GE(healed, 5);
}

// What its manager does then: memory_test.
TEST(Disks, ALostTailIsSaid) {
  Swarm swarm;
  World& world = swarm.world;
  const std::string leader = world.leader();
  const std::string follower = leader == "m1" ? "m2" : "m1";
  swarm.begin("disk " + follower + " lost_tail 3");
  EXPECT_EQ(swarm.create("a", 1), 201u);
  world.run_for(Duration::seconds(1));
  world.crash(follower);
  EXPECT_EQ(count_trace(world, "sim.disk", "lost its last 3 durable batches"), 1u);
}

// A manager that has forgotten what it promised does not take part, and says why; the others go on.
TEST(Disks, ALostTailEndsNoDaemonAndIsSaid) {
  const CheckHandler before =
      set_check_handler([](const std::string& sentence) { throw std::runtime_error(sentence); });
  std::size_t refused = 0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Swarm swarm(seed);
    World& world = swarm.world;
    const std::string follower = world.leader() == "m1" ? "m2" : "m1";
    swarm.begin("disk " + follower + " lost_tail 6");
    EXPECT_EQ(swarm.create("a", 1), 201u);
    world.run_for(Duration::seconds(1));
    world.crash(follower);
    world.start(follower);
    world.run_for(Duration::seconds(2));
    refused += count_trace(world, "warning.forgetful", "durable writes are gone");
    EXPECT_TRUE(world.alive(follower));
    EXPECT_EQ(swarm.create("b", 1), 201u);
    world.heal();
    EXPECT_EQ(swarm.create("c", 1), 201u);
  }
  set_check_handler(before);
  EXPECT_EQ(refused, 5u);
}

TEST(Disks, AnOlderCopyIsWhatItWasWhenTheFaultBegan) {
  Swarm swarm;
  World& world = swarm.world;
  swarm.begin("disk w1 old_copy");
  EXPECT_EQ(swarm.create("a", 5), 201u);
  swarm.settle();
  world.crash("w1");
  world.take_trace();
  world.start("w1");
  EXPECT_EQ(count_trace(world, "sim.disk", "came back as an older copy"), 1u);
}

}  // namespace
}  // namespace swarm::sim
