// Certificates in virtual time, by the rules that real ones obey: they are renewed, they expire, and they say
// the role that a node has.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/address.hpp"
#include "base/id.hpp"
#include "base/time.hpp"
#include "ca/policy.hpp"
#include "model/certificate.hpp"
#include "model/cluster.hpp"
#include "model/mesh.hpp"
#include "model/node.hpp"
#include "ports/disk.hpp"
#include "sim/client.hpp"
#include "sim/sim_crypto.hpp"
#include "sim/test_swarm.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

constexpr Duration kHour = Duration::seconds(3600);

class Certificates : public testing::Test {
 protected:
  // Certificates that are made from now on live for an hour.
  void shorten() {
    World& world = swarm.world;
    const Reply now = world.ask(world.leader(), get("/swarm"));
    const std::string year = R"("NodeCertExpiry":7776000000000000)";
    std::string spec = now.body.substr(now.body.find("\"Spec\":") + 7);
    int depth = 0;
    std::size_t end = 0;
    do {
      depth += spec[end] == '{' ? 1 : spec[end] == '}' ? -1 : 0;
      ++end;
    } while (depth > 0 && end < spec.size());
    spec.resize(end);
    ASSERT_NE(spec.find(year), std::string::npos) << spec;
    spec.replace(spec.find(year), year.size(), R"("NodeCertExpiry":3600000000000)");
    const std::string path = "/swarm/update?version=" + std::to_string(version_of(now.body));
    ASSERT_EQ(world.ask(world.leader(), post(path, spec)).head.status, 200u);
  }
  void set_role(const std::string& name, const std::string& role) {
    World& world = swarm.world;
    const std::string path = "/nodes/" + world.node(name).inspect().id.str();
    const std::string spec = R"({"Availability":"active","Role":")" + role + R"("})";
    std::uint32_t status = 0;
    for (int tries = 0; tries < 5 && status != 200; ++tries) {  // its object may change meanwhile
      const Reply now = world.ask(world.leader(), get(path));
      const std::string update = path + "/update?version=" + std::to_string(version_of(now.body));
      status = world.ask(world.leader(), post(update, spec)).head.status;
    }
    ASSERT_EQ(status, 200u);
    const bool manager = role == "manager";
    ASSERT_TRUE(world.run_until([&] { return swarm.world.node(name).inspect().is_manager == manager; },
                                Duration::seconds(20)));
    world.run_for(Duration::seconds(2));
  }
  // As its disk has it; the node is down for a moment.
  model::Certificate certificate_of(const std::string& name) {
    swarm.world.crash(name);
    const auto pem =
        swarm.world.disk_of_dead(name).get(ports::Family::certificates, "swarm-node.crt").value_or("");
    const auto says = read_certificate(pem);
    EXPECT_TRUE(says.has_value());
    swarm.world.start(name);
    return says.value_or(model::Certificate{});
  }
  bool becomes(const std::string& name, model::NodeState state, Duration within) {
    const NodeId id = ids.at(name);
    return swarm.world.run_until(
        [&] {
          const std::string leader = swarm.world.leader();
          return !leader.empty() && swarm.world.node(leader).inspect().store->node(id)->status.state == state;
        },
        within);
  }

  Swarm swarm;
  std::map<std::string, NodeId> ids{{"w1", swarm.world.node("w1").inspect().id},
                                    {"w2", swarm.world.node("w2").inspect().id}};
};

TEST_F(Certificates, SayTheRoleThatANodeHas) {
  EXPECT_EQ(certificate_of("w1").role, model::NodeRole::worker);
  ASSERT_TRUE(becomes("w1", model::NodeState::ready, Duration::seconds(20)));
  set_role("w1", "manager");
  EXPECT_EQ(certificate_of("w1").role, model::NodeRole::manager);
  ASSERT_TRUE(becomes("w1", model::NodeState::ready, Duration::seconds(20)));
  set_role("w1", "worker");
  EXPECT_EQ(certificate_of("w1").role, model::NodeRole::worker);
}

TEST_F(Certificates, ANodeRenewsItsOwnAndStays) {
  shorten();
  set_role("w1", "manager");  // a new certificate, of an hour
  set_role("w1", "worker");
  const auto first = certificate_of("w1");
  EXPECT_EQ((first.not_after - first.not_before).ns, (ca::kBackdate + kHour).ns);
  swarm.world.run_for(kHour * 3);
  const auto last = certificate_of("w1");
  EXPECT_GT(last.not_after, first.not_after + kHour);
  EXPECT_TRUE(becomes("w1", model::NodeState::ready, Duration::seconds(20)));
}

TEST_F(Certificates, ANodeThatWasAwayUntilItsOwnExpiredRenewsItByItsOldKey) {
  shorten();
  set_role("w1", "manager");
  set_role("w1", "worker");
  const auto before = certificate_of("w1");
  swarm.world.crash("w1");
  ASSERT_TRUE(becomes("w1", model::NodeState::down, Duration::seconds(60)));
  swarm.world.run_for(kHour * 2);
  swarm.world.start("w1");
  EXPECT_TRUE(becomes("w1", model::NodeState::ready, Duration::seconds(20)));
  const auto after = certificate_of("w1");
  EXPECT_GT(after.not_before, before.not_before + kHour);
  EXPECT_EQ(after.node, before.node);
}

// Not by the managers' calendar, and not by its own.
TEST_F(Certificates, AfterTheGraceANodeIsNotLetInAndSaysSo) {
  shorten();
  set_role("w1", "manager");
  set_role("w1", "worker");
  swarm.world.crash("w1");
  ASSERT_TRUE(becomes("w1", model::NodeState::down, Duration::seconds(60)));
  for (const auto* name : {"m1", "m2", "m3", "w1"}) swarm.begin(std::string("clock ") + name + " skew 170h");
  swarm.world.run_for(Duration::seconds(1));
  swarm.world.take_trace();
  swarm.world.start("w1");
  EXPECT_FALSE(becomes("w1", model::NodeState::ready, Duration::seconds(20)));
  bool told = false;
  for (const auto& line : swarm.world.take_trace())
    told = told || line.text.find("refused: the peer's certificate has expired") != std::string::npos;
  EXPECT_TRUE(told);
  const Reply info = swarm.world.ask("w1", get("/info"));
  EXPECT_NE(info.body.find("this node's certificate expired at"), std::string::npos) << info.body;
  EXPECT_NE(info.body.find("docker swarm leave --force"), std::string::npos);
}

// The whole swarm was off for a season: no manager may speak to another, and each has the root's key.
TEST_F(Certificates, ASwarmWhoseManagersHaveAllExpiredComesBack) {
  World& world = swarm.world;
  for (const auto* name : {"m1", "m2", "m3", "w1", "w2"}) world.crash(name);
  for (const auto* name : {"m1", "m2", "m3", "w1", "w2"})
    swarm.begin(std::string("clock ") + name + " skew 2200h");  // 91 days
  for (const auto* name : {"m1", "m2", "m3", "w1", "w2"}) world.start(name);
  for (const auto* name : {"w1", "w2"})
    EXPECT_TRUE(becomes(name, model::NodeState::ready, Duration::seconds(60))) << name;
}

// ---- another root

class Rotation : public Certificates {
 protected:
  const model::RootCa& roots() { return swarm.world.node(leader()).inspect().store->cluster()->root_ca; }
  std::string leader() {
    EXPECT_TRUE(swarm.world.run_until([&] { return !swarm.world.leader().empty(); }, Duration::seconds(20)));
    return swarm.world.leader();
  }
  void rotate() {
    const Reply now = swarm.world.ask(leader(), get("/swarm"));
    const std::uint64_t count = swarm.world.node(leader()).inspect().store->cluster()->spec.ca.force_rotate;
    const std::string path = "/swarm/update?version=" + std::to_string(version_of(now.body));
    const std::string spec = R"({"CAConfig":{"ForceRotate":)" + std::to_string(count + 1) + "}}";
    ASSERT_EQ(swarm.world.ask(leader(), post(path, spec)).head.status, 200U);
  }
  bool ends(Duration within = Duration::seconds(60)) {
    return swarm.world.run_until(
        [&] {
          const std::string name = swarm.world.leader();
          return !name.empty() && !swarm.world.node(name).inspect().store->cluster()->root_ca.rotation;
        },
        within);
  }
  // What the node's disk has; the node is down for a moment.
  std::string file_of(const std::string& name, const char* file) {
    swarm.world.crash(name);
    const std::string text =
        swarm.world.disk_of_dead(name).get(ports::Family::certificates, file).value_or("");
    swarm.world.start(name);
    return text;
  }
};

TEST_F(Rotation, EveryNodeHasTheNewRootAndACertificateOfItOnItsDiskAndNoneOfTheOld) {
  const std::string old = roots().cert_pem, token = roots().join_token_worker;
  rotate();
  ASSERT_TRUE(ends());
  swarm.world.run_for(Duration::seconds(5));
  const model::RootCa now = roots();
  EXPECT_NE(now.cert_pem, old);
  EXPECT_NE(now.join_token_worker, token);
  for (const auto* name : {"m1", "m2", "m3", "w1", "w2"}) {
    EXPECT_EQ(file_of(name, "swarm-root-ca.crt"), now.cert_pem) << name;
    EXPECT_EQ(certificate_of(name).issuer, now.id) << name;
    swarm.world.run_for(Duration::seconds(3));
  }
  const model::RootCa& after = roots();
  EXPECT_EQ(after.id, now.id);
  for (const auto& [id, node] : swarm.world.node(leader()).inspect().store->nodes()) {
    ASSERT_TRUE(node->description.tls) << node->display_name();
    EXPECT_EQ(node->description.tls->trust_root, now.cert_pem) << node->display_name();
    EXPECT_EQ(node->description.tls->issuer, now.id) << node->display_name();
  }
}

// Nodes believe the old root while they are on their way: no session ends for long, and no task is moved.
TEST_F(Rotation, TasksRunOn) {
  ASSERT_EQ(swarm.create("web", 10), 201U);
  swarm.settle();
  std::set<TaskId> before;
  for (const auto& [id, task] : swarm.world.node(leader()).inspect().store->tasks()) before.insert(id);
  rotate();
  ASSERT_TRUE(ends());
  swarm.world.run_for(Duration::seconds(10));
  std::set<TaskId> after;
  for (const auto& [id, task] : swarm.world.node(leader()).inspect().store->tasks()) after.insert(id);
  EXPECT_EQ(after, before);
  swarm.settle();
}

TEST_F(Rotation, ANodeThatIsDownBlocksItAndIsLetInWhenItIsBack) {
  swarm.world.crash("w1");
  ASSERT_TRUE(becomes("w1", model::NodeState::down, Duration::seconds(60)));
  rotate();
  EXPECT_FALSE(ends(kHour));
  swarm.world.start("w1");
  EXPECT_TRUE(ends());
  EXPECT_TRUE(becomes("w1", model::NodeState::ready, Duration::seconds(20)));
}

// What a node says that it has, a crash must not take away: the old root is forgotten when all have said so.
TEST_F(Rotation, ACrashAtAnyDiskOperationLocksNoNodeOut) {
  std::uint64_t crashes = 0;
  for (std::uint64_t at = 1, before = ~0ULL; crashes != before; ++at) {
    before = crashes;
    std::uint64_t moments = 0;
    swarm.world.at_disk([&](const World::DiskMoment& moment) -> std::optional<std::size_t> {
      if (moment.machine != "w1" || ++moments != at) return std::nullopt;
      ++crashes;
      return 0;
    });
    rotate();
    swarm.world.run_for(Duration::seconds(10));
    swarm.world.at_disk({});
    swarm.world.start("w1");
    EXPECT_TRUE(ends()) << "after operation " << at;
    EXPECT_TRUE(becomes("w1", model::NodeState::ready, Duration::seconds(20))) << "after operation " << at;
    if (HasFailure()) return;
  }
  EXPECT_GT(crashes, 0U);
}

TEST_F(Rotation, GoesOnThroughDeathsOfLeadersAndOverLossyLinks) {
  swarm.begin("net * <-> * loss 0.05");
  rotate();
  swarm.world.run_for(Duration::millis(20));
  const std::string first = leader();
  swarm.world.crash(first);
  swarm.world.run_for(Duration::seconds(5));
  swarm.world.start(first);
  EXPECT_TRUE(ends());
  swarm.world.heal();
  swarm.settle();
}

// The new root's key is the only one that counts: a certificate of the old root opens nothing any more.
TEST_F(Rotation, ACertificateOfTheOldRootIsOfAnotherRootAfterwards) {
  const model::Certificate old = swarm.certificate_of("w1");
  rotate();
  ASSERT_TRUE(ends());
  swarm.world.run_for(Duration::seconds(5));
  Address address = swarm.world.address("m2");
  address.port = model::kManagementPort;
  const auto opens = [&](const model::Certificate& shown) {
    swarm.world.take_trace();
    swarm.world.open_by_hand("w1", address, {}, shown);
    swarm.world.run_for(Duration::millis(50));
    std::size_t opened = 0;
    for (const auto& line : swarm.world.take_trace())
      if (line.kind == "link.opened" && line.text.find("inbound") != std::string::npos) ++opened;
    return opened;
  };
  EXPECT_EQ(opens(old), 0U);
  EXPECT_EQ(opens(swarm.certificate_of("w1")), 1U) << "else the rest proves nothing";
}

// ---- removed nodes, on 7946

// w2 does not know it: it is cut off from the managers. It still has its certificate, and the table.
TEST_F(Certificates, ANodeThatWasRemovedReachesNoTaskOfAnotherNode) {
  World& world = swarm.world;
  ASSERT_EQ(swarm.create("web", 5, 8080), 201U);
  swarm.settle();
  ASSERT_EQ(world.fetch("w2", 8080).status, 200U);
  for (const auto* manager : {"m1", "m2", "m3"}) swarm.begin(std::string("cut w2 <-> ") + manager);
  ASSERT_TRUE(becomes("w2", model::NodeState::down, Duration::seconds(60)));
  const auto reached = [&] {
    std::size_t served = 0;
    for (int i = 0; i < 10; ++i) {
      const HttpReply reply = world.fetch("w2", 8080);
      if (reply.status == 200 && !world.node("w2").inspect().worker->tasks().contains(reply.task)) ++served;
    }
    return served;
  };
  EXPECT_GT(reached(), 0U) << "w1 answers it, else the rest proves nothing";
  const std::string node = "/nodes/" + ids.at("w2").str();
  ASSERT_EQ(world.ask(world.leader(), del(node + "?force=1")).head.status, 200U);
  world.run_for(Duration::millis(200));
  EXPECT_EQ(reached(), 0U);
}

}  // namespace
}  // namespace swarm::sim
