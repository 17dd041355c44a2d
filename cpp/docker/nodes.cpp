// GET /nodes, GET /nodes/{id}, POST /nodes/{id}/update, DELETE /nodes/{id}
#include "control/node.hpp"

#include <utility>

#include "base/result.hpp"
#include "docker/api.hpp"
#include "docker/call.hpp"
#include "docker/filters.hpp"
#include "docker/handlers.hpp"
#include "docker/json.hpp"
#include "docker/listing.hpp"
#include "docker/lookup.hpp"
#include "docker/objects.hpp"
#include "docker/specs.hpp"
#include "docker/waits.hpp"
#include "model/node.hpp"
#include "model/transaction.hpp"
#include "store/table.hpp"

namespace swarm::docker {
namespace {

// moby daemon/cluster/filters.go: a role that is none is a server error.
Result<void> check_words(const Filters& filters) {
  for (const auto& role : filters.values("role"))
    if (!model::parse_node_role(role))
      return Error{Code::unknown, "Invalid role filter: '" + role + "'", {}, false, 500};
  for (const auto& membership : filters.values("membership"))
    if (membership != "accepted" && membership != "pending")
      return Error{Code::unknown, "Invalid membership filter: '" + membership + "'", {}, false, 500};
  return {};
}

bool shown(const model::Node& node, const Filters& filters) {
  return filters.prefix("id", node.id.str()) && filters.prefix("name", node.description.hostname) &&
         filters.labels("label", node.description.engine_labels) &&
         filters.labels("node.label", node.spec.annotations.labels) &&
         filters.exact("role", model::to_string(node.spec.desired_role)) &&
         filters.exact("membership", "accepted");
}

void propose_empty(Call& call, Result<model::Transaction> transaction) {
  if (!transaction) return call.refuse(transaction.error());
  call.replies.propose(call.id, std::move(*transaction), EmptyAnswer{});
}

}  // namespace

void list_nodes(Call& call) {
  const auto filters =
      Filters::parse(call.target, {"id", "name", "label", "node.label", "role", "membership"});
  if (!filters) return call.refuse(filters.error());
  if (const auto fine = check_words(*filters); !fine) return call.refuse(fine.error());
  call.list(NodeListing{call.store().view(), *filters, {}});
}

bool NodeListing::write(Json& json, Budget& budget, const Context& context) {
  bool more = false;
  view->visit_after<model::Node>(last ? &*last : nullptr, [&](const store::Ref<model::Node>& node) {
    more = budget.is_spent();
    if (more) return false;
    budget.spend_one();
    if (shown(*node, filters)) write_node(json, *node, context);
    last = node->id;
    return true;
  });
  return !more;
}

void show_node(Call& call) {
  const auto node = find_node(call.store(), call.name);
  if (!node) return call.refuse(node.error());
  Json json;
  write_node(json, **node, call.context);
  call.reply(json.take());
}

void update_node(Call& call) {
  const auto body = call.body();
  if (!body) return call.refuse(body.error());
  const auto spec = read_node_spec(*body);
  if (!spec) return call.refuse(spec.error());
  const auto version = call.object_version("node");
  if (!version) return call.refuse(version.error());
  const auto node = find_node(call.store(), call.name);
  if (!node) return call.refuse(node.error());
  propose_empty(
      call, control::update_node(call.store(), (*node)->id, *version, *spec, call.context.raft.reachable));
}

void remove_node(Call& call) {
  const auto node = find_node(call.store(), call.name);
  if (!node) return call.refuse(node.error());
  propose_empty(call, control::remove_node(call.store(), (*node)->id, call.target.flag("force"),
                                           call.context.raft.reachable, call.context.wall));
}

}  // namespace swarm::docker
