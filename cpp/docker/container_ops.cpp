// What may be done to a task's container: kill, stop, wait, remove. The swarm sees a task that failed, and
// replaces it.
#include <cstdint>
#include <optional>
#include <string>

#include "agent/worker.hpp"
#include "base/number.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "docker/api.hpp"
#include "docker/call.hpp"
#include "docker/containers.hpp"
#include "docker/errors.hpp"
#include "docker/handlers.hpp"
#include "docker/json.hpp"
#include "docker/replies.hpp"
#include "docker/url.hpp"
#include "docker/waits.hpp"
#include "model/signal.hpp"

namespace swarm::docker {
namespace {

Result<int> parse_signal(const std::string& text) {
  if (const auto number = model::parse_signal(text)) return *number;
  return plain_error(Code::invalid_argument, "invalid signal: " + text);
}

std::string wait_reply(std::int64_t exit_code) {
  Json json;
  json.object([&] { json.field("StatusCode", exit_code).null("Error"); });
  return json.take() + "\n";
}

}  // namespace

void say(const ContainerKilled& then, Replies& replies, ApiId id, const OperationResult&,
         const Context& context) {
  replies.observe(agent::ContainerEvent{then.task, "kill", 0, then.signal}, context);
  replies.reply_empty(id, 204);
}

void say(const ContainerStopped& then, Replies& replies, ApiId id, const OperationResult&,
         const Context& context) {
  const agent::LocalTask* local = local_task(context, then.task);
  if (local == nullptr || !local->process_runs) return replies.reply_empty(id, 204);
  replies.await_end(id, {then.task, false, false});
}

void say_exit_code(Replies& replies, ApiId id, std::int64_t exit_code) {
  replies.piece(id, wait_reply(exit_code));
  replies.end(id);
}

void kill_container(Call& call) {
  const std::string wish = call.target.text("signal");
  const auto signal = wish.empty() ? model::kKillSignal : parse_signal(wish);
  if (!signal) return call.refuse(signal.error());
  const auto found = find_container(call.context, call.name);
  if (!found) return call.refuse(found.error());
  const agent::LocalTask& local = **found;
  if (!local.process_runs)
    return call.refuse(plain_error(
        Code::already_exists,
        "cannot kill container: " + call.name + ": container " + local.container_id + " is not running"));
  const TaskId task = local.task.id;
  call.replies.perform(call.id, SignalContainer{task, *signal}, ContainerKilled{task, *signal});
}

void stop_container(Call& call) {
  const auto found = find_container(call.context, call.name);
  if (!found) return call.refuse(found.error());
  if (!(*found)->process_runs) return call.reply_empty(304);
  const TaskId task = (*found)->task.id;
  StopContainer wish{task, std::nullopt, 0};
  if (const std::string word = call.target.text("signal"); !word.empty()) {
    const auto signal = parse_signal(word);
    if (!signal) return call.refuse(signal.error());
    wish.signal = *signal;
  }
  if (const std::string seconds = call.target.text("t"); !seconds.empty()) {
    const auto number = parse_whole<std::int64_t>(seconds);
    if (!number) return call.refuse(not_a_number("invalid value for t", "Atoi", seconds));
    // Docker: a negative number waits as long as it takes.
    wish.grace = *number < 0 ? Duration::max() : Duration::seconds(*number);
  }
  call.replies.perform(call.id, wish, ContainerStopped{task});
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
  call.replies.begin_stream(call.id, "application/json");  // at once: the CLI waits for the headers
  if (!local.process_runs && condition != "removed") {
    call.replies.piece(call.id, wait_reply(local.exit_code));
    return call.replies.end(call.id);
  }
  call.replies.await_end(call.id, {local.task.id, condition == "removed", true});
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
  call.replies.perform(call.id, SignalContainer{local.task.id, model::kKillSignal},
                       ContainerStopped{local.task.id});
}

void prune_containers(Call& call) { call.reply(R"({"ContainersDeleted":[],"SpaceReclaimed":0})"); }

}  // namespace swarm::docker
