// ProcessRunner: tasks as process groups on this machine, each behind a shim (task_shim.hpp) that outlives
// nothing.
//
// A task gets an address of its own in 127.0.0.0/8 and learns it and itself from its environment
// (task_launch.hpp). Its directory DATA_ROOT/tasks/ID holds what it said (bounded, rotated) and its working
// directory. Nothing is adopted after a restart: tasks die with their daemon, and a new daemon waits until
// those of the old one are gone. Lives on the reactor's thread; events come out through `emit`. NOT here:
// what an image is (image_catalogue), namespaces, limits, mounts: `warnings` says what is not honoured.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "faults/fault.hpp"
#include "ports/ports.hpp"
#include "real/http/reactor.hpp"

namespace swarm::real {

class ProcessRunner final : public ports::Runner {
 public:
  using Emit = std::function<void(ports::Event)>;
  struct Options {
    std::string data_root;
    std::string web_program;              // path of swarm-web
    std::string shim = "/proc/self/exe";  // a program that calls run_as_shim first
    std::string node_name;                // where its tasks' addresses begin
  };
  static Result<std::unique_ptr<ProcessRunner>> open(Reactor& reactor, Options options, Emit emit);
  ~ProcessRunner() override;  // kills what runs, and waits for it

  void prepare(const ports::Launch& launch) override;
  void start(TaskId task) override;
  void stop(TaskId task, Duration grace, int signal) override;
  void signal(TaskId task, int number) override;
  void remove(TaskId task) override;
  std::vector<ports::Adopted> adopt() override { return {}; }
  ports::LogStreamId open_logs(TaskId task, const wire::LogOptions& options) override;
  void close_logs(ports::LogStreamId stream) override;
  std::optional<ports::Usage> usage(TaskId task) override;
  std::vector<ports::Image> images() override;
  Result<void> add_image(const ports::Image& image) override;
  void set_image_faults(const std::vector<faults::Fault>& faults);
  std::vector<std::string> warnings(const model::ServiceSpec& spec,
                                    const model::ServiceSpec* before) override;

  struct Impl;

 private:
  explicit ProcessRunner(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

}  // namespace swarm::real
