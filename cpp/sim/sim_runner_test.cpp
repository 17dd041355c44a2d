// The simulated runner alone: what it refuses as the real one does.
#include "sim/sim_runner.hpp"

#include <gtest/gtest.h>

#include <string>

#include "base/id.hpp"
#include "base/rng.hpp"
#include "model/container_spec.hpp"
#include "ports/ports.hpp"
#include "ports/runner.hpp"
#include "sim/event_queue.hpp"
#include "sim/shared.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

// What preparing the task is answered with.
std::string prepared(const ports::Launch& launch) {
  Shared shared{WorldOptions{}};
  SimRunner runner(shared, 0, Rng(1));
  runner.prepare(launch);
  const Event event = shared.queue.pop();
  const auto answer = runner.moved(std::get<TaskMoves>(event.what));
  return std::get<ports::TaskPrepared>(answer.value()).error;
}

TEST(SimRunner, RefusesATaskThatNoExecutorTakesInTheWordsOfTheRealRunner) {
  ports::Launch launch;
  launch.task = TaskId(1);
  launch.container.edit().image = "alpine";
  EXPECT_EQ(prepared(launch), "");
  launch.runtime = "plugin";
  EXPECT_EQ(
      prepared(launch),
      "this node has no executor for tasks of runtime \"plugin\"; its executors are: process. Constrain "
      "the service to nodes that have one");
}

}  // namespace
}  // namespace swarm::sim
