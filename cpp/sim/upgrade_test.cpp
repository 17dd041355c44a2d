// Builds of two feature levels in one swarm, and entries that no build understands.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "codec/codec.hpp"
#include "docker/api.hpp"
#include "docker/json.hpp"
#include "model/kind.hpp"
#include "model/mesh.hpp"
#include "model/node.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "node/node.hpp"
#include "node/replica_disk.hpp"
#include "ports/transport.hpp"
#include "raft/message.hpp"
#include "sim/chaos.hpp"
#include "sim/client.hpp"
#include "sim/test_swarm.hpp"
#include "sim/upgrades.hpp"
#include "sim/workload.hpp"
#include "sim/world.hpp"
#include "store/store.hpp"

namespace swarm::sim {
namespace {

// m1, m2 and m3 form a swarm with builds that know level 1.
class Upgrade : public testing::Test {
 protected:
  explicit Upgrade(LogLength log = {}) : world(Swarm::options(3)) {
    for (const auto* name : {"m1", "m2", "m3"}) {
      world.add_machine({name, {}, {}, {4'000'000'000, 8LL << 30, 0, {}}});
      restart_with(world, name, keys_are_new(1));
    }
    EXPECT_EQ(form_swarm(world, {"m1", "m2", "m3"}, {}, log), "");
    settle();
  }
  void settle() {
    EXPECT_TRUE(world.run_until([&] { return not_converged(world, 3).empty(); }, Duration::seconds(60)))
        << not_converged(world, 3);
  }
  const store::Store& store() const { return *world.node(world.leader()).inspect().store; }
  node::Inspection at(const std::string& name) const { return world.node(name).inspect(); }
  bool runs_until(const std::function<bool()>& done) { return world.run_until(done, Duration::seconds(30)); }
  std::string error_of(const std::string& name) {
    const auto info = docker::parse_json(world.ask(name, get("/info")).body);
    return *info->find("Swarm")->find("Error")->text();
  }
  std::uint32_t put(const std::string& key, const std::string& value) {
    return world.ask(world.leader(), {"PUT", "/swarmpy/v1/kv/" + key, {}, value}).head.status;
  }
  const model::Node& node_of(const std::string& name) const {
    for (const auto& [id, node] : store().nodes())
      if (node->description.hostname == name) return *node;
    ADD_FAILURE() << name;
    return *store().nodes().begin()->second;
  }
  void set_role(const std::string& name, const std::string& role) {
    const model::Node& node = node_of(name);
    const auto reply =
        world.ask(world.leader(),
                  post("/nodes/" + node.id.str() + "/update?version=" + std::to_string(node.meta.version),
                       R"({"Availability":"active","Role":")" + role + R"("})"));
    EXPECT_EQ(reply.head.status, 200U) << message_of(reply.body);
  }

  // m3 is upgraded, and says so; then the older build is put back before it has heard of the raise.
  void raise_behind_the_back_of_m3() {
    if (world.leader() == "m3") world.crash("m3"), world.run_for(Duration::seconds(3));
    for (const auto* name : {"m1", "m2", "m3"}) {
      restart_with(world, name, keys_are_new(2));
      ASSERT_TRUE(runs_until([&] {
        return !world.leader().empty() && node_of(name).description.feature_level == 2;
      })) << name;
    }
    // The leader applies it first.
    ASSERT_TRUE(runs_until([&] { return !world.leader().empty() && store().feature_level() == 2; }));
    ASSERT_EQ(at("m3").store->feature_level(), 1U);
    restart_with(world, "m3", keys_are_new(1));
    ASSERT_TRUE(runs_until([&] { return at("m3").state == docker::SwarmState::error; }));
  }

  World world;
};

TEST_F(Upgrade, AReplicaStopsBeforeTheRaiseInTheLogAndGoesOnWhenItIsUpgraded) {
  raise_behind_the_back_of_m3();
  const std::string why =
      "this swarm is at feature level 2, and the swarmpy on this node knows feature level 1: upgrade swarmpy "
      "on "
      "this node and start it again. Its data root stays as it is";
  EXPECT_EQ(error_of("m3"), why);
  EXPECT_FALSE(at("m3").is_manager);
  EXPECT_EQ(put("x", "1"), 200U) << "the others go on";
  restart_with(world, "m3", keys_are_new(1));
  world.run_for(Duration::seconds(5));
  EXPECT_EQ(error_of("m3"), why) << "whenever it starts";
  EXPECT_EQ(at("m3").state, docker::SwarmState::error);
  restart_with(world, "m3", keys_are_new(2));
  EXPECT_TRUE(runs_until([&] { return at("m3").is_manager && at("m3").store->key("x") != nullptr; }));
  settle();
  EXPECT_EQ(at("m3").raft_id, node_of("m3").manager->raft_id) << "as the member that it was";
  EXPECT_EQ(error_of("m3"), "");
}

TEST_F(Upgrade, ItsTasksGoOnMeanwhile) {
  ServiceWish wish;
  wish.name = "web";
  wish.global = true;
  ASSERT_LT(world.ask(world.leader(), post("/services/create", to_json(wish))).head.status, 300U);
  settle();
  raise_behind_the_back_of_m3();
  EXPECT_TRUE(runs_until([&] {
    const NodeId id = node_of("m3").id;
    if (node_of("m3").status.state != model::NodeState::ready) return false;
    for (const TaskId task : store().tasks_on_node(id))
      if (store().task(task)->state() == model::TaskState::running) return true;
    return false;
  }));
}

TEST_F(Upgrade, DemotedMeanwhileItIsAWorkerLikeAnyOther) {
  raise_behind_the_back_of_m3();
  set_role("m3", "worker");
  EXPECT_TRUE(runs_until([&] { return at("m3").state == docker::SwarmState::active; })) << error_of("m3");
  EXPECT_EQ(error_of("m3"), "");
  EXPECT_TRUE(runs_until([&] { return node_of("m3").role == model::NodeRole::worker; }));
  const model::Node& node = node_of("m3");
  const auto reply = world.ask(
      world.leader(), post("/nodes/" + node.id.str() + "/update?version=" + std::to_string(node.meta.version),
                           R"({"Availability":"active","Role":"manager"})"));
  EXPECT_EQ(reply.head.status, 400U);
  EXPECT_NE(reply.body.find("upgrade swarmpy on node m3 first"), std::string::npos) << reply.body;
  restart_with(world, "m3", keys_are_new(2));
  ASSERT_TRUE(runs_until([&] { return node_of("m3").description.feature_level == 2; }));
  set_role("m3", "manager");
  EXPECT_TRUE(runs_until([&] { return at("m3").is_manager; }));
  settle();
}

TEST_F(Upgrade, ItMayLeaveMeanwhile) {
  raise_behind_the_back_of_m3();
  EXPECT_EQ(world.ask("m3", post("/swarm/leave?force=true")).head.status, 200U);
  EXPECT_EQ(at("m3").state, docker::SwarmState::inactive);
  EXPECT_EQ(error_of("m3"), "");
}

class UpgradeWithAShortLog : public Upgrade {
 protected:
  UpgradeWithAShortLog() : Upgrade(LogLength{20, 30}) {}
};

TEST_F(UpgradeWithAShortLog, AReplicaStopsBeforeASnapshotOfANewerSwarm) {
  raise_behind_the_back_of_m3();
  for (int i = 0; i < 200; ++i) ASSERT_EQ(put("x", std::to_string(i)), 200U);
  restart_with(world, "m3", keys_are_new(1));
  world.run_for(Duration::seconds(5));
  EXPECT_EQ(at("m3").state, docker::SwarmState::error) << error_of("m3");
  restart_with(world, "m3", keys_are_new(2));
  EXPECT_TRUE(runs_until([&] {
    const auto last = at("m3").is_manager ? at("m3").store->key("x") : nullptr;
    return last != nullptr && last->value == "199";
  }));
}

// ---- entries that mean nothing, or nothing that anybody meant

class StrangeEntries : public testing::Test {
 protected:
  // Says them to every manager in the name of another, as the leader of a term of its own would.
  void append(const std::vector<std::pair<raft::EntryType, std::string>>& entries) {
    swarm.settle();
    const auto leader = swarm.world.node(swarm.world.leader()).inspect();
    raft::Message message;
    message.type = raft::MessageType::app;
    message.term = leader.raft->term() + 1;
    message.index = leader.raft->last_index();
    message.log_term = leader.raft->entries(message.index, 1).back().term;
    for (const auto& [type, bytes] : entries)
      message.entries.push_back({message.term, message.index + 1 + message.entries.size(), type, bytes});
    message.commit = message.index;
    say_to_all(message);
    message.type = raft::MessageType::heartbeat;  // when all have them
    message.commit += std::exchange(message.entries, {}).size();
    message.index = message.log_term = 0;
    say_to_all(message);
  }
  void say_to_all(raft::Message message) {
    for (const std::string to : {"m1", "m2", "m3"}) {
      const std::string other = to == "m1" ? "m2" : "m1";
      message.from = swarm.world.node(other).inspect().raft_id;
      message.to = swarm.world.node(to).inspect().raft_id;
      send(other, to, message);
    }
  }
  // On a link that says that it is `from`'s.
  void send(const std::string& from, const std::string& to, raft::Message message) {
    wire::Hello hello;
    hello.raft_id = swarm.world.node(from).inspect().raft_id;
    Address address = swarm.world.address(to);
    address.port = model::kManagementPort;
    ports::Transport& wire = swarm.world.wire_by_hand("w1");
    const ports::LinkId link = swarm.world.open_by_hand("w1", address, hello, swarm.certificate_of(from));
    wire.send(link, std::move(message));
    swarm.world.run_for(Duration::millis(5));
    wire.close(link);
  }
  std::uint64_t version() const { return swarm.world.node(swarm.world.leader()).inspect().store->version(); }
  void expect_equal_replicas() {
    swarm.settle();
    swarm.world.run_for(Duration::seconds(1));  // what the last change of leader brought
    swarm.settle();
    swarm.world.check_all();
    const std::string stored = pack_of("m1");
    EXPECT_EQ(pack_of("m2"), stored);
    EXPECT_EQ(pack_of("m3"), stored);
  }
  std::string pack_of(const std::string& name) const {
    return node::pack_snapshot(*swarm.world.node(name).inspect().store, {}, {});
  }

  Swarm swarm;
};

TEST_F(StrangeEntries, RandomBytesAreWrittenByNoReplica) {
  Rng rng(5);
  for (int i = 0; i < 100; ++i) {
    std::string bytes(1, '\x07');  // what no message begins with
    for (std::uint64_t n = rng.below(60); n > 0; --n) bytes += static_cast<char>(rng.below(256));
    const bool about_members = i % 10 == 0;
    append({{about_members ? raft::EntryType::conf_change_v2 : raft::EntryType::normal, std::move(bytes)}});
  }
  for (const auto* name : {"m1", "m2", "m3"}) {
    const auto& raft = *swarm.world.node(name).inspect().raft;
    for (const auto& entry : raft.entries(raft.first_index(), raft.last_index()))
      EXPECT_NE(entry.data.str().substr(0, 1), "\x07") << name << " wrote entry " << entry.index;
  }
  expect_equal_replicas();
}

TEST_F(StrangeEntries, ActionsWithRandomBytesChangeNothingOnEveryReplica) {
  Rng rng(5);
  const std::uint64_t before = version();
  std::vector<std::pair<raft::EntryType, std::string>> entries;
  for (int i = 0; i < 300; ++i) {
    std::string bytes;
    for (std::uint64_t n = rng.below(60) + 1; n > 0; --n) bytes += static_cast<char>(rng.below(256));
    const auto size = static_cast<char>(bytes.size());
    // An action in a transaction, of a kind (127) that there is not.
    entries.emplace_back(raft::EntryType::normal,
                         std::string{'\x1a', static_cast<char>(size + 3)} + "\xfa\x07" + size + bytes);
  }
  append(entries);
  swarm.world.run_for(Duration::seconds(3));
  EXPECT_GE(version(), before + 300) << "they are in the log";
  expect_equal_replicas();
  for (const auto* name : {"m1", "m2", "m3"}) {
    swarm.world.crash(name);
    swarm.world.start(name);
  }
  expect_equal_replicas();
}

TEST_F(StrangeEntries, KindsOfATimeToComeAreRefusedInWords) {
  swarm.world.take_trace();
  model::Transaction removal;
  removal.actions.push_back(model::Remove{model::Kind(77), 1, 0});
  append({{raft::EntryType::normal, std::string("\x1a\x04\x0a\x02\x32\x00", 6)},
          {raft::EntryType::normal, codec::encode(removal)}});
  swarm.world.run_for(Duration::seconds(1));
  std::map<std::string, std::string> said;
  for (const auto& line : swarm.world.take_trace())
    if (line.kind == "warning.entry")
      said[line.machine] += line.text.substr(line.text.find("changes")) + "; ";
  EXPECT_EQ(said.size(), 3U);
  for (const auto& [machine, text] : said)
    EXPECT_EQ(text,
              "changes nothing: corrupt transaction: an object of an unknown kind; changes nothing: corrupt "
              "transaction: kind 77 is not known; ")
        << machine;
  expect_equal_replicas();
}

TEST_F(StrangeEntries, ASnapshotThatCannotBeReadIsNotInstalled) {
  const std::string leader = swarm.world.leader(), other = leader == "m1" ? "m2" : "m1";
  const auto from = swarm.world.node(leader).inspect();
  const auto to = swarm.world.node(other).inspect();
  raft::Message message;
  message.type = raft::MessageType::snap;
  message.from = from.raft_id;
  message.to = to.raft_id;
  message.term = from.raft->term();
  message.snapshot = std::make_shared<raft::Snapshot>();
  message.snapshot->index = from.store->version() + 100;
  message.snapshot->term = message.term;
  message.snapshot->conf_state = *from.group;
  message.snapshot->data = "not readable";
  swarm.world.take_trace();
  send(leader, other, std::move(message));
  swarm.world.run_for(Duration::seconds(1));
  std::size_t warned = 0;
  for (const auto& line : swarm.world.take_trace()) warned += line.kind == "warning.snapshot";
  EXPECT_EQ(warned, 1U);
  expect_equal_replicas();
}

// ---- chaos

TEST(UpgradeChaos, SwarmsOfTwoBuildsComeToRestAtTheNewerLevel) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    ChaosOptions options;
    options.seed = seed;
    options.storm = Duration::seconds(30);
    options.upgrades = true;
    Chaos chaos(options);
    chaos.run();  // a broken promise is a SWARM_CHECK
  }
}

}  // namespace
}  // namespace swarm::sim
