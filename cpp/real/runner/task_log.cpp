#include "real/runner/task_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "model/wire.hpp"
#include "real/files.hpp"

namespace swarm::real {
namespace {

constexpr std::size_t kMaxFile = 1024UL * 1024;
constexpr std::size_t kMaxLine = 16UL * 1024;

bool parse_line(std::string_view text, wire::LogLine& line) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), line.time.ns);
  const auto used = static_cast<std::size_t>(end - text.data());
  if (error != std::errc() || text.size() < used + 3) return false;
  line.err = text[used + 1] == 'e';
  line.text = std::string(text.substr(used + 3));
  return true;
}

}  // namespace

bool wanted(const wire::LogLine& line, const wire::LogOptions& options) {
  return (line.err ? options.err : options.out) && options.since <= line.time &&
         (options.until.ns == 0 || line.time <= options.until);
}

void TaskLogFile::append(const std::vector<wire::LogLine>& lines) {
  if (lines.empty()) return;
  if (!fd_.valid()) {
    fd_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    struct stat found {};
    size_ = fd_.valid() && ::fstat(fd_.get(), &found) == 0 ? static_cast<std::size_t>(found.st_size) : 0;
  }
  std::string text;
  for (const auto& line : lines)
    text += std::to_string(line.time.ns) + (line.err ? " e " : " o ") + line.text + '\n';
  const auto written =
      fd_.valid() ? write_all(fd_.get(), text, path_) : Result<void>(file_error(path_, "cannot be opened"));
  if (written) size_ += text.size();
  if (!written && failure_.empty()) failure_ = written.error().message;
  if (size_ < kMaxFile) return;
  std::rename(path_.c_str(), (path_ + ".1").c_str());
  fd_.reset();
}

std::vector<wire::LogLine> TaskLogFile::read(TaskId task, const wire::LogOptions& options) const {
  std::vector<wire::LogLine> out;
  for (const std::string& path : {path_ + ".1", path_}) {
    const auto text = exists(path) ? read_file(path) : Result<std::string>(std::string());
    if (!text) continue;
    std::string_view rest = *text;
    for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      wire::LogLine line;
      line.task = task;
      if (parse_line(rest.substr(0, end), line) && wanted(line, options)) out.push_back(std::move(line));
      rest.remove_prefix(end + 1);
    }
  }
  if (options.tail >= 0 && out.size() > static_cast<std::size_t>(options.tail))
    out.erase(out.begin(), out.end() - options.tail);
  return out;
}

void LineSplitter::add(std::string_view bytes, std::vector<std::string>& lines) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const auto take =
        std::min(end == std::string_view::npos ? bytes.size() : end, kMaxLine - partial_.size());
    partial_ += bytes.substr(0, take);
    const bool whole = take == end;
    bytes.remove_prefix(take + (whole ? 1 : 0));
    if (!whole && partial_.size() < kMaxLine) continue;
    lines.push_back(std::move(partial_));
    partial_.clear();
  }
}

void LineSplitter::finish(std::vector<std::string>& lines) {
  if (!partial_.empty()) lines.push_back(std::move(partial_));
  partial_.clear();
}

}  // namespace swarm::real
