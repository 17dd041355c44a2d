// What swarm-web takes from its environment. Durations: "2s", "1.5s", "300ms", or a bare number of seconds.
//
//   SWARM_WEB_START_DELAY=2s   listen only after this long
//   SWARM_WEB_FAIL=CODE        exit with CODE at once ("true" and the like: 1)
//   SWARM_WEB_FAIL_AFTER=5s    exit with code 1 after this long
//   SWARM_WEB_UNREADY=10s      answer 503 for this long ("1", "true": for ever)
//   SWARM_WEB_DRAIN=3s         on SIGTERM, go on accepting for this long; then, or without it
//                              at once, answer open connections (idle ones have 100 ms) and exit 0
//   SWARM_WEB_PORT=8080        the port to bind; default $SWARM_PORT_80, then 80
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace swarm::web {

struct Settings {
  std::string address = "127.0.0.1";  // $SWARM_TASK_IP
  std::string bind;                   // where it listens: its address, or all of its namespace
  int port = 80;                      // 0: what was given is no port
  bool redis = false;  // speak its protocol (redis.hpp); default port $SWARM_PORT_6379, then 6379
  std::int64_t start_delay_ms = 0, drain_ms = 0;
  std::optional<int> fail_code;
  std::optional<std::int64_t> fail_after_ms, unready_ms;  // unready: -1 is for ever
  std::string page;
};

// Nothing for what is no duration.
std::optional<std::int64_t> parse_millis(const std::string& text);
Settings read_settings(bool redis);

}  // namespace swarm::web
