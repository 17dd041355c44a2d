// Runner: runs tasks. Real: a chooser over executors (process groups; sandboxes and OCI containers later).
// Simulated: scripted lives.
//
// A task on this node goes prepare -> start -> (stop | kill) -> exit -> remove. Each call is answered by one
// event. A task for which the node has no executor is not prepared (ports/runtimes.hpp). No task outlives its
// node's daemon, so that there is nothing to find again after a restart.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/task.hpp"
#include "model/wire.hpp"

namespace swarm::ports {

// All that a runner needs to know of a task.
struct Launch {
  TaskId task;
  std::string name;                        // "<service>.<slot>.<task id>"
  std::string runtime = "container";       // TaskTemplate.Runtime: chooses the executor
  Shared<model::ContainerSpec> container;  // never missing; its placeholders are expanded
  Duration stop_grace;
  ServiceId service_id;
  std::string service_name;
  std::uint64_t slot = 0;
  NodeId node_id;
  std::string node_hostname;
  std::vector<std::uint32_t> target_ports;
  // Its address on the first of its overlay networks; "" if it is on none. With one it gets a network
  // namespace of its own.
  std::string overlay_address;
};

// A named command: what an image is on a runner that has no container images.
struct Image {
  std::string
      reference;  // "nginx:1.10", or "nginx:*": any tag of a user's image, the known ones of a built-in
  std::vector<std::string> command;
  bool builtin = false;
  bool operator==(const Image&) const = default;
};

// What a task uses, with all of its processes. Times and counts only grow; 0 where the runner cannot tell.
struct Usage {
  Duration cpu_user, cpu_system;
  std::int64_t memory_bytes = 0;
  std::uint64_t processes = 0;
};

using LogStreamId = std::uint64_t;

class Runner {
 public:
  virtual ~Runner() = default;
  virtual void prepare(const Launch& launch) = 0;  // TaskPrepared; image resolved, address chosen
  virtual void start(TaskId task) = 0;             // TaskStarted, and TaskExited when it ends
  // `signal`, or for 0 the stop signal of its spec; after the grace SIGKILL -> TaskExited.
  virtual void stop(TaskId task, Duration grace, int signal) = 0;
  virtual void signal(TaskId task, int number) = 0;  // no event of its own
  virtual void remove(TaskId task) = 0;  // forgets the task, its logs and its address; kills what runs
  // Nothing of a task that does not run.
  virtual std::optional<Usage> usage(TaskId task) = 0;
  // Lines kept so far, then, with `follow`, those to come: TaskLog events, the last with `end`. A task whose
  // output is not there (any more) ends with an error.
  virtual LogStreamId open_logs(TaskId task, const wire::LogOptions& options) = 0;
  virtual void close_logs(LogStreamId stream) = 0;
  virtual std::vector<Image> images() = 0;
  // Refused when what it runs is not there.
  virtual Result<void> add_image(const Image& image) = 0;
  // What `spec` asks for that this runner does not do, as far as `before` (null: a new service) did not ask
  // for the same: sentences for the service's warnings (model/kept_fields.hpp).
  virtual std::vector<std::string> warnings(const model::ServiceSpec& spec,
                                            const model::ServiceSpec* before) = 0;
};

}  // namespace swarm::ports
