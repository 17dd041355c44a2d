// What the kinds of faults do that only a simulator can do exactly: links, clocks, pace.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "raft/message.hpp"
#include "sim/client.hpp"
#include "sim/shared.hpp"
#include "sim/test_swarm.hpp"
#include "sim/virtual_clock.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

Duration time_of_write(Swarm& swarm, const std::string& name) {
  const Instant begin = swarm.world.now();
  EXPECT_EQ(swarm.create(name, 1), 201u);
  return swarm.world.now() - begin;
}

// ---- links

TEST(Links, ASlowLinkSlowsWhatGoesOverItAndNothingElse) {
  Swarm swarm;
  const Duration before = time_of_write(swarm, "a");
  swarm.begin("net leader <-> * latency 40ms");
  const Duration slow = time_of_write(swarm, "b");
  EXPECT_GE(slow, Duration::millis(80));
  EXPECT_LE(slow, before + Duration::millis(400));
  swarm.world.heal();
  swarm.world.run_for(Duration::millis(100));  // what is on its way is late still
  EXPECT_LE(time_of_write(swarm, "c"), Duration::millis(40));
  swarm.begin("net w1 <-> w2 latency 40ms");
  EXPECT_LE(time_of_write(swarm, "d"), Duration::millis(40));
}

TEST(Links, TheLatestSettingsHoldUntilTheyEndThenTheOlderOnesAgain) {
  Swarm swarm;
  swarm.begin("net m1 <-> * latency 20ms");
  swarm.begin("net m2 <-> * latency 20ms");
  swarm.begin("net m3 <-> * latency 20ms");
  const FaultId fast = swarm.begin("net * <-> * latency 1ms");
  EXPECT_LT(time_of_write(swarm, "a"), Duration::millis(30));
  ASSERT_TRUE(swarm.world.end_fault(fast).ok());
  EXPECT_GE(time_of_write(swarm, "b"), Duration::millis(40));
}

TEST(Links, ALossOfAllIsLikeACutAndALossOfSomeIsBorne) {
  Swarm swarm;
  const std::string leader = swarm.world.leader();
  swarm.begin("net leader -> * loss 1 for 20s");
  swarm.world.run_for(Duration::seconds(15));
  EXPECT_NE(leader_of(swarm.world), leader);
  swarm.world.heal();
  swarm.begin("net * <-> * loss 0.05 duplicate 0.1 reorder 0.1 jitter 3ms");
  EXPECT_EQ(swarm.create("a", 3), 201u);
  swarm.settle();
}

TEST(Links, AOneWayPartitionStillHears) {
  Swarm swarm;
  const std::string leader = swarm.world.leader();
  const raft::Term before = swarm.world.node(leader).inspect().raft->term();
  swarm.begin("partition leader one-way for 10s");
  swarm.world.run_for(Duration::seconds(5));
  EXPECT_NE(swarm.world.leader(), leader);
  EXPECT_NE(swarm.world.leader(), "");
  EXPECT_GT(swarm.world.node(leader).inspect().raft->term(), before);  // it has heard of the new one
  EXPECT_FALSE(swarm.world.node(leader).inspect().is_leader);
}

TEST(Links, WhatIsHeldArrivesInOneBurstAndInOrder) {
  Swarm swarm;
  World& world = swarm.world;
  world.record_chronicle(true);
  std::string follower = world.leader() == "m1" ? "m2" : "m1";
  swarm.begin("hold " + follower + " <-> *");
  world.run_for(Duration::millis(300));
  EXPECT_EQ(swarm.create("a", 1), 201u);  // the two others are enough
  const raft::Index stale = world.node(follower).inspect().raft->commit();
  EXPECT_LT(stale, world.node(world.leader()).inspect().raft->commit());
  const std::uint64_t before = world.events();
  const Instant over = world.now();
  world.heal();
  world.run_until(over);  // at this very instant
  EXPECT_GT(world.events(), before + 3);
  EXPECT_GT(world.node(follower).inspect().raft->commit(), stale);
  swarm.settle();
}

TEST(Links, TheMeshObeysThem) {
  Swarm swarm;
  EXPECT_EQ(swarm.create("web", 1, 8080), 201u);
  swarm.settle();
  swarm.world.run_for(Duration::seconds(1));
  std::string at;  // where it runs
  for (const auto& name : swarm.world.machines())
    if (swarm.runs_on(name, "web")) at = name;
  ASSERT_FALSE(at.empty());
  const std::string from = at == "w1" ? "w2" : "w1";
  const auto took = [&] {
    const Instant begin = swarm.world.now();
    const HttpReply reply = swarm.world.fetch(from, 8080);
    return std::pair(reply.status, swarm.world.now() - begin);
  };
  EXPECT_EQ(took().first, 200u);
  swarm.begin("net " + from + " <-> " + at + " latency 100ms");
  EXPECT_GE(took().second, Duration::millis(200));
  swarm.begin("net " + from + " -> " + at + " loss 1");
  EXPECT_EQ(took().first, 0u);
  swarm.world.heal();
  swarm.begin("cut " + at + " -> " + from);  // it is asked, and cannot answer
  EXPECT_EQ(took().first, 0u);
  swarm.world.heal();
  swarm.begin("freeze " + at);
  const auto [status, passed] = took();
  EXPECT_EQ(status, 0u);
  EXPECT_LE(passed, Duration::seconds(11));
  const RequestId own = swarm.world.http_get(at, 8080);  // of a frozen node itself: the client gives up
  swarm.world.run_for(Duration::seconds(11));
  EXPECT_TRUE(swarm.world.http_reply(own).ended);
  swarm.world.heal();
  EXPECT_EQ(took().first, 200u);
}

// ---- pace

TEST(Pace, AThrottledLeaderIsSlowAndOneThatIsMuchTooSlowIsFollowed) {
  Swarm swarm;
  swarm.begin("throttle leader factor 40");
  EXPECT_GE(time_of_write(swarm, "a"), Duration::millis(4));
  swarm.world.heal();
  const std::string leader = swarm.world.leader();
  swarm.begin("throttle leader factor 200000 for 20s");
  swarm.world.run_for(Duration::seconds(19));
  EXPECT_NE(swarm.world.leader(), leader);
  swarm.world.run_for(Duration::seconds(2));
  swarm.settle();
}

TEST(Pace, EventsKeepTheirOrderAndAPauseOrACrashInBetweenLosesNone) {
  Swarm swarm;
  swarm.begin("throttle w1 factor 200 for 8s");
  swarm.begin("freeze w1 at 1s for 1s");
  swarm.begin("kill w1 at 4s for 1s");
  EXPECT_EQ(swarm.create("a", 5), 201u);
  swarm.world.run_for(Duration::seconds(10));
  swarm.settle();
}

// ---- clocks

TEST(Clocks, SkewAndJumpAreOfTheWallClockAndMonotonicTimeNeverGoesBack) {
  Shared shared{WorldOptions{}};
  VirtualClock clock(shared);
  shared.now = Instant{1'000'000'000};
  EXPECT_EQ(clock.now(), shared.now);
  clock.set(Duration::seconds(-5), VirtualClock::kTrueRate, Duration{});
  EXPECT_EQ(clock.now(), shared.now);
  EXPECT_EQ(clock.wall(), shared.wall() + Duration::seconds(-5));
  clock.set(Duration::seconds(2), VirtualClock::kTrueRate, Duration::seconds(2));
  EXPECT_EQ(clock.now(), shared.now + Duration::seconds(2));
  clock.set(Duration{}, VirtualClock::kTrueRate, Duration::seconds(-2));
  EXPECT_EQ(clock.now(), shared.now + Duration::seconds(2));
  EXPECT_EQ(clock.wall(), shared.wall());
}

TEST(Clocks, DriftIsExactAndDeadlinesAreNeverEarly) {
  Shared shared{WorldOptions{}};
  VirtualClock clock(shared);
  Rng rng(5);
  Instant last;
  for (int i = 0; i < 2'000; ++i) {
    shared.now = shared.now + Duration{rng.between(0, 3'000'000'000)};
    ASSERT_GE(clock.now(), last);
    last = clock.now();
    if (rng.chance(1, 4)) {
      const Duration wall{rng.between(-9'000'000'000, 9'000'000'000)};
      const std::int64_t rate = rng.between(1'000'000, 3'000'000'000);
      clock.set(wall, rate, Duration{rng.between(-1'000'000'000, 1'000'000'000)});
      ASSERT_GE(clock.now(), last);
    }
    const Instant deadline = clock.now() + Duration{rng.between(1, 5'000'000'000)};
    const Instant then = clock.world_of(deadline);
    const Instant before = shared.now;
    shared.now = then;
    ASSERT_GE(clock.now(), deadline);
    shared.now = then - Duration{1};
    ASSERT_LT(clock.now(), deadline);
    shared.now = before;
  }
  EXPECT_EQ(clock.world_of(Instant::never()), Instant::never());
}

TEST(Clocks, EachMachineHasItsOwn) {
  Swarm swarm;
  World& world = swarm.world;
  swarm.begin("clock w1 skew 1h drift 1.5");
  swarm.begin("clock w2 drift 0.5 jump -10m");
  swarm.begin("clock leader jump 30s");  // its heartbeats and leases are of the past at once
  EXPECT_EQ(swarm.create("a", 6), 201u);
  world.run_for(Duration::seconds(30));
  swarm.settle();
  world.heal();
  world.run_for(Duration::seconds(10));
  swarm.settle();
}

}  // namespace
}  // namespace swarm::sim
