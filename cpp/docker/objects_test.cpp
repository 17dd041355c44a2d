// The exact JSON of the swarm and of its networks.
#include "docker/objects.hpp"

#include <string>

#include "base/id.hpp"
#include "docker/fixture_test.hpp"
#include "docker/json.hpp"
#include "model/cluster.hpp"
#include "model/meta.hpp"
#include "model/network.hpp"

namespace swarm::docker {
namespace {

using Objects = ApiTest;

constexpr model::Meta kMeta{7, {1'000'000'000}, {2'000'000'005}};

model::Cluster cluster() {
  model::Cluster out;
  out.id = ClusterId(35);
  out.meta = kMeta;
  out.spec.annotations.labels = {{"a", "b"}};
  out.root_ca = {"CERT", "KEY", "SWMTKN-1-w", "SWMTKN-1-m", {}, {}};
  out.default_addr_pool = {"10.0.0.0/8", "10.9.0.0/16"};
  out.removed_nodes = {NodeId(4)};
  return out;
}

const std::string kClusterUpToTokens =
    R"({"ID":"000000000000000000000000z","Version":{"Index":7},"CreatedAt":"1970-01-01T00:00:01Z",)"
    R"("UpdatedAt":"1970-01-01T00:00:02.000000005Z","Spec":{"Name":"default","Labels":{"a":"b"},)"
    R"("Orchestration":{"TaskHistoryRetentionLimit":5},"Raft":{"SnapshotInterval":10000,"KeepOldSnapshots":0,)"
    R"("LogEntriesForSlowFollowers":500,"ElectionTick":10,"HeartbeatTick":1},)"
    R"("Dispatcher":{"HeartbeatPeriod":500000000},"CAConfig":{"NodeCertExpiry":7776000000000000},)"
    R"("TaskDefaults":{},"EncryptionConfig":{"AutoLockManagers":false}},"TLSInfo":{"TrustRoot":"CERT",)"
    R"("CertIssuerSubject":"c3ViamVjdA==","CertIssuerPublicKey":"a2V5"},"RootRotationInProgress":false,)"
    R"("DefaultAddrPool":["10.0.0.0/8","10.9.0.0/16"],"SubnetSize":24,"DataPathPort":4789)";

TEST_F(Objects, TheSwarmIsShownWithItsTokensOrWithout) {
  init();
  Json with, without;
  write_cluster(with, cluster(), context(), true);
  write_cluster(without, cluster(), context(), false);
  EXPECT_EQ(without.str(), kClusterUpToTokens + "}");
  EXPECT_EQ(with.str(),
            kClusterUpToTokens + R"(,"JoinTokens":{"Worker":"SWMTKN-1-w","Manager":"SWMTKN-1-m"}})");
}

TEST_F(Objects, ANetworkIsShownWithWhatIsTheSameForAll) {
  model::Network network;
  network.id = NetworkId(35);
  network.meta = kMeta;
  network.annotations = {"front", {{"a", "b"}}};
  network.attachable = true;
  network.ipam = {{"10.0.1.0/24", "", "10.0.1.1"}};
  network.options = {{"o", "1"}};
  Json json;
  write_network(json, network);
  EXPECT_EQ(
      json.str(),
      R"({"Name":"front","Id":"000000000000000000000000z","Created":"1970-01-01T00:00:01Z",)"
      R"("Scope":"swarm","Driver":"overlay","EnableIPv4":true,"EnableIPv6":false,"IPAM":{"Driver":"default",)"
      R"("Options":null,"Config":[{"Subnet":"10.0.1.0/24","Gateway":"10.0.1.1"}]},"Internal":false,)"
      R"("Attachable":true,"Ingress":false,"ConfigFrom":{"Network":""},"ConfigOnly":false,"Containers":null,)"
      R"("Options":{"o":"1"},"Labels":{"a":"b"}})");
}

TEST_F(Objects, APredefinedNetworkSaysSoInALabel) {
  model::Network network;
  network.driver = "host";
  network.internal = network.ingress = network.predefined = true;
  Json json;
  write_network(json, network);
  const Value shown = *parse_json(json.str());
  EXPECT_EQ(at(shown, "Driver"), "host");
  EXPECT_EQ(at(shown, "Internal") + at(shown, "Ingress") + at(shown, "Attachable"), "truetruefalse");
  EXPECT_NE(json.str().find(R"("Labels":{"com.docker.swarm.predefined":"true"}})"), std::string::npos);
}

}  // namespace
}  // namespace swarm::docker
