// ProcessExecutor: tasks of runtime "container" as process groups on this machine, each behind a shim
// (task_shim.hpp), so that no process outlives the daemon. A task finds its address and its own facts in its
// environment (task_launch.hpp). One that is on overlay networks runs in a network namespace of its own
// (task_room.hpp).
//
// NOT here: other namespaces, limits, mounts: `warnings` says what is not honoured.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "real/runner/executor.hpp"

namespace swarm::real {

class ProcessExecutor final : public Executor {
 public:
  // What this daemon hides from tasks that have a network namespace of their own.
  struct Hidden {
    std::string data_root;
    std::vector<std::string> sockets;
  };
  // `shim`: a program that calls run_as_shim first.
  ProcessExecutor(ExecutorTools tools, std::string shim, Hidden hidden);
  ~ProcessExecutor() override;
  ProcessExecutor(const ProcessExecutor&) = delete;
  ProcessExecutor& operator=(const ProcessExecutor&) = delete;

  static MakeExecutor maker(std::string shim = "/proc/self/exe", Hidden hidden = {});

  std::string name() const override { return "process"; }
  bool takes(const ports::Launch& launch) const override;
  Result<void> check(const Work& work) override;
  Result<void> prepare(const Work& work) override;
  Result<Pipes> start(const Work& work) override;
  void signal(RunId run, int number) override;
  void kill(RunId run) override;
  std::optional<ports::Usage> usage(RunId run) override;
  std::vector<std::string> warnings(const model::ServiceSpec& spec,
                                    const model::ServiceSpec* before) override;

 private:
  struct Process;
  Process* find(RunId run);
  Result<void> prepare_network(const Work& work) const;
  void watch(RunId run, Fd control, Fd shim_end);
  void hear(RunId run);
  void on_line(Process& process, const std::string& line);
  void on_shim_end(RunId run);
  void kill_strays() const;

  ExecutorTools tools_;
  std::string shim_;
  Hidden hidden_;
  std::map<RunId, std::unique_ptr<Process>> processes_;  // whose shim lives
};

}  // namespace swarm::real
