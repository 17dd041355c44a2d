// Networks: the requests that the stock CLI sends, and Docker's texts for the wrong ones.
#include "docker/api.hpp"
#include "docker/fixture_test.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "docker/json.hpp"
#include "model/network.hpp"
#include "model/service.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"

namespace swarm::docker {
namespace {

class NetworkRoutes : public ApiTest {
 protected:
  NetworkRoutes() { init(); }

  // `docker network create -d overlay NAME`, and more.
  static std::string wish(const std::string& name, const std::string& more = "") {
    return R"({"Name":")" + name +
           R"(","Driver":"overlay","Scope":"","Internal":false,"Attachable":false,"Ingress":false,)"
           R"("ConfigOnly":false,"ConfigFrom":null,"Labels":{})" +
           more + "}";
  }
  static std::string subnet(const std::string& config) {
    return R"(,"IPAM":{"Driver":"default","Options":{},"Config":[)" + config + "]}";
  }
  Reply make(const std::string& name, const std::string& more = "") {
    return post("/networks/create", wish(name, more));
  }
  std::string refused(const std::string& name, const std::string& more) { return make(name, more).message(); }
  // As the allocator would.
  NetworkId allocate(const std::string& name, const std::string& subnet, const std::string& gateway) {
    model::Network network = *store_->network_named(name);
    network.allocated = {{subnet, "", gateway, {}, 4097}};
    model::Transaction transaction;
    transaction.actions.push_back(model::Put{network});
    apply(std::move(transaction));
    return network.id;
  }
  // A running task of a service on the network.
  model::Task run_on(NetworkId network, const std::string& service, const std::string& address) {
    model::Task task = add_task(service, 1, model::TaskState::running);
    task = *store_->task(task.id);
    task.attachments = {{network, {address}}};
    model::Transaction transaction;
    transaction.actions.push_back(model::Put{task});
    apply(std::move(transaction));
    return task;
  }
  // Requests are checked now, and applied later.
  void hold_back() {
    applies_ = false;
    proposed_.clear();
  }
  void apply_what_waits() {
    applies_ = true;
    for (Propose& wish : std::exchange(proposed_, {})) {
      const auto applied = store_->apply(wish.transaction, ++index_);
      api_.settled(wish.id, applied.outcome, context());
    }
    drive();
  }
  std::string on(const std::string& service, const std::string& networks) {
    return create(R"({"Name":")" + service + R"(","TaskTemplate":{"ContainerSpec":{"Image":"nginx"},)" +
                  R"("Networks":[)" + networks + "]}}");
  }
};

TEST_F(NetworkRoutes, ANetworkIsMadeShownAndRemoved) {
  const Reply made = make("front", R"(,"Attachable":true)");
  EXPECT_EQ(made.status, 201U) << made.body;
  const std::string id = at(made.json(), "Id");
  EXPECT_EQ(id.size(), 25U);
  EXPECT_EQ(at(made.json(), "Warning"), "");
  EXPECT_EQ(at(get("/networks/front").json(), "Id"), id);
  allocate("front", "10.0.1.0/24", "10.0.1.1");
  const Value shown = get("/networks/" + id.substr(0, 10)).json();
  EXPECT_EQ(at(shown, "Driver") + " " + at(shown, "Scope"), "overlay swarm");
  EXPECT_EQ(at(shown, "IPAM.Config.0.Subnet"), "10.0.1.0/24");
  EXPECT_EQ(get("/networks/front").body.find("4097\"},\"Labels\"") != std::string::npos, true);
  EXPECT_EQ(size_of(get(R"(/networks?filters={"name":{"front":true}})").json()), 1U);
  EXPECT_EQ(ask("DELETE", "/networks/front").status, 204U);
  EXPECT_EQ(get("/networks/front").message(), "network front not found");
}

TEST_F(NetworkRoutes, TheOnesOfTheNodeAreListedBesideThoseOfTheSwarm) {
  make("front");
  const std::string all = get("/networks").body;
  for (const char* name : {"bridge", "docker_gwbridge", "front", "host", "ingress", "none"})
    EXPECT_NE(all.find("\"Name\":\"" + std::string(name) + "\""), std::string::npos) << name;
  EXPECT_EQ(size_of(get("/networks").json()), 6U);
  EXPECT_EQ(at(get("/networks/none").json(), "Driver"), "null");
  EXPECT_EQ(ask("DELETE", "/networks/none").message(), "none is a pre-defined network and cannot be removed");
  const std::string bridge = at(get("/networks/bridge").json(), "Id");
  EXPECT_EQ(bridge.size(), 64U);
  EXPECT_EQ(at(get("/networks/" + bridge).json(), "Name"), "bridge");
}

TEST_F(NetworkRoutes, WrongWishesAreRefusedInDockersWords) {
  make("front");
  EXPECT_EQ(make("front").status, 409U);
  EXPECT_EQ(refused("front", ""), "network with name front already exists");
  EXPECT_EQ(refused("host", ""), "operation is not permitted on predefined host network");
  EXPECT_EQ(refused("", ""), "rpc error: code = InvalidArgument desc = meta: name must be provided");
  const std::string ipam = "rpc error: code = InvalidArgument desc = ipam configuration: ";
  EXPECT_EQ(refused("x", subnet(R"({"Subnet":"10.1.2.3/24"})")), ipam + "invalid subnet 10.1.2.3/24");
  EXPECT_EQ(refused("x", subnet(R"({"Subnet":"nonsense"})")), ipam + "invalid subnet nonsense");
  EXPECT_EQ(refused("x", subnet(R"({"Subnet":"10.9.0.0/24","Gateway":"10.8.0.1"})")),
            ipam + "subnet 10.9.0.0/24 does not contain gateway 10.8.0.1");
  EXPECT_EQ(refused("x", subnet(R"({"Subnet":"10.9.0.0/24","Gateway":"x"})")), ipam + "invalid gateway x");
  EXPECT_EQ(refused("x", subnet(R"({"Subnet":"10.9.0.0/24","IPRange":"10.9.0.0/16"})")),
            ipam + "subnet 10.9.0.0/24 does not contain range 10.9.0.0/16");
  EXPECT_EQ(refused("x", subnet(R"({"Subnet":"10.9.0.0/31"})")),
            ipam + "subnet 10.9.0.0/31 has no addresses that tasks can have");
  EXPECT_EQ(refused("x", subnet(R"({"Subnet":"10.9.0.0/24"},{"Subnet":"10.9.0.0/16"})")),
            ipam + "subnet 10.9.0.0/16 overlaps with subnet 10.9.0.0/24");
  EXPECT_EQ(refused("x", R"(,"EnableIPv4":false)"), "IPv4 cannot be disabled in a Swarm scoped network");
  EXPECT_EQ(size_of(get("/networks").json()), 6U) << "nothing was made";
}

TEST_F(NetworkRoutes, WhatIsNotThereYetSaysSo) {
  for (const char* more :
       {R"(,"EnableIPv6":true)", R"(,"Options":{"encrypted":""})", R"(,"ConfigOnly":true)"})
    EXPECT_EQ(make("x", more).status, 501U) << more;
  EXPECT_EQ(post("/networks/create", R"({"Name":"x","Driver":"bridge"})").status, 501U);
  EXPECT_EQ(post("/networks/create", R"({"Name":"x","Driver":"odd"})").message(), "plugin \"odd\" not found");
  EXPECT_EQ(at(make("y", R"(,"Options":{"odd":"1"})").json(), "Warning"),
            "without effect on a network of driver overlay: odd");
}

TEST_F(NetworkRoutes, ASubnetThatAnotherNetworkHasIsRefused) {
  make("front");
  allocate("front", "10.0.1.0/24", "10.0.1.1");
  const std::string overlaps = "rpc error: code = InvalidArgument desc = ipam configuration: subnet ";
  EXPECT_EQ(refused("back", subnet(R"({"Subnet":"10.0.1.128/25"})")),
            overlaps + "10.0.1.128/25 overlaps with subnet 10.0.1.0/24 of network front");
  EXPECT_EQ(refused("back", subnet(R"({"Subnet":"10.0.0.0/24"})")),
            overlaps + "10.0.0.0/24 overlaps with subnet 10.0.0.0/24 of network ingress");
}

TEST_F(NetworkRoutes, OneThatIsInUseStays) {
  make("front");
  const NetworkId id = allocate("front", "10.0.1.0/24", "10.0.1.1");
  const std::string service = on("web", R"({"Target":"front","Aliases":["w"]})");
  EXPECT_EQ(at(get("/services/web").json(), "Spec.TaskTemplate.Networks.0.Target"), id.str());
  const Reply in_use = ask("DELETE", "/networks/front");
  EXPECT_EQ(in_use.status, 400U);
  EXPECT_EQ(in_use.message(), "rpc error: code = FailedPrecondition desc = network " + id.str() +
                                  " is in use by service " + service);
  const model::Task task = run_on(id, service, "10.0.1.3/24");
  EXPECT_EQ(ask("DELETE", "/services/web").status, 200U);
  EXPECT_EQ(ask("DELETE", "/networks/front").message(),
            "rpc error: code = FailedPrecondition desc = network " + id.str() + " is in use by task " +
                task.id.str());
  step(task.id, model::TaskState::failed);
  EXPECT_EQ(ask("DELETE", "/networks/front").status, 204U);
}

TEST_F(NetworkRoutes, TasksAndServicesShowTheirAddresses) {
  make("front");
  const NetworkId id = allocate("front", "10.0.1.0/24", "10.0.1.1");
  const std::string service = on("web", R"({"Target":"front"})");
  model::Service allocated = *store_->service_named("web");
  allocated.virtual_ips = {{id, "10.0.1.2/24"}};
  model::Transaction transaction;
  transaction.actions.push_back(model::Put{allocated});
  apply(std::move(transaction));
  const model::Task task = run_on(id, service, "10.0.1.3/24");
  EXPECT_EQ(at(get("/services/web").json(), "Endpoint.VirtualIPs.0.Addr"), "10.0.1.2/24");
  EXPECT_EQ(at(get("/services/web").json(), "Endpoint.VirtualIPs.0.NetworkID"), id.str());
  const Value shown = get("/tasks/" + task.id.str()).json();
  EXPECT_EQ(at(shown, "NetworksAttachments.0.Addresses.0"), "10.0.1.3/24");
  EXPECT_EQ(at(shown, "NetworksAttachments.0.Network.Spec.Name"), "front");
  EXPECT_EQ(at(shown, "NetworksAttachments.0.Network.IPAMOptions.Configs.0.Gateway"), "10.0.1.1");
  const Value verbose = get("/networks/front?verbose=true").json();
  EXPECT_EQ(at(verbose, "Services.web.VIP"), "10.0.1.2");
  EXPECT_EQ(at(verbose, "Services.web.Tasks.0.EndpointIP"), "10.0.1.3");
  EXPECT_EQ(size_of(*get("/networks/front").json().find("Peers")), 1U);
  EXPECT_EQ(get("/networks/front").json().find("Services"), nullptr) << "only when it is asked for";
}

TEST_F(NetworkRoutes, PruningTakesWhatNothingUses) {
  make("used");
  make("unused");
  post("/networks/create", R"({"Name":"marked","Driver":"overlay","Labels":{"keep":"no"}})");
  on("web", R"({"Target":"used"})");
  EXPECT_EQ(size_of(get(R"(/networks?filters={"dangling":{"true":true},"scope":{"swarm":true}})").json()),
            2U);
  EXPECT_EQ(post(R"(/networks/prune?filters={"label":{"keep=no":true}})").body,
            "{\"NetworksDeleted\":[\"marked\"]}\n");
  EXPECT_EQ(post("/networks/prune").body, "{\"NetworksDeleted\":[\"unused\"]}\n");
  EXPECT_EQ(post("/networks/prune").body, "{\"NetworksDeleted\":[]}\n");
  EXPECT_EQ(get("/networks/ingress").status, 200U);
}

// Both were checked before either was applied.
TEST_F(NetworkRoutes, AServiceAndTheRemovalOfItsNetworkAtOnceAreNotBothDone) {
  for (const bool removal_first : {true, false}) {
    const std::string name = removal_first ? "front" : "back";
    make(name);
    hold_back();
    const std::string spec = R"({"Name":"on-)" + name +
                             R"(","TaskTemplate":{"ContainerSpec":{"Image":"nginx"},)" +
                             R"("Networks":[{"Target":")" + name + R"("}]}})";
    ApiId removal = 0, creation = 0;
    if (removal_first) removal = send("DELETE", "/networks/" + name);
    creation = send("POST", "/services/create", spec);
    if (!removal_first) removal = send("DELETE", "/networks/" + name);
    apply_what_waits();
    EXPECT_EQ(replies_[removal].status, removal_first ? 204U : 400U);
    EXPECT_EQ(replies_[creation].status, removal_first ? 404U : 201U);
  }
}

TEST_F(NetworkRoutes, ANetworkThatTheAllocatorHasJustChangedCanBeRemoved) {
  make("front");
  hold_back();
  const ApiId removal = send("DELETE", "/networks/front");
  allocate("front", "10.0.1.0/24", "10.0.1.1");
  apply_what_waits();
  EXPECT_EQ(replies_[removal].status, 204U);
}

TEST_F(NetworkRoutes, NumbersThatNoNetworkCanHaveAreRefused) {
  make("front");
  allocate("front", "10.0.1.0/24", "10.0.1.1");
  for (const char* list : {"abc", ",,", "5", "4294967296", "4097", "5000,5001", "5000,5000"}) {
    const Reply reply = make(
        "x", R"(,"Options":{"com.docker.network.driver.overlay.vxlanid_list":")" + std::string(list) + "\"}");
    EXPECT_EQ(reply.status, 400U) << list;
  }
}

TEST_F(NetworkRoutes, SubnetsThatNoTaskCanUseAreRefused) {
  for (const char* one : {"224.0.0.0/4", "255.255.255.0/24", "169.254.0.0/16", "0.0.0.0/8", "127.0.0.0/8"})
    EXPECT_EQ(make("x", subnet(R"({"Subnet":")" + std::string(one) + "\"}")).status, 400U) << one;
  for (const char* gateway : {"10.9.0.0", "10.9.0.255"})
    EXPECT_EQ(refused("x", subnet(R"({"Subnet":"10.9.0.0/24","Gateway":")" + std::string(gateway) + "\"}")),
              "rpc error: code = InvalidArgument desc = ipam configuration: invalid gateway " +
                  std::string(gateway));
  std::string many;
  for (int i = 0; i < 65; ++i)
    many += (i == 0 ? "" : ",") + std::string(R"({"Subnet":"10.)") + std::to_string(i) + R"(.0.0/16"})";
  EXPECT_EQ(make("x", subnet(many)).status, 400U);
}

// Its answer would be the end of a client's search.
TEST_F(NetworkRoutes, AManagerThatTakesNoPartDoesNotSayThatANetworkIsGone) {
  make("front");
  store_.reset();
  local_.state = SwarmState::error;
  local_.error = "the disk is full";
  for (const Reply& reply :
       {get("/networks/front"), ask("DELETE", "/networks/front"), post("/networks/prune")}) {
    EXPECT_EQ(reply.status, 503U);
    EXPECT_EQ(reply.message(), "This node is not a swarm manager: the disk is full");
  }
  EXPECT_EQ(size_of(get("/networks").json()), 4U) << "its own";
  local_ = {};
  local_.state = SwarmState::active;
  EXPECT_EQ(ask("DELETE", "/networks/front").status, 404U) << "a worker has none of the swarm's";
}

TEST_F(NetworkRoutes, ATaskIsConnectedByItsService) {
  make("front");
  const Reply reply = post("/networks/front/connect", R"({"Container":"x"})");
  EXPECT_EQ(reply.status, 501U);
  EXPECT_NE(reply.message().find("--network-add"), std::string::npos);
}

}  // namespace
}  // namespace swarm::docker
