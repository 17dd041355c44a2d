#include "model/difference.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "model/port.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"

namespace swarm::model {
namespace {

TEST(Difference, NamesTheFieldsAndBothValues) {
  Task a, b;
  EXPECT_EQ(difference(a, b), "");
  a.slot = 1;
  a.status.state = TaskState::running;
  b.status.state = TaskState::failed;
  b.status.port_status.push_back({"web", PortProtocol::udp, 80, 8080, PublishMode::host});
  b.restarts = std::make_shared<RestartRecord>();
  const std::string words = difference(a, b);
  EXPECT_NE(words.find("slot: 1, not 0"), words.npos) << words;
  EXPECT_NE(words.find("restarts.attempts: absent, not 0"), words.npos) << words;
  b.restarts = nullptr;
  b.status.port_status.clear();
  EXPECT_EQ(difference(a, b), "slot: 1, not 0; status.state: running, not failed");
}

TEST(Difference, LooksIntoListsLabelsAndModes) {
  Service a, b;
  a.spec.annotations.labels = {{"zone", "a"}};
  b.spec.annotations.labels = {{"zone", "b"}};
  b.spec.mode = GlobalMode{};
  a.spec.task.networks.push_back({"net", {"x"}, {}});
  EXPECT_EQ(difference(a, b),
            "spec.annotations.labels.zone: \"a\", not \"b\"; spec.mode: 1 replicas, not global; "
            "spec.task.networks[0].aliases[0]: \"x\", not absent; spec.task.networks[0].target: \"net\", not "
            "absent");
}

}  // namespace
}  // namespace swarm::model
