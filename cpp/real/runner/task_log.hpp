// TaskLog: the output of one task, bounded: two files of at most a mebibyte, the older one dropped when the
// newer is full. A line of the file is "<unix ns> <o|e> <text>".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/wire.hpp"
#include "real/files.hpp"

namespace swarm::real {

class TaskLogFile {
 public:
  TaskLogFile() = default;
  explicit TaskLogFile(std::string path) : path_(std::move(path)) {}

  // Failures are not the task's fault and not worth stopping it: lines are lost, and `failure` says why.
  void append(const std::vector<wire::LogLine>& lines);
  void close() { fd_.reset(); }  // until the next line
  const std::string& failure() const { return failure_; }
  // Returns the lines in the order of time, as far as the options want them.
  std::vector<wire::LogLine> read(TaskId task, const wire::LogOptions& options) const;

 private:
  std::string path_;
  Fd fd_;
  std::size_t size_ = 0;
  std::string failure_;  // of the first lines that could not be kept
};

bool wanted(const wire::LogLine& line, const wire::LogOptions& options);

// Bytes of a pipe into lines. A line beyond 16 KiB is cut into several, as Docker does.
class LineSplitter {
 public:
  void add(std::string_view bytes, std::vector<std::string>& lines);
  void finish(std::vector<std::string>& lines);  // what has no newline at its end

 private:
  std::string partial_;
};

}  // namespace swarm::real
