// TaskOutputs: the output of tasks, whichever executor runs them: taken from their pipes at a common pace,
// kept in a bounded file for each task, passed on to the streams that follow.
//
// NOT here: the form of the file (task_log), when a task has ended (TaskRunner says so).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ports/ports.hpp"
#include "real/http/reactor.hpp"
#include "real/runner/executor.hpp"
#include "real/runner/task_log.hpp"

namespace swarm::real {

// One task's pipes and file.
class TaskOutput {
 public:
  TaskOutput(TaskId task, std::string path) : task_(task), log_(std::move(path)) {}
  // The task is removed: from now on its pipes are read, and what comes from them is dropped.
  void drop() { dropped_ = true; }
  // Why not all of it could be kept; "" when it could.
  const std::string& failure() const { return log_.failure(); }

 private:
  friend class TaskOutputs;
  struct Pipe {
    std::optional<FdWatch> watch;
    LineSplitter lines;
  };
  TaskId task_;
  TaskLogFile log_;
  Pipe out_, err_;
  bool dropped_ = false;
};

class TaskOutputs : public std::enable_shared_from_this<TaskOutputs> {
 public:
  using Emit = std::function<void(ports::Event)>;  // TaskLog only
  TaskOutputs(Reactor& reactor, Emit emit) : reactor_(reactor), emit_(std::move(emit)) {}

  // Reads both pipes until they end.
  void take(const std::shared_ptr<TaskOutput>& from, Pipes pipes);
  // The task has ended: takes what is still in the pipes, and closes them and the file.
  void finish(TaskOutput& output);

  // The kept lines of the file at `path`, then, if it `follows`, those to come. With `missing` the stream
  // says why lines are not there.
  ports::LogStreamId open_stream(TaskId task, const std::string& path, const wire::LogOptions& options,
                                 bool follows, const std::string& missing);
  void close_stream(ports::LogStreamId stream) { streams_.erase(stream); }
  void end_streams(TaskId task);

 private:
  struct Stream {
    TaskId task;
    wire::LogOptions options;
  };
  void read(const std::shared_ptr<TaskOutput>& output, bool err);
  void drain(TaskOutput& output, bool err);
  void keep(TaskOutput& output, bool err, std::vector<std::string> texts);
  void send(ports::LogStreamId stream, std::vector<wire::LogLine> lines);
  void spend(std::size_t bytes, std::size_t lines);
  void refill();
  void on_tick();

  Reactor& reactor_;
  Emit emit_;
  std::int64_t left_ = 0;      // of this tick's share
  std::optional<Timer> tick_;  // while any task writes
  std::vector<std::pair<std::weak_ptr<TaskOutput>, bool>>
      waiting_;                                   // whose pipe is paused; true: the one of errors
  std::map<ports::LogStreamId, Stream> streams_;  // that follow
  ports::LogStreamId last_stream_ = 0;
};

}  // namespace swarm::real
