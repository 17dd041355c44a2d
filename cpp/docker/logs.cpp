#include "docker/logs.hpp"

#include "base/bytes.hpp"
#include "base/number.hpp"
#include "docker/errors.hpp"

namespace swarm::docker {
namespace {

// The words that the CLI insists on ("missing node id in details"), sorted by key.
std::string swarm_details(const wire::LogLine& line, const store::Store* store) {
  const auto task = store == nullptr ? nullptr : store->task(line.task);
  const std::string node = task ? task->node_id.str() : "", service = task ? task->service_id.str() : "";
  return "com.docker.swarm.node.id=" + node + ",com.docker.swarm.service.id=" + service +
         ",com.docker.swarm.task.id=" + line.task.str();
}

constexpr std::int64_t kAll = -1;

// Less than kAll: a negative number.
std::optional<std::int64_t> parse_tail(const std::string& text) {
  if (text.empty() || text == "all") return kAll;
  const auto number = parse_whole<std::int64_t>(text);
  return number && *number < 0 ? kAll - 1 : number;
}

}  // namespace

Result<LogStream> read_log_query(const Target& target, int no_stream_status) {
  LogStream out;
  out.options.out = target.flag("stdout");
  out.options.err = target.flag("stderr");
  if (!out.options.out && !out.options.err)
    return Error{Code::invalid_argument,
                 "Bad parameters: you must choose at least one stream",
                 {},
                 false,
                 no_stream_status};
  const auto tail = parse_tail(target.text("tail"));
  if (!tail || *tail < kAll)
    return Error{
        Code::invalid_argument,
        tail ? "negative tail values not supported" : "tail value must be a positive integer or \"all\"",
        {},
        false,
        no_stream_status};
  const auto since = target.time("since"), until = target.time("until");
  if (!since) return since.error();
  if (!until) return until.error();
  out.options.follow = target.flag("follow");
  out.options.tail = *tail;
  out.options.since = since->value_or(WallTime{});
  out.options.until = until->value_or(WallTime{});
  out.timestamps = target.flag("timestamps");
  out.details = target.flag("details");
  return out;
}

std::string log_frame(const LogStream& stream, const wire::LogLine& line, const store::Store* store) {
  std::string payload;
  if (stream.timestamps) payload += to_rfc3339_fixed(line.time) + " ";
  if (stream.details) payload += (stream.swarm ? swarm_details(line, store) : std::string()) + " ";
  payload += line.text;
  payload += '\n';
  if (stream.raw) return payload;
  std::string frame;
  frame += line.err ? '\2' : '\1';
  frame.append(3, '\0');
  put_u32(frame, static_cast<std::uint32_t>(payload.size()));
  return frame + payload;
}

std::string log_content_type(const LogStream& stream, ApiVersion version) {
  return stream.raw || version < kFirstMultiplexedLogs ? "application/vnd.docker.raw-stream"
                                                       : "application/vnd.docker.multiplexed-stream";
}

bool has_logs(const model::Task& task) {
  return !task.node_id.empty() &&
         (task.state() == model::TaskState::running ||
          (model::is_terminal(task.state()) && !task.status.container.container_id.empty()));
}

}  // namespace swarm::docker
