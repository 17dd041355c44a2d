// Networks, virtual addresses and addresses of tasks, before a real store.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "allocator/allocator.hpp"
#include "base/id.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "model/cluster.hpp"
#include "model/feature_level.hpp"
#include "model/network.hpp"
#include "model/port.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "store/store.hpp"

namespace swarm::allocator {
namespace {

using model::TaskState;
using Texts = std::vector<std::string>;

class NetworksTest : public testing::Test {
 protected:
  explicit NetworksTest(model::FeatureLevel level = model::kNetworksSince) { begin(level); }

  void begin(model::FeatureLevel level) {
    model::Cluster cluster;
    cluster.id = ClusterId::random(rng_);
    cluster.default_addr_pool = {"10.0.0.0/8"};
    cluster.subnet_size = 24;
    cluster.feature_level = level;
    apply({model::Put{cluster}});
    elect();
  }
  void elect() {
    allocator_ = std::make_unique<Allocator>();
    allocator_->start(store_, {}, {});
  }
  void apply(std::vector<model::Action> actions) {
    model::Transaction transaction;
    transaction.actions = std::move(actions);
    const auto applied = store_.apply(transaction, store_.version() + 1);
    ASSERT_TRUE(applied.outcome.applied) << applied.outcome.error;
    if (allocator_) allocator_->observe(store_, applied.changes, {});
  }
  void run() {
    for (int plans = 0; auto plan = allocator_->plan(store_, {}, WallTime{9}); ++plans) {
      ASSERT_LT(plans, 20) << "the allocator is never quiet";
      apply(std::move(plan->actions));
      allocator_->settled(store_, {true, store_.version(), ""}, {});
    }
  }
  NetworkId network(const std::string& name, const std::string& subnet = "", bool ingress = false) {
    model::Network made;
    made.id = NetworkId::random(rng_);
    made.annotations.name = name;
    made.driver = "overlay";
    made.ingress = ingress;
    if (!subnet.empty()) made.ipam = {{subnet, "", ""}};
    apply({model::Put{made}});
    return made.id;
  }
  ServiceId service(const std::string& name, const std::vector<NetworkId>& networks,
                    model::EndpointMode mode = model::EndpointMode::vip) {
    model::Service made;
    made.id = ServiceId::random(rng_);
    made.spec.annotations.name = name;
    made.spec.endpoint.emplace().mode = mode;
    for (const NetworkId id : networks) made.spec.task.networks.push_back({id.str(), {}, {}});
    apply({model::Put{made}});
    return made.id;
  }
  TaskId task(ServiceId service) {
    model::Task made;
    made.id = TaskId::random(rng_);
    made.service_id = service;
    made.slot = 1;
    made.spec_version = store_.service(service)->spec_version;
    apply({model::Put{made}});
    return made.id;
  }
  void ends(TaskId id) {
    model::TaskStep step;
    step.id = id;
    step.status = store_.task(id)->status;
    step.status->state = TaskState::failed;
    apply({step});
  }
  void remove(NetworkId id) { apply({model::Remove::of<model::Network>(id)}); }

  std::string subnet(NetworkId id) const {
    const auto& allocated = store_.network(id)->allocated;
    return allocated.empty() ? "" : allocated.front().subnet + " " + allocated.front().gateway;
  }
  std::string vni(NetworkId id) const { return store_.network(id)->shown_options()[model::kVniOption]; }
  Texts addresses(TaskId id) const {
    Texts out;
    for (const auto& one : store_.task(id)->attachments)
      out.insert(out.end(), one.addresses.begin(), one.addresses.end());
    return out;
  }
  Texts virtual_ips(ServiceId id) const {
    Texts out;
    for (const auto& one : store_.service(id)->virtual_ips) out.push_back(one.address);
    return out;
  }

  Rng rng_{3};
  store::Store store_;
  std::unique_ptr<Allocator> allocator_;
};

TEST_F(NetworksTest, ANetworkGetsTheNextSubnetOfThePoolAndANumber) {
  const NetworkId ingress = network("ingress", "10.0.0.0/24", true);
  run();
  const NetworkId a = network("a");
  run();
  const NetworkId b = network("b");
  run();
  EXPECT_EQ(subnet(ingress), "10.0.0.0/24 10.0.0.1");
  EXPECT_EQ(subnet(a), "10.0.1.0/24 10.0.1.1");
  EXPECT_EQ(subnet(b), "10.0.2.0/24 10.0.2.1");
  EXPECT_EQ(vni(ingress), "4096");
  EXPECT_EQ(vni(a), "4097");
  EXPECT_EQ(vni(b), "4098");
  remove(a);
  const NetworkId c = network("c");
  run();
  EXPECT_EQ(subnet(c), "10.0.3.0/24 10.0.3.1") << "one that was given back is not used again at once";
}

TEST_F(NetworksTest, ThePoolPassesOverASubnetThatAUserChose) {
  const NetworkId mine = network("mine", "10.0.0.128/25");
  run();
  const NetworkId next = network("next");
  run();
  EXPECT_EQ(subnet(mine), "10.0.0.128/25 10.0.0.129");
  EXPECT_EQ(subnet(next), "10.0.1.0/24 10.0.1.1");
}

TEST_F(NetworksTest, ServicesAndTasksGetAddressesInTurn) {
  const NetworkId front = network("front"), back = network("back");
  run();
  const ServiceId web = service("web", {front, back});
  const ServiceId dns = service("dns", {front}, model::EndpointMode::dnsrr);
  const TaskId a = task(web), b = task(web), c = task(dns);
  run();
  EXPECT_EQ(virtual_ips(web).size(), 2U);
  EXPECT_EQ(virtual_ips(dns), Texts());
  std::set<std::string> all;
  for (const auto& list : {virtual_ips(web), addresses(a), addresses(b), addresses(c)})
    for (const auto& address : list) EXPECT_TRUE(all.insert(address).second) << address << " twice";
  EXPECT_EQ(all.size(), 7U);
  EXPECT_EQ(store_.tasks_on_network(front), (std::set<TaskId>{a, b, c}));
  EXPECT_EQ(store_.task(c)->state(), TaskState::pending);
}

TEST_F(NetworksTest, AFullSubnetIsNamedInTheTaskThatWaits) {
  const NetworkId small = network("small", "10.9.0.0/30");
  run();
  const ServiceId web = service("web", {small});
  const TaskId first = task(web);
  run();
  EXPECT_EQ(store_.task(first)->state(), TaskState::new_)
      << "the gateway and the service have both addresses";
  EXPECT_EQ(store_.task(first)->status.err,
            "network small: no address is free in its subnet 10.9.0.0/30 (2 addresses)");
  const NetworkId other = network("other", "10.9.1.0/29");
  run();
  const ServiceId api = service("api", {other});
  const TaskId a = task(api), b = task(api), c = task(api), d = task(api), e = task(api);
  run();
  std::vector<TaskId> waiting;
  for (const TaskId id : {a, b, c, d, e})
    if (store_.task(id)->state() == TaskState::new_) waiting.push_back(id);
  ASSERT_EQ(waiting.size(), 1U) << "six addresses: the gateway, the service, four tasks";
  ends(waiting.front() == a ? b : a);
  run();
  EXPECT_EQ(store_.task(waiting.front())->state(), TaskState::pending);
  EXPECT_EQ(store_.task(waiting.front())->status.err, "");
}

TEST_F(NetworksTest, ATaskThatComesWhileItsServiceWaitsIsToldTooAndOfWhatIsNew) {
  const NetworkId small = network("small", "10.9.0.0/30"), other = network("other", "10.9.1.0/30");
  run();
  const ServiceId web = service("web", {small});
  const TaskId first = task(web);
  run();
  const TaskId second = task(web);
  run();
  const std::string told = store_.task(first)->status.err;
  EXPECT_EQ(store_.task(second)->status.err, told);
  EXPECT_NE(store_.task(second)->status.err, "");
  const std::uint64_t before = store_.version();
  const ServiceId api = service("api", {other});
  const TaskId third = task(api);
  run();
  ends(third);
  run();
  EXPECT_LE(store_.version(), before + 6) << "nothing is said again to those that wait for another network";
  model::Service next = *store_.service(web);
  next.spec.task.networks = {{small.str(), {}, {}}, {other.str(), {}, {}}};
  next.spec_version = next.meta.version;
  apply({model::Put{next}});
  const TaskId fourth = task(web);
  run();
  EXPECT_NE(store_.task(fourth)->status.err, "");
}

// What was taken on one network is given back when the other one has nothing left.
TEST_F(NetworksTest, AServiceThatWaitsHoldsNothing) {
  for (const bool first : {true, false}) {
    const NetworkId roomy = network(first ? "a" : "c", first ? "10.9.0.0/28" : "10.9.2.0/28");
    const NetworkId full = network(first ? "b" : "d", first ? "10.9.1.0/30" : "10.9.3.0/30");
    run();
    service(first ? "holds" : "holds-too", {full});
    run();
    const ServiceId waits = service(first ? "waits" : "waits-too", {roomy, full});
    const TaskId told = task(waits);
    for (int i = 0; i < 40; ++i) {
      model::Service again = *store_.service(waits);
      again.spec.annotations.labels["n"] = std::to_string(i);
      apply({model::Put{again}});
      run();
    }
    EXPECT_NE(store_.task(told)->status.err, "");
    const ServiceId lives = service(first ? "lives" : "lives-too", {roomy});
    std::vector<TaskId> tasks;
    for (int i = 0; i < 12; ++i) tasks.push_back(task(lives));
    run();
    for (const TaskId id : tasks) EXPECT_EQ(store_.task(id)->state(), TaskState::pending);
  }
}

TEST_F(NetworksTest, ATaskSaysWhyItsNetworkHasNoSubnet) {
  const NetworkId first = network("first", "10.9.0.0/24"), second = network("second", "10.9.0.0/16");
  run();
  const NetworkId bare = subnet(first).empty() ? first : second;
  const ServiceId web = service("web", {bare});
  const TaskId waits = task(web);
  run();
  EXPECT_NE(store_.task(waits)->status.err.find("overlaps with the subnet of another network"),
            std::string::npos)
      << store_.task(waits)->status.err;
  remove(bare == first ? second : first);
  run();
  EXPECT_EQ(store_.task(waits)->state(), TaskState::pending);
}

TEST_F(NetworksTest, ADroppedPlanTakesNothing) {
  const NetworkId front = network("front", "10.9.0.0/29");
  ASSERT_TRUE(allocator_->plan(store_, {}, {}));
  allocator_->settled(store_, {false, 0, "dropped"}, {});
  run();
  EXPECT_EQ(subnet(front), "10.9.0.0/29 10.9.0.1");
  const ServiceId web = service("web", {front});
  std::vector<TaskId> tasks;
  for (int i = 0; i < 4; ++i) tasks.push_back(task(web));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(allocator_->plan(store_, {}, {}));
    allocator_->settled(store_, {false, 0, "dropped"}, {});
  }
  run();
  for (const TaskId id : tasks) EXPECT_EQ(store_.task(id)->state(), TaskState::pending);
}

// The plan was made before the entry that took the task away, and is applied after it.
TEST_F(NetworksTest, AnAddressForATaskThatIsGoneOrHasEndedIsGivenBack) {
  const NetworkId front = network("front", "10.9.0.0/29");
  run();
  const ServiceId web = service("web", {front});
  run();
  for (int i = 0; i < 10; ++i) {
    const TaskId gone = task(web);
    auto plan = allocator_->plan(store_, {}, {});
    ASSERT_TRUE(plan);
    if (i % 2 == 0) ends(gone);
    if (i % 2 == 1) apply({model::Remove::of<model::Task>(gone)});
    apply(std::move(plan->actions));
    allocator_->settled(store_, {true, store_.version(), ""}, {});
  }
  std::vector<TaskId> tasks;
  for (int i = 0; i < 4; ++i) tasks.push_back(task(web));
  run();
  for (const TaskId id : tasks) EXPECT_EQ(store_.task(id)->state(), TaskState::pending);
}

TEST_F(NetworksTest, AnUpdateMovesTheVirtualAddress) {
  const NetworkId front = network("front"), back = network("back");
  run();
  const ServiceId web = service("web", {front});
  run();
  const Texts before = virtual_ips(web);
  model::Service next = *store_.service(web);
  next.spec.task.networks = {{back.str(), {}, {}}};
  apply({model::Put{next}});
  run();
  ASSERT_EQ(virtual_ips(web).size(), 1U);
  EXPECT_NE(virtual_ips(web), before);
  EXPECT_EQ(store_.service(web)->virtual_ips.front().network_id, back);
}

// Docker's mesh has no services before ingress, but a swarm that was upgraded has.
TEST_F(NetworksTest, ServicesThatWereThereBeforeIngressGetAnAddressOnIt) {
  model::Service made;
  made.id = ServiceId::random(rng_);
  made.spec.annotations.name = "web";
  made.spec.endpoint.emplace().ports = {
      {"", model::PortProtocol::tcp, 80, 8080, model::PublishMode::ingress}};
  apply({model::Put{made}});
  run();
  EXPECT_EQ(virtual_ips(made.id), Texts());
  network("ingress", "10.0.0.0/24", true);
  run();
  EXPECT_EQ(virtual_ips(made.id), Texts{"10.0.0.2/24"});
}

class OlderSwarm : public NetworksTest {
 protected:
  OlderSwarm() : NetworksTest(model::kFirstLevel) {}
};

TEST_F(OlderSwarm, NothingIsAllocatedBeforeAllManagersKnowOfIt) {
  const NetworkId ingress = network("ingress", "10.0.0.0/24", true);
  run();
  EXPECT_EQ(subnet(ingress), "");
  model::Cluster cluster = *store_.cluster();
  cluster.feature_level = model::kNetworksSince;
  apply({model::Put{cluster}});
  run();
  EXPECT_EQ(subnet(ingress), "10.0.0.0/24 10.0.0.1");
}

// What a user, the orchestrators and new leaders do, in any order.
class Churn : public NetworksTest {
 protected:
  void one_thing() {
    switch (rng_.below(8)) {
      case 0:
        if (networks_.size() < 4) networks_.push_back(network("n" + std::to_string(++made_)));
        break;
      case 1:
        if (!networks_.empty()) services_.push_back(service("s" + std::to_string(++made_), some_networks()));
        break;
      case 2:
        if (services_.size() > 3) drop_a_service();
        break;
      case 3:
        elect();
        break;
      case 4:
        if (!tasks_.empty()) end_a_task();
        break;
      default:
        if (!services_.empty()) tasks_.push_back(task(services_[rng_.below(services_.size())]));
    }
  }
  std::vector<NetworkId> some_networks() {
    std::vector<NetworkId> some;
    for (const NetworkId id : networks_)
      if (rng_.chance(1, 2)) some.push_back(id);
    return some;
  }
  void drop_a_service() {
    const std::size_t which = rng_.below(services_.size());
    apply({model::Remove::of<model::Service>(services_[which])});
    services_.erase(services_.begin() + static_cast<std::ptrdiff_t>(which));
  }
  void end_a_task() {
    const std::size_t which = rng_.below(tasks_.size());
    ends(tasks_[which]);
    tasks_.erase(tasks_.begin() + static_cast<std::ptrdiff_t>(which));
  }
  // No address of a network twice.
  void check() const {
    std::set<std::string> all;
    for (const auto& [id, service] : store_.services())
      for (const auto& one : service->virtual_ips) ASSERT_TRUE(all.insert(one.address).second) << one.address;
    for (const auto& [id, task] : store_.tasks()) {
      if (model::is_terminal(task->state())) continue;
      for (const auto& one : task->attachments)
        ASSERT_TRUE(all.insert(one.addresses.at(0)).second) << one.addresses.at(0);
    }
  }

  std::vector<NetworkId> networks_;
  std::vector<ServiceId> services_;
  std::vector<TaskId> tasks_;
  int made_ = 0;
};

TEST_F(Churn, NoAddressIsGivenTwice) {
  for (int i = 0; i < 3'000; ++i) {
    one_thing();
    if (rng_.chance(7, 10)) run();
    check();
    if (HasFatalFailure()) FAIL() << "after " << i;
  }
}

}  // namespace
}  // namespace swarm::allocator
