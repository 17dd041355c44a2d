#include "tools/swarm_web/settings.hpp"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "base/number.hpp"

namespace swarm::web {
namespace {

std::string env(const char* name, const char* otherwise = "") {
  const char* value = std::getenv(name);
  return value != nullptr ? value : otherwise;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::optional<std::int64_t> millis(const char* name) {
  const std::string text = env(name);
  if (text.empty()) return std::nullopt;
  const auto value = parse_millis(text);
  if (!value) std::fprintf(stderr, "swarm-web: %s=%s is no duration; it is ignored\n", name, text.c_str());
  return value;
}

// The same bytes at every request of one task: nothing here changes while it runs.
std::string page_of(const Settings& settings) {
  const struct {
    const char *label, *name;
  } rows[] = {{"image", "SWARM_IMAGE"},
              {"service", "SWARM_SERVICE_NAME"},
              {"task", "SWARM_TASK_ID"},
              {"slot", "SWARM_TASK_SLOT"},
              {"node", "SWARM_NODE_HOSTNAME"}};
  const std::string title = escaped(env("SWARM_SERVICE_NAME", "swarm-web"));
  std::string page = "<!DOCTYPE html>\n<title>" + title + "</title>\n<h1>" + title + "</h1>\n<pre>\n";
  for (const auto& row : rows) page += std::string(row.label) + ": " + escaped(env(row.name)) + "\n";
  return page + "address: " + settings.address + ":" + std::to_string(settings.port) + "\n</pre>\n";
}

}  // namespace

std::optional<std::int64_t> parse_millis(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  const std::string unit = end;
  if (end == text.c_str() || !(number >= 0)) return std::nullopt;
  const double factor = unit == "ms" ? 1 : unit == "s" || unit.empty() ? 1000 : unit == "m" ? 60'000 : -1;
  if (factor < 0 || number * factor > 1e12) return std::nullopt;
  return std::llround(number * factor);
}

Settings read_settings(bool redis) {
  Settings out;
  out.address = env("SWARM_TASK_IP", "127.0.0.1");
  out.bind = env("SWARM_TASK_BIND", out.address.c_str());
  const std::string port = redis ? env("SWARM_PORT_6379", "6379") : env("SWARM_PORT_80", "80");
  out.port = parse_whole<std::uint16_t>(env("SWARM_WEB_PORT", port.c_str())).value_or(0);
  out.redis = redis;
  out.start_delay_ms = millis("SWARM_WEB_START_DELAY").value_or(0);
  out.drain_ms = millis("SWARM_WEB_DRAIN").value_or(0);
  out.fail_after_ms = millis("SWARM_WEB_FAIL_AFTER");
  if (const std::string fail = env("SWARM_WEB_FAIL"); !fail.empty() && fail != "0" && fail != "false") {
    const int code = parse_whole<std::uint8_t>(fail).value_or(0);
    out.fail_code = code > 0 ? code : 1;
  }
  if (const std::string unready = env("SWARM_WEB_UNREADY"); unready == "1" || unready == "true") {
    out.unready_ms = -1;
  } else {
    out.unready_ms = millis("SWARM_WEB_UNREADY");
  }
  out.page = page_of(out);
  return out;
}

}  // namespace swarm::web
