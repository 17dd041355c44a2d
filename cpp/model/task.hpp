// Task: one attempt to run a service's work on one node. States only move forward; a task is never restarted,
// it is replaced (swarmkit design/task_model.md).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/kind.hpp"
#include "model/meta.hpp"
#include "model/network.hpp"
#include "model/service_spec.hpp"

namespace swarm::model {

// SwarmKit's numbers, so that "greater" means "further". `remove` is a desired state only.
enum class TaskState : std::uint16_t {
  new_ = 0,
  pending = 64,
  assigned = 192,
  accepted = 256,
  preparing = 320,
  ready = 384,
  starting = 448,
  running = 512,
  complete = 576,
  shutdown = 640,
  failed = 704,
  rejected = 768,
  remove = 800,
  orphaned = 832,
};

// Docker's lower-case word: "new", "pending", ..., "orphaned".
const char* to_string(TaskState state);
std::optional<TaskState> parse_task_state(std::string_view word);

inline bool is_terminal(TaskState state) { return state > TaskState::running; }

// What a task's container, or process, is on its node. Empty `container_id`: none was made.
struct ContainerStatus {
  std::string container_id;  // 64 hex digits
  std::int64_t pid = 0;
  std::int64_t exit_code = 0;
  bool operator==(const ContainerStatus&) const = default;
};

struct TaskStatus {
  WallTime timestamp;  // the node's clock, when the state was entered
  TaskState state = TaskState::new_;
  std::string message;
  std::string err;
  ContainerStatus container;
  std::vector<PortConfig> port_status;  // of host mode, while they are open
  bool operator==(const TaskStatus&) const = default;
};

// What all tasks of one version of a service share in memory. Keyed by (service id, spec version); in the log
// and on disk a task names the key only.
struct TaskTemplate {
  TaskSpec spec;
  Annotations service;  // name and labels of the service when this version came
  std::optional<EndpointSpec> endpoint;
  bool operator==(const TaskTemplate&) const = default;
};

// A template as it lies on disk and in snapshots.
struct TaskTemplateRecord {
  static constexpr Kind kKind{5};
  static constexpr const char* kWord = "task_template";
  static constexpr WrittenBy kWrittenBy = WrittenBy::store;  // with the service

  ServiceId service_id;
  std::uint64_t spec_version = 0;
  TaskTemplate templ;
  bool operator==(const TaskTemplateRecord&) const = default;
};

// `count` restarts had been made when the tasks of the slot had run for `at` in total.
struct RestartMark {
  Duration at;
  std::uint64_t count = 0;
  bool operator==(const RestartMark&) const = default;
};

// What a task takes over from those before it in its slot (model/restart.hpp).
struct RestartRecord {
  Duration delay;                  // it may not start before it is this old
  std::uint64_t attempts = 0;      // the restarts that led to it
  Duration ran;                    // how long the tasks before it ran
  std::vector<RestartMark> marks;  // when the attempts were made, if the policy has a window
  bool operator==(const RestartRecord&) const = default;
};

// A task's addresses on one of its networks, "10.0.1.3/24".
struct TaskAttachment {
  NetworkId network_id;
  std::vector<std::string> addresses;
  bool ingress = false;  // of its published ports, and no network that its spec names
  bool operator==(const TaskAttachment&) const = default;
};

struct Task {
  static constexpr Kind kKind{3};
  static constexpr const char* kWord = "task";
  static constexpr WrittenBy kWrittenBy = WrittenBy::put;

  TaskId id;
  Meta meta;
  ServiceId service_id;
  std::uint64_t slot = 0;  // 1.. for replicated, 0 for global
  NodeId node_id;          // empty until assigned (preset for global)
  std::uint64_t spec_version = 0;
  TaskState desired_state = TaskState::running;
  TaskStatus status;
  WallTime applied_at;  // when a manager stored the status; zero until an agent reported
  std::shared_ptr<const RestartRecord> restarts;  // null: nothing before it counts
  std::vector<TaskAttachment> attachments;        // as allocated
  std::shared_ptr<const TaskTemplate> templ;      // filled in by the store; never null in a view

  FeatureLevel needed_level() const { return attachments.empty() ? kFirstLevel : kNetworksSince; }
  const TaskSpec& spec() const { return templ->spec; }
  TaskState state() const { return status.state; }
  // By value: the same work, whether or not the template is the same object in memory.
  friend bool operator==(const Task& a, const Task& b);
  // Returns true if it is wanted and has not ended.
  bool live() const { return desired_state <= TaskState::running && !is_terminal(status.state); }
};

// "<service>.<slot>.<task id>"; the node's id in place of slot 0 (swarmkit api/naming).
std::string task_name(const Task& task);

}  // namespace swarm::model
