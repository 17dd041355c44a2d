// Which nodes hear of which overlay networks, of which rows, and which of them a change of the store
// concerns.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "dispatcher/overlay_directory.hpp"
#include "model/network.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "store/store.hpp"

namespace swarm::dispatcher {
namespace {

using model::TaskState;
using wire::FeedKey;
using wire::FeedKind;
using wire::OverlayStage;
using News = OverlayDirectory::News;

class OverlayDirectoryTest : public testing::Test {
 protected:
  OverlayDirectoryTest() {
    for (const NodeId id : {here_, there_}) {
      model::Node node;
      node.id = id;
      node.status.addr = id == here_ ? "127.0.1.1" : "127.0.1.2";
      apply({model::Put{node}});
    }
    for (const NetworkId id : {front_, back_, ingress_}) apply({model::Put{network(id)}});
    apply({model::Put{service(4, {})}});  // of all tasks
    directory_.start(store_);
  }
  void apply(std::vector<model::Action> actions) {
    model::Transaction transaction;
    transaction.time = WallTime{1};
    transaction.actions = std::move(actions);
    const auto applied = store_.apply(transaction, store_.version() + 1);
    ASSERT_TRUE(applied.outcome.applied) << applied.outcome.error;
    for (const auto& any : applied.changes.changes)
      std::visit(
          [this](const auto& change) {
            if constexpr (requires { directory_.note(store_, change); }) directory_.note(store_, change);
          },
          any);
  }
  model::Network network(NetworkId id) {
    model::Network out;
    out.id = id;
    out.annotations.name = "net" + text(id);
    out.ingress = id == ingress_;
    out.allocated = {{"10.0." + text(id) + ".0/24", "", "10.0." + text(id) + ".1"}};
    out.allocated[0].vni = static_cast<std::uint32_t>(4096 + number(id));
    return out;
  }
  // Its virtual addresses end in its id. An object that the store has is replaced.
  model::Service service(std::uint64_t id, const std::vector<NetworkId>& networks) {
    model::Service out;
    out.id = ServiceId(id);
    if (const auto stored = store_.service(out.id)) out.meta = stored->meta;
    out.spec.annotations.name = "web" + std::to_string(id);
    for (const NetworkId at : networks) {
      out.spec.task.networks.push_back({at.str(), {"alias" + text(at)}, {}});
      out.virtual_ips.push_back({at, "10.0." + text(at) + "." + std::to_string(id) + "/24"});
    }
    return out;
  }
  model::Task make(std::uint64_t id, NodeId node, const std::vector<NetworkId>& networks, TaskState state) {
    model::Task task;
    task.id = TaskId(id);
    task.service_id = ServiceId(4);
    task.slot = id;
    task.node_id = node;
    task.status.state = state;
    for (const NetworkId at : networks)
      task.attachments.push_back({at, {"10.0." + text(at) + "." + std::to_string(id) + "/24"}});
    return task;
  }
  void put(std::uint64_t id, NodeId node, const std::vector<NetworkId>& networks,
           TaskState state = TaskState::assigned) {
    apply({model::Put{make(id, node, networks, state)}});
  }
  void step(std::uint64_t id, std::optional<TaskState> state, std::optional<TaskState> desired = {}) {
    model::TaskStep step;
    step.id = TaskId(id);
    step.desired_state = desired;
    if (state) step.status = store_.task(TaskId(id))->status;
    if (state) step.status->state = *state;
    apply({step});
  }
  // All that the node hears of, in the order of the complete feed: "net 1", "service 4", "task 10".
  std::vector<std::string> heard(NodeId node) const {
    std::vector<std::string> out;
    for (const FeedKind kind : {FeedKind::overlay_network, FeedKind::overlay_service, FeedKind::overlay_task})
      for (auto key = directory_.next(store_, node, kind, {}); key;
           key = directory_.next(store_, node, kind, key->id))
        out.push_back(word(*key));
    return out;
  }
  static std::string word(const FeedKey& key) {
    const char* kind = key.kind == FeedKind::overlay_network   ? "net "
                       : key.kind == FeedKind::overlay_service ? "service "
                                                               : "task ";
    return kind + text(TaskId(key.id));
  }
  static std::uint64_t number(auto id) { return static_cast<std::uint64_t>(id.value()); }
  static std::string text(auto id) { return std::to_string(number(id)); }
  using Words = std::vector<std::string>;

  store::Store store_;
  OverlayDirectory directory_;
  const NodeId here_{1}, there_{2};
  const NetworkId front_{1}, back_{2}, ingress_{9};
};

TEST_F(OverlayDirectoryTest, ANodeHearsOfANetworkFromItsFirstTaskToTheEndOfItsLast) {
  put(10, here_, {front_}, TaskState::pending);
  EXPECT_TRUE(heard(here_).empty()) << "not assigned yet";
  step(10, TaskState::assigned);
  put(11, here_, {front_}, TaskState::running);
  EXPECT_EQ(heard(here_), (Words{"net 1", "task 10", "task 11"}));
  EXPECT_TRUE(heard(there_).empty());
  step(10, TaskState::failed);
  EXPECT_EQ(heard(here_), (Words{"net 1", "task 11"}));
  step(11, TaskState::running, TaskState::shutdown);
  EXPECT_EQ(heard(here_), (Words{"net 1", "task 11"})) << "it still runs";
  directory_.take_news();
  apply({model::Remove::of<model::Task>(TaskId(11))});
  EXPECT_TRUE(heard(here_).empty());
  EXPECT_EQ(directory_.take_news(), (News{{here_, FeedKey::overlay_network(front_)},
                                          {here_, FeedKey::overlay_task(TaskId(10))},
                                          {here_, FeedKey::overlay_task(TaskId(11))}}));
}

TEST_F(OverlayDirectoryTest, TheFirstTaskOfANodeBringsAllThatTheNetworkHas) {
  apply({model::Put{service(4, {front_})}, model::Put{service(5, {back_})}});
  put(20, there_, {front_}, TaskState::running);
  directory_.take_news();
  put(10, here_, {front_});
  EXPECT_EQ(directory_.take_news(), (News{{here_, FeedKey::overlay_network(front_)},
                                          {here_, FeedKey::overlay_service(ServiceId(4))},
                                          {here_, FeedKey::overlay_task(TaskId(10))},
                                          {here_, FeedKey::overlay_task(TaskId(20))},
                                          {there_, FeedKey::overlay_task(TaskId(10))}}));
  put(11, here_, {front_});
  EXPECT_EQ(directory_.take_news(),
            (News{{here_, FeedKey::overlay_task(TaskId(11))}, {there_, FeedKey::overlay_task(TaskId(11))}}))
      << "the second one brings itself";
}

TEST_F(OverlayDirectoryTest, ATaskIsMadeThenServesThenLeaves) {
  const auto stage = [this] { return directory_.task(store_, here_, TaskId(10))->stage; };
  put(10, here_, {front_});
  EXPECT_EQ(stage(), OverlayStage::made);
  directory_.take_news();
  const News told{{here_, FeedKey::overlay_task(TaskId(10))}};
  step(10, TaskState::starting);
  EXPECT_TRUE(directory_.take_news().empty()) << "its row says the same";
  step(10, TaskState::running);
  EXPECT_EQ(stage(), OverlayStage::serving);
  EXPECT_EQ(directory_.take_news(), told);
  step(10, {}, TaskState::shutdown);
  EXPECT_EQ(stage(), OverlayStage::leaving);
  EXPECT_EQ(directory_.take_news(), told);
  step(10, TaskState::shutdown);
  EXPECT_FALSE(directory_.task(store_, here_, TaskId(10)));
  EXPECT_TRUE(directory_.take_news().contains(*told.begin()));
}

TEST_F(OverlayDirectoryTest, ATasksRowSaysWhereItIsOnTheNetworksOfItsHearer) {
  put(20, there_, {ingress_, back_, front_}, TaskState::running);
  put(10, here_, {front_});
  const auto row = directory_.task(store_, here_, TaskId(20));
  ASSERT_TRUE(row);
  EXPECT_EQ(row->node, there_);
  EXPECT_EQ(row->data.host(), "127.0.1.2");
  EXPECT_EQ(row->places, (std::vector<wire::OverlayPlace>{{front_, "10.0.1.20/24", 1}}))
      << "its second network; it has no task on the first";
  EXPECT_EQ(directory_.task(store_, there_, TaskId(20))->places.size(), 2U);
  EXPECT_FALSE(directory_.task(store_, NodeId(3), TaskId(20)));
}

TEST_F(OverlayDirectoryTest, ATaskHasItsContainersNamesAsAliases) {
  apply({model::Put{service(4, {front_})}});
  model::Task task = make(10, here_, {front_}, TaskState::running);
  task.status.container.container_id = "0123456789abcdef";
  apply({model::Put{task}});
  const auto row = directory_.task(store_, here_, TaskId(10));
  ASSERT_TRUE(row);
  EXPECT_EQ(row->name, model::task_name(*store_.task(TaskId(10))));
  EXPECT_EQ(row->aliases, (Words{"0123456789ab"}));
}

TEST_F(OverlayDirectoryTest, ANetworksRowIsWhatItWasGivenAndWhatItsUserWants) {
  model::Network net = network(NetworkId(3));
  net.internal = true;
  net.options = {{"com.docker.network.driver.mtu", "1200"}, {model::kEncryptedOption, ""}};
  apply({model::Put{net}});
  put(10, here_, {net.id});
  const auto row = directory_.network(store_, here_, net.id);
  ASSERT_TRUE(row);
  EXPECT_EQ(*row, (wire::OverlayNetwork{net.id, "net3", 4099, {"10.0.3.0/24"}, 1200, true, true}));
  EXPECT_FALSE(directory_.network(store_, there_, net.id));
}

TEST_F(OverlayDirectoryTest, AServiceHasARowOfItsNetworksThatTheNodeHearsOf) {
  auto web = service(4, {front_, back_});
  web.virtual_ips.pop_back();  // dnsrr there
  apply({model::Put{web}});
  put(10, here_, {front_});
  put(20, there_, {front_, back_});
  EXPECT_EQ(directory_.service(store_, here_, web.id),
            (wire::OverlayService{web.id, "web4", {{front_, "10.0.1.4/24", {"alias1"}}}}));
  EXPECT_EQ(directory_.service(store_, there_, web.id)->vips,
            (std::vector<wire::OverlayVip>{{front_, "10.0.1.4/24", {"alias1"}}, {back_, "", {"alias2"}}}));
  EXPECT_FALSE(directory_.service(store_, NodeId(3), web.id));
}

TEST_F(OverlayDirectoryTest, AChangeOfARowReachesItsHearersAndNoOther) {
  apply({model::Put{service(4, {front_})}});
  put(10, here_, {front_}, TaskState::running);
  put(20, there_, {back_}, TaskState::running);
  directory_.take_news();
  auto web = *store_.service(ServiceId(4));
  web.spec.task.networks[0].aliases = {"other"};
  apply({model::Put{web}});
  EXPECT_EQ(directory_.take_news(), (News{{here_, FeedKey::overlay_service(web.id)}}));
  auto net = *store_.network(back_);
  net.annotations.labels["a"] = "b";
  apply({model::Put{net}});
  EXPECT_EQ(directory_.take_news(), (News{{there_, FeedKey::overlay_network(back_)}}));
  model::NodeStep moved;
  moved.id = here_;
  moved.status = model::NodeStatus{model::NodeState::ready, "", "127.0.1.77"};
  apply({moved});
  EXPECT_EQ(directory_.take_news(), (News{{here_, FeedKey::overlay_task(TaskId(10))}}));
}

TEST_F(OverlayDirectoryTest, AServiceThatChangesNoRowIsNoNews) {
  apply({model::Put{service(4, {front_})}});
  put(10, here_, {front_}, TaskState::running);
  directory_.take_news();
  auto web = *store_.service(ServiceId(4));
  web.spec.mode = model::ReplicatedMode{7};
  web.spec.annotations.labels["a"] = "b";
  apply({model::Put{web}});
  EXPECT_TRUE(directory_.take_news().empty());
}

TEST_F(OverlayDirectoryTest, AServiceThatMovesToAnotherNetworkIsToldOnBoth) {
  apply({model::Put{service(4, {front_})}});
  put(10, here_, {front_}, TaskState::running);
  put(20, there_, {back_}, TaskState::running);
  directory_.take_news();
  apply({model::Put{service(4, {back_})}});
  const FeedKey key = FeedKey::overlay_service(ServiceId(4));
  EXPECT_EQ(directory_.take_news(), (News{{here_, key}, {there_, key}}));
  EXPECT_EQ(heard(here_), (Words{"net 1", "task 10"}));
  EXPECT_EQ(heard(there_), (Words{"net 2", "service 4", "task 20"}));
  apply({model::Remove::of<model::Service>(ServiceId(4))});
  EXPECT_EQ(directory_.take_news(), (News{{there_, key}}));
}

TEST_F(OverlayDirectoryTest, IngressHasNoRows) {
  put(10, here_, {ingress_}, TaskState::running);
  EXPECT_TRUE(heard(here_).empty());
  EXPECT_TRUE(directory_.hearers(*store_.task(TaskId(10))).empty());
  EXPECT_FALSE(directory_.task(store_, here_, TaskId(10)));
  step(10, TaskState::failed);
  EXPECT_TRUE(directory_.take_news().empty());
}

TEST_F(OverlayDirectoryTest, SeveralNetworksAreGoneThroughInTheOrderOfIds) {
  apply({model::Put{service(4, {back_})}, model::Put{service(5, {front_, back_})},
         model::Put{service(6, {front_})}});
  put(10, here_, {back_});
  put(11, there_, {front_, back_});
  put(12, there_, {front_}, TaskState::failed);
  put(13, here_, {front_});
  EXPECT_EQ(heard(here_), (Words{"net 1", "net 2", "service 4", "service 5", "service 6", "task 10",
                                 "task 11", "task 13"}));
}

TEST_F(OverlayDirectoryTest, ANewLeaderKnowsTheSameFromTheStoreAlone) {
  apply({model::Put{service(4, {front_})}});
  put(10, here_, {front_}, TaskState::running);
  put(20, there_, {back_}, TaskState::failed);
  const auto before = heard(here_);
  directory_ = {};
  directory_.start(store_);
  EXPECT_EQ(heard(here_), before);
  EXPECT_TRUE(heard(there_).empty() && directory_.take_news().empty());
}

}  // namespace
}  // namespace swarm::dispatcher
