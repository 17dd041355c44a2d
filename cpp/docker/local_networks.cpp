#include "docker/local_networks.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "docker/api.hpp"
#include "docker/json.hpp"

namespace swarm::docker {
namespace {

constexpr LocalNetwork kGateway{"docker_gwbridge", "bridge"};
constexpr std::array<LocalNetwork, 3> kAlways{{{"bridge", "bridge"}, {"host", "host"}, {"none", "null"}}};

}  // namespace

std::vector<LocalNetwork> local_networks(const Context& context) {
  std::vector<LocalNetwork> out(kAlways.begin(), kAlways.end());
  if (context.local.state != SwarmState::inactive) out.insert(out.begin() + 1, kGateway);
  return out;
}

std::string local_network_id(const Context& context, const std::string& name) {
  return to_hex(context.crypto.sha256("network " + name + " of " + context.local.hostname));
}

std::optional<LocalNetwork> find_local_network(const Context& context, const std::string& name) {
  for (const LocalNetwork& network : local_networks(context))
    if (name == network.name ||
        (name.size() >= 4 && local_network_id(context, network.name).starts_with(name)))
      return network;
  return std::nullopt;
}

bool is_local_network(const std::string& name) {
  return name == kGateway.name || std::any_of(kAlways.begin(), kAlways.end(),
                                              [&](const LocalNetwork& one) { return name == one.name; });
}

void write_local_network(Json& json, const Context& context, const LocalNetwork& network) {
  json.object([&] {
    json.field("Name", network.name)
        .field("Id", local_network_id(context, network.name))
        .field("Created", context.local.started_at)
        .field("Scope", "local")
        .field("Driver", network.driver)
        .field("EnableIPv4", true)
        .field("EnableIPv6", false);
    json.object("IPAM", [&] { json.field("Driver", "default").null("Options").array("Config", [] {}); });
    json.field("Internal", false).field("Attachable", false).field("Ingress", false);
    json.object("ConfigFrom", [&] { json.field("Network", ""); });
    json.field("ConfigOnly", false).object("Containers", [] {}).object("Options", [] {}).object("Labels", [] {
    });
  });
}

}  // namespace swarm::docker
