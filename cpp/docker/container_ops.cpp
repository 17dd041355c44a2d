// What may be done to a task's container: kill, stop, wait, remove. The swarm sees a task that failed, and
// replaces it.
#include "docker/containers.hpp"
#include "docker/handlers.hpp"
#include "store/text.hpp"

namespace swarm::docker {
namespace {

struct Signal {
  const char* name;
  int number;
};
constexpr Signal kSignals[] = {{"HUP", 1},   {"INT", 2},   {"QUIT", 3},  {"ILL", 4},   {"TRAP", 5},
                               {"ABRT", 6},  {"BUS", 7},   {"FPE", 8},   {"KILL", 9},  {"USR1", 10},
                               {"SEGV", 11}, {"USR2", 12}, {"PIPE", 13}, {"ALRM", 14}, {"TERM", 15},
                               {"CHLD", 17}, {"CONT", 18}, {"STOP", 19}, {"TSTP", 20}, {"TTIN", 21},
                               {"TTOU", 22}, {"WINCH", 28}};
constexpr int kKill = 9;

// "KILL", "SIGKILL", "9"; KILL when nothing is said.
Result<int> parse_signal(const std::string& text) {
  if (text.empty()) return kKill;
  std::string word = store::lower(text);
  if (word.starts_with("sig")) word = word.substr(3);
  for (const Signal& signal : kSignals)
    if (word == store::lower(signal.name)) return signal.number;
  if (const auto number = parse_number(word); number && *number >= 1 && *number <= 64)
    return static_cast<int>(*number);
  return plain_error(Code::invalid_argument, "invalid signal: " + text);
}

// The operation is under way: the reply waits until the process has ended.
Desk::OnDone reply_when_ended(TaskId task) {
  return [task](Desk& desk, ApiId id, const OperationResult&, const Context& context) {
    const agent::LocalTask* local = local_task(context, task);
    if (local == nullptr || !local->process_runs) return desk.reply_empty(id, 204);
    desk.await_end(id, task, false,
                   [](Desk& later, ApiId call, std::int64_t) { later.reply_empty(call, 204); });
  };
}

std::string wait_reply(std::int64_t exit_code) {
  Json json;
  json.object([&] { json.field("StatusCode", exit_code).null("Error"); });
  return json.take() + "\n";
}

}  // namespace

void kill_container(Call& call) {
  const auto signal = parse_signal(call.target.text("signal"));
  if (!signal) return call.refuse(signal.error());
  const auto found = find_container(call.context, call.name);
  if (!found) return call.refuse(found.error());
  const agent::LocalTask& local = **found;
  if (!local.process_runs)
    return call.refuse(plain_error(
        Code::already_exists,
        "cannot kill container: " + call.name + ": container " + local.container_id + " is not running"));
  const TaskId task = local.task.id;
  call.desk.perform(call.id, SignalContainer{task, *signal},
                    [task](Desk& desk, ApiId id, const OperationResult&, const Context& context) {
                      desk.observe(agent::ContainerEvent{task, "kill", 0}, context);
                      desk.reply_empty(id, 204);
                    });
}

void stop_container(Call& call) {
  const auto found = find_container(call.context, call.name);
  if (!found) return call.refuse(found.error());
  if (!(*found)->process_runs) return call.reply_empty(304);
  if (!call.target.text("signal").empty())
    return call.refuse(
        not_yet("a task is stopped by the signal of its service: see --stop-signal, or kill -s"));
  const TaskId task = (*found)->task.id;
  StopContainer wish{task, std::nullopt};
  if (const std::string seconds = call.target.text("t"); !seconds.empty()) {
    const auto number = parse_number(seconds);
    if (!number || *number > 1'000'000)
      return call.refuse(plain_error(Code::invalid_argument, "invalid value for t: \"" + seconds + "\""));
    wish.grace = Duration::seconds(static_cast<std::int64_t>(*number));
  }
  call.desk.perform(call.id, wish, reply_when_ended(task));
}

void start_container(Call& call) {
  const auto found = find_container(call.context, call.name);
  if (!found) return call.refuse(found.error());
  if ((*found)->process_runs) return call.reply_empty(304);
  call.refuse(not_yet("a task is never started twice: the swarm makes another in its place"));
}

void wait_container(Call& call) {
  const std::string condition = call.target.text("condition");
  if (!condition.empty() && condition != "not-running" && condition != "next-exit" && condition != "removed")
    return call.refuse(plain_error(Code::invalid_argument, "invalid condition: \"" + condition + "\""));
  const auto found = find_container(call.context, call.name);
  if (!found) return call.refuse(found.error());
  const agent::LocalTask& local = **found;
  call.desk.begin_stream(call.id, "application/json");  // at once: the CLI waits for the headers
  if (!local.process_runs && condition != "removed") {
    call.desk.piece(call.id, wait_reply(local.exit_code));
    return call.desk.end(call.id);
  }
  call.desk.await_end(call.id, local.task.id, condition == "removed",
                      [](Desk& desk, ApiId id, std::int64_t exit_code) {
                        desk.piece(id, wait_reply(exit_code));
                        desk.end(id);
                      });
}

void remove_container(Call& call) {
  const auto found = find_container(call.context, call.name);
  if (!found) return call.refuse(found.error());
  const agent::LocalTask& local = **found;
  if (!local.process_runs)
    return call.refuse(
        not_yet("an ended task stays as the swarm's history keeps it: see `docker swarm update "
                "--task-history-limit`"));
  if (!call.target.flag("force"))
    return call.refuse(plain_error(
        Code::already_exists, "cannot remove container \"" + call.name +
                                  "\": container is running: stop the container before removing or force "
                                  "remove"));
  call.desk.perform(call.id, SignalContainer{local.task.id, kKill}, reply_when_ended(local.task.id));
}

void prune_containers(Call& call) { call.reply(R"({"ContainersDeleted":[],"SpaceReclaimed":0})"); }

}  // namespace swarm::docker
