// Logs: lines of tasks as Docker frames them: one frame per line, an 8 byte header [stream, 0, 0, 0, length],
// then the time and the details in front of the text where they are wanted. A task with a terminal gets no
// headers.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "docker/api.hpp"
#include "docker/url.hpp"

namespace swarm::docker {

struct LogStream {
  wire::LogOptions options;
  bool timestamps = false;
  bool details = false;
  bool swarm = false;                // details name node, service and task
  bool raw = false;                  // a terminal's output
  ServiceId service;                 // of a service's logs: new tasks are taken in while it follows
  TaskId only;                       // of the service's tasks no other than this one
  std::set<TaskId> tasks;            // asked for so far
  std::size_t open = 0;              // answers still to end
  std::vector<std::string> missing;  // why some could not be had, each reason once
};

// The query of every logs route. "Bad parameters: you must choose at least one stream" with the status given.
Result<LogStream> read_log_query(const Target& target, int no_stream_status);
std::string log_frame(const LogStream& stream, const wire::LogLine& line, const store::Store* store);
std::string log_content_type(const LogStream& stream, ApiVersion version);
void note_missing(LogStream& stream, const std::string& reason);
// For a client that follows: a line on stderr in the task's name. Its details say "swarmpy.missing=true",
// which tells it apart from the task's own lines.
std::string missing_frame(const LogStream& stream, const wire::MissingLog& missing, WallTime now,
                          const store::Store* store);
// The last words of a stream of which a part is missing, as moby says them; "" when nothing is. The stock CLI
// prints them on stderr and exits with 1.
std::string incomplete_frame(const LogStream& stream);
// Returns true if the task may have written something.
bool has_logs(const model::Task& task);

}  // namespace swarm::docker
