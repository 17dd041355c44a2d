// A daemon is killed after each single event of its node's way in and out of a swarm (init, join, promotion,
// demotion, leave) and started again at once or a little later: wherever the kill came, the swarm comes to
// rest with the managers that were asked for, or the user's second try succeeds. The checkers watch for votes
// and entries that were forgotten.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "docker/api.hpp"
#include "node/node.hpp"
#include "ports/http.hpp"
#include "sim/churn.hpp"
#include "sim/client.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

using Names = std::vector<std::string>;

std::unique_ptr<World> world_of(std::uint64_t seed, const Names& machines) {
  WorldOptions options;
  options.seed = seed;
  auto world = std::make_unique<World>(options);
  for (const auto& name : machines) {
    world->add_machine({name, {}, {}, {4'000'000'000, 8LL << 30, 0, {}}});
    world->set_disk_latency(name, Duration::micros(200), Duration::millis(5));
  }
  return world;
}

docker::SwarmState state_of(const World& world, const std::string& name) {
  return world.node(name).inspect().state;
}

std::string node_id(const World& world, const std::string& name) {
  return world.node(name).inspect().id.str();
}

std::string token(World& world, const std::string& role) {
  return join_token_of(world.ask(leader_of(world), get("/swarm")).body, role);
}

Reply set_role(World& world, const std::string& at, const std::string& id, const std::string& role) {
  const Reply now = world.ask(at, get("/nodes/" + id));
  return world.ask(at, post("/nodes/" + id + "/update?version=" + std::to_string(version_of(now.body)),
                            R"({"Availability":"active","Role":")" + role + R"("})"));
}

// Asks again until it is taken: a version may be old, a leader may be missing.
testing::AssertionResult takes_role(World& world, const std::string& at, const std::string& id,
                                    const std::string& role) {
  Reply reply;
  for (int i = 0; i < 20; ++i) {
    reply = set_role(world, at, id, role);
    if (reply.head.status == 200) return testing::AssertionSuccess();
    world.run_for(Duration::millis(250));
  }
  return testing::AssertionFailure() << reply.head.status << " " << message_of(reply.body);
}

testing::AssertionResult settles(World& world, const Names& managers) {
  if (world.run_until([&] { return group_not_settled(world, managers).empty(); }, Duration::seconds(30)))
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << group_not_settled(world, managers);
}

// Runs `begin`, lets `events` events happen, and kills `victim`. False: the story was over before.
bool kill_within(World& world, const std::function<CallId()>& begin, int events, const std::string& victim,
                 Duration down) {
  const CallId call = begin();
  for (int i = 0; i < events; ++i)
    if (!world.step()) return false;
  const bool over = world.reply(call).ended;
  world.crash(victim);
  if (down > Duration{}) world.run_for(down);
  world.start(victim);
  world.hang_up(call);
  return !over;
}

constexpr int kBeyond = 60;  // events after the answer: roles follow later

// Calls `story(seed, events, down)` for kills after 0, 1, 2, ... events until the story is over, and some
// more.
void sweep(const std::function<bool(std::uint64_t, int, Duration)>& story) {
  int beyond = 0;
  for (int events = 0; beyond < kBeyond && events < 700; ++events) {
    const Duration down = Duration::millis(events % 3 == 0 ? 0 : events % 3 == 1 ? 700 : 3'000);
    SCOPED_TRACE("killed after " + std::to_string(events) + " events");
    if (!story(static_cast<std::uint64_t>(events) + 1, events, down)) ++beyond;
    if (testing::Test::HasFailure()) return;
  }
}

TEST(Lifecycle, InitIsKilledAnywhere) {
  sweep([](std::uint64_t seed, int events, Duration down) {
    const auto world = world_of(seed, {"m1"});
    const auto init = [&] { return world->call("m1", swarm_init(world->address("m1"))); };
    const bool within = kill_within(*world, init, events, "m1", down);
    world->run_for(Duration::seconds(2));
    if (state_of(*world, "m1") == docker::SwarmState::inactive) {
      EXPECT_EQ(world->ask("m1", swarm_init(world->address("m1"))).head.status, 200u);
    }
    EXPECT_TRUE(settles(*world, {"m1"}));
    return within;
  });
}

TEST(Lifecycle, AddressesThatNobodyCouldJoinAtAreRefused) {
  const auto world = world_of(1, {"m1"});
  const auto said = [&](const char* path, const std::string& body) {
    return message_of(world->ask("m1", post(path, body)).body);
  };
  EXPECT_EQ(said("/swarm/init", R"({"ListenAddr":"127.0.1.1:0"})"),
            "listen address must be an IP address or network interface (with optional port number)");
  EXPECT_EQ(
      said("/swarm/init", R"({"ListenAddr":"0.0.0.0:2377","AdvertiseAddr":"127.0.1.1:0"})"),
      "advertise address must be a non-zero IP address or network interface (with optional port number)");
  ASSERT_EQ(form_swarm(*world, {"m1"}, {}), "");
  const std::string join = R"({"ListenAddr":"0.0.0.0:2377","RemoteAddrs":["m1:2377"],"JoinToken":")";
  const std::string worker = token(*world, "Worker");
  world->add_machine({"w1", {}, {}, {}});
  EXPECT_EQ(message_of(world->ask("w1", post("/swarm/join", join + worker + "\"}")).body),
            "cannot join at m1:2377: names are not looked up, write the manager's IP address (with optional "
            "port number)");
}

void join_is_killed(const std::string& victim) {
  sweep([&](std::uint64_t seed, int events, Duration down) {
    const auto world = world_of(seed, {"m1", "m2"});
    EXPECT_EQ(form_swarm(*world, {"m1"}, {}), "");
    const http::Request request =
        swarm_join(world->address("m2"), world->address("m1"), token(*world, "Manager"));
    const bool within = kill_within(
        *world, [&] { return world->call("m2", request); }, events, victim, down);
    world->run_for(Duration::seconds(3));
    if (state_of(*world, "m2") == docker::SwarmState::inactive) {
      EXPECT_EQ(world->ask("m2", request).head.status, 200u);
    }
    EXPECT_TRUE(settles(*world, {"m1", "m2"}));
    return within;
  });
}
TEST(Lifecycle, TheJoinerIsKilledAnywhere) { join_is_killed("m2"); }
TEST(Lifecycle, TheLeaderIsKilledAnywhereWithinAJoin) { join_is_killed("m1"); }

// Promotes or demotes `whom` of m1..m3 and w1, and kills `victim` on the way.
void role_change_is_killed(const std::string& whom, const std::string& role, const std::string& victim,
                           const Names& managers) {
  sweep([&](std::uint64_t seed, int events, Duration down) {
    const auto world = world_of(seed, {"m1", "m2", "m3", "w1"});
    EXPECT_EQ(form_swarm(*world, {"m1", "m2", "m3"}, {"w1"}), "");
    const std::string id = node_id(*world, whom);
    const std::string body = world->ask("m2", get("/nodes/" + id)).body;
    const auto change = [&] {
      return world->call("m2", post("/nodes/" + id + "/update?version=" + std::to_string(version_of(body)),
                                    R"({"Availability":"active","Role":")" + role + R"("})"));
    };
    const bool within = kill_within(*world, change, events, victim, down);
    world->run_for(Duration::seconds(3));
    const std::uint32_t status = set_role(*world, "m2", id, role).head.status;
    EXPECT_TRUE(status == 200u || role == "worker") << status;  // it may be none already
    EXPECT_TRUE(settles(*world, managers));
    return within;
  });
}
TEST(Lifecycle, TheOneThatIsPromotedIsKilledAnywhere) {
  role_change_is_killed("w1", "manager", "w1", {"m1", "m2", "m3", "w1"});
}
TEST(Lifecycle, TheLeaderIsKilledAnywhereWithinAPromotion) {
  role_change_is_killed("w1", "manager", "m1", {"m1", "m2", "m3", "w1"});
}
TEST(Lifecycle, TheOneThatIsDemotedIsKilledAnywhere) {
  role_change_is_killed("m3", "worker", "m3", {"m1", "m2"});
}
TEST(Lifecycle, TheLeaderIsKilledAnywhereWithinADemotion) {
  role_change_is_killed("m3", "worker", "m1", {"m1", "m2"});
}
TEST(Lifecycle, TheLeaderIsKilledAnywhereWithinItsOwnDemotion) {
  role_change_is_killed("m1", "worker", "m1", {"m2", "m3"});
}

void leave_is_killed(const std::string& victim) {
  sweep([&](std::uint64_t seed, int events, Duration down) {
    const auto world = world_of(seed, {"m1", "m2", "m3"});
    EXPECT_EQ(form_swarm(*world, {"m1", "m2", "m3"}, {}), "");
    const auto leave = [&] { return world->call("m3", post("/swarm/leave?force=1")); };
    const std::string id = node_id(*world, "m3");
    const bool within = kill_within(*world, leave, events, victim, down);
    world->run_for(Duration::seconds(6));
    if (state_of(*world, "m3") != docker::SwarmState::inactive) {
      EXPECT_EQ(world->ask("m3", post("/swarm/leave?force=1")).head.status, 200u);
    }
    // A leader that never heard of it keeps the member until a person says so.
    if (!group_not_settled(*world, {"m1", "m2"}).empty()) set_role(*world, "m1", id, "worker");
    EXPECT_TRUE(settles(*world, {"m1", "m2"}));
    return within;
  });
}
TEST(Lifecycle, TheOneThatLeavesIsKilledAnywhere) { leave_is_killed("m3"); }
TEST(Lifecycle, TheLeaderIsKilledAnywhereWithinALeave) { leave_is_killed("m1"); }

// Cut off while it is demoted and promoted again: it learns that it is not the member it was, and joins anew.
TEST(Lifecycle, AMemberThatMissedItsRemovalJoinsAnew) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto world = world_of(seed, {"m1", "m2", "m3"});
    EXPECT_EQ(form_swarm(*world, {"m1", "m2", "m3"}, {}), "");
    const std::string id = node_id(*world, "m3");
    if (seed % 2 == 0) {
      world->partition({{"m3"}, {"m1", "m2"}});
    } else {
      world->crash("m3");
    }
    EXPECT_TRUE(takes_role(*world, "m2", id, "worker"));
    world->run_for(Duration::seconds(3));
    EXPECT_TRUE(takes_role(*world, "m2", id, "manager"));
    world->run_for(Duration::seconds(static_cast<std::int64_t>(seed % 5)));
    world->heal();
    world->start("m3");
    EXPECT_TRUE(settles(*world, {"m1", "m2", "m3"})) << "seed " << seed;
  }
}

TEST(Lifecycle, RolesThatGoToAndFroComeToRest) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const auto world = world_of(seed, {"m1", "m2", "m3"});
    EXPECT_EQ(form_swarm(*world, {"m1", "m2", "m3"}, {}), "");
    const std::string id = node_id(*world, "m3");
    Rng rng(seed);
    for (int i = 0; i < 6; ++i) {
      EXPECT_TRUE(takes_role(*world, "m1", id, i % 2 == 0 ? "worker" : "manager"));
      world->run_for(Duration::millis(rng.between(0, 400)));
    }
    EXPECT_TRUE(settles(*world, {"m1", "m2", "m3"})) << "seed " << seed;
  }
}

}  // namespace
}  // namespace swarm::sim
