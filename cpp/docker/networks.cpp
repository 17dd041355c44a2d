// GET /networks, GET/DELETE /networks/{id}, POST /networks/prune. The swarm's networks come from the store,
// on managers; each node has some of its own (local_networks).
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "control/network.hpp"
#include "docker/api.hpp"
#include "docker/call.hpp"
#include "docker/errors.hpp"
#include "docker/filters.hpp"
#include "docker/handlers.hpp"
#include "docker/json.hpp"
#include "docker/local_networks.hpp"
#include "docker/lookup.hpp"
#include "docker/network_look.hpp"
#include "docker/objects.hpp"
#include "docker/waits.hpp"
#include "model/annotations.hpp"
#include "model/network.hpp"
#include "model/transaction.hpp"
#include "store/leader_loop.hpp"
#include "store/store.hpp"
#include "store/table.hpp"

namespace swarm::docker {
namespace {

struct Look {
  std::string id, name, driver, scope;
  bool builtin = false;
  model::Labels labels;
  bool unused = false;
};

bool shown(const Look& look, const Filters& filters, std::optional<bool> dangling) {
  return filters.part("id", look.id) && filters.part("name", look.name) &&
         filters.exact("driver", look.driver) && filters.exact("scope", look.scope) &&
         filters.labels("label", look.labels) && filters.exact("type", look.builtin ? "builtin" : "custom") &&
         dangling.value_or(look.unused) == look.unused;
}

Look look_of(const model::Network& network, const std::set<NetworkId>& unused) {
  return {network.id.str(),   network.annotations.name,   network.shown_driver(),     "swarm",
          network.predefined, network.annotations.labels, unused.contains(network.id)};
}

Look look_of(const LocalNetwork& network, const Context& context) {
  return {local_network_id(context, network.name), network.name, network.driver, "local", true, {}};
}

// A worker has none of the swarm's networks; a manager that takes no part cannot know.
bool cannot_know(const LocalNode& local) {
  const bool is_worker = local.state == SwarmState::active && !local.control_available;
  return local.state != SwarmState::inactive && !is_worker;
}
Error no_network(const Call& call) {
  const LocalNode& local = call.context.local;
  return cannot_know(local) ? no_manager(local) : not_found("network", call.name);
}

// moby daemon/cluster/networks.go: only a client that asks for the scope `swarm` finds the predefined ones.
Result<store::Ref<model::Network>> find_swarm_network(const Call& call, bool predefined) {
  if (call.context.store == nullptr) return no_network(call);
  auto network = find_network(call.store(), call.name);
  if (network && (*network)->predefined && !predefined) return not_found("network", call.name);
  return network;
}

Error is_predefined(const std::string& name) {
  return plain_error(Code::permission_denied, name + " is a pre-defined network and cannot be removed");
}

Result<void> check_types(const Filters& filters) {
  for (const auto& type : filters.values("type"))
    if (type != "builtin" && type != "custom") return invalid_filter("type", type);
  return {};
}

void write_of_swarm(Json& json, const store::Store& store, const Filters& filters,
                    std::optional<bool> dangling) {
  const auto unused = dangling ? control::unused_networks(store) : std::set<NetworkId>();
  for (const auto& [id, network] : store.networks())
    if (!network->predefined && shown(look_of(*network, unused), filters, dangling))
      write_network(json, *network);
}

}  // namespace

void list_networks(Call& call) {
  const auto filters =
      Filters::parse(call.target, {"driver", "scope", "id", "name", "label", "type", "dangling"});
  if (!filters) return call.refuse(filters.error());
  if (const auto fine = check_types(*filters); !fine) return call.refuse(fine.error());
  const auto dangling = filters->truth("dangling");
  if (!dangling) return call.refuse(dangling.error());
  Json json;
  json.array([&] {
    if (call.context.store != nullptr) write_of_swarm(json, call.store(), *filters, *dangling);
    for (const LocalNetwork& network : local_networks(call.context))
      if (shown(look_of(network, call.context), *filters, *dangling))
        write_local_network(json, call.context, network);
  });
  call.reply(json.take());
}

void show_network(Call& call) {
  const std::string scope = call.target.text("scope");
  const auto verbose = call.target.strict_flag("verbose");
  if (!verbose) return call.refuse(verbose.error());
  Json json;
  const auto local = find_local_network(call.context, call.name);
  if (scope != "swarm" && local) {
    write_local_network(json, call.context, *local);
    return call.reply(json.take());
  }
  if (scope == "local") return call.refuse(not_found("network", call.name));
  const auto network = find_swarm_network(call, scope == "swarm");
  if (!network) return call.refuse(network.error());
  write_network(json, **network, network_places(call.store(), **network, *verbose));
  call.reply(json.take());
}

void remove_network(Call& call) {
  if (const auto local = find_local_network(call.context, call.name))
    return call.refuse(is_predefined(local->name));
  const auto network = find_swarm_network(call, true);
  if (!network) return call.refuse(network.error());
  if ((*network)->predefined) return call.refuse(is_predefined((*network)->annotations.name));
  auto transaction = control::remove_network(call.store(), (*network)->id);
  if (!transaction) return call.refuse(transaction.error());
  call.replies.propose(call.id, std::move(*transaction), EmptyAnswer{204});
}

// On a manager those of the swarm that nothing uses; a node's own stay.
void prune_networks(Call& call) {
  const auto filters = Filters::parse(call.target, {"label", "label!", "until"});
  if (!filters) return call.refuse(filters.error());
  if (filters->has("until") || filters->has("label!"))
    return call.refuse(not_yet("networks are pruned by the filter label only, or all"));
  if (call.context.store == nullptr && cannot_know(call.context.local))
    return call.refuse(no_manager(call.context.local));
  NetworksPruned pruned;
  model::Transaction transaction;
  if (call.context.store != nullptr)
    for (const NetworkId id : control::unused_networks(call.store())) {
      if (transaction.actions.size() >= store::kMaxActions) break;  // the next prune takes the others
      const auto network = call.store().network(id);
      if (!filters->labels("label", network->annotations.labels)) continue;
      pruned.names.push_back(network->annotations.name);
      transaction.actions.push_back(model::Remove::of<model::Network>(id));
    }
  if (transaction.empty()) return call.reply(R"({"NetworksDeleted":[]})");
  call.replies.propose(call.id, std::move(transaction), std::move(pruned));
}

void say(const NetworksPruned& then, Replies& replies, ApiId id, const model::Outcome&) {
  Json json;
  json.object([&] { json.field("NetworksDeleted", then.names); });
  replies.reply(id, 200, json.take());
}

}  // namespace swarm::docker
