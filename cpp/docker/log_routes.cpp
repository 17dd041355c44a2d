// GET /containers/{id}/logs, /services/{id}/logs, /tasks/{id}/logs
#include <string>
#include <utility>

#include "agent/worker.hpp"
#include "docker/api.hpp"
#include "docker/call.hpp"
#include "docker/containers.hpp"
#include "docker/handlers.hpp"
#include "docker/logs.hpp"
#include "docker/lookup.hpp"
#include "model/container_spec.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"

namespace swarm::docker {
namespace {

// moby answers bad queries of containers with 400, of services and tasks with 500.
constexpr int kContainerStatus = 400, kSwarmStatus = 500;

bool has_terminal(const model::TaskSpec& spec) { return spec.container && spec.container->tty; }

void start(Call& call, LogStream stream, Operation operation) {
  call.replies.begin_stream(call.id, log_content_type(stream, call.target.version));
  call.replies.open_logs(call.id, std::move(stream), std::move(operation));
}

void start_swarm(Call& call, LogStream stream, bool terminal) {
  stream.swarm = true;
  stream.raw = terminal;
  const OpenSwarmLogs wish{{stream.tasks.begin(), stream.tasks.end()}, stream.options};
  start(call, std::move(stream), wish);
}

// Its task never began: there is no output, and of one that no node has got Docker says so.
void tell_of_no_logs(Call& call, LogStream stream, const model::Task& task) {
  if (task.node_id.empty()) note_missing(stream, "task " + task.id.str() + " has not been scheduled");
  stream.raw = has_terminal(task.spec());
  call.replies.begin_stream(call.id, log_content_type(stream, call.target.version));
  if (std::string frame = incomplete_frame(stream); !frame.empty())
    call.replies.piece(call.id, std::move(frame));
  call.replies.end(call.id);
}

}  // namespace

void container_logs(Call& call) {
  const auto found = find_container(call.context, call.name);
  if (!found) return call.refuse(found.error());
  auto stream = read_log_query(call.target, kContainerStatus);
  if (!stream) return call.refuse(stream.error());
  const agent::LocalTask& local = **found;
  stream->raw = container_spec(local).tty;
  const OpenLocalLogs wish{local.task.id, stream->options};
  start(call, std::move(*stream), wish);
}

void service_logs(Call& call) {
  const auto service = find_service(call.store(), call.name);
  if (!service) return call.refuse(service.error());
  auto stream = read_log_query(call.target, kSwarmStatus);
  if (!stream) return call.refuse(stream.error());
  stream->service = (*service)->id;
  for (const auto& [slot, id] : call.store().tasks_of_service((*service)->id))
    if (has_logs(*call.store().task(id))) stream->tasks.insert(id);
  start_swarm(call, std::move(*stream), has_terminal((*service)->spec.task));
}

// A client that follows waits for a task that has written nothing yet.
void task_logs(Call& call) {
  const auto found = find_task(call.store(), call.name);
  if (!found) return call.refuse(found.error());
  auto stream = read_log_query(call.target, kSwarmStatus);
  if (!stream) return call.refuse(stream.error());
  const model::Task& task = **found;
  if (has_logs(task)) stream->tasks.insert(task.id);
  stream->service = task.service_id;
  stream->only = task.id;
  const bool waits = stream->options.follow && !model::is_terminal(task.state());
  if (!has_logs(task) && !waits) return tell_of_no_logs(call, std::move(*stream), task);
  start_swarm(call, std::move(*stream), has_terminal(task.spec()));
}

}  // namespace swarm::docker
