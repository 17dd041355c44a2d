// An answer that breaks off in the middle never looks like a whole one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "sim/client.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

std::unique_ptr<World> swarm_of(std::uint64_t seed) {
  WorldOptions options;
  options.seed = seed;
  auto world = std::make_unique<World>(options);
  for (const char* name : {"m1", "m2", "m3", "w1"})
    world->add_machine({name, {}, {}, {4'000'000'000, 8LL << 30, 0, {}}});
  EXPECT_EQ(form_swarm(*world, {"m1", "m2", "m3"}, {"w1"}), "");
  return world;
}

std::string follower_of(const World& world) { return leader_of(world) == "m2" ? "m3" : "m2"; }

void create(World& world, const std::string& name, std::uint64_t replicas) {  // 0: global
  ServiceWish wish;
  wish.name = name;
  wish.replicas = replicas;
  wish.global = replicas == 0;
  const Reply reply = world.ask(leader_of(world), post("/services/create", to_json(wish)));
  ASSERT_EQ(reply.head.status, 201U) << reply.body;
  world.run_for(Duration::seconds(5));
}

// The payloads of Docker's frames, a line each.
std::string text_of(const std::string& frames) {
  std::string text;
  for (std::size_t at = 0; at + 8 <= frames.size();) {
    const std::uint32_t length = get_u32(frames, at + 4);
    text += frames.substr(at + 8, length);
    at += 8 + length;
  }
  return text;
}

TEST(BrokenReplies, AStreamThatAFollowerPassesOnIsCutWithItsLeader) {
  const auto world = swarm_of(1);
  create(*world, "web", 3);
  const CallId call = world->call(follower_of(*world), get("/services/web/logs?stdout=1&follow=1"));
  ASSERT_TRUE(world->run_until([&] { return !world->reply(call).body.empty(); }, Duration::seconds(5)));
  EXPECT_FALSE(world->reply(call).ended);
  world->crash(leader_of(*world));
  ASSERT_TRUE(world->run_until([&] { return world->reply(call).ended; }, Duration::seconds(30)));
  EXPECT_TRUE(world->reply(call).cut);
}

TEST(BrokenReplies, ALeaderThatStepsDownEndsFollowedLogsWithAReason) {
  const auto world = swarm_of(2);
  create(*world, "web", 3);
  const std::string leader = leader_of(*world);
  const CallId call = world->call(leader, get("/services/web/logs?stdout=1&follow=1"));
  ASSERT_TRUE(world->run_until([&] { return !world->reply(call).body.empty(); }, Duration::seconds(5)));
  world->ask(leader, post("/swarmpy/v1/raft/transfer"));
  ASSERT_TRUE(world->run_until([&] { return world->reply(call).ended; }, Duration::seconds(30)));
  EXPECT_FALSE(world->reply(call).cut);
  EXPECT_NE(
      text_of(world->reply(call).body).find("reasons: the leader has changed in the middle of the stream"),
      std::string::npos)
      << text_of(world->reply(call).body);
}

// Frames that are lost, doubled and swapped: the lines come whole and in order, or it is said that they do
// not.
TEST(BrokenReplies, LogsOverABadNetworkAreWholeOrSaidNotToBe) {
  int whole = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto world = swarm_of(seed);
    create(*world, "web", 0);
    NetworkOptions bad;
    bad.loss_per_mille = 30;
    bad.duplicate_per_mille = 100;
    bad.reorder_per_mille = 200;
    world->set_network(bad);
    const CallId call = world->call(follower_of(*world), get("/services/web/logs?stdout=1"));
    ASSERT_TRUE(world->run_until([&] { return world->reply(call).ended; }, Duration::seconds(60)));
    const Reply& reply = world->reply(call);
    if (reply.cut || reply.head.status != 200) continue;
    const std::string text = text_of(reply.body);
    const auto lines = std::count(text.begin(), text.end(), '\n');
    const bool complains = text.find("incomplete log stream") != std::string::npos;
    EXPECT_TRUE(complains || lines == 4) << text;
    whole += complains ? 0 : 1;
  }
  EXPECT_GT(whole, 10);
}

TEST(BrokenReplies, ANodeThatIsSilentIsNamedInTime) {
  const auto world = swarm_of(3);
  create(*world, "web", 0);
  const std::string leader = leader_of(*world);
  world->pause("w1");
  const Instant before = world->now();
  const CallId call = world->call(leader, get("/services/web/logs?stdout=1"));
  ASSERT_TRUE(world->run_until([&] { return world->reply(call).ended; }, Duration::seconds(60)));
  EXPECT_LT(world->now() - before, Duration::seconds(10));
  const std::string text = text_of(world->reply(call).body);
  EXPECT_NE(text.find("reasons: node w1 "), std::string::npos) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4) << text;
}

// A manager that was away for so long that it gets a snapshot has missed events.
TEST(BrokenReplies, EventsThatASnapshotSkippedBreakTheStream) {
  WorldOptions options;
  options.seed = 5;
  World world(options);
  for (const char* name : {"m1", "m2", "m3"})
    world.add_machine({name, {}, {}, {4'000'000'000, 8LL << 30, 0, {}}});
  ASSERT_EQ(form_swarm(world, {"m1", "m2", "m3"}, {}, {20, 5}), "");
  const std::string away = follower_of(world);
  const CallId call = world.call(away, get("/events"));
  world.run_for(Duration::millis(100));
  std::vector<std::string> others = {"m1", "m2", "m3"};
  std::erase(others, away);
  world.partition({{away}, others});
  for (int i = 0; i < 40; ++i) create(world, "s" + std::to_string(i), 1);
  world.heal();
  ASSERT_TRUE(world.run_until([&] { return world.reply(call).ended; }, Duration::seconds(30)));
  EXPECT_TRUE(world.reply(call).cut);
}

}  // namespace
}  // namespace swarm::sim
