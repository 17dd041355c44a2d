#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "ports/disk.hpp"
#include "ports/disk_conformance.hpp"
#include "ports/ports.hpp"
#include "sim/client.hpp"
#include "sim/event_queue.hpp"
#include "sim/machine_index.hpp"
#include "sim/sha256.hpp"
#include "sim/shared.hpp"
#include "sim/sim_disk.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

struct DiskHarness {
  explicit DiskHarness(std::uint64_t seed) : shared(options()), simulated(shared, 0, Rng(seed)) {}
  static WorldOptions options() { return {}; }
  ports::Disk& disk() { return simulated; }
  void await(std::uint64_t token) {
    while (tokens.empty() || tokens.back() != token) {
      ASSERT_FALSE(shared.queue.empty()) << "no answer to batch " << token;
      const Event event = shared.queue.pop();
      shared.now = event.at;
      simulated.on_written(std::get<DiskWritten>(event.what));
      tokens.push_back(std::get<DiskWritten>(event.what).token);
    }
  }
  std::vector<std::uint64_t> done() { return tokens; }
  void reopen() {
    simulated.reopen();
    ASSERT_FALSE(shared.queue.empty());
    const Event event = shared.queue.pop();
    EXPECT_EQ(std::get<ports::DiskReopened>(std::get<Deliver>(event.what).event).why, "");
  }
  void crash() {
    while (!shared.queue.empty()) shared.queue.pop();
    simulated.crash();
    EXPECT_EQ(simulated.open(), "");
  }
  Shared shared;
  SimDisk simulated;
  std::vector<std::uint64_t> tokens;
};

TEST(SimDisk, ConformsToThePort) {
  for (std::uint64_t seed = 0; seed < 20; ++seed)
    ports::conformance::run_all([seed] { return std::make_unique<DiskHarness>(seed); });
}

TEST(Sha256, IsTheRealOne) {
  EXPECT_EQ(to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(EventQueue, EqualTimesComeInTheOrderOfTheirMaking) {
  EventQueue queue;
  for (MachineIndex i = 0; i < 5; ++i) queue.push(Instant{7}, i, 0, Wake{});
  queue.push(Instant{3}, 9, 0, Wake{});
  EXPECT_EQ(queue.pop().machine, 9u);
  for (MachineIndex i = 0; i < 5; ++i) EXPECT_EQ(queue.pop().machine, i);
}

std::uint64_t short_life(std::uint64_t seed) {
  WorldOptions options;
  options.seed = seed;
  World world(options);
  for (const auto* name : {"m1", "m2", "m3"})
    world.add_machine({name, {}, {}, {4'000'000'000, 8LL << 30, 0, {}}});
  EXPECT_EQ(form_swarm(world, {"m1", "m2", "m3"}, {}), "");
  world.crash(leader_of(world));
  EXPECT_TRUE(world.run_until([&] { return !leader_of(world).empty(); }, Duration::seconds(10)));
  world.run_for(Duration::seconds(2));
  return world.trace_hash();
}

TEST(World, TheSameSeedIsTheSameWorldAndAnotherIsAnother) {
  EXPECT_EQ(short_life(1), short_life(1));
  EXPECT_NE(short_life(1), short_life(2));
}

TEST(World, ACallToADeadMachineEndsAtOnceWithoutAnAnswer) {
  World world(WorldOptions{});
  world.add_machine({"m1", {}, {}, {}});
  EXPECT_EQ(world.ask("m1", get("/_ping")).head.status, 200u);
  world.crash("m1");
  const Reply reply = world.ask("m1", get("/_ping"));
  EXPECT_TRUE(reply.ended);
  EXPECT_FALSE(reply.begun);
}

TEST(World, APausedMachineAnswersWhenItGoesOn) {
  World world(WorldOptions{});
  world.add_machine({"m1", {}, {}, {}});
  world.pause("m1");
  const CallId call = world.call("m1", get("/_ping"));
  world.run_for(Duration::seconds(1));
  EXPECT_FALSE(world.reply(call).begun);
  world.resume("m1");
  world.run_for(Duration::millis(1));
  EXPECT_TRUE(world.reply(call).ended);
}

}  // namespace
}  // namespace swarm::sim
