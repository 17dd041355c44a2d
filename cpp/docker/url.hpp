// Target: the path and query of a request, taken apart: version prefix, segments, query values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace swarm::docker {

struct ApiVersion {
  std::uint32_t major = 0, minor = 0;
  friend auto operator<=>(const ApiVersion&, const ApiVersion&) = default;
};
inline constexpr ApiVersion kMaxVersion{1, 50}, kMinVersion{1, 24}, kFirstJsonErrors{1, 24},
    kFirstMultiplexedLogs{1, 42};

class Target {
 public:
  static Target parse(std::string_view target);

  std::string version_text;           // "1.50"; empty: none was given
  ApiVersion version = kMaxVersion;   // as asked for; the newest when none was given
  std::vector<std::string> segments;  // of the path, decoded, without the version
  std::vector<std::pair<std::string, std::string>> query;

  bool has(std::string_view name) const { return value(name) != nullptr; }
  std::string text(std::string_view name) const;
  // Docker's lenient flags: "", "0", "no", "false", "none" are false, anything else is true.
  bool flag(std::string_view name) const;
  // Docker's strict ones, by Go's strconv.ParseBool; absent and empty are false.
  Result<bool> strict_flag(std::string_view name) const;
  // "1700000000", "1700000000.123456789", or RFC 3339; nothing when absent or empty.
  Result<std::optional<WallTime>> time(std::string_view name) const;

 private:
  const std::string* value(std::string_view name) const;
};

std::string percent_decode(std::string_view text, bool plus_is_blank);
// Go's url.QueryEscape.
std::string query_escape(std::string_view text);
// Go's sentence for a text that is no number (or none that its type can hold):
// `WHAT: strconv.FUNCTION: parsing "x": invalid syntax`.
Error not_a_number(std::string_view what, std::string_view function, std::string_view text);

}  // namespace swarm::docker
