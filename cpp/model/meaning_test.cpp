// A default that is said means what it means when it is left out; every other difference is one.
#include <gtest/gtest.h>

#include <optional>

#include "base/time.hpp"
#include "model/container_spec.hpp"
#include "model/meaning.hpp"
#include "model/service_spec.hpp"

namespace swarm::model {
namespace {

TaskSpec short_spec() {
  TaskSpec spec;
  spec.container.emplace();
  spec.container.edit().image = "nginx:1.10";
  return spec;
}

// As GET /services/ID?insertDefaults=true shows it.
TaskSpec long_spec() {
  TaskSpec spec = short_spec();
  spec.container.edit().stop_grace_period = Duration::seconds(10);
  spec.container.edit().dns_config.emplace();
  spec.resources.emplace();
  spec.restart = RestartPolicy{RestartCondition::any, Duration::seconds(5), 0, std::nullopt};
  spec.placement.emplace();
  spec.runtime = "container";
  return spec;
}

TEST(Meaning, OfADefaultIsTheSameSaidOrNot) {
  EXPECT_TRUE(same_meaning(short_spec(), long_spec()));
  TaskSpec no_limits = short_spec();
  no_limits.resources.emplace().limits.emplace();
  EXPECT_TRUE(same_meaning(no_limits, short_spec()));
}

TEST(Meaning, DiffersInAnythingElse) {
  TaskSpec other = long_spec();
  other.container.edit().stop_grace_period = Duration::seconds(11);
  EXPECT_FALSE(same_meaning(short_spec(), other));
  other = long_spec();
  other.restart->delay = Duration();
  EXPECT_FALSE(same_meaning(short_spec(), other));
  other = long_spec();
  other.resources->limits.emplace().memory_bytes = 1 << 20;
  EXPECT_FALSE(same_meaning(short_spec(), other));
  other = long_spec();
  other.force_update = 1;
  EXPECT_FALSE(same_meaning(short_spec(), other));
  other = long_spec();
  other.container.edit().image = "nginx:1.11";
  EXPECT_FALSE(same_meaning(short_spec(), other));
}

}  // namespace
}  // namespace swarm::model
