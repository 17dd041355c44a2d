// LogTrace: what happens in a daemon, as lines on stderr in dockerd's shape, by level.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ports/ports.hpp"

namespace swarm::real {

enum class LogLevel { debug, info, warn, error, fatal };
std::optional<LogLevel> parse_log_level(std::string_view word);

class LogTrace final : public ports::Trace {
 public:
  explicit LogTrace(LogLevel level) : level_(level) {}
  bool enabled() const override { return level_ <= LogLevel::info; }
  void record(std::string_view kind, std::string text) override;
  void log(LogLevel level, std::string_view message);

 private:
  LogLevel level_;
};

}  // namespace swarm::real
