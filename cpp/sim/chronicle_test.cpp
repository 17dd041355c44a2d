// The chronicle: a run that is recorded is the same run, and it has all that a picture needs.
#include "sim/chronicle.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "docker/json.hpp"
#include "faults/fault.hpp"
#include "sim/client.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

using docker::Value;

void form(World& world) {
  for (const auto* name : {"m1", "m2", "m3", "w1"})
    world.add_machine({name, {}, {}, {4'000'000'000, 8LL << 30, 0, {}}});
  EXPECT_EQ(form_swarm(world, {"m1", "m2", "m3"}, {"w1"}), "");
}

void live(World& world) {
  ServiceWish wish;
  wish.name = "web";
  wish.replicas = 3;
  wish.published_port = 8080;
  wish.target_port = 80;
  EXPECT_EQ(world.ask("m1", post("/services/create", to_json(wish))).head.status, 201U);
  world.run_for(Duration::seconds(5));
  EXPECT_EQ(world.fetch("w1", 8080).status, 200U);
  world.cut("m1", "m2");
  world.run_for(Duration::seconds(1));
  world.crash(world.leader());
  world.run_for(Duration::seconds(10));
}

WorldOptions seeded() {
  WorldOptions options;
  options.seed = 11;
  return options;
}

class Told : public testing::Test {
 protected:
  void read(const World& world) {
    auto parsed = docker::parse_json(world.chronicle());
    ASSERT_TRUE(parsed.ok());
    all = std::move(*parsed);
  }
  const Value::Items& rows(const char* table) const { return *all.find(table)->find("rows")->items(); }
  // How many rows of the table have this text in this column.
  int count(const char* table, std::size_t column, std::string_view text) const {
    int found = 0;
    for (const auto& row : rows(table)) {
      const auto* cell = (*row.items())[column].text();
      found += cell != nullptr && *cell == text ? 1 : 0;
    }
    return found;
  }
  Value all;
};

TEST(Chronicle, ChangesNothing) {
  World recorded(seeded()), other(seeded());
  recorded.record_chronicle(true);
  for (auto* world : {&recorded, &other}) {
    form(*world);
    live(*world);
  }
  EXPECT_EQ(recorded.trace_hash(), other.trace_hash());
  EXPECT_EQ(recorded.next_event(), other.next_event());
  EXPECT_EQ(other.chronicle(), "");
}

TEST_F(Told, IsEveryRoleStateMessageAndRequest) {
  World world(seeded());
  world.record_chronicle(true);
  form(world);
  live(world);
  read(world);
  EXPECT_EQ(all.find("nodes")->items()->size(), 4U);
  EXPECT_GE(count("roles", 2, "leader"), 2);
  EXPECT_EQ(count("states", 3, "killed (SIGKILL)"), 1);
  EXPECT_GE(count("moves", 3, "running"), 3);
  EXPECT_EQ(count("calls", 4, "/services/create"), 1);
  EXPECT_GT(count("messages", 5, "arrived"), 100);
  EXPECT_GT(count("messages", 5, "cut"), 0);
  EXPECT_EQ(rows("fetches").size(), 1U);
  EXPECT_NE((*rows("fetches")[0].items())[5].text()->find("web."), std::string::npos);
  for (const auto& row : rows("messages"))
    EXPECT_LE(*(*row.items())[0].whole(), *(*row.items())[1].whole()) << "none arrives before it is sent";
}

TEST_F(Told, IsWhatIsThereWhereTheRecordingBegins) {
  World world(seeded());
  form(world);
  live(world);
  world.record_chronicle(true);
  read(world);
  EXPECT_GE(count("moves", 3, "running"), 3);
  EXPECT_EQ(count("roles", 2, "leader"), 1);
  EXPECT_EQ(count("states", 2, "down"), 1);
}

TEST_F(Told, IsEveryFaultWithItsTimesAndWhomItConcerns) {
  World world(seeded());
  form(world);
  const auto fault = [&](const char* line) { return *world.begin_fault(*faults::parse(line)); };
  fault("freeze w1");
  world.record_chronicle(true);
  const FaultId cut = fault("partition m1 | m2 m3 w1");
  const Instant begun = world.now();
  world.run_for(Duration::seconds(1));
  ASSERT_TRUE(world.end_fault(cut).ok());
  fault("cut m2 -> m3 for 500ms");
  world.run_for(Duration::seconds(1));
  read(world);
  ASSERT_EQ(rows("faults").size(), 3U);
  const auto& frozen = *rows("faults")[0].items();
  EXPECT_EQ(*frozen[3].text(), "freeze w1");
  EXPECT_EQ(*frozen[1].whole(), -1) << "it goes on";
  const auto& partition = *rows("faults")[1].items();
  EXPECT_EQ(*partition[2].text(), "partition");
  EXPECT_EQ(*partition[0].whole(), begun.ns);
  EXPECT_EQ(*partition[1].whole(), begun.ns + 1'000'000'000);
  ASSERT_EQ(partition[4].items()->size(), 1U) << "the smaller side";
  EXPECT_EQ(*(*partition[4].items())[0].whole(), 0);
  const auto& link = *rows("faults")[2].items();
  EXPECT_EQ(*link[1].whole() - *link[0].whole(), 500'000'000);
  EXPECT_EQ(count("messages", 5, "cut") > 0, true);
}

TEST_F(Told, IsWhatWasHeldBackOnItsWay) {
  World world(seeded());
  world.record_chronicle(true);
  form(world);
  const FaultId hold = *world.begin_fault(*faults::parse("hold m1 <-> m2"));
  world.run_for(Duration::millis(200));
  ASSERT_TRUE(world.end_fault(hold).ok());
  const Instant burst = world.now();
  world.run_for(Duration::millis(200));
  read(world);
  int held = 0;
  for (const auto& row : rows("messages")) {
    const auto& cells = *row.items();
    if (*cells[8].whole() == 0) continue;
    ++held;
    EXPECT_EQ(*cells[5].text(), "arrived");
    EXPECT_GE(*cells[1].whole(), burst.ns);
  }
  EXPECT_GT(held, 2);
}

TEST_F(Told, IsEveryMoveOfATaskOnce) {
  World world(seeded());
  world.record_chronicle(true);
  form(world);
  live(world);
  read(world);
  std::set<std::vector<std::string>> seen;
  for (const auto& row : rows("moves")) {
    const auto& cells = *row.items();
    std::vector<std::string> move{*cells[3].text(), *cells[4].text()};
    for (const std::size_t number : {1U, 2U, 5U})
      move.push_back(std::to_string(static_cast<std::int64_t>(*cells[number].whole())));
    EXPECT_TRUE(seen.insert(move).second) << move[0] << ", wanted " << move[1] << ", task " << move[2];
  }
  EXPECT_GT(seen.size(), 9U);
}

TEST_F(Told, IsTheRoleAnewAfterARestart) {
  World world(seeded());
  form(world);
  const std::string alone = world.leader() == "m1" ? "m2" : "m1";
  EXPECT_TRUE(world.begin_fault(*faults::parse("partition " + alone)).ok());
  world.crash(alone);
  world.start(alone);
  world.record_chronicle(true);
  for (int i = 0; i < 2; ++i) {
    world.run_for(Duration::millis(10));
    world.crash(alone);
    world.run_for(Duration::millis(10));
    world.start(alone);
  }
  world.run_for(Duration::millis(10));
  read(world);
  std::string roles;
  for (const auto& row : rows("roles")) {
    const auto& cells = *row.items();
    if (*cells[1].whole() == alone[1] - '1') roles += *cells[2].text() + ";";
  }
  EXPECT_EQ(roles, "follower;;follower;;follower;") << "nothing while it is down";
}

TEST(Newest, KeepsTheLastAndTheirNumbers) {
  Newest<int> newest(3);
  for (int i = 1; i <= 5; ++i) EXPECT_EQ(newest.add(i * 10), static_cast<std::uint64_t>(i));
  EXPECT_EQ(newest.dropped(), 2U);
  EXPECT_EQ(newest.find(2), nullptr);
  EXPECT_EQ(*newest.find(3), 30);
  EXPECT_EQ(*newest.find(5), 50);
  EXPECT_EQ(newest.find(6), nullptr);
  EXPECT_EQ(newest.find(0), nullptr);
}

}  // namespace
}  // namespace swarm::sim
