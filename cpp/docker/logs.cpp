#include "docker/logs.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/number.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "docker/url.hpp"
#include "model/task.hpp"
#include "model/wire.hpp"
#include "store/store.hpp"

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

// Docker's stream numbers.
constexpr char kOut = 1, kErr = 2, kSystemError = 3;

// swarmkit manager/logbroker/subscription.go
constexpr const char* kIncomplete =
    "warning: incomplete log stream. some logs could not be retrieved for the following reasons: ";

std::string framed(const LogStream& stream, char kind, std::string payload) {
  if (stream.raw) return payload;
  std::string frame{kind, 0, 0, 0};
  put_u32(frame, static_cast<std::uint32_t>(payload.size()));
  return frame + payload;
}

std::string line_frame(const LogStream& stream, const wire::LogLine& line, const store::Store* store,
                       std::string_view more_details) {
  std::string payload;
  if (stream.timestamps) payload += to_rfc3339_fixed(line.time) + " ";
  if (stream.details && stream.swarm) (payload += swarm_details(line, store)) += more_details;
  if (stream.details) payload += ' ';
  return framed(stream, line.err ? kErr : kOut, payload + line.text + '\n');
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

void note_missing(LogStream& stream, const std::string& reason) {
  if (std::ranges::find(stream.missing, reason) == stream.missing.end()) stream.missing.push_back(reason);
}

std::string log_frame(const LogStream& stream, const wire::LogLine& line, const store::Store* store) {
  return line_frame(stream, line, store, "");
}

std::string missing_frame(const LogStream& stream, const wire::MissingLog& missing, WallTime now,
                          const store::Store* store) {
  const wire::LogLine line{missing.task, true, now, std::string(kIncomplete) + missing.reason};
  return line_frame(stream, line, store, ",swarmpy.missing=true");
}

std::string incomplete_frame(const LogStream& stream) {
  if (stream.missing.empty()) return {};
  std::string text = std::string("Error grabbing logs: rpc error: code = Unknown desc = ") + kIncomplete;
  for (std::size_t i = 0; i < stream.missing.size(); ++i) text += (i == 0 ? "" : ", ") + stream.missing[i];
  return framed(stream, kSystemError, text + '\n');
}

std::string log_content_type(const LogStream& stream, ApiVersion version) {
  return stream.raw || version < kFirstMultiplexedLogs ? "application/vnd.docker.raw-stream"
                                                       : "application/vnd.docker.multiplexed-stream";
}

bool has_logs(const model::Task& task) {
  using model::TaskState;
  if (task.node_id.empty()) return false;
  // FAILED is what began to start: also one whose node was killed and does not know the container's id any
  // more.
  if (task.state() == TaskState::running || task.state() == TaskState::failed) return true;
  return model::is_terminal(task.state()) && !task.status.container.container_id.empty();
}

}  // namespace swarm::docker
