// Never vote after loss: a manager whose disk has lost some of what it had promised neither votes nor
// acknowledges. It says so, and comes back by itself as a new member of the Raft group.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "docker/api.hpp"
#include "faults/fault.hpp"
#include "model/node.hpp"
#include "raft/message.hpp"
#include "raft/raft.hpp"
#include "sim/client.hpp"
#include "sim/test_swarm.hpp"
#include "sim/workload.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

std::size_t told(World& world, std::string_view what) {
  std::size_t count = 0;
  for (const auto& event : world.take_trace())
    if (event.kind == "warning.forgetful" && event.text.find(what) != std::string::npos) ++count;
  return count;
}

// The term on a disk goes back when an older copy of it comes.
WorldOptions unchecked() {
  WorldOptions options = Swarm::options(1);
  options.check = false;
  return options;
}

struct Forgetful : Swarm {
  explicit Forgetful(std::uint64_t seed = 1) : Forgetful(options(seed)) {}
  explicit Forgetful(const WorldOptions& options) : Swarm(options) {
    leader = world.leader();
    for (const std::string name : {"m1", "m2", "m3"})
      if (name != leader) (follower.empty() ? follower : other) = name;
  }
  std::uint64_t raft_id(const std::string& name) const { return world.node(name).inspect().raft_id; }
  raft::Index last_index(const std::string& name) const {
    return world.node(name).inspect().raft->last_index();
  }
  bool takes_part(const std::string& name) const { return world.node(name).inspect().raft != nullptr; }
  // As another member than it was.
  bool comes_back(const std::string& name, std::uint64_t was) {
    return world.run_until([&] { return takes_part(name) && raft_id(name) != was; }, Duration::seconds(10));
  }
  // Its workers have found it.
  void settle_workers() {
    const auto found = [&] {
      for (const char* name : {"w1", "w2"}) {
        const auto id = world.node(name).inspect().id;
        const auto seen = world.node(leader).inspect().store->node(id);
        if (!seen || seen->status.state != model::NodeState::ready) return false;
        if (!world.node(name).inspect().worker->in_session()) return false;
      }
      return true;
    };
    EXPECT_TRUE(world.run_until(found, Duration::seconds(60)));
  }
  std::string leader, follower, other;
};

// The worst case: of the two managers that acknowledged, one is down and the other has forgotten; the third
// was away. What was answered is not lost, because no manager leads until the one that remembers is back.
TEST(Memory, WhatWasAnsweredSurvivesALostTailBesideAnAbsentManager) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Forgetful swarm(seed);
    World& world = swarm.world;
    swarm.begin("disk " + swarm.follower + " lost_tail 9");
    world.crash(swarm.other);
    for (int i = 0; i < 10; ++i) ASSERT_EQ(swarm.create("s" + std::to_string(i), 1), 201u);
    world.crash(swarm.follower);
    world.crash(swarm.leader);
    world.start(swarm.other);
    world.start(swarm.follower);
    world.run_for(Duration::seconds(20));
    EXPECT_EQ(world.leader(), "") << "seed " << seed << ": a leader without a majority that remembers";
    world.start(swarm.leader);
    swarm.settle();
    for (int i = 0; i < 10; ++i)
      EXPECT_TRUE(swarm.has_service(world.leader(), "s" + std::to_string(i))) << "seed " << seed;
  }
}

TEST(Memory, AFollowerThatComesBackAsAnOlderCopyIsANewMemberToo) {
  Forgetful swarm;
  World& world = swarm.world;
  const std::uint64_t before = swarm.raft_id(swarm.follower);
  swarm.begin("disk " + swarm.follower + " old_copy");
  EXPECT_EQ(swarm.create("a", 3), 201u);
  swarm.settle();
  world.crash(swarm.follower);
  world.take_trace();
  world.start(swarm.follower);
  EXPECT_TRUE(swarm.comes_back(swarm.follower, before));
  EXPECT_EQ(told(world, "it looks like an older copy of its data root"), 1u);
  swarm.settle();
}

// Its leader is of a term that the copy has never heard of.
TEST(Memory, AnOlderCopyOfAnEarlierTermIsANewMemberToo) {
  World world(unchecked());
  for (const char* name : {"m1", "m2", "m3"})
    world.add_machine({name, {}, {}, {4'000'000'000, 8LL << 30, 0, {}}});
  ASSERT_EQ(form_swarm(world, {"m1", "m2", "m3"}, {}), "");
  const auto settled = [&] { return not_converged(world, 3).empty(); };
  ASSERT_TRUE(world.run_until(settled, Duration::seconds(60)));
  const std::string first = world.leader();
  for (const std::string name : {"m1", "m2", "m3"})
    if (name != first) (void)world.begin_fault(*faults::parse("disk " + name + " old_copy"));
  world.run_for(Duration::millis(100));
  world.crash(first);
  world.start(first);
  world.run_for(Duration::seconds(5));
  ASSERT_TRUE(world.run_until(settled, Duration::seconds(60)));
  ASSERT_NE(world.leader(), first);
  std::string follower;
  for (const std::string name : {"m1", "m2", "m3"})
    if (name != first && name != world.leader()) follower = name;
  const std::uint64_t before = world.node(follower).inspect().raft_id;
  world.crash(follower);
  world.take_trace();
  world.start(follower);
  const auto back = [&] {
    const auto now = world.node(follower).inspect();
    return now.raft != nullptr && now.raft_id != before;
  };
  EXPECT_TRUE(world.run_until(back, Duration::seconds(10)));
  EXPECT_EQ(told(world, "it looks like an older copy of its data root"), 1u);
}

// The copy was taken as the member joined: it has no vote to ask for, and has heard of no term.
TEST(Memory, AnOlderCopyOfAMemberThatWasNewIsANewMemberToo) {
  Forgetful swarm(unchecked());
  World& world = swarm.world;
  swarm.begin("disk " + swarm.follower + " lost_tail 3");
  EXPECT_EQ(swarm.create("a", 3), 201u);
  swarm.settle();
  const std::uint64_t first = swarm.raft_id(swarm.follower);
  world.crash(swarm.follower);
  world.start(swarm.follower);
  ASSERT_TRUE(swarm.comes_back(swarm.follower, first));
  swarm.begin("disk " + swarm.follower + " old_copy");
  const std::uint64_t second = swarm.raft_id(swarm.follower);
  EXPECT_EQ(swarm.create("b", 3), 201u);
  swarm.settle();
  world.crash(swarm.follower);
  world.start(swarm.follower);
  EXPECT_TRUE(swarm.comes_back(swarm.follower, second));
  swarm.settle();
}

// The copy is no shorter than what the leader counts on: it has other entries there, which were written over
// since, and a commit index alone would commit them.
TEST(Memory, AnOlderCopyWithEntriesThatWereWrittenOverIsANewMemberToo) {
  Forgetful swarm(unchecked());
  World& world = swarm.world;
  const std::string deposed = swarm.leader;
  const FaultId cut = swarm.begin("cut " + deposed + " <-> *");
  ServiceWish wish;
  for (int i = 0; i < 60; ++i) {
    wish.name = "s" + std::to_string(i);
    (void)world.call(deposed, post("/services/create", to_json(wish)));
  }
  world.run_for(Duration::millis(200));
  swarm.begin("disk " + deposed + " old_copy");
  const auto replaced = [&] { return !world.leader().empty() && world.leader() != deposed; };
  ASSERT_TRUE(world.run_until(replaced, Duration::seconds(10)));
  (void)world.end_fault(cut);
  const auto written_over = [&] { return swarm.last_index(deposed) == swarm.last_index(world.leader()); };
  ASSERT_TRUE(world.run_until(written_over, Duration::seconds(10)));
  world.run_for(Duration::millis(200));  // the leader has its acknowledgement
  const std::uint64_t before = swarm.raft_id(deposed);
  world.crash(deposed);
  world.take_trace();
  world.start(deposed);
  EXPECT_TRUE(swarm.comes_back(deposed, before));
  EXPECT_EQ(told(world, "it looks like an older copy of its data root"), 1u);
  swarm.settle();
}

TEST(Memory, AFollowerThatHasForgottenIsANewMemberWithinSeconds) {
  Forgetful swarm;
  World& world = swarm.world;
  const std::uint64_t before = swarm.raft_id(swarm.follower);
  swarm.begin("disk " + swarm.follower + " lost_tail 3");
  EXPECT_EQ(swarm.create("a", 3), 201u);
  swarm.settle();
  world.crash(swarm.follower);
  world.take_trace();
  world.start(swarm.follower);
  EXPECT_TRUE(world.alive(swarm.follower));
  EXPECT_FALSE(swarm.takes_part(swarm.follower)) << "it votes";
  EXPECT_TRUE(world.run_until([&] { return swarm.takes_part(swarm.follower); }, Duration::seconds(10)));
  EXPECT_EQ(told(world, "durable writes are gone"), 1u);
  swarm.settle();
  EXPECT_NE(swarm.raft_id(swarm.follower), before);
  EXPECT_TRUE(swarm.has_service(swarm.follower, "a"));
  world.crash(swarm.other);
  EXPECT_EQ(swarm.create("b", 1), 201u) << "it is no voter";
}

// A crash may come between the new member's state and the identity that names it: the node must not be one
// member on its disk and another one in its links.
TEST(Memory, ACrashAtAnyDiskOperationOfItsReturnIsADelayAndNoMore) {
  std::uint64_t crashes = 0;
  for (std::uint64_t at = 1, before = ~0ULL; crashes != before; ++at) {
    before = crashes;
    for (const bool keeps : {false, true}) {
      Forgetful swarm;
      World& world = swarm.world;
      swarm.begin("disk " + swarm.follower + " lost_tail 3");
      EXPECT_EQ(swarm.create("a", 1), 201u);
      swarm.settle();
      world.crash(swarm.follower);
      std::uint64_t moments = 0;
      world.at_disk([&](const World::DiskMoment& moment) -> std::optional<std::size_t> {
        if (moment.machine != swarm.follower || ++moments != at) return std::nullopt;
        ++crashes;
        return keeps ? moment.unsynced : 0;
      });
      world.start(swarm.follower);
      world.run_for(Duration::seconds(2));
      world.start(swarm.follower);
      const auto votes = [&] {
        if (!world.alive(swarm.follower) || !swarm.takes_part(swarm.follower)) return false;
        const auto seen = world.node(swarm.follower).inspect();
        return std::ranges::count(seen.group->voters, seen.raft_id) == 1;
      };
      ASSERT_TRUE(world.run_until(votes, Duration::seconds(15))) << "at " << at << " keeps " << keeps;
    }
  }
  EXPECT_GT(crashes, 20u);
}

TEST(Memory, OneThatNobodyCanHelpSaysWhatItWaitsFor) {
  Forgetful swarm;
  World& world = swarm.world;
  swarm.begin("disk " + swarm.follower + " lost_tail 2");
  EXPECT_EQ(swarm.create("a", 1), 201u);
  world.run_for(Duration::seconds(1));
  for (const auto* name : {"m1", "m2", "m3"}) world.crash(name);
  world.start(swarm.follower);
  world.run_for(Duration::seconds(5));
  const std::string info = world.ask(swarm.follower, get("/info")).body;
  EXPECT_NE(info.find("\"LocalNodeState\":\"error\""), std::string::npos) << info;
  EXPECT_NE(info.find("does not remember what it promised: its last "), std::string::npos) << info;
  EXPECT_NE(info.find("as soon as a majority of them is there"), std::string::npos) << info;
  world.start(swarm.leader);
  world.start(swarm.other);
  EXPECT_TRUE(world.run_until([&] { return swarm.takes_part(swarm.follower); }, Duration::seconds(20)));
  swarm.settle();
  EXPECT_TRUE(swarm.has_service(swarm.follower, "a"));
}

// ---- out of a lost majority

std::string force(const std::string& machine_address) {
  return R"({"ListenAddr":"0.0.0.0:2377","AdvertiseAddr":")" + machine_address +
         R"(","ForceNewCluster":true,"Spec":{}})";
}

TEST(Recovery, OneManagerOfThreeMakesANewClusterThatKeepsEverything) {
  Forgetful swarm;
  World& world = swarm.world;
  EXPECT_EQ(swarm.create("kept", 4), 201u);
  swarm.settle();
  world.crash(swarm.follower);
  world.crash(swarm.other);  // and the leader does not know it yet
  const auto answer = world.ask(swarm.leader, post("/swarm/init", force("")));
  EXPECT_EQ(answer.head.status, 200u) << answer.body;
  EXPECT_EQ(world.leader(), swarm.leader);
  EXPECT_TRUE(swarm.has_service(swarm.leader, "kept"));
  EXPECT_EQ(swarm.create("after", 2), 201u);
  EXPECT_EQ(world.node(swarm.leader).inspect().group->voters.size(), 1u);
  // The former members are refused: they are workers of the new swarm, and may be promoted again.
  world.start(swarm.follower);
  world.run_for(Duration::seconds(10));
  EXPECT_EQ(world.leader(), swarm.leader);
  EXPECT_FALSE(swarm.takes_part(swarm.follower));
  EXPECT_EQ(world.node(swarm.follower).inspect().state, docker::SwarmState::active);
  EXPECT_EQ(world.node(swarm.leader).inspect().group->voters.size(), 1u);
  EXPECT_EQ(swarm.create("still", 1), 201u);
}

std::string own_address(const World& world, const std::string& machine) {
  const auto seen = world.node(machine).inspect();
  return seen.members->at(seen.raft_id).address.host();
}

// All other nodes dial the address that is given.
TEST(Recovery, AnAddressAtWhichNothingWouldListenIsRefused) {
  Forgetful swarm;
  World& world = swarm.world;
  EXPECT_EQ(swarm.create("kept", 4), 201u);
  world.crash(swarm.follower);
  world.crash(swarm.other);
  const std::string own = own_address(world, swarm.leader);
  const auto another_port = world.ask(swarm.leader, post("/swarm/init", force(own + ":2400")));
  EXPECT_EQ(another_port.head.status, 503u) << another_port.body;
  const auto refused = world.ask(swarm.leader, post("/swarm/init", force("10.9.8.7:2377")));
  EXPECT_EQ(refused.head.status, 503u) << refused.body;
  EXPECT_NE(refused.body.find("nothing would listen at 10.9.8.7:2377"), std::string::npos) << refused.body;
  EXPECT_NE(refused.body.find("name an address of this machine there"), std::string::npos) << refused.body;
  world.start(swarm.other);
  EXPECT_TRUE(world.run_until([&] { return !world.leader().empty(); }, Duration::seconds(10)))
      << "nothing has changed";
  world.crash(swarm.other);
  const auto answer = world.ask(swarm.leader, post("/swarm/init", force(own + ":2377")));
  EXPECT_EQ(answer.head.status, 200u) << answer.body;
  swarm.settle_workers();
}

TEST(Recovery, IsRefusedWhereNothingIsLost) {
  Forgetful swarm;
  World& world = swarm.world;
  for (const std::string& manager : {swarm.leader, swarm.follower}) {
    const auto answer = world.ask(manager, post("/swarm/init", force("")));
    EXPECT_EQ(answer.head.status, 503u) << manager;
    EXPECT_NE(answer.body.find("there is nothing to recover"), std::string::npos) << answer.body;
  }
  const auto worker = world.ask("w1", post("/swarm/init", force("")));
  EXPECT_NE(worker.body.find("run it on a manager"), std::string::npos) << worker.body;
}

// A crash at any moment of it leaves a manager that starts: of the group before, or of the new one.
TEST(Recovery, ACrashAtAnyMomentOfItLeavesAWholeDisk) {
  for (int micros = 0; micros < 3'000; micros += 100) {
    Forgetful swarm;
    World& world = swarm.world;
    EXPECT_EQ(swarm.create("kept", 2), 201u);
    world.crash(swarm.follower);
    world.crash(swarm.other);
    world.run_for(Duration::seconds(3));
    world.call(swarm.leader, post("/swarm/init", force("")));
    world.run_for(Duration::micros(micros));
    world.crash(swarm.leader);
    world.start(swarm.leader);
    ASSERT_TRUE(world.alive(swarm.leader)) << micros;
    world.run_for(Duration::seconds(3));
    if (world.leader().empty()) {
      EXPECT_EQ(world.ask(swarm.leader, post("/swarm/init", force(""))).head.status, 200u) << micros;
    }
    EXPECT_EQ(world.leader(), swarm.leader) << micros;
    EXPECT_TRUE(swarm.has_service(swarm.leader, "kept")) << micros;
  }
}

TEST(Recovery, TheOnlyManagerGoesOnWithWhatItsDiskHasWhenItIsTold) {
  WorldOptions options = Swarm::options(1);
  options.check = false;  // what was committed is lost, and no other manager has it
  World world(options);
  world.add_machine({"m1", {}, {}, {4'000'000'000, 8LL << 30, 0, {}}});
  ASSERT_EQ(form_swarm(world, {"m1"}, {}), "");
  ServiceWish wish;
  wish.name = "kept";
  wish.replicas = 1;
  EXPECT_EQ(world.ask("m1", post("/services/create", to_json(wish))).head.status, 201u);
  world.run_for(Duration::seconds(3));
  EXPECT_TRUE(world.begin_fault(*faults::parse("disk m1 lost_tail 2")).ok());
  world.crash("m1");
  world.start("m1");
  world.run_for(Duration::seconds(3));
  const std::string info = world.ask("m1", get("/info")).body;
  EXPECT_NE(info.find("docker swarm init --force-new-cluster"), std::string::npos) << info;
  const auto answer = world.ask("m1", post("/swarm/init", force("")));
  EXPECT_EQ(answer.head.status, 200u) << answer.body;
  EXPECT_EQ(world.leader(), "m1");
  EXPECT_NE(world.node("m1").inspect().store->service_named("kept"), nullptr);
}

// ---- a group that dies is not made smaller

TEST(Membership, ADemotionBesideADeathWaitsForAMajorityThatIsHeard) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Forgetful swarm(seed);
    World& world = swarm.world;
    const auto id = world.node(swarm.other).inspect().id;
    const auto node = world.node(swarm.leader).inspect().store->node(id);
    world.crash(swarm.follower);
    world.call(swarm.leader,
               post("/nodes/" + id.str() + "/update?version=" + std::to_string(node->meta.version),
                    R"({"Availability":"active","Role":"worker"})"));
    world.run_for(Duration::seconds(10));
    EXPECT_EQ(swarm.create("after", 1), 201u)
        << "seed " << seed << ": the group that was left has no majority";
    world.start(swarm.follower);
    EXPECT_TRUE(world.run_until([&] { return !swarm.takes_part(swarm.other); }, Duration::seconds(10)));
    swarm.settle();
  }
}

}  // namespace
}  // namespace swarm::sim
