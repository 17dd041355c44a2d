// Faults as data happen when they should, compose and end, and the history says what happened.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "faults/fault.hpp"
#include "faults/plan.hpp"
#include "sim/client.hpp"
#include "sim/test_swarm.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

using faults::Plan;

TEST(Injector, AFaultBeginsAndEndsAtExactInstants) {
  Swarm swarm;
  World& world = swarm.world;
  const Instant start = world.now();
  swarm.begin("kill w1 at 1s for 500ms");
  EXPECT_TRUE(world.alive("w1"));
  world.run_until(start + Duration{999'999'999});
  EXPECT_TRUE(world.alive("w1"));
  world.run_until(start + Duration::seconds(1));
  EXPECT_FALSE(world.alive("w1"));
  EXPECT_EQ(swarm.active(),
            (std::vector<std::string>{"kill w1 at " + to_string(start + Duration::seconds(1) - Instant{}) +
                                      " for 500ms"}));
  world.run_until(start + Duration{1'499'999'999});
  EXPECT_FALSE(world.alive("w1"));
  world.run_until(start + Duration::millis(1500));
  EXPECT_TRUE(world.alive("w1"));
  EXPECT_TRUE(swarm.active().empty());
}

TEST(Injector, ATypoIsNamedAndTheWorldLivesOn) {
  Swarm swarm;
  const auto hash = swarm.world.trace_hash();
  EXPECT_EQ(swarm.refused("kill m11"),
            "there is no node \"m11\". Did you mean \"m1\"? There are: m1, m2, m3, w1, w2, leader.");
  EXPECT_EQ(swarm.refused("partition m1 | m2 typo"),
            "there is no node \"typo\". There are: m1, m2, m3, w1, w2, leader.");
  EXPECT_TRUE(swarm.refused("kill_task web.1").starts_with("there is no running task \"web.1\""));
  const auto plan = swarm.world.run_plan(*Plan::from_text("kill m1 at 1s\nfreeze w9 at 2s"));
  EXPECT_FALSE(plan.ok());
  swarm.world.run_for(Duration::seconds(3));
  EXPECT_TRUE(swarm.world.fault_history().faults.empty());
  EXPECT_NE(swarm.world.trace_hash(), hash);  // it goes on
  EXPECT_TRUE(swarm.world.alive("m1"));
}

TEST(Injector, WhatCannotBeginWhenItIsTimeIsKeptWithItsReason) {
  Swarm swarm;
  const Instant start = swarm.world.now();
  ASSERT_TRUE(swarm.world.run_plan(*Plan::from_text("kill_task web.9 at 1s\nfreeze w1 at 2s for 1s")).ok());
  EXPECT_TRUE(swarm.world.skipped_faults().empty());
  swarm.world.run_for(Duration::seconds(2));
  ASSERT_EQ(swarm.world.skipped_faults().size(), 1u);
  const faults::Skipped& skipped = swarm.world.skipped_faults().front();
  EXPECT_EQ(skipped.number, 1u);
  EXPECT_EQ(skipped.at, start + Duration::seconds(1));
  EXPECT_EQ(faults::to_text(skipped.fault), "kill_task web.9 at 1s");
  EXPECT_TRUE(skipped.why.message.starts_with("there is no running task \"web.9\""));
  EXPECT_EQ(swarm.world.fault_history().faults.size(), 1u);
}

TEST(Injector, WhatLeavesNobodyOnTheOtherSideIsRefused) {
  Swarm swarm;
  const std::string nobody = ": all nodes are on one side, and nobody is on the other.";
  EXPECT_TRUE(swarm.refused("partition m1 m2 m3 w1 w2").starts_with("partition" + nobody));
  EXPECT_TRUE(swarm.refused("partition leader m2 m3 w1 w2 at 1s").starts_with("partition" + nobody));
  EXPECT_TRUE(swarm.refused("cut m1 m2 m3 w1 w2 <-> *").starts_with("cut" + nobody));
  EXPECT_TRUE(swarm.refused("hold * -> m1 m2 m3 w1 w2").starts_with("hold" + nobody));
  EXPECT_FALSE(swarm.world.run_plan(*Plan::from_text("partition m1 m2 m3 w1 w2 at 1s")).ok());
  EXPECT_EQ(swarm.refused("partition m1 m2 m3 w1"), "begun");
  EXPECT_EQ(swarm.refused("net * <-> * latency 1ms"), "begun");
  World alone(Swarm::options(1));
  alone.add_machine({"m1", {}, {}, {4'000'000'000, 8LL << 30, 0, {}}});
  for (const auto* text : {"partition leader", "partition m1", "cut m1 <-> *", "net * <-> * latency 1ms"})
    EXPECT_FALSE(alone.begin_fault(*faults::parse(text)).ok()) << text;
}

TEST(Injector, ALinkIsCutAsLongAsOneFaultSaysSo) {
  Swarm swarm;
  const std::string leader = swarm.world.leader();
  const FaultId one = swarm.begin("partition leader");
  const FaultId two = swarm.begin("cut " + leader + " <-> *");
  swarm.world.run_for(Duration::seconds(3));
  EXPECT_NE(swarm.world.leader(), leader);
  const Look cut_off = swarm.world.look(leader, get("/nodes"));
  EXPECT_GE(cut_off.answer.head.status, 500u);
  ASSERT_TRUE(swarm.world.end_fault(one).ok());
  EXPECT_GE(swarm.world.look(leader, get("/nodes")).answer.head.status, 500u);
  ASSERT_TRUE(swarm.world.end_fault(two).ok());
  EXPECT_EQ(swarm.world.look(leader, get("/nodes")).answer.head.status, 200u);
  EXPECT_TRUE(swarm.world.end_fault(two).ok());  // over already
  EXPECT_FALSE(swarm.world.end_fault(99).ok());
}

TEST(Injector, AMachineIsDownOrFrozenAsLongAsOneFaultSaysSo) {
  Swarm swarm;
  World& world = swarm.world;
  swarm.begin("kill w1 for 2s");
  swarm.begin("power_off w1 for 4s");
  world.run_for(Duration::seconds(3));
  EXPECT_FALSE(world.alive("w1"));
  world.run_for(Duration::seconds(1));
  EXPECT_TRUE(world.alive("w1"));
  swarm.begin("freeze w2 for 2s");
  swarm.begin("freeze w2 for 4s");
  swarm.begin("stop w2 for 5s");  // heard when it is woken
  const auto silent = [&] { return world.look("w2", get("/info")).how == Look::How::silent; };
  world.run_for(Duration::seconds(3));
  EXPECT_TRUE(silent());
  world.run_for(Duration::millis(1'900));
  EXPECT_FALSE(world.alive("w2"));
  swarm.settle();
  EXPECT_TRUE(world.alive("w2"));
}

TEST(Injector, AnOrderlyStopThatTakesLongerThanItsFaultIsFollowedByAStart) {
  Swarm swarm;
  ImageScript stubborn;
  stubborn.ignores_term = true;
  swarm.world.set_image("nginx:1.10", stubborn);
  ServiceWish wish;
  wish.name = "web";
  wish.replicas = 5;
  swarm.world.ask("m1", post("/services/create", to_json(wish)));
  swarm.settle();
  swarm.begin("stop w1 for 1ms");
  swarm.world.run_for(Duration::seconds(20));
  EXPECT_TRUE(swarm.world.alive("w1"));
  swarm.settle();
}

TEST(Injector, HealIsAlwaysSafeAndLeavesNothing) {
  Swarm swarm;
  swarm.world.heal();
  for (const auto* text : {"kill m1", "freeze m2", "power_off w1", "partition w2", "port m3 8080",
                           "kill m3 at 1s", "image nginx:1.10 exists false"})
    swarm.begin(text);
  swarm.world.run_for(Duration::millis(500));
  swarm.world.heal();
  EXPECT_TRUE(swarm.active().empty());
  swarm.settle();
  swarm.world.run_for(Duration::seconds(2));
  EXPECT_TRUE(swarm.world.alive("m3"));  // what was to come does not
  swarm.world.heal();
}

TEST(Injector, WhileItIsQuietNoFaultActsAndTimeStandsStillForThem) {
  Swarm swarm;
  World& world = swarm.world;
  swarm.begin("kill w1 for 2s");
  swarm.begin("kill w2 at 1s for 1s");
  world.run_for(Duration::millis(500));
  world.quiet(true);
  EXPECT_TRUE(swarm.active().empty());
  world.run_for(Duration::seconds(10));
  EXPECT_TRUE(world.alive("w1") && world.alive("w2"));
  swarm.begin("freeze m1 for 1s");
  EXPECT_TRUE(swarm.active().empty());
  world.quiet(false);
  EXPECT_FALSE(world.alive("w1"));
  world.run_for(Duration::millis(499));
  EXPECT_TRUE(world.alive("w2"));
  world.run_for(Duration::millis(1));
  EXPECT_FALSE(world.alive("w2"));
  world.run_for(Duration::seconds(1));
  EXPECT_TRUE(world.alive("w1") && world.alive("w2"));
  swarm.settle();
}

TEST(Injector, AMinorityHasNoLeaderAndTheRestGoesOn) {
  Swarm swarm;
  const std::string leader = swarm.world.leader();
  swarm.begin("partition minority for 3s");
  swarm.world.run_for(Duration::seconds(3));
  EXPECT_EQ(swarm.world.leader(), leader);
  const auto history = swarm.world.fault_history();
  EXPECT_NE(history.faults.front().text("of"), leader);
  EXPECT_EQ(history.faults.front().lasts, Duration::seconds(3));
}

TEST(Injector, WhatHappensToATaskOrAnImage) {
  Swarm swarm;
  ServiceWish wish;
  wish.name = "web";
  wish.replicas = 2;
  swarm.world.ask("m1", post("/services/create", to_json(wish)));
  swarm.settle();
  swarm.begin("kill_task web.1");
  EXPECT_TRUE(swarm.active().empty());
  EXPECT_EQ(swarm.world.fault_history().faults.size(), 1u);
  swarm.begin("image nginx:1.10 exit_code 3 after 10ms");
  swarm.begin("image nginx:1.10 exists false for 1s");
  swarm.world.run_for(Duration::seconds(30));
  swarm.world.heal();
  swarm.world.run_for(Duration::seconds(30));
  swarm.settle();
}

TEST(Injector, NoGroupOfAPartitionHearsAnother) {
  Swarm swarm;
  swarm.begin("partition m1 | m2 w1 | m3 w2");
  swarm.world.run_for(Duration::seconds(6));
  EXPECT_EQ(swarm.world.leader(), "") << "each is alone";
  swarm.world.heal();
  swarm.settle();
}

TEST(Injector, AnImageThatIsNotThereIsRefusedAsLongAsTheFaultLasts) {
  Swarm swarm;
  swarm.begin("image nginx:1.10 exists false");
  EXPECT_EQ(swarm.create("web", 1), 201u);
  swarm.world.run_for(Duration::seconds(3));
  const auto tasks = [&] { return swarm.world.look(swarm.world.leader(), get("/tasks")).answer.body; };
  EXPECT_NE(tasks().find("No such image"), std::string::npos);
  EXPECT_EQ(tasks().find("\"State\":\"running\""), std::string::npos);
  swarm.world.heal();
  // The replacement was refused as well, while it waited for its start. The next one is made when that start
  // was due, 5s after the first task, and waits 5s itself.
  swarm.world.run_for(Duration::seconds(9));
  EXPECT_NE(tasks().find("\"State\":\"running\""), std::string::npos) << tasks();
}

TEST(Injector, AnImageIsWhatItWasSaidToBeWhenItsFaultIsOver) {
  Swarm swarm;
  ImageScript ends;
  ends.exit_code = 7;
  ends.lives = Duration::millis(100);
  swarm.world.set_image("nginx:1.10", ends);
  swarm.begin("image nginx:1.10 start 10ms");
  swarm.world.heal();
  EXPECT_EQ(swarm.create("web", 1), 201u);
  swarm.world.run_for(Duration::seconds(3));
  const std::string tasks = swarm.world.look(swarm.world.leader(), get("/tasks")).answer.body;
  EXPECT_NE(tasks.find("\"ExitCode\":7"), std::string::npos) << tasks;
}

TEST(Injector, AnOlderCopyThatIsHealedBeforeTheCrashIsNone) {
  Swarm swarm;
  World& world = swarm.world;
  swarm.begin("disk w1 old_copy");
  EXPECT_EQ(swarm.create("a", 5), 201u);
  swarm.settle();
  world.heal();
  world.take_trace();
  world.crash("w1");
  world.start("w1");
  for (const auto& line : world.take_trace()) EXPECT_NE(line.kind, "sim.disk") << line.text;
  swarm.settle();
}

// The machine that serves a page loses its power at each moment of the request.
TEST(Injector, APageThatIsCutOffIsNoAnswer) {
  std::map<std::string, int> ways;
  for (int moment = 0; moment < 60; ++moment) {
    Swarm swarm;
    World& world = swarm.world;
    EXPECT_EQ(swarm.create("web", 1, 8080), 201u);
    swarm.settle();
    world.run_for(Duration::seconds(2));
    std::string server, client = "w1";
    for (const char* name : {"m1", "m2", "m3", "w1", "w2"})
      if (swarm.runs_on(name, "web")) server = name;
    if (server == client) client = "w2";
    const RequestId id = world.http_get(client, 8080);
    world.run_for(Duration::micros(500 * moment));
    world.crash(server);
    world.run_until([&] { return world.http_reply(id).ended; }, Duration::seconds(20));
    const HttpReply reply = world.http_reply(id);
    EXPECT_EQ(reply.status == 200, reply.error.empty()) << reply.status << " " << reply.error;
    EXPECT_EQ(reply.status == 0, !reply.error.empty());
    ASSERT_EQ(world.requests().done().size(), 1u);
    EXPECT_EQ(world.requests().failed(), reply.error.empty() ? 0u : 1u);
    ++ways[reply.error];
  }
  EXPECT_GT(ways[""], 0) << "it was there before";
  EXPECT_GT(ways["connection reset by peer"], 0) << "while it answered";
}

// ---- clocks, as the daemons tell the time

class WallClocks : public testing::Test {
 protected:
  // How far a daemon's wall clock is from the world's.
  Duration off(const std::string& machine) {
    const std::string body = swarm_.world.look(machine, get("/info")).answer.body, key = "\"SystemTime\":\"";
    const auto begin = body.find(key) + key.size();
    const auto time = parse_rfc3339(body.substr(begin, body.find('"', begin) - begin));
    EXPECT_TRUE(time.has_value());
    return time ? *time - swarm_.world.wall() : Duration{};
  }
  void end(FaultId id) { EXPECT_TRUE(swarm_.world.end_fault(id).ok()); }
  // By hand a nanosecond may go by, and a drift is cut to whole ones.
  static void expect_about(Duration seen, Duration wanted) {
    EXPECT_LE(std::abs((seen - wanted).ns), 20) << to_string(seen);
  }
  Swarm swarm_;
};

TEST_F(WallClocks, OfSkewsTheLatestHoldsThenTheOlderThenNone) {
  const FaultId early = swarm_.begin("clock w1 skew 10s");
  expect_about(off("w1"), Duration::seconds(10));
  expect_about(off("w2"), Duration{});
  const FaultId late = swarm_.begin("clock w1 skew -3s");
  expect_about(off("w1"), Duration::seconds(-3));
  end(late);
  expect_about(off("w1"), Duration::seconds(10));
  end(early);
  expect_about(off("w1"), Duration{});
}

TEST_F(WallClocks, JumpsAddUpAndAreTakenBack) {
  const FaultId first = swarm_.begin("clock w1 jump 5s");
  swarm_.begin("clock w1 jump -12s");
  expect_about(off("w1"), Duration::seconds(-7));
  end(first);
  expect_about(off("w1"), Duration::seconds(-12));
  swarm_.world.heal();
  expect_about(off("w1"), Duration{});
}

TEST_F(WallClocks, ADriftGainsWithTimeAndEndsWithItsFault) {
  const FaultId drift = swarm_.begin("clock w1 drift 1.1");
  swarm_.world.run_for(Duration::seconds(10));
  expect_about(off("w1"), Duration::seconds(1));
  end(drift);
  swarm_.world.run_for(Duration::seconds(10));
  expect_about(off("w1"), Duration{});
  swarm_.begin("clock w1 drift 0.5");
  swarm_.world.run_for(Duration::seconds(4));
  expect_about(off("w1"), Duration::seconds(-2));
}

// One storm, told by its own history to another world of the same seed.
std::pair<std::uint64_t, Plan> storm(std::uint64_t seed, const Plan& plan, bool by_hand) {
  Swarm swarm(seed);
  EXPECT_TRUE(swarm.world.run_plan(plan).ok());
  for (int i = 0; i < 6; ++i) {
    swarm.world.run_for(Duration::seconds(1));
    if (by_hand && i == 2) swarm.begin("freeze m1");
    if (by_hand && i == 4) swarm.begin("kill w2 for 500ms");
  }
  if (by_hand) swarm.world.heal();
  swarm.world.run_for(Duration::seconds(6));
  return {swarm.world.trace_hash(), swarm.world.fault_history()};
}

TEST(Injector, TheHistoryIsAPlanThatGivesTheSameTrace) {
  const Plan plan = *Plan::from_text(
      "partition leader at 500ms for 2s\nkill leader at 1s for 2s\ntransfer at 800ms\n"
      "freeze w1 at 2s for 1s\npartition minority at 4s for 1s\nstop m2 at 5s for 1s\n"
      "net m1 <-> * latency 5ms loss 0.1 for 3s\nhold m2 <-> w1 at 1s for 2s\nthrottle w2 factor 50 for 4s\n"
      "disk w1 full at 3s for 1s\nclock m3 drift 1.2 jump 2s at 1s for 3s\nport w1 8080 at 1s for 1s\n");
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const auto [hash, history] = storm(seed, plan, true);
    EXPECT_GE(history.faults.size(), 5u);
    for (const auto& fault : history.faults)
      EXPECT_EQ(faults::to_text(fault).find("leader"), std::string::npos);
    const auto [again, same] = storm(seed, *Plan::from_json(history.to_json()), false);
    EXPECT_EQ(again, hash) << history.to_text();
    EXPECT_EQ(same, history);
  }
}

}  // namespace
}  // namespace swarm::sim
