// SimRunner: tasks with scripted lives on one machine (ImageScript). A task's process dies with its daemon.
//
// Images are found as in the real catalogue (model/builtin_images.hpp): web and redis stand-ins run until
// stopped; shells carry out `sleep n`, `exit n`, `true`, `false`, `ping ...` and `echo ...` with the task's
// variables. A script goes before the catalogue. Invariant: a task is started once in the life of the world,
// on one machine.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "sim/shared.hpp"

namespace swarm::sim {

// The executor that the simulator stands in for: real nodes run processes today.
inline constexpr const char* kExecutor = "process";

class SimRunner final : public ports::Runner {
 public:
  SimRunner(Shared& shared, MachineIndex machine, Rng rng) : shared_(shared), machine_(machine), rng_(rng) {}

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

  // ---- the world's side
  void set_life(std::uint32_t life) { life_ = life; }
  void reseed(Rng rng) { rng_ = rng; }
  std::optional<ports::Event> moved(const TaskMoves& event);
  void crash();
  bool kill(TaskId task, int number);  // false: no such process
  // Processes that run, as "web.1" or "web.w1"; those that are stopping come last.
  std::vector<std::pair<TaskId, std::string>> running() const;
  // What its web server would answer; "" while none runs.
  std::string page(TaskId task, std::uint32_t port) const;
  bool told_to_stop(TaskId task) const;
  // What it keeps of a task's output, oldest first; nothing when there is none to keep.
  std::optional<std::vector<wire::LogLine>> past(TaskId task, const wire::LogOptions& options) const;

 private:
  enum class Stage : std::uint8_t { preparing, prepared, starting, running, exited };
  struct Process {
    ports::Launch launch;
    ImageScript script;
    Stage stage = Stage::preparing;
    std::uint32_t plan = 0;       // number of the exit that is planned now
    std::optional<Instant> ends;  // when that is
    bool stop_when_started = false;
    bool told_to_stop = false;
    Duration grace;
    int stop_signal = 0;
    std::string container_id, address;
    std::int64_t pid = 0;
  };
  struct Stream {
    TaskId task;
    wire::LogOptions options;
  };
  ImageScript script_of(const model::ContainerSpec& container) const;
  std::string why_not(const Process& process) const;
  bool adds(const std::string& reference) const;
  Process* find(TaskId task);
  void move(TaskId task, TaskMoves::Step step, Duration after, std::uint32_t plan = 0, std::int64_t code = 0);
  void plan_exit(TaskId task, Process& process, Duration after, std::int64_t code);
  void say(TaskId task, std::string text);
  void write_first_lines(TaskId task, Process& process);
  ports::Event on_started(TaskId task, Process& process);
  ports::Event on_exited(TaskId task, Process& process, std::int64_t code);
  void deliver(ports::Event event);

  Shared& shared_;
  MachineIndex machine_;
  Rng rng_;
  std::uint32_t life_ = 0;
  std::map<TaskId, Process> processes_;
  std::map<TaskId, std::deque<wire::LogLine>> said_;  // on the disk: a crash leaves it
  std::map<std::string, ports::Image> added_;         // by normal reference, or "NAME:*"
  std::map<ports::LogStreamId, Stream> streams_;      // following
  ports::LogStreamId last_stream_ = 0;
  std::int64_t last_pid_ = 100;
};

}  // namespace swarm::sim
