// Looks: however often a program looks, the run is the same; and a look shows what a client would get.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "sim/client.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

class Looks : public testing::Test {
 protected:
  explicit Looks(std::uint64_t seed = 7) : world(options(seed)) {
    for (const auto* name : {"m1", "m2", "m3", "w1"})
      world.add_machine({name, {}, {}, {4'000'000'000, 8LL << 30, 0, {}}});
    EXPECT_EQ(form_swarm(world, {"m1", "m2", "m3"}, {"w1"}), "");
  }
  static WorldOptions options(std::uint64_t seed) {
    WorldOptions out;
    out.seed = seed;
    return out;
  }
  bool elect() {
    return world.run_until([&] { return !world.leader().empty(); }, Duration::seconds(20));
  }
  std::uint32_t status(const std::string& machine, const std::string& target) const {
    return world.look(machine, get(target)).answer.head.status;
  }
  World world;
};

constexpr const char* kReads[] = {"/info",
                                  "/version",
                                  "/nodes",
                                  "/services",
                                  "/tasks",
                                  "/swarm",
                                  "/networks",
                                  "/swarmpy/v1/raft",
                                  "/swarmpy/v1/raft/log",
                                  "/swarmpy/v1/raft/events",
                                  "/swarmpy/v1/changes?after=0",
                                  "/containers/json",
                                  "/images/json",
                                  "/_ping",
                                  "/swarmpy/v1/events?since=0&until=1767225600"};

TEST_F(Looks, SayWhatAClientIsTold) {
  world.run_for(Duration::seconds(5));  // so that nothing changes while the client is answered
  for (const char* target : kReads) {
    const Look seen = world.look("m2", get(target));
    ASSERT_EQ(seen.how, Look::How::answered) << target;
    const Reply told = world.ask("m2", get(target));
    EXPECT_EQ(seen.answer.head.status, told.head.status) << target;
    EXPECT_EQ(seen.answer.head.headers, told.head.headers) << target;
    if (std::string_view(target) != "/info") {
      EXPECT_EQ(seen.answer.body, told.body) << target;
    }
  }
}

TEST_F(Looks, ShowTheDriversOfANode) {
  const std::string info = world.look("m1", get("/info")).answer.body;
  EXPECT_NE(info.find(R"("Plugins":{"Volume":["local"],"Network":["bridge","host","overlay"])"),
            std::string::npos)
      << info;
}

TEST_F(Looks, ChangeNothing) {
  World other(options(7));
  for (const auto* name : {"m1", "m2", "m3", "w1"})
    other.add_machine({name, {}, {}, {4'000'000'000, 8LL << 30, 0, {}}});
  EXPECT_EQ(form_swarm(other, {"m1", "m2", "m3"}, {"w1"}), "");
  for (int i = 0; i < 200; ++i) {
    for (const char* target : kReads)
      for (const auto* name : {"", "m1", "m2", "m3", "w1"}) world.look(name, get(target));
    ASSERT_TRUE(world.step());
    ASSERT_TRUE(other.step());
    ASSERT_EQ(world.trace_hash(), other.trace_hash()) << "after event " << i;
  }
  for (const auto& w : {&world, &other}) w->run_for(Duration::seconds(5));
  EXPECT_EQ(world.trace_hash(), other.trace_hash());
  EXPECT_EQ(world.next_event(), other.next_event());
}

TEST_F(Looks, AreNoAnswerToWhatTakesTime) {
  EXPECT_EQ(world.look("m1", get("/events")).how, Look::How::takes_time);
  EXPECT_EQ(world.look("m1", post("/services/create", "{}")).how, Look::How::takes_time);
}

TEST_F(Looks, AtMetricsAreNotCounted) {
  const std::string before = world.look("m1", get("/metrics")).answer.body;
  EXPECT_NE(before.find("\nraft_is_leader "), std::string::npos) << before;
  for (const auto* name : {"m1", "w1"}) world.look(name, get("/nodes"));
  EXPECT_EQ(world.look("m1", get("/metrics")).answer.body, before);
  EXPECT_EQ(world.look("w1", get("/metrics")).answer.body.find("raft_"), std::string::npos);
}

TEST_F(Looks, ShowWhatWasCountedByADeadMachineToo) {
  const std::string told = "raft_elections_total 1\n";
  const std::string leader = world.leader();
  EXPECT_NE(world.counted(leader).find(told), std::string::npos) << world.counted(leader);
  world.crash(leader);
  EXPECT_NE(world.counted(leader).find(told), std::string::npos);
  world.start(leader);
  EXPECT_NE(world.look(leader, get("/metrics")).answer.body.find(told), std::string::npos)
      << "counters go on in the machine's next life";
}

TEST_F(Looks, OfADeadOrStoppedMachineSaySo) {
  world.crash("m3");
  EXPECT_EQ(world.look("m3", get("/nodes")).how, Look::How::dead);
  world.pause("m2");
  EXPECT_EQ(world.look("m2", get("/_ping")).how, Look::How::silent);
}

TEST_F(Looks, GoToTheSideThatHasAQuorum) {
  const std::string old = world.leader();
  std::vector<std::string> others;
  for (const auto* name : {"m1", "m2", "m3"})
    if (name != old) others.emplace_back(name);
  world.partition({{old}, others});
  EXPECT_EQ(world.leader(), "");
  EXPECT_EQ(status(old, "/nodes"), 500U) << "it would not be told by a quorum that it leads";
  EXPECT_TRUE(world.look("", get("/nodes")).last_known);
  EXPECT_TRUE(world.look(others[0], get("/nodes")).last_known);
  ASSERT_TRUE(elect());
  EXPECT_NE(world.leader(), old);
  const Look seen = world.look("", get("/nodes"));
  EXPECT_FALSE(seen.last_known);
  EXPECT_EQ(seen.answer.body, world.look(others[1], get("/nodes")).answer.body);
}

TEST_F(Looks, ShowNobodyAsTheLeaderWhileOneIsBeingElected) {
  world.crash(world.leader());
  const Look seen = world.look("", get("/nodes"));
  EXPECT_TRUE(seen.last_known);
  EXPECT_EQ(seen.answer.body.find("\"Leader\":true"), std::string::npos);
}

TEST_F(Looks, WithoutAQuorumAreRefusedAsAClientIs) {
  world.crash("m1");
  world.crash("m2");
  const Look seen = world.look("m3", get("/services"));
  const Reply told = world.ask("m3", get("/services"));
  EXPECT_EQ(seen.answer.head.status, told.head.status);
  EXPECT_EQ(seen.answer.body, told.body);
  EXPECT_EQ(status("m3", "/info"), 200U);
}

TEST_F(Looks, ShowWhatTasksHaveWrittenAndWhoseLinesCannotBeHad) {
  ServiceWish wish;
  wish.name = "web";
  wish.replicas = 8;
  ASSERT_EQ(world.ask("m1", post("/services/create", to_json(wish))).head.status, 201U);
  world.run_for(Duration::seconds(10));
  const std::string target = "/services/web/logs?stdout=1&stderr=1&details=1&timestamps=1";
  const Look seen = world.look("", get(target));
  const Reply told = world.ask(world.leader(), get(target));
  ASSERT_EQ(seen.how, Look::How::answered);
  EXPECT_EQ(seen.answer.head.headers, told.head.headers);
  EXPECT_GT(seen.answer.body.size(), 500U);
  EXPECT_EQ(seen.answer.body.size(), told.body.size()) << "the same lines, of one node after the other";
  EXPECT_EQ(world.look("", get(target + "&follow=1")).how, Look::How::takes_time);
  world.partition({{"w1"}, {"m1", "m2", "m3"}});
  EXPECT_NE(world.look("", get(target)).answer.body.find("node w1 is not available"), std::string::npos);
}

TEST_F(Looks, HaveANumberThatTellsWhenTheyMayDiffer) {
  world.run_for(Duration::seconds(5));
  std::string before = world.look("", get("/nodes")).answer.body + world.look("", get("/tasks")).answer.body;
  world.call(
      "m1", post("/services/create", R"({"Name":"web","TaskTemplate":{"ContainerSpec":{"Image":"nginx"}}})"));
  std::uint64_t seen = world.changes();
  int changes = 0;
  for (int i = 0; i < 3'000; ++i) {
    ASSERT_TRUE(world.step());
    const std::string now =
        world.look("", get("/nodes")).answer.body + world.look("", get("/tasks")).answer.body;
    if (now != before) {
      EXPECT_NE(world.changes(), seen) << "event " << i;
      ++changes;
    }
    before = now;
    seen = world.changes();
  }
  EXPECT_GE(changes, 4) << "the task is made, placed, begun and runs";
}

}  // namespace
}  // namespace swarm::sim
