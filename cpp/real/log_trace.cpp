#include "real/log_trace.hpp"

#include <unistd.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "real/http/reactor.hpp"

namespace swarm::real {
namespace {

constexpr const char* kWords[] = {"debug", "info", "warning", "error", "fatal"};

// What comes with every frame or connection is for debugging; the rest is rare and worth a line.
LogLevel level_of(std::string_view kind) {
  if (kind.starts_with("warning.")) return LogLevel::warn;
  return kind.starts_with("link.") || kind.starts_with("frame.") ? LogLevel::debug : LogLevel::info;
}

}  // namespace

std::optional<LogLevel> parse_log_level(std::string_view word) {
  if (word == "debug" || word == "trace") return LogLevel::debug;
  if (word == "info") return LogLevel::info;
  if (word == "warn" || word == "warning") return LogLevel::warn;
  if (word == "error") return LogLevel::error;
  if (word == "fatal" || word == "panic") return LogLevel::fatal;
  return std::nullopt;
}

void LogTrace::record(std::string_view kind, std::string text) {
  log(level_of(kind), std::string(kind) + " " + text);
}

void LogTrace::log(LogLevel level, std::string_view message) {
  if (level < level_) return;
  std::string line =
      "time=\"" + to_rfc3339_fixed(wall_now()) + "\" level=" + kWords[static_cast<int>(level)] + " msg=\"";
  for (const char c : message) {
    if (c == '"' || c == '\\') line += '\\';
    line += c == '\n' ? ' ' : c;
  }
  line += "\"\n";
  [[maybe_unused]] const auto written =
      ::write(STDERR_FILENO, line.data(), line.size());  // one piece, never torn
}

}  // namespace swarm::real
