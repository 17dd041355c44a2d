// The example of a kind lives as every kind does: it survives restarts, reaches a late follower by a
// snapshot, outlives its leader, and is an event.
#include <gtest/gtest.h>

#include "sim/client.hpp"

namespace swarm::sim {
namespace {

const std::vector<std::string> kManagers = {"m1", "m2", "m3"};

class Examples : public testing::Test {
 protected:
  Examples() : world_(WorldOptions{}) {
    for (const auto& name : kManagers) world_.add_machine({name, {}, {}, {}});
    EXPECT_EQ(form_swarm(world_, kManagers, {}, {10, 2}), "");
  }
  void settle() { world_.run_for(Duration::seconds(5)); }
  Reply ask(const http::Request& request) { return world_.ask(leader_of(world_), request); }
  void create(const std::string& name) {
    const Reply reply =
        ask(post("/examples/create", R"({"name":")" + name + R"(","Delay":5,"Words":["a","b"]})"));
    ASSERT_EQ(reply.head.status, 201U) << message_of(reply.body);
  }
  // Of this machine's own store.
  std::string local(const std::string& machine, const std::string& name) {
    http::Request request = get("/examples/" + name);
    request.headers.emplace_back("swarmpy-consistency", "local");
    return world_.ask(machine, request).body;
  }
  void expect_whole(const std::string& machine, const std::string& name) {
    EXPECT_NE(local(machine, name).find(R"("Name":")" + name + R"(","Delay":5,"Words":["a","b"]})"),
              std::string::npos)
        << machine << ": " << local(machine, name);
  }
  World world_;
};

TEST_F(Examples, SurviveTheRestartOfAllManagers) {
  create("one");
  for (const auto& name : kManagers) world_.crash(name);
  for (const auto& name : kManagers) world_.start(name);
  settle();
  for (const auto& name : kManagers) expect_whole(name, "one");
}

TEST_F(Examples, ReachALateFollowerByASnapshot) {
  world_.crash("m3");
  settle();
  for (int i = 0; i < 50; ++i) create("example" + std::to_string(i));
  world_.start("m3");
  settle();
  expect_whole("m3", "example0");
  expect_whole("m3", "example49");
}

TEST_F(Examples, OutliveTheirLeader) {
  create("one");
  const std::string leader = leader_of(world_);
  world_.crash(leader);
  settle();
  ASSERT_NE(leader_of(world_), leader);
  expect_whole(leader_of(world_), "one");
  EXPECT_EQ(ask(del("/examples/one")).head.status, 204U);
  world_.start(leader);
  settle();
  EXPECT_NE(local(leader, "one").find("example one not found"), std::string::npos) << local(leader, "one");
}

TEST_F(Examples, HaveNamesOfTheirOwnAndAreEvents) {
  create("one");
  EXPECT_EQ(ask(post("/examples/create", R"({"Name":"one"})")).head.status, 409U);
  EXPECT_EQ(message_of(ask(post("/examples/create", R"({"Name":1})")).body),
            "invalid JSON: json: cannot unmarshal number 1 into Go struct field Example.Name of type string");
  const std::string changes = ask(get("/swarmpy/v1/changes?after=1")).body;
  EXPECT_NE(changes.find(R"("Type":"example","Action":"create")"), std::string::npos) << changes;
}

}  // namespace
}  // namespace swarm::sim
