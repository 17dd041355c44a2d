// TaskNetworks: where tasks of overlay networks get their network namespaces from. NOT here: how a process is
// put into one (process/task_room).
#pragma once

#include <functional>
#include <string>

#include "base/id.hpp"
#include "base/result.hpp"
#include "ports/runner.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {

// What a task needs that runs in a network namespace of its own.
struct TaskNetwork {
  Fd space;                 // for setns
  std::string resolv_conf;  // the text of its file
};

class TaskNetworks {
 public:
  using Ready = std::function<void(Result<TaskNetwork>)>;
  virtual ~TaskNetworks() = default;
  // Calls `ready` once, later, on the reactor's thread: when all networks of the task are there, or with what
  // is missing.
  virtual void open(const ports::Launch& launch, Ready ready) = 0;
  // The task has ended, or will not start.
  virtual void close(TaskId task) = 0;
};

}  // namespace swarm::real
