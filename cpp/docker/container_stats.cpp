// GET /containers/{id}/stats: what a task's processes use, each second or once. Networks and block devices
// are not counted per task: their numbers are absent.
#include <algorithm>
#include <cstdint>
#include <string>

#include "agent/worker.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "docker/api.hpp"
#include "docker/call.hpp"
#include "docker/containers.hpp"
#include "docker/handlers.hpp"
#include "docker/json.hpp"
#include "docker/replies.hpp"
#include "docker/waits.hpp"
#include "model/task.hpp"
#include "ports/runner.hpp"

namespace swarm::docker {
namespace {

constexpr Duration kPeriod = Duration::seconds(1);

std::uint64_t cpus_of(const LocalNode& local) {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(local.description.resources.nano_cpus / 1'000'000'000, 1));
}

StatsSample sample_of(const Context& context, TaskId task) {
  const std::int64_t cpus = static_cast<std::int64_t>(cpus_of(context.local));
  return {context.runner.usage(task).value_or(ports::Usage{}), Duration::nanos(context.now.ns * cpus),
          context.wall};
}

void write_cpu(Json& json, const char* name, const StatsSample& sample, const LocalNode& local) {
  json.object(name, [&] {
    json.object("cpu_usage", [&] {
      json.field("total_usage", sample.usage.cpu_user + sample.usage.cpu_system)
          .field("usage_in_kernelmode", sample.usage.cpu_system)
          .field("usage_in_usermode", sample.usage.cpu_user);
    });
    json.field("system_cpu_usage", sample.system).field("online_cpus", cpus_of(local));
    json.object("throttling_data", [&] {
      for (const char* none : {"periods", "throttled_periods", "throttled_time"}) json.field(none, 0);
    });
  });
}

std::string stats_line(const Context& context, const agent::LocalTask& local, const StatsSample& before,
                       const StatsSample& sample) {
  Json json;
  json.object([&] {
    json.field("name", "/" + model::task_name(local.task)).field("id", local.container_id);
    json.field("read", sample.read).field("preread", before.read).field("num_procs", 0);
    json.object("pids_stats", [&] { json.field_if("current", sample.usage.processes); });
    write_cpu(json, "cpu_stats", sample, context.local);
    write_cpu(json, "precpu_stats", before, context.local);
    json.object("memory_stats", [&] {
      if (sample.usage.processes == 0) return;
      json.field("usage", sample.usage.memory_bytes).object("stats", [] {});
      json.field("limit", context.local.description.resources.memory_bytes);
    });
    json.object("blkio_stats", [] {}).object("storage_stats", [] {});
  });
  return json.take() + "\n";
}

}  // namespace

// One more line; a task of which nothing is left has none.
void say(StatsBeat beat, Replies& replies, ApiId id, const Context& context) {
  const agent::LocalTask* local = local_task(context, beat.task);
  if (local == nullptr || !is_container(*local)) return replies.end(id);
  const StatsSample sample = sample_of(context, beat.task);
  replies.piece(id, stats_line(context, *local, beat.before, sample));
  if (!beat.goes_on) return replies.end(id);
  beat.before = sample;
  replies.open_beat(id, beat, context.now + kPeriod);
}

// A share of the CPU needs two samples: a client that asks once without `one-shot` waits for the second, and
// a stream begins with one that has nothing to be compared with.
void show_stats(Call& call) {
  const auto found = find_container(call.context, call.name);
  if (!found) return call.refuse(found.error());
  const agent::LocalTask& local = **found;
  const bool streams = call.target.text("stream").empty() || call.target.flag("stream");
  if (streams && call.target.flag("one-shot"))
    return call.refuse(plain_error(Code::invalid_argument, "cannot have stream=true and one-shot=true"));
  const StatsSample first = sample_of(call.context, local.task.id);
  call.replies.begin_stream(call.id, "application/json");
  const bool at_once = streams || call.target.flag("one-shot") || !local.process_runs;
  if (at_once) call.replies.piece(call.id, stats_line(call.context, local, {}, first));
  if (at_once && !streams) return call.replies.end(call.id);
  call.replies.open_beat(call.id, StatsBeat{local.task.id, first, streams}, call.context.now + kPeriod);
}

}  // namespace swarm::docker
