// Logs: lines of tasks as Docker frames them: one frame per line, an 8 byte header [stream, 0, 0, 0, length],
// then the time and the details in front of the text where they are wanted. A task with a terminal gets no
// headers.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "docker/api.hpp"
#include "docker/url.hpp"

namespace swarm::docker {

struct LogStream {
  wire::LogOptions options;
  bool timestamps = false;
  bool details = false;
  bool swarm = false;      // details name node, service and task
  bool raw = false;        // a terminal's output
  ServiceId service;       // of a service's logs: new tasks are taken in while it follows
  std::set<TaskId> tasks;  // asked for so far
  std::size_t open = 0;    // answers still to end
};

// The query of every logs route. "Bad parameters: you must choose at least one stream" with the status given.
Result<LogStream> read_log_query(const Target& target, int no_stream_status);
std::string log_frame(const LogStream& stream, const wire::LogLine& line, const store::Store* store);
std::string log_content_type(const LogStream& stream, ApiVersion version);
// Has the task ever had something to say?
bool has_logs(const model::Task& task);

}  // namespace swarm::docker
