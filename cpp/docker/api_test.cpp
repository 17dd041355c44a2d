// Transport, negotiation, the swarm's own routes, nodes, networks, images, and every 404 and 501.
#include "docker/api.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/test_check.hpp"
#include "control/join.hpp"
#include "docker/fixture_test.hpp"
#include "docker/inside.hpp"
#include "docker/json.hpp"
#include "model/builtin_plugins.hpp"
#include "model/cluster.hpp"
#include "model/node.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "ports/http.hpp"

namespace swarm::docker {
namespace {

constexpr const char* kInit =
    R"({"ListenAddr":"0.0.0.0:2377","AdvertiseAddr":"127.0.1.1","DataPathAddr":"","DataPathPort":0,)"
    R"("DefaultAddrPool":null,"ForceNewCluster":false,"Spec":{"Labels":null,"Orchestration":{},)"
    R"("Raft":{"ElectionTick":0,"HeartbeatTick":0},"Dispatcher":{},"CAConfig":{},"TaskDefaults":{},)"
    R"("EncryptionConfig":{"AutoLockManagers":false}},"AutoLockManagers":false,"Availability":"",)"
    R"("SubnetSize":24})";

// ---- transport

TEST_F(ApiTest, PingNegotiates) {
  Reply reply = ask("HEAD", "/_ping");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(reply.header("Api-Version"), "1.50");
  EXPECT_EQ(reply.header("Ostype"), "linux");
  EXPECT_EQ(reply.header("Swarm"), "inactive");
  EXPECT_EQ(reply.body, "");
  EXPECT_EQ(get("/_ping").body, "OK");
  EXPECT_EQ(get("http://docker/_ping").body, "OK") << "the form that a proxy sends";
  init();
  EXPECT_EQ(get("/v1.41/_ping").header("Swarm"), "active/manager");
  EXPECT_EQ(at(get("/version").json(), "ApiVersion"), "1.50");
  EXPECT_EQ(at(get("/version").json(), "Components.0.Details.MinAPIVersion"), "1.24");
}

TEST_F(ApiTest, VersionsOutOfRangeAreRefused) {
  EXPECT_EQ(get("/v1.51/info").message(),
            "client version 1.51 is too new. Maximum supported API version is 1.50");
  const Reply old = get("/v1.23/info");
  EXPECT_EQ(old.status, 400U);
  EXPECT_TRUE(old.header("Content-Type").starts_with("text/plain"));
  EXPECT_EQ(old.body,
            "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your "
            "client to a "
            "newer version");
  EXPECT_EQ(get("/v1.24/info").status, 200U);
}

TEST_F(ApiTest, ErrorsAreJsonWithExactlyThatContentType) {
  const Reply reply = get("/v1.50/nowhere");
  EXPECT_EQ(reply.status, 404U);
  EXPECT_EQ(reply.header("Content-Type"), "application/json");
  EXPECT_EQ(reply.message(), "page not found");
  EXPECT_EQ(reply.header("Swarmpy-Code"), "NotFound");
  EXPECT_EQ(ask("PATCH", "/services").status, 404U);
}

TEST_F(ApiTest, BodiesMustBeJson) {
  init();
  const ApiId id = send("POST", "/services/create", "{}", {{"content-type", "text/plain"}});
  EXPECT_EQ(replies_[id].message(),
            "unsupported Content-Type header (text/plain): must be 'application/json'");
  EXPECT_EQ(post("/services/create", "{} {}").message(), "unexpected content after JSON");
  EXPECT_EQ(post("/services/create", "{").status, 400U);
}

TEST_F(ApiTest, KnownRoutesThatAreNotThereSayWhy) {
  init();
  for (const auto& [method, path] :
       std::vector<std::pair<const char*, const char*>>{{"POST", "/containers/create"},
                                                        {"POST", "/networks/x/connect"},
                                                        {"POST", "/secrets/create"},
                                                        {"POST", "/images/create"},
                                                        {"POST", "/containers/x/exec"},
                                                        {"POST", "/build"},
                                                        {"POST", "/auth"},
                                                        {"DELETE", "/images/a/b/c"},
                                                        {"GET", "/containers/x/top"},
                                                        {"POST", "/volumes/create"}}) {
    const Reply reply = ask(method, path);
    EXPECT_EQ(reply.status, 501U) << path;
    EXPECT_GT(reply.message().size(), 15U) << path;
  }
}

TEST_F(ApiTest, InspectFindsNothingOfEveryKindAndGoesOn) {
  init();
  for (const char* path : {"/containers/X/json", "/images/X/json", "/networks/X", "/volumes/X", "/services/X",
                           "/tasks/X", "/nodes/X", "/plugins/X/json", "/secrets/X", "/configs/X"})
    EXPECT_EQ(get(path).status, 404U) << path;
  EXPECT_EQ(get("/services/X").message(), "service X not found");
  EXPECT_EQ(get("/images/X/json").message(), "No such image: X:latest");
  EXPECT_EQ(get("/containers/X/json").message(), "No such container: X");
  for (const char* path : {"/secrets", "/configs", "/plugins", "/services", "/tasks", "/containers/json"})
    EXPECT_EQ(get(path).body, "[]\n") << path;
}

TEST_F(ApiTest, ScopeTellsWhereARequestIsAnswered) {
  const auto scope = [](const char* method, const char* target) {
    return Routed({method, target, {}, {}}).scope();
  };
  EXPECT_EQ(scope("GET", "/v1.50/services?status=true"), Scope::swarm_read);
  EXPECT_EQ(scope("POST", "/v1.50/services/create"), Scope::swarm_write);
  EXPECT_EQ(scope("POST", "/services/a/update?version=3"), Scope::swarm_write);
  EXPECT_EQ(scope("DELETE", "/nodes/a"), Scope::swarm_write);
  EXPECT_EQ(scope("GET", "/services/a/logs"), Scope::swarm_read);
  EXPECT_EQ(scope("GET", "/networks/host"), Scope::swarm_read) << "a worker answers for its own";
  for (const char* local :
       {"/_ping", "/info", "/events", "/containers/json", "/images/json", "/swarmpy/v1/raft", "/x"})
    EXPECT_EQ(scope("GET", local), Scope::local) << local;
  for (const char* local : {"/swarm/init", "/swarm/join", "/swarm/leave", "/containers/a/kill"})
    EXPECT_EQ(scope("POST", local), Scope::local) << local;
}

// ---- outside a swarm

TEST_F(ApiTest, OutsideASwarmAManagersCallsSayHowToGetIn) {
  for (const char* path : {"/swarm", "/nodes", "/services", "/tasks", "/swarm/unlockkey"}) {
    const Reply reply = get(path);
    EXPECT_EQ(reply.status, 503U) << path;
    EXPECT_EQ(reply.message(),
              "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to "
              "connect this "
              "node to swarm and try again.");
  }
  EXPECT_EQ(post("/swarm/leave").message(), "This node is not part of a swarm");
  local_.state = SwarmState::active;
  EXPECT_TRUE(
      get("/nodes").message().starts_with("This node is not a swarm manager. Worker nodes can't be used"));
  local_.control_available = true;
  EXPECT_TRUE(
      get("/nodes").message().ends_with("is being prepared or has trouble connecting to the cluster."));
}

TEST_F(ApiTest, InitGoesToTheNodeWithDefaultsForWhatIsZero) {
  const ApiId id = send("POST", "/v1.50/swarm/init", kInit);
  ASSERT_EQ(performed_.size(), 1U);
  const auto& wish = std::get<SwarmInit>(performed_[0].operation);
  EXPECT_EQ(wish.advertise_addr, "127.0.1.1");
  EXPECT_EQ(wish.spec, model::ClusterSpec{});
  EXPECT_EQ(wish.data_path_port, 4789U);
  EXPECT_EQ(replies_[id].status, 0U) << "answers when it is done";
  api_.operation_done(id, OperationResult{NodeId(36)}, context());
  drive();
  EXPECT_EQ(replies_[id].body, "\"0000000000000000000000010\"\n");
  EXPECT_EQ(api_.open_requests(), 0U);
}

TEST_F(ApiTest, InitAndJoinCheckWhatTheyAreGiven) {
  EXPECT_EQ(post("/swarm/init").message(), "invalid ListenAddr \"\": invalid empty address");
  EXPECT_EQ(post("/swarm/init", R"({"ListenAddr":"x","Spec":{"Name":"other"}})").message(),
            "swarm spec must be named \"default\"");
  EXPECT_EQ(post("/swarm/init", R"({"ListenAddr":"x","Availability":"lazy"})").message(),
            "invalid Availability: \"lazy\"");
  EXPECT_EQ(post("/swarm/join", R"({"ListenAddr":"x","JoinToken":"t"})").message(),
            "at least 1 RemoteAddr is required to join");
  local_.state = SwarmState::active;
  const std::string member =
      "This node is already part of a swarm. Use \"docker swarm leave\" to leave this swarm and join another "
      "one.";
  EXPECT_EQ(post("/swarm/init", kInit).message(), member);
  EXPECT_EQ(post("/swarm/join", R"({"ListenAddr":"x"})").message(), member);
  EXPECT_EQ(post("/swarm/join", R"({"ListenAddr":"x"})").status, 503U);
}

TEST_F(ApiTest, InitLooksAtTheNetworkItIsTold) {
  const auto refused = [&](const std::string& fields) {
    const Reply reply = post("/swarm/init", R"({"ListenAddr":"0.0.0.0:2377",)" + fields + "}");
    return std::to_string(reply.status) + " " + reply.message();
  };
  const std::string bad_data_path =
      "400 data path address must be a non-zero IP address or network interface (without a port number)";
  for (const char* address : {"foo", "0.0.0.0", "127.0.0.1:4789"})
    EXPECT_EQ(refused(R"("DataPathAddr":")" + std::string(address) + '"'), bad_data_path) << address;
  EXPECT_EQ(refused(R"("DataPathPort":80)"),
            "500 Datapath port number is not in valid range (1024-49151) : 80");
  EXPECT_EQ(refused(R"("DefaultAddrPool":["10.0.0.0/8"],"SubnetSize":30)"),
            "500 subnet size is out of range: 30");
  EXPECT_EQ(refused(R"("DefaultAddrPool":["10.1.0.0/16"],"SubnetSize":8)"),
            "500 invalid CIDR: \"10.1.0.0/16\". Subnet size is too small for pool: 8");
  EXPECT_EQ(refused(R"("SubnetSize":30)"), "500 subnet size is out of range: 30");
  EXPECT_EQ(
      refused(R"("DefaultAddrPool":["10.0.0.0/8","10.1.2.3/16"])"),
      "500 invalid base pool 10.1.2.3/16: it overlaps with 10.0.0.0/8; give pools that share no address");
  EXPECT_EQ(refused(R"("SubnetSize":4294967296)"),
            "400 invalid JSON: json: cannot unmarshal number 4294967296 into Go struct field "
            "InitRequest.SubnetSize of type uint32");
  for (const char* pool :
       {"foo", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/8x", "10.0.0.0/99999999999", "10.0.0.0/-1",
        "10.0.0.0/08", "10.0.0.0:0/8", "10.0.0.256/8"})
    EXPECT_EQ(refused(R"("SubnetSize":29,"DefaultAddrPool":[")" + std::string(pool) + "\"]"),
              "500 invalid base pool " + std::string(pool) + ": invalid CIDR address: " + pool);
}

TEST_F(ApiTest, JoiningWithoutATokenIsNoMatterOfItsForm) {
  const Reply reply =
      post("/swarm/join", R"({"ListenAddr":"0.0.0.0:2377","RemoteAddrs":["127.0.1.1:2377"]})");
  EXPECT_EQ(reply.status, 400U);
  EXPECT_EQ(reply.message(),
            "rpc error: code = InvalidArgument desc = A valid join token is necessary to join this cluster");
}

TEST_F(ApiTest, JoinsErrorIsTheNodes) {
  const ApiId id =
      send("POST", "/swarm/join",
           R"({"ListenAddr":"0.0.0.0:2377","RemoteAddrs":["127.0.1.1:2377"],"JoinToken":"bad"})");
  api_.operation_done(
      id, rpc_error(Code::invalid_argument, "A valid join token is necessary to join this cluster"),
      context());
  drive();
  EXPECT_EQ(replies_[id].status, 400U);
  EXPECT_EQ(replies_[id].message(),
            "rpc error: code = InvalidArgument desc = A valid join token is necessary to join this cluster");
}

// ---- the swarm

TEST_F(ApiTest, TheSwarmShowsItsSettingsAndTokens) {
  init();
  const Value swarm = get("/v1.50/swarm").json();
  EXPECT_EQ(at(swarm, "ID").size(), 25U);
  EXPECT_EQ(at(swarm, "Spec.Name"), "default");
  EXPECT_EQ(at(swarm, "Spec.Dispatcher.HeartbeatPeriod"), "500000000");
  EXPECT_EQ(at(swarm, "Spec.Orchestration.TaskHistoryRetentionLimit"), "5");
  EXPECT_EQ(at(swarm, "Spec.TaskDefaults"), "object");
  EXPECT_EQ(at(swarm, "JoinTokens.Worker"), "SWMTKN-1-w");
  EXPECT_EQ(at(swarm, "TLSInfo.TrustRoot"), "CERT");
  const Value info = get("/info").json();
  EXPECT_EQ(at(info, "Swarm.LocalNodeState"), "active");
  EXPECT_EQ(at(info, "Swarm.ControlAvailable"), "true");
  EXPECT_EQ(at(info, "Swarm.Managers"), "1");
  EXPECT_EQ(at(info, "Swarm.Cluster.ID"), at(swarm, "ID"));
  EXPECT_EQ(at(info, "Swarm.Cluster.JoinTokens.Worker"), "") << "tokens are not for everybody's eyes";
  EXPECT_EQ(at(info, "Plugins"), "object");
}

TEST_F(ApiTest, WhatRunsTasksHereIsShownAsDockersRuntimes) {
  local_.description.plugins = model::builtin_plugins({"sandbox", "process"}, true);
  const Value info = get("/info").json();
  EXPECT_EQ(at(info, "Runtimes.sandbox.path"), "");
  EXPECT_EQ(at(info, "Runtimes.process.path"), "");
  EXPECT_EQ(at(info, "DefaultRuntime"), "sandbox") << "the first that is asked";
  EXPECT_EQ(at(info, "Plugins.Volume.0"), "local");
}

TEST_F(ApiTest, TwoManagersAreWarnedOf) {
  init();
  raft_.reachable[2] = true;
  EXPECT_TRUE(
      at(get("/info").json(), "Swarm.Warnings.0").starts_with("WARNING: Running Swarm in a two-manager"));
}

TEST_F(ApiTest, ASpecSentBackUnchangedIsTakenAndTokensRotate) {
  init();
  const auto spec_of = [&] {
    const std::string body = get("/swarm").body;
    const std::size_t from = body.find("\"Spec\":") + 7;
    return body.substr(from, body.find(",\"TLSInfo\"") - from);
  };
  const auto version = [&] { return at(get("/swarm").json(), "Version.Index"); };
  EXPECT_EQ(post("/swarm/update?version=" + version(), spec_of()).status, 200U);
  EXPECT_EQ(at(get("/swarm").json(), "JoinTokens.Worker"), "SWMTKN-1-w");
  EXPECT_EQ(
      post("/swarm/update?rotateWorkerToken=true&rotateManagerToken=false&version=" + version(), spec_of())
          .status,
      200U);
  EXPECT_TRUE(control::parse_join_token(at(get("/swarm").json(), "JoinTokens.Worker")).ok());
  EXPECT_EQ(at(get("/swarm").json(), "JoinTokens.Manager"), "SWMTKN-1-m");
}

TEST_F(ApiTest, ANodeShowsTheRootThatItBelievesAndTheOneThatSignedItsCertificate) {
  init();
  model::Node node = add_node("w1");
  node.description.tls = model::TlsInfo{"ROOT", "id", "subject", "key"};
  apply({0, wall_, {model::Put{node}}});
  const Value w1 = get("/nodes/w1").json();
  EXPECT_EQ(at(w1, "Description.TLSInfo.TrustRoot"), "ROOT");
  EXPECT_EQ(at(w1, "Description.TLSInfo.CertIssuerSubject"), "c3ViamVjdA==");
  EXPECT_EQ(at(w1, "Description.TLSInfo.CertIssuerPublicKey"), "a2V5");
}

// ---- the swarm's root

class RootTest : public ApiTest {
 protected:
  RootTest() { init(); }
  std::string version() { return at(get("/swarm").json(), "Version.Index"); }
  Reply update(const std::string& ca) {
    return post("/swarm/update?version=" + version(), R"({"CAConfig":)" + ca + "}");
  }
  const model::RootCa& roots() { return store_->cluster()->root_ca; }
};

TEST_F(RootTest, ForceRotateBeginsTheWayToAFreshRoot) {
  EXPECT_EQ(at(get("/swarm").json(), "RootRotationInProgress"), "false");
  EXPECT_EQ(update(R"({"ForceRotate":0})").status, 200U);
  EXPECT_FALSE(roots().rotation) << "nothing is asked for";
  crypto_.root = {"CERT 2", "KEY 2"};
  EXPECT_EQ(update(R"({"ForceRotate":1})").status, 200U);
  ASSERT_TRUE(roots().rotation);
  EXPECT_EQ(roots().rotation->cert_pem, "CERT 2");
  EXPECT_EQ(roots().rotation->key_pem, "KEY 2");
  EXPECT_EQ(roots().rotation->cross_signed_pem, "CERT signed CERT 2");
  EXPECT_EQ(roots().rotation->id, "CERT 2");
  EXPECT_EQ(roots().cert_pem, "CERT");
  const Value swarm = get("/swarm").json();
  EXPECT_EQ(at(swarm, "RootRotationInProgress"), "true");
  EXPECT_EQ(at(swarm, "TLSInfo.TrustRoot"), "CERT 2") << "where it is going";
  EXPECT_EQ(at(swarm, "JoinTokens.Worker"), "SWMTKN-1-w") << "the old ones are in force until it is there";
  EXPECT_EQ(at(swarm, "Spec.CAConfig.ForceRotate"), "1");
  crypto_.root = {"CERT 3", "KEY 3"};
  EXPECT_EQ(update(R"({"ForceRotate":2})").status, 200U);
  EXPECT_EQ(roots().rotation->cert_pem, "CERT 3") << "the last wish counts";
  EXPECT_EQ(roots().rotation->cross_signed_pem, "CERT signed CERT 3");
}

TEST_F(RootTest, AUsersOwnRootIsTakenWithItsKeyAndNotKeptInTheSpec) {
  EXPECT_EQ(update(R"({"SigningCACert":"MINE","SigningCAKey":"MY KEY"})").status, 200U);
  ASSERT_TRUE(roots().rotation);
  EXPECT_EQ(roots().rotation->cert_pem, "MINE");
  EXPECT_EQ(roots().rotation->key_pem, "MY KEY");
  EXPECT_EQ(get("/swarm").body.find("MY KEY"), std::string::npos);
  EXPECT_EQ(at(get("/swarm").json(), "Spec.CAConfig.SigningCACert"), "");
  EXPECT_EQ(update(R"({"SigningCACert":"CERT","SigningCAKey":"KEY"})").status, 200U);
  EXPECT_FALSE(roots().rotation) << "the root that it has is wanted: the way back";
  EXPECT_EQ(roots().id, "CERT");
}

TEST_F(RootTest, WhatCannotBeASwarmsRootIsRefusedAndChangesNothing) {
  const model::RootCa before = roots();
  EXPECT_EQ(
      update(R"({"SigningCAKey":"MY KEY"})").message(),
      "rpc error: code = InvalidArgument desc = if a signing CA key is provided, the signing CA cert must "
      "also be provided");
  EXPECT_EQ(update(R"({"SigningCACert":"MINE"})").status, 400U);
  EXPECT_EQ(update(R"({"SigningCACert":"BAD","SigningCAKey":"MY KEY"})").status, 400U);
  const Reply external = update(R"({"ExternalCAs":[{"Protocol":"cfssl","URL":"https://ca"}]})");
  EXPECT_EQ(external.status, 501U);
  EXPECT_NE(external.message().find("--external-ca"), std::string::npos) << external.message();
  EXPECT_EQ(roots(), before);
}

TEST_F(ApiTest, UpdatesOfTheSwarmNameTheirVersion) {
  init();
  EXPECT_EQ(post("/swarm/update").message(),
            "invalid swarm version '': strconv.ParseUint: parsing \"\": invalid syntax");
  const Reply stale = post("/swarm/update?version=77777");
  EXPECT_EQ(stale.status, 500U);
  EXPECT_EQ(stale.message(), "rpc error: code = Unknown desc = update out of sequence");
  EXPECT_EQ(stale.header("Swarmpy-Code"), "Unknown");
  EXPECT_NE(stale.header("Swarmpy-Hint"), "");
  EXPECT_EQ(post("/swarm/update?version=1&rotateWorkerToken=maybe").status, 400U);
  EXPECT_EQ(post("/swarm/update?version=1", R"({"CAConfig":{"NodeCertExpiry":1}})").message(),
            "rpc error: code = InvalidArgument desc = minimum certificate expiry time is: 1h0m0s");
  EXPECT_EQ(at(get("/swarm/unlockkey").json(), "UnlockKey"), "");
  EXPECT_EQ(post("/swarm/unlock").message(), "swarm is not locked");
}

TEST_F(ApiTest, TheLastManagerDoesNotLeaveUnasked) {
  init();
  const Reply reply = post("/swarm/leave");
  EXPECT_EQ(reply.status, 503U);
  EXPECT_TRUE(
      reply.message().starts_with("You are attempting to leave the swarm on a node that is participating as "
                                  "a manager. Removing the last manager"))
      << reply.message();
  post("/swarm/leave?force=1");
  ASSERT_EQ(performed_.size(), 1U);
  EXPECT_TRUE(std::get<SwarmLeave>(performed_[0].operation).force);
}

TEST_F(ApiTest, NoLeaderIsDockersText) {
  init();
  applies_ = false;
  const ApiId id = send("DELETE", "/nodes/" + add_node("w1").id.str() + "?force=1");
  api_.fail(id, rpc_error(Code::unknown, kNoLeaderText));
  drive();
  EXPECT_EQ(replies_[id].status, 500U);
  EXPECT_EQ(replies_[id].message(), std::string("rpc error: code = Unknown desc = ") + kNoLeaderText);
  EXPECT_EQ(api_.open_requests(), 0U);
}

// ---- nodes

TEST_F(ApiTest, NodesAreShownWithTheirRoles) {
  init();
  add_node("w1");
  const Value nodes = get("/v1.50/nodes").json();
  ASSERT_EQ(size_of(nodes), 2U);
  const Value m1 = get("/nodes/m1").json();
  EXPECT_EQ(at(m1, "ManagerStatus.Leader"), "true");
  EXPECT_EQ(at(m1, "ManagerStatus.Reachability"), "reachable");
  EXPECT_EQ(at(m1, "ManagerStatus.Addr"), "127.0.0.1:2377");
  EXPECT_EQ(at(m1, "Status.State"), "ready");
  const Value w1 = get("/nodes/w1").json();
  EXPECT_EQ(at(w1, "Spec.Role"), "worker");
  EXPECT_EQ(at(w1, "ManagerStatus"), "");
  EXPECT_EQ(at(w1, "Description.TLSInfo"), "object");
  EXPECT_EQ(at(w1, "Description.TLSInfo.TrustRoot"), "") << "it has not said it";
  EXPECT_EQ(at(get("/nodes/" + at(w1, "ID").substr(0, 8)).json(), "ID"), at(w1, "ID")) << "a prefix will do";
}

TEST_F(ApiTest, NodeFiltersInBothEncodings) {
  init();
  model::Node node = add_node("w1");
  node.spec.annotations.labels["zone"] = "a";
  node.description.engine_labels["disk"] = "ssd";
  apply({0, wall_, {model::Put{node}}});
  const std::pair<const char*, std::size_t> cases[] = {{R"({"role":{"worker":true}})", 1},
                                                       {R"({"role":["manager"]})", 1},
                                                       {R"({"role":["manager","worker"]})", 2},
                                                       {R"({"name":["w"]})", 1},
                                                       {R"({"node.label":["zone=a"]})", 1},
                                                       {R"({"node.label":["zone=b"]})", 0},
                                                       {R"({"label":["disk"]})", 1},
                                                       {R"({"membership":["accepted"]})", 2},
                                                       {R"({})", 2}};
  for (const auto& [filter, count] : cases)
    EXPECT_EQ(size_of(get(std::string("/nodes?filters=") + filter).json()), count) << filter;
  EXPECT_EQ(get(R"(/nodes?filters={"colour":["red"]})").message(), "invalid filter 'colour'");
  EXPECT_EQ(get("/nodes?filters=x").message(), "invalid filter");
  EXPECT_EQ(get(R"(/nodes?filters={"role":["boss"]})").message(), "Invalid role filter: 'boss'");
  EXPECT_EQ(get("/nodes?filters=%7B%22role%22%3A%7B%22worker%22%3Atrue%7D%7D").body.substr(0, 2), "[{");
}

TEST_F(ApiTest, NodesAreUpdatedAndRemoved) {
  init();
  const model::Node node = add_node("w1");
  const std::string update = "/nodes/" + node.id.str() + "/update?version=";
  EXPECT_EQ(post(update + "1", R"({"Availability":"active"})").message(), "invalid Role: \"\"");
  EXPECT_EQ(post(update + "1", R"({"Role":"worker"})").message(), "invalid Availability: \"\"");
  const std::string drained = R"({"Labels":{"a":"b"},"Role":"worker","Availability":"drain"})";
  EXPECT_EQ(post(update + "99", drained).message(),
            "rpc error: code = Unknown desc = update out of sequence");
  EXPECT_EQ(post(update + std::to_string(node.meta.version), drained).status, 200U);
  EXPECT_EQ(at(get("/nodes/w1").json(), "Spec.Availability"), "drain");
  EXPECT_EQ(ask("DELETE", "/nodes/w1").message(), "rpc error: code = FailedPrecondition desc = node " +
                                                      node.id.str() + " is not down and can't be removed");
  EXPECT_EQ(ask("DELETE", "/nodes/w1?force=1").status, 200U);
  EXPECT_EQ(get("/nodes/w1").message(), "node w1 not found");
}

TEST_F(ApiTest, TheLastManagerIsNotDemoted) {
  init();
  const auto m1 = store_->node(local_.node);
  const Reply reply = post("/nodes/m1/update?version=" + std::to_string(m1->meta.version),
                           R"({"Role":"worker","Availability":"active"})");
  EXPECT_EQ(reply.status, 400U);
  EXPECT_EQ(reply.message(),
            "rpc error: code = FailedPrecondition desc = attempting to demote the last manager of the swarm");
}

TEST_F(ApiTest, SharedHostnamesAreAmbiguous) {
  init();
  add_node("twin");
  add_node("twin");
  EXPECT_EQ(get("/nodes/twin").status, 400U);
  EXPECT_EQ(get("/nodes/twin").message(), "node twin is ambiguous (2 matches found)");
}

// ---- networks and images

TEST_F(ApiTest, PredefinedNetworksAreHiddenButFound) {
  init();
  const std::string all = get("/networks").body;
  EXPECT_NE(all.find("\"ingress\""), std::string::npos);
  EXPECT_EQ(size_of(get(R"(/networks?filters={"scope":["swarm"]})").json()), 1U) << "the twins are hidden";
  EXPECT_EQ(size_of(get(R"(/networks?filters={"driver":["host"]})").json()), 1U);
  EXPECT_EQ(at(get("/networks/host?scope=swarm").json(), "Scope"), "swarm");
  EXPECT_EQ(at(get("/networks/host").json(), "Scope"), "local");
  EXPECT_EQ(at(get("/networks/ingress").json(), "Ingress"), "true");
  EXPECT_EQ(get("/networks/none?scope=swarm").message(), "network none not found");
  EXPECT_EQ(ask("DELETE", "/networks/host").message(), "host is a pre-defined network and cannot be removed");
  EXPECT_EQ(get(R"(/networks?filters={"type":["odd"]})").message(), "invalid filter 'type=[odd]'");
}

TEST_F(ApiTest, ImagesAreTheCatalogue) {
  EXPECT_EQ(at(get("/images/json").json(), "0.RepoTags.0"), "nginx:latest");
  EXPECT_EQ(size_of(get("/images/json").json()), 2U);
  EXPECT_EQ(at(get("/images/docker.io/library/nginx:1.25/json").json(), "RepoTags.0"), "nginx:1.25");
  EXPECT_EQ(get("/images/nginx:1.25@sha256:ab/json").message(), "No such image: nginx:1.25@sha256:ab");
  EXPECT_EQ(get("/images/nginx:nosuch/json").message(), "No such image: nginx:nosuch");
  const std::string id = at(get("/images/json").json(), "0.Id");
  EXPECT_EQ(at(get("/images/" + id + "/json").json(), "Id"), id);
  EXPECT_EQ(at(get("/images/" + id.substr(7, 12) + "/json").json(), "RepoTags.0"), "nginx:latest");
  EXPECT_EQ(get("/images/mine:2/json").message(), "No such image: mine:2");
  EXPECT_EQ(at(get("/distribution/nginx:1.10/json").json(), "Descriptor.digest"), "")
      << "the CLI then keeps the reference as it is";
  EXPECT_EQ(get("/distribution/reg:5000/a/b:tag/json").status, 404U);
  EXPECT_EQ(at(get("/swarmpy/v1/images").json(), "1.Command.0"), "sh");
  EXPECT_EQ(post("/swarmpy/v1/images", R"({"Reference":"MY:1","Command":["a"]})").message(),
            "\"MY:1\" is not a valid repository/tag");
  send("POST", "/swarmpy/v1/images", R"({"Reference":"my:1","Command":["a","b"]})");
  EXPECT_EQ(std::get<AddImage>(performed_.at(0).operation).image.command.size(), 2U);
  send("POST", "/swarmpy/v1/images", R"({"Reference":"my","Command":["a"]})");
  EXPECT_EQ(std::get<AddImage>(performed_.at(1).operation).image.reference, "my:*")
      << "without a tag: of any";
  EXPECT_EQ(at(get("/swarmpy/v1/images").json(), "0.Tags"), "1.10 to 1.29, latest, stable, mainline, alpine");
}

TEST_F(ApiTest, RaftIsShownAndLeadershipHandedOver) {
  init();
  raft_.term = 4;
  RaftDetail detail;
  detail.members = {{1, local_.node, "m1", "127.0.0.1:2377", true, true, {}}};
  told_ = detail;
  const Value raft = get("/swarmpy/v1/raft").json();
  EXPECT_EQ(at(raft, "Term"), "4");
  EXPECT_EQ(at(raft, "Role"), "leader");
  EXPECT_EQ(at(raft, "Members.1.Reachable"), "true");
  EXPECT_EQ(at(raft, "Members.1.Node"), local_.node.str());
  EXPECT_EQ(at(raft, "Members.1.Name"), "m1");
  EXPECT_EQ(at(raft, "Members.1.Voter"), "true");
  EXPECT_EQ(at(raft, "Members.1.Match"), "") << "of a member whose progress nobody knows";
  send("POST", "/swarmpy/v1/raft/transfer?to=m1");
  EXPECT_EQ(std::get<TransferLeadership>(performed_.at(0).operation).to, local_.node);
}

TEST_F(ApiTest, RaftsLogIsShownPageByPage) {
  EXPECT_EQ(get("/swarmpy/v1/raft/log").status, 503U) << "of a node that is no manager";
  EXPECT_TRUE(asked_.empty());
  init();
  told_ = RaftLogPart{4, 6, {{5, 2, "transaction", 9, "service web: create"}}};
  const Value log = get("/swarmpy/v1/raft/log?from=5&limit=1").json();
  EXPECT_EQ(at(log, "FirstIndex"), "4");
  EXPECT_EQ(at(log, "LastIndex"), "6");
  EXPECT_EQ(size_of(*log.find("Entries")), 1U);
  EXPECT_EQ(at(log, "Entries.0.What"), "service web: create");
  EXPECT_EQ(std::get<AskRaftLog>(asked_.at(0)).from, 5U);
  EXPECT_EQ(std::get<AskRaftLog>(asked_.at(0)).limit, 1U);
  get("/swarmpy/v1/raft/log?limit=1000000");
  EXPECT_EQ(std::get<AskRaftLog>(asked_.at(1)).from, std::nullopt) << "from the first on";
  EXPECT_EQ(std::get<AskRaftLog>(asked_.at(1)).limit, 10'000U);
  EXPECT_EQ(get("/swarmpy/v1/raft/log?from=x").status, 400U);
  EXPECT_EQ(asked_.size(), 2U) << "a request that is refused costs the node nothing";
}

TEST_F(ApiTest, RaftsStoryIsToldWithNames) {
  init();
  RaftEvent vote;
  vote.number = 7;
  vote.time = {5'000'000'000};
  vote.term = 3;
  vote.action = "voted";
  vote.subject = 1;
  vote.other = 2;
  vote.subject_name = "m1";
  vote.other_name = "m2";
  told_ = RaftPast{wall_, 7, 6, {vote}, "m1", {"m1", "m2"}};
  const Value told = get("/swarmpy/v1/raft/events?after=3").json();
  EXPECT_EQ(at(told, "Last"), "7");
  EXPECT_EQ(at(told, "Whole"), "false") << "4 to 6 are forgotten";
  EXPECT_EQ(at(told, "Members.1"), "m2");
  EXPECT_EQ(std::get<AskRaftPast>(asked_.at(0)).after, 3U);
  EXPECT_EQ(at(told, "Name"), "m1");
  EXPECT_EQ(at(told, "Events.0.Actor.Attributes.voted_for"), "m2");
  EXPECT_EQ(at(told, "Events.0.Actor.Attributes.message"), "voted for m2 in term 3");
  EXPECT_EQ(size_of(*get("/swarmpy/v1/raft/events?since=6").json().find("Events")), 0U);
  EXPECT_EQ(get("/swarmpy/v1/raft/events?after=-1").status, 400U);
}

TEST_F(ApiTest, RaftsStoryGoesOnAsAStream) {
  init();
  const ApiId id = send("GET", "/swarmpy/v1/raft/events?follow=1");
  const auto beat = [&](RaftPast past) {
    told_ = std::move(past);
    now_ = api_.next_deadline();
    api_.on_deadline(context());
    drive();
  };
  RaftEvent event;
  event.number = 1;
  event.action = "leader";
  beat({wall_, 1, 0, {event}, {}, {}});
  EXPECT_NE(replies_[id].body.find("became leader in term 0"), std::string::npos);
  EXPECT_FALSE(replies_[id].ended);
  beat({wall_, 1, 0, {}, {}, {}});
  EXPECT_EQ(std::get<AskRaftPast>(asked_.at(1)).after, 1U) << "only what is new";
  EXPECT_FALSE(replies_[id].ended);
  beat({{1}, 0, 0, {}, {}, {}});  // another manager's life
  EXPECT_TRUE(replies_[id].ended);
  EXPECT_EQ(api_.open_requests(), 0U);
}

TEST_F(ApiTest, MetricsAreInPrometheusFormat) {
  told_ =
      std::vector<Metric>{{"a_total", "Back\\slash\nand line.", Metric::Type::counter, {{{}, "3"}}},
                          {"b", "Gauge.", Metric::Type::gauge, {{{{"x", "a\"b\\c\nd"}, {"y", "1"}}, "4"}}}};
  const Reply reply = get("/metrics");
  EXPECT_EQ(reply.header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(reply.body,
            "# HELP a_total Back\\\\slash\\nand line.\n# TYPE a_total counter\na_total 3\n"
            "# HELP b Gauge.\n# TYPE b gauge\nb{x=\"a\\\"b\\\\c\\nd\",y=\"1\"} 4\n");
}

TEST_F(ApiTest, AQuestionIsAnsweredByWhatItAskedFor) {
  const auto sentence = failed_check([&] {
    told_ = RaftDetail{};
    get("/metrics");
  });
  EXPECT_NE(sentence.find("was told"), std::string::npos) << sentence;
}

// ---- looks

TEST_F(ApiTest, ALookSaysWhatItMustKnowFirst) {
  init();
  const http::Request metrics{"GET", "/metrics", {}, {}};
  const Looked first = api_.look(metrics, context());
  ASSERT_TRUE(std::holds_alternative<AskMetrics>(std::get<Question>(first)));
  const Told counted = std::vector<Metric>{{"a", "A.", Metric::Type::gauge, {{{}, "3"}}}};
  const Looked then = api_.look(metrics, context(), counted);
  EXPECT_EQ(std::get<Answer>(then).body, "# HELP a A.\n# TYPE a gauge\na 3\n");
  EXPECT_TRUE(api_.take_effects().empty());
  EXPECT_EQ(api_.open_requests(), 0U);
}

TEST_F(ApiTest, ALookAtLogsIsGivenTheLinesAndWaitsForNone) {
  init();
  const model::Task task =
      add_task(create(R"({"Name":"web","TaskTemplate":{"ContainerSpec":{"Image":"nginx"}}})"), 1,
               model::TaskState::running);
  const http::Request logs{"GET", "/tasks/" + task.id.str() + "/logs?stdout=1", {}, {}};
  const Looked first = api_.look(logs, context());
  EXPECT_EQ(std::get<OpenSwarmLogs>(first).tasks, std::vector<TaskId>{task.id});
  const Looked then = api_.look(logs, context(), LogNews{{{task.id, false, wall_, "hello"}}, {}, true});
  EXPECT_NE(std::get<Answer>(then).body.find("hello\n"), std::string::npos);
  const http::Request followed{"GET", logs.target + "&follow=1", {}, {}};
  EXPECT_TRUE(std::holds_alternative<TakesTime>(api_.look(followed, context())));
}

}  // namespace
}  // namespace swarm::docker
