// GET /networks, GET/DELETE /networks/{id}. The swarm's networks come from the store, on managers; the only
// local one is the host's, in which the process runner runs tasks.
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "docker/api.hpp"
#include "docker/call.hpp"
#include "docker/containers.hpp"
#include "docker/errors.hpp"
#include "docker/filters.hpp"
#include "docker/handlers.hpp"
#include "docker/json.hpp"
#include "docker/lookup.hpp"
#include "docker/objects.hpp"
#include "model/annotations.hpp"
#include "model/network.hpp"
#include "store/table.hpp"

namespace swarm::docker {

std::string host_network_id(const Context& context) {
  return to_hex(context.crypto.sha256("network host of " + context.local.hostname));
}

namespace {

constexpr const char* kHost = "host";

void write_host_network(Json& json, const Context& context) {
  json.object([&] {
    json.field("Name", kHost)
        .field("Id", host_network_id(context))
        .field("Created", context.local.started_at)
        .field("Scope", "local")
        .field("Driver", "host")
        .field("EnableIPv4", true)
        .field("EnableIPv6", false);
    json.object("IPAM", [&] { json.field("Driver", "default").null("Options").array("Config", [] {}); });
    json.field("Internal", false).field("Attachable", false).field("Ingress", false);
    json.object("ConfigFrom", [&] { json.field("Network", ""); });
    json.field("ConfigOnly", false).object("Containers", [] {}).object("Options", [] {}).object("Labels", [] {
    });
  });
}

struct Look {
  std::string id, name, driver, scope;
  bool builtin = false;
  model::Labels labels;
};

bool shown(const Look& look, const Filters& filters) {
  return filters.part("id", look.id) && filters.part("name", look.name) &&
         filters.exact("driver", look.driver) && filters.exact("scope", look.scope) &&
         filters.labels("label", look.labels) && filters.exact("type", look.builtin ? "builtin" : "custom") &&
         !filters.has("dangling");
}

Look look_of(const model::Network& network) {
  return {network.id.str(), network.annotations.name, network.shown_driver(),
          "swarm",          network.predefined,       network.annotations.labels};
}

bool is_host(const Context& context, const std::string& name) {
  const std::string id = host_network_id(context);
  return name == kHost || (name.size() >= 4 && id.starts_with(name));
}

// moby daemon/cluster/networks.go: only a client that asks for the scope `swarm` finds the predefined ones.
Result<store::Ref<model::Network>> find_swarm_network(const Call& call, bool predefined) {
  if (call.context.store == nullptr) return not_found("network", call.name);
  auto network = find_network(call.store(), call.name);
  if (network && (*network)->predefined && !predefined) return not_found("network", call.name);
  return network;
}

}  // namespace

// Without quorum too, as Docker's (moby api/server/router/network getNetworksList).
void list_networks(Call& call) {
  const auto filters =
      Filters::parse(call.target, {"driver", "scope", "id", "name", "label", "type", "dangling"});
  if (!filters) return call.refuse(filters.error());
  for (const auto& type : filters->values("type"))
    if (type != "builtin" && type != "custom") return call.refuse(invalid_filter("type", type));
  Json json;
  json.array([&] {
    if (call.context.store != nullptr)
      for (const auto& [id, network] : call.store().networks())
        if (!network->predefined && shown(look_of(*network), *filters)) write_network(json, *network);
    if (shown({host_network_id(call.context), kHost, "host", "local", true, {}}, *filters))
      write_host_network(json, call.context);
  });
  call.reply(json.take());
}

void show_network(Call& call) {
  const std::string scope = call.target.text("scope");
  Json json;
  if (scope != "swarm" && is_host(call.context, call.name)) {
    write_host_network(json, call.context);
    return call.reply(json.take());
  }
  if (scope == "local") return call.refuse(not_found("network", call.name));
  const auto network = find_swarm_network(call, scope == "swarm");
  if (!network) return call.refuse(network.error());
  write_network(json, **network);
  call.reply(json.take());
}

void remove_network(Call& call) {
  if (is_host(call.context, call.name))
    return call.refuse(
        plain_error(Code::permission_denied, call.name + " is a pre-defined network and cannot be removed"));
  const auto network = find_swarm_network(call, true);
  if (!network) return call.refuse(network.error());
  const std::string& name = (*network)->annotations.name;
  if ((*network)->predefined)
    return call.refuse(
        plain_error(Code::permission_denied, name + " is a pre-defined network and cannot be removed"));
  call.refuse(not_yet("networks cannot be made or changed yet: overlay networks are not there"));
}

void prune_networks(Call& call) { call.reply(R"({"NetworksDeleted":[]})"); }

}  // namespace swarm::docker
