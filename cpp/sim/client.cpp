#include "sim/client.hpp"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "docker/json.hpp"
#include "model/mesh.hpp"
#include "node/node.hpp"
#include "ports/http.hpp"
#include "raft/message.hpp"
#include "raft/raft.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

using docker::Json;

http::Request request(const char* method, std::string target, std::string body) {
  http::Request out{method, std::move(target), {}, std::move(body)};
  if (!out.body.empty()) out.headers.emplace_back("content-type", "application/json");
  return out;
}

void write_update(Json& json, std::string_view name, const ServiceWish::Update& update) {
  json.object(name, [&] {
    json.field("Parallelism", update.parallelism)
        .field_if("Delay", update.delay)
        .field("FailureAction", update.failure_action)
        .field("Monitor", update.monitor)
        .field("MaxFailureRatio", update.max_failure_ratio)
        .field("Order", update.order);
  });
}

void write_task(Json& json, const ServiceWish& wish) {
  json.object("TaskTemplate", [&] {
    json.object("ContainerSpec", [&] {
      json.field("Image", wish.image).field("StopGracePeriod", wish.stop_grace);
      if (!wish.args.empty()) json.field("Args", wish.args);
      if (!wish.env.empty()) json.field("Env", wish.env);
    });
    json.object("Resources", [&] {
      json.object("Limits", [] {});
      json.object("Reservations", [&] {
        json.field_if("NanoCPUs", wish.reserve_nano_cpus).field_if("MemoryBytes", wish.reserve_memory);
      });
    });
    json.object("RestartPolicy", [&] {
      json.field("Condition", wish.restart_condition)
          .field("Delay", wish.restart_delay)
          .field("MaxAttempts", wish.max_attempts)
          .field_if("Window", wish.restart_window);
    });
    json.object("Placement", [&] {
      if (!wish.constraints.empty()) json.field("Constraints", wish.constraints);
      json.field_if("MaxReplicas", wish.max_per_node);
      if (!wish.spread.empty())
        json.array("Preferences", [&] {
          json.object([&] { json.object("Spread", [&] { json.field("SpreadDescriptor", wish.spread); }); });
        });
    });
    json.field("ForceUpdate", wish.force_update);
    if (!wish.networks.empty())
      json.array("Networks", [&] {
        for (const auto& network : wish.networks) json.object([&] { json.field("Target", network); });
      });
  });
}

std::string text_at(std::string_view json, std::initializer_list<std::string_view> path) {
  const auto parsed = docker::parse_json(json);
  if (!parsed) return {};
  const docker::Value* at = &*parsed;
  for (const auto key : path) {
    at = at->find(key);
    if (at == nullptr) return {};
  }
  return at->text() == nullptr ? std::string() : *at->text();
}

}  // namespace

http::Request get(std::string target) { return request("GET", std::move(target), {}); }
http::Request post(std::string target, std::string body) {
  return request("POST", std::move(target), std::move(body));
}
http::Request del(std::string target) { return request("DELETE", std::move(target), {}); }

std::string to_json(const ServiceWish& wish) {
  Json json;
  json.object([&] {
    json.field("Name", wish.name);
    json.object("Labels", [] {});
    write_task(json, wish);
    json.object("Mode", [&] {
      if (wish.global) {
        json.object("Global", [] {});
      } else {
        json.object("Replicated", [&] { json.field("Replicas", wish.replicas); });
      }
    });
    write_update(json, "UpdateConfig", wish.update);
    write_update(json, "RollbackConfig", wish.rollback);
    if (wish.target_port != 0)
      json.object("EndpointSpec", [&] {
        json.field("Mode", "vip").array("Ports", [&] {
          json.object([&] {
            json.field("Protocol", "tcp")
                .field("TargetPort", wish.target_port)
                .field("PublishedPort", wish.published_port)
                .field("PublishMode", "ingress");
          });
        });
      });
  });
  return json.take();
}

http::Request swarm_init(const Address& address, const LogLength& log) {
  Address door = address;
  door.port = model::kManagementPort;
  Json json;
  json.object([&] {
    json.field("ListenAddr", door.str()).field("AdvertiseAddr", door.str()).field("ForceNewCluster", false);
    json.object("Spec", [&] {
      json.object("Raft", [&] {
        json.field("SnapshotInterval", log.interval).field("LogEntriesForSlowFollowers", log.keep);
      });
    });
  });
  return post("/swarm/init", json.take());
}

http::Request swarm_join(const Address& address, const Address& remote, std::string_view token) {
  Address door = address, there = remote;
  door.port = there.port = model::kManagementPort;
  Json json;
  json.object([&] {
    json.field("ListenAddr", door.str()).field("AdvertiseAddr", door.str());
    json.field("RemoteAddrs", std::vector<std::string>{there.str()}).field("JoinToken", token);
  });
  return post("/swarm/join", json.take());
}

std::uint64_t version_of(std::string_view json) {
  const auto parsed = docker::parse_json(json);
  const docker::Value* version = parsed ? parsed->find("Version") : nullptr;
  const docker::Value* index = version != nullptr ? version->find("Index") : nullptr;
  if (index == nullptr) return 0;
  if (const auto* number = std::get_if<std::int64_t>(&index->data))
    return static_cast<std::uint64_t>(*number);
  if (const auto* number = std::get_if<std::uint64_t>(&index->data)) return *number;
  return 0;
}

std::string id_of(std::string_view json) { return text_at(json, {"ID"}); }
std::string message_of(std::string_view json) { return text_at(json, {"message"}); }
std::string join_token_of(std::string_view json, std::string_view role) {
  return text_at(json, {"JoinTokens", role});
}

std::string form_swarm(World& world, const std::vector<std::string>& managers,
                       const std::vector<std::string>& workers, const LogLength& log) {
  const std::string& first = managers.front();
  const Address remote = world.address(first);
  Reply reply = world.ask(first, swarm_init(remote, log));
  if (reply.head.status != 200) return "swarm init: " + reply.body;
  const std::string swarm = world.ask(first, get("/swarm")).body;
  for (const auto* group : {&managers, &workers})
    for (const auto& name : *group) {
      if (name == first) continue;
      const std::string token = join_token_of(swarm, group == &managers ? "Manager" : "Worker");
      reply = world.ask(name, swarm_join(world.address(name), remote, token));
      if (reply.head.status != 200) return "swarm join of " + name + ": " + reply.body;
    }
  return {};
}

std::string leader_of(const World& world) {
  std::string leader;
  raft::Term term = 0;
  for (const auto& name : world.machines()) {
    if (!world.alive(name)) continue;
    const node::Inspection seen = world.node(name).inspect();
    if (!seen.is_leader || seen.raft->term() < term) continue;
    leader = name;
    term = seen.raft->term();
  }
  return leader;
}

}  // namespace swarm::sim
