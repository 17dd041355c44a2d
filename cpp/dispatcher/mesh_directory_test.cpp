// The rows of the table as the store's changes make them, and which of them have changed.
#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "dispatcher/mesh_directory.hpp"
#include "model/mesh.hpp"
#include "model/node.hpp"
#include "model/port.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"

namespace swarm::dispatcher {
namespace {

using model::TaskState;
using wire::FeedKey;
using Keys = std::set<FeedKey>;

class MeshDirectoryTest : public testing::Test {
 protected:
  MeshDirectoryTest() {
    model::Node node;
    node.id = node_;
    node.status.addr = "127.0.1.9";
    apply({model::Put{node}});
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
  model::Service service(std::uint32_t published) {
    model::Service out;
    out.id = service_;
    out.spec.annotations.name = "web";
    if (published != 0)
      out.ports = {{"", model::PortProtocol::tcp, 80, published, model::PublishMode::ingress},
                   {"", model::PortProtocol::tcp, 81, 9000, model::PublishMode::host},
                   {"", model::PortProtocol::udp, 53, 53, model::PublishMode::ingress}};
    return out;
  }
  void put_task(TaskId id, TaskState state) {
    model::Task task;
    task.id = id;
    task.service_id = service_;
    task.slot = 1;
    task.node_id = node_;
    task.status.state = state;
    apply({model::Put{task}});
  }
  void want(TaskId id, TaskState desired) {
    model::TaskStep step;
    step.id = id;
    step.desired_state = desired;
    apply({step});
  }

  store::Store store_;
  MeshDirectory directory_;
  const NodeId node_{3};
  const ServiceId service_{4};
  const TaskId first_{10}, second_{11};
};

TEST_F(MeshDirectoryTest, NamesTasksThatRunAndAreMeantTo) {
  apply({model::Put{service(8080)}});
  put_task(first_, TaskState::running);
  put_task(second_, TaskState::starting);
  ASSERT_EQ(directory_.services().size(), 1U);
  EXPECT_EQ(directory_.services().at(service_), (std::vector<model::MeshPort>{{model::tcp_port(8080), 80}}))
      << "tcp, through the mesh";
  ASSERT_EQ(directory_.backends().size(), 1U);
  EXPECT_EQ(directory_.backends().at(first_).data.str(), "127.0.1.9:7946");
}

TEST_F(MeshDirectoryTest, ATaskThatIsToStopLeavesTheTableBeforeItStops) {
  apply({model::Put{service(8080)}});
  put_task(first_, TaskState::running);
  directory_.take_changed();
  want(first_, TaskState::shutdown);
  EXPECT_EQ(directory_.take_changed(), Keys{FeedKey::mesh_backend(first_)}) << "nothing else has changed";
  EXPECT_TRUE(directory_.backends().empty());
}

TEST_F(MeshDirectoryTest, AServiceThatPublishesLaterBringsItsTasks) {
  apply({model::Put{service(0)}});
  put_task(first_, TaskState::running);
  EXPECT_TRUE(directory_.take_changed().empty()) << "what publishes nothing costs nothing";
  model::Service later = *store_.service(service_);
  later.ports = service(8080).ports;
  apply({model::Put{later}});
  EXPECT_EQ(directory_.take_changed(),
            (Keys{FeedKey::mesh_service(service_), FeedKey::mesh_backend(first_)}));
}

TEST_F(MeshDirectoryTest, ARemovedServiceTakesItsTasksAlong) {
  apply({model::Put{service(8080)}});
  put_task(first_, TaskState::running);
  directory_.take_changed();
  apply({model::Remove::of<model::Service>(service_), model::Remove::of<model::Task>(first_)});
  EXPECT_EQ(directory_.take_changed(),
            (Keys{FeedKey::mesh_service(service_), FeedKey::mesh_backend(first_)}));
  EXPECT_TRUE(directory_.services().empty() && directory_.backends().empty());
}

TEST_F(MeshDirectoryTest, ATaskMovesWithItsNodesAddress) {
  apply({model::Put{service(8080)}});
  put_task(first_, TaskState::running);
  model::NodeStep step;
  step.id = node_;
  step.status = model::NodeStatus{model::NodeState::ready, "", "127.0.1.77"};
  apply({step});
  EXPECT_EQ(directory_.backends().at(first_).data.str(), "127.0.1.77:7946");
}

}  // namespace
}  // namespace swarm::dispatcher
