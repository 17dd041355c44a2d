// When init or join has answered, the node is READY and its object quiet: a client that reads it can write
// it.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <tuple>

#include "agent/worker.hpp"
#include "base/time.hpp"
#include "node/node.hpp"
#include "ports/http.hpp"
#include "sim/client.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

constexpr std::uint64_t kSeeds = 40;

std::unique_ptr<World> world_of(std::uint64_t seed) {
  WorldOptions options;
  options.seed = seed;
  options.network.latency_max = Duration::millis(40);
  auto world = std::make_unique<World>(options);
  for (const char* name : {"m1", "m2", "w1"}) {
    world->add_machine({name, {}, {}, {4'000'000'000, 8LL << 30, 0, {}}});
    world->set_disk_latency(name, Duration::micros(200), Duration::millis(30));
  }
  return world;
}

// Reads the node at m1 and labels it with the version that was read.
void read_and_write(World& world, const std::string& name, const std::string& role) {
  const std::string path = "/nodes/" + world.node(name).inspect().id.str();
  const Reply node = world.ask("m1", get(path));
  EXPECT_NE(node.body.find(R"("State":"ready")"), std::string::npos) << name << " " << node.body;
  EXPECT_NE(node.body.find(R"("Hostname":")" + name + "\""), std::string::npos) << node.body;
  const std::string spec = R"({"Availability":"active","Role":")" + role + R"(","Labels":{"a":"b"}})";
  // Whatever is still under way has time to change the object between the two.
  world.run_for(Duration::millis(300));
  const Reply update =
      world.ask("m1", post(path + "/update?version=" + std::to_string(version_of(node.body)), spec));
  EXPECT_EQ(update.head.status, 200U) << name << " " << update.body;
}

TEST(Readiness, InitAnswersWhenTheNodeIsReadyAndQuiet) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto world = world_of(seed);
    ASSERT_EQ(world->ask("m1", swarm_init(world->address("m1"))).head.status, 200U);
    read_and_write(*world, "m1", "manager");
  }
}

TEST(Readiness, JoinAnswersWhenTheNodeIsReadyAndQuiet) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto world = world_of(seed);
    ASSERT_EQ(form_swarm(*world, {"m1"}, {}), "");
    const std::string swarm = world->ask("m1", get("/swarm")).body;
    for (const auto& [name, token, role] :
         {std::tuple("w1", "Worker", "worker"), std::tuple("m2", "Manager", "manager")}) {
      const http::Request join =
          swarm_join(world->address(name), world->address("m1"), join_token_of(swarm, token));
      ASSERT_EQ(world->ask(name, join, Duration::seconds(30)).head.status, 200U) << name;
      read_and_write(*world, name, role);
    }
  }
}

// A swarm that cannot say that it is ready is no reason to answer never.
TEST(Readiness, AJoinIsAnsweredThoughTheSwarmIsStuck) {
  const auto world = world_of(1);
  ASSERT_EQ(form_swarm(*world, {"m1"}, {}), "");
  const std::string token = join_token_of(world->ask("m1", get("/swarm")).body, "Worker");
  const CallId join = world->call("w1", swarm_join(world->address("w1"), world->address("m1"), token));
  ASSERT_TRUE(world->run_until(
      [&] {
        const agent::Worker* worker = world->node("w1").inspect().worker;
        return worker != nullptr && worker->in_session();
      },
      Duration::seconds(10)));
  world->cut("m1", "w1");
  EXPECT_TRUE(world->run_until([&] { return world->reply(join).ended; }, Duration::seconds(25)));
}

}  // namespace
}  // namespace swarm::sim
