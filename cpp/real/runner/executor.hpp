// Executor: how tasks of one kind run on this machine: as processes, in sandboxes, as OCI containers. One
// folder each beside this one; TaskRunner chooses among them, task by task.
//
// What they share is not in here: stages and stop rules (TaskRunner), the output of tasks (TaskOutputs),
// addresses, images, directories. An executor gets a task that is ready to run and answers with pipes and
// events. `prepare` and `start` are answered at once; what comes later goes through the Emit that the
// executor was made with, on the reactor's thread.
//
// A run, by its number: check -> prepare -> start -> (Started | StartFailed) -> Ended. Ended comes last and
// exactly once, after each `start` that gave pipes: then nothing of the task is left, whatever it had
// started. Invariant: no task outlives the executor; its destructor kills what runs, and waits for it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "ports/runner.hpp"
#include "real/files.hpp"
#include "real/http/reactor.hpp"
#include "real/runner/task_networks.hpp"

namespace swarm::real {

using RunId = std::uint64_t;  // one attempt to run one task; never used again

struct Work {
  RunId run = 0;
  ports::Launch launch;
  std::vector<std::string> command;  // of the image, with the task's own arguments
  bool users_own_image = false;      // added by a user, who knows what it needs
  std::string directory;             // the task's own; removed with the task
  std::string container_id;
  std::string address;
  // Its own network namespace, if it is on overlay networks.
  std::shared_ptr<const TaskNetwork> network = {};

  std::string home() const { return directory + "/work"; }  // exists
};

// The ends to read of the task's output. They end with the task's last process.
struct Pipes {
  Fd out, err;
};

struct Started {
  RunId run = 0;
  std::int64_t pid = 0;
};
struct StartFailed {
  RunId run = 0;
  std::string why;
};
struct Ended {
  RunId run = 0;
  int exit_code = 0;  // 128 + n for signal n
};
using ExecutorEvent = std::variant<Started, StartFailed, Ended>;

class Executor {
 public:
  using Emit = std::function<void(ExecutorEvent)>;
  virtual ~Executor() = default;

  // Docker's name for it in `docker info` (Runtimes) and `docker node inspect` (Plugins of type Runtime).
  virtual std::string name() const = 0;
  // Returns true if it runs tasks like this. The node's first executor that does gets the task.
  virtual bool takes(const ports::Launch& launch) const = 0;
  // Why it cannot run this task, in Docker's words. Nothing is made yet.
  virtual Result<void> check(const Work& work) = 0;
  // Makes what the task needs beside its directory.
  virtual Result<void> prepare(const Work& work) = 0;
  virtual Result<Pipes> start(const Work& work) = 0;
  // To all of the task's processes. Nothing happens before Started and after Ended.
  virtual void signal(RunId run, int number) = 0;
  // Ends all of it now; Ended follows.
  virtual void kill(RunId run) = 0;
  virtual std::optional<ports::Usage> usage(RunId run) = 0;
  // What a spec asks for that it does not do (ports/runner.hpp).
  virtual std::vector<std::string> warnings(const model::ServiceSpec& spec,
                                            const model::ServiceSpec* before) = 0;
};

// What an executor is made of. `lock`: every process that may outlive its daemon for a moment holds a copy,
// so that the next daemon can wait until all are gone.
struct ExecutorTools {
  Reactor& reactor;
  int lock = -1;
  Executor::Emit emit;
};
using MakeExecutor = std::function<std::unique_ptr<Executor>(ExecutorTools)>;

}  // namespace swarm::real
