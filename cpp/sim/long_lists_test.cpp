// Long lists and large snapshots leave a manager in pieces, over many turns, and nothing else waits for them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "docker/listing.hpp"
#include "ports/http.hpp"
#include "sim/client.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

constexpr std::uint64_t kTasks = 4'500;

std::size_t objects_in(const std::string& body) {
  std::size_t count = 0;
  for (auto at = body.find("{\"ID\":"); at != std::string::npos; at = body.find("{\"ID\":", at + 1)) ++count;
  return count;
}

// Three managers, and a service whose tasks fit nowhere.
class LongLists : public testing::Test {
 protected:
  LongLists() {
    WorldOptions options;
    options.seed = 7;
    world_ = std::make_unique<World>(options);
    for (const char* name : {"m1", "m2", "m3"})
      world_->add_machine({name, {}, {}, {4'000'000'000, 8LL << 30, 0, {}}});
    EXPECT_EQ(form_swarm(*world_, {"m1", "m2", "m3"}, {}, {20, 5}), "");
    ServiceWish wish;
    wish.name = "many";
    wish.replicas = kTasks;
    wish.constraints = {"node.labels.nowhere==here"};
    EXPECT_EQ(world_->ask(leader_of(*world_), post("/services/create", to_json(wish))).head.status, 201U);
    EXPECT_TRUE(
        world_->run_until([&] { return tasks_at(leader_of(*world_)) == kTasks; }, Duration::seconds(60)));
    world_->run_for(Duration::seconds(10));  // the scheduler has said of each that it fits nowhere
  }
  std::string look(const std::string& machine, const std::string& target) {
    return world_->look(machine, get(target)).answer.body;
  }
  std::size_t tasks_at(const std::string& machine) { return objects_in(look(machine, "/tasks")); }

  std::unique_ptr<World> world_;
};

TEST_F(LongLists, OneEventWritesSoManyObjectsAndOthersAreAnsweredMeanwhile) {
  const std::string leader = leader_of(*world_), expected = look(leader, "/tasks");
  http::Request at_once = get("/tasks");  // without a round to the other managers first
  at_once.headers.emplace_back("swarmpy-consistency", "local");
  const CallId list = world_->call(leader, at_once), other = world_->call(leader, get("/_ping"));
  std::size_t written = 0, most = 0, before_the_other = 0;
  while (!world_->reply(list).ended) {
    ASSERT_TRUE(world_->step());
    const std::size_t now = objects_in(world_->reply(list).body);
    most = std::max(most, now - written);
    written = now;
    if (!world_->reply(other).ended) before_the_other = written;
  }
  EXPECT_LE(before_the_other, docker::kObjectsPerTurn) << "it waited for the list";
  EXPECT_EQ(written, kTasks);
  EXPECT_LE(most, docker::kObjectsPerTurn);
  EXPECT_EQ(world_->reply(list).body, expected);
}

TEST_F(LongLists, AFollowerPassesThePiecesOn) {
  const std::string leader = leader_of(*world_), follower = leader == "m1" ? "m2" : "m1";
  const std::string expected = look(leader, "/tasks");
  const Reply reply = world_->ask(follower, get("/tasks"));
  EXPECT_EQ(reply.head.status, 200U);
  EXPECT_FALSE(reply.cut);
  EXPECT_EQ(reply.body, expected);
}

TEST_F(LongLists, AClientThatHangsUpEndsTheWork) {
  const std::string leader = leader_of(*world_);
  const CallId list = world_->call(leader, get("/tasks"));
  while (objects_in(world_->reply(list).body) == 0) ASSERT_TRUE(world_->step());
  ASSERT_FALSE(world_->reply(list).ended);
  world_->hang_up(list);
  const std::uint64_t before = world_->steps();
  world_->run_for(Duration::millis(1));
  EXPECT_LT(world_->steps() - before, 20U);
}

// 4,000 objects are one piece.
TEST_F(LongLists, AManagerThatWasAwayGetsASnapshotOfSeveralPieces) {
  const std::string leader = leader_of(*world_), away = leader == "m1" ? "m2" : "m1";
  std::vector<std::string> others = {"m1", "m2", "m3"};
  std::erase(others, away);
  world_->partition({{away}, others});
  ServiceWish wish;
  wish.replicas = 0;
  for (int i = 0; i < 60; ++i) {
    wish.name = "s" + std::to_string(i);
    world_->ask(leader_of(*world_), post("/services/create", to_json(wish)));
  }
  world_->heal();
  const auto services = [&](const std::string& at) { return objects_in(look(at, "/services")); };
  ASSERT_TRUE(world_->run_until([&] { return services(away) == 61; }, Duration::seconds(30)));
  EXPECT_EQ(tasks_at(away), kTasks);
}

}  // namespace
}  // namespace swarm::sim
