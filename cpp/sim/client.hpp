// What a person with the docker CLI would type, as requests: the bodies that workloads and stories send
// through the front door of a machine. NOT a client library: Python has its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/world.hpp"

namespace swarm::sim {

http::Request get(std::string target);
http::Request post(std::string target, std::string body = {});
http::Request del(std::string target);

// The flags of `docker service create`, as far as stories need them.
struct ServiceWish {
  std::string name, image = "nginx:1.10";
  bool global = false;
  std::uint64_t replicas = 1;
  std::vector<std::string> args, constraints, env;
  std::int64_t reserve_nano_cpus = 0, reserve_memory = 0;
  std::uint64_t max_per_node = 0;
  std::string spread;  // a placement preference: "node.labels.zone"
  std::string restart_condition = "any";
  Duration restart_delay = Duration::seconds(5);
  std::uint64_t max_attempts = 0;
  Duration restart_window;
  struct Update {
    std::uint64_t parallelism = 1;
    Duration delay, monitor = Duration::seconds(5);
    std::string failure_action = "pause", order = "stop-first";
    double max_failure_ratio = 0;
  };
  Update update, rollback;
  Duration stop_grace = Duration::seconds(10);
  std::uint64_t force_update = 0;
  std::uint32_t published_port = 0, target_port = 0;
  std::vector<std::string> networks = {};
};
std::string to_json(const ServiceWish& wish);

// How many entries a manager's log has at most, about, and how many are kept when it is shortened.
struct LogLength {
  std::uint64_t interval = 10'000, keep = 500;
};
http::Request swarm_init(const Address& address, const LogLength& log = {});
http::Request swarm_join(const Address& address, const Address& remote, std::string_view token);

// {"Version":{"Index":n}} and {"ID":"..."} of a reply; 0 and "" when there is none.
std::uint64_t version_of(std::string_view json);
std::string id_of(std::string_view json);
std::string message_of(std::string_view json);  // of an error reply
std::string join_token_of(std::string_view json,
                          std::string_view role);  // of GET /swarm; "Worker" or "Manager"

// m1 inits, the others join one after the other; an error in one sentence, or "".
std::string form_swarm(World& world, const std::vector<std::string>& managers,
                       const std::vector<std::string>& workers, const LogLength& log = {});
// The machine that leads; "" when none does.
std::string leader_of(const World& world);

}  // namespace swarm::sim
