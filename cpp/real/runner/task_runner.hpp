// TaskRunner: the tasks of one node, whatever runs them. Chooses an executor for each task (executor.hpp) and
// holds what executors share: a task's stage, its stop rules, its address, its directory, its output, the
// images.
//
// A task gets an address of its own in 127.0.0.0/8, or, on overlay networks, a network namespace. Its
// directory DATA_ROOT/tasks/ID holds its output (bounded, rotated) and its working directory. Nothing
// survives the daemon: tasks die with it, and a new daemon waits until those of the old one are gone. Lives
// on the reactor's thread; events come out through `emit`.
//
// NOT here: how a task runs (process/), what an image is (image_catalogue).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "faults/fault.hpp"
#include "ports/ports.hpp"
#include "real/http/reactor.hpp"
#include "real/runner/executor.hpp"
#include "real/runner/task_networks.hpp"

namespace swarm::real {

class TaskRunner final : public ports::Runner {
 public:
  using Emit = std::function<void(ports::Event)>;
  struct Options {
    std::string data_root;
    std::string web_program;              // path of swarm-web
    std::string node_name;                // where its tasks' addresses begin
    std::vector<MakeExecutor> executors;  // in the order in which they are asked
    TaskNetworks* networks = nullptr;     // null: no task is on an overlay network here
  };
  static Result<std::unique_ptr<TaskRunner>> open(Reactor& reactor, Options options, Emit emit);
  ~TaskRunner() override;  // kills what runs, and waits for it

  // What runs tasks here, in the order of the options: the node's capabilities.
  std::vector<std::string> executors() const;
  void set_image_faults(const std::vector<faults::Fault>& faults);

  void prepare(const ports::Launch& launch) override;
  void start(TaskId task) override;
  void stop(TaskId task, Duration grace, int signal) override;
  void signal(TaskId task, int number) override;
  void remove(TaskId task) override;
  ports::LogStreamId open_logs(TaskId task, const wire::LogOptions& options) override;
  void close_logs(ports::LogStreamId stream) override;
  std::optional<ports::Usage> usage(TaskId task) override;
  std::vector<ports::Image> images() override;
  Result<void> add_image(const ports::Image& image) override;
  std::vector<std::string> warnings(const model::ServiceSpec& spec,
                                    const model::ServiceSpec* before) override;

 private:
  struct Impl;
  explicit TaskRunner(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

}  // namespace swarm::real
