// Certificates in virtual time, by the rules that real ones obey: they are renewed, they expire, and they say
// the role that a node has.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "base/time.hpp"
#include "ca/policy.hpp"
#include "model/certificate.hpp"
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

TEST_F(Certificates, ANodeThatWasAwayUntilItsOwnExpiredIsNotLetIn) {
  shorten();
  set_role("w1", "manager");
  set_role("w1", "worker");
  swarm.world.crash("w1");
  ASSERT_TRUE(becomes("w1", model::NodeState::down, Duration::seconds(60)));
  swarm.world.run_for(kHour * 2);
  swarm.world.take_trace();
  swarm.world.start("w1");
  EXPECT_FALSE(becomes("w1", model::NodeState::ready, Duration::seconds(20)));
  bool told = false;
  for (const auto& line : swarm.world.take_trace())
    told = told || line.text.find("refused: the peer's certificate has expired") != std::string::npos;
  EXPECT_TRUE(told);
}

}  // namespace
}  // namespace swarm::sim
