// GET /tasks, GET /tasks/{id}
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "docker/api.hpp"
#include "docker/call.hpp"
#include "docker/filters.hpp"
#include "docker/handlers.hpp"
#include "docker/json.hpp"
#include "docker/listing.hpp"
#include "docker/lookup.hpp"
#include "docker/objects.hpp"
#include "model/meaning.hpp"
#include "model/network.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "store/store.hpp"
#include "store/table.hpp"

namespace swarm::docker {
namespace {

// Constraints alone never make a placed task old: the enforcer stops those that no longer fit.
bool same_work(const model::TaskSpec& wanted, const model::TaskSpec& has, bool placed) {
  if (model::same_meaning(wanted, has)) return true;
  if (!placed) return false;
  model::TaskSpec lenient = has;
  lenient.placement = has.placement.value_or(model::Placement{});
  lenient.placement->constraints = wanted.placement.value_or(model::Placement{}).constraints;
  return model::same_meaning(lenient, wanted);
}

// swarmkit manager/orchestrator/task.go, IsTaskDirty, the other way round.
bool up_to_date(const model::Service& service, const model::Task& task) {
  if (task.spec_version == service.spec_version) return true;
  return same_work(service.spec.task, task.spec(), !task.node_id.empty()) &&
         task.templ->endpoint == service.spec.endpoint;
}

// A filter's words made into ids, each known: "service X not found".
template <class IdType, class Find, class HasTasks>
Result<std::vector<IdType>> resolve(const store::Store& store, const std::vector<std::string>& names,
                                    Find find, HasTasks has_tasks) {
  std::vector<IdType> out;
  for (const auto& name : names) {
    const auto id = IdType::parse(name);
    // Tasks of a service, or of a node, that was removed are still found by its id.
    if (const auto object = find(store, name)) {
      out.push_back((*object)->id);
    } else if (id && !id->empty() && has_tasks(*id)) {
      out.push_back(*id);
    } else {
      return object.error();
    }
  }
  return out;
}

// What a request asks for, without the store that it will be read from.
Result<TaskListing> read_query(const Call& call) {
  const auto filters = Filters::parse(
      call.target, {"id", "name", "service", "node", "label", "desired-state", "runtime", "_up-to-date"});
  if (!filters) return filters.error();
  for (const auto& word : filters->values("desired-state"))
    if (!model::parse_task_state(word))
      return Error{Code::unknown, "Invalid desired-state filter: '" + word + "'", {}, false, 500};
  const store::Store& store = call.store();
  const auto services = resolve<ServiceId>(store, filters->values("service"), find_service,
                                           [&](ServiceId id) { return !store.tasks_of_service(id).empty(); });
  if (!services) return services.error();
  const auto nodes = resolve<NodeId>(store, filters->values("node"), find_node,
                                     [&](NodeId id) { return !store.tasks_on_node(id).empty(); });
  if (!nodes) return nodes.error();
  TaskListing out;
  out.filters = *filters;
  out.services = *services;
  out.nodes = *nodes;
  return out;
}

template <class IdType>
bool one_of(const std::vector<IdType>& wanted, IdType id) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), id) != wanted.end();
}

bool shown(const TaskListing& query, const model::Task& task) {
  const Filters& filters = query.filters;
  if (!one_of(query.services, task.service_id) || !one_of(query.nodes, task.node_id)) return false;
  const auto service = query.view->find<model::Service>(task.service_id);
  // `docker stack rm` counts ended tasks as long as it sees them: those of a service that is gone are not
  // shown.
  if (!service && model::is_terminal(task.state())) return false;
  if (filters.has("_up-to-date") && (!service || !up_to_date(*service, task))) return false;
  return filters.prefix("id", task.id.str()) &&
         (!filters.has("name") || filters.prefix("name", model::task_name(task))) &&
         filters.labels("label", service ? service->spec.annotations.labels : task.templ->service.labels) &&
         filters.exact("desired-state", model::to_string(task.desired_state)) &&
         filters.exact("runtime", "container");
}

// The tasks that the query can mean at all, by the narrowest index: ids alone, the tasks are read as they are
// written. Nothing: all tasks.
std::optional<std::vector<TaskId>> candidates(const TaskListing& query) {
  if (query.services.empty() && query.nodes.empty()) return std::nullopt;
  std::vector<TaskId> out;
  const auto add = [&out](const std::vector<TaskId>& ids) { out.insert(out.end(), ids.begin(), ids.end()); };
  if (!query.services.empty()) {
    for (const ServiceId service : query.services) add(query.view->tasks_of_service(service));
  } else {
    for (const NodeId node : query.nodes) add(query.view->tasks_on_node(node));
  }
  return out;
}

}  // namespace

bool TaskListing::write(Json& json, Budget& budget, const Context&) {
  const auto find = [this](NetworkId id) { return view->find<model::Network>(id); };
  const auto look_at = [&](const store::Ref<model::Task>& task) {
    budget.spend_one();
    if (shown(*this, *task)) writer.write(json, *task, find);
  };
  if (candidates) {
    for (; next < candidates->size(); ++next) {
      if (budget.is_spent()) return false;
      look_at(view->find<model::Task>((*candidates)[next]));
    }
    return true;
  }
  bool more = false;
  view->visit_after<model::Task>(last ? &*last : nullptr, [&](const store::Ref<model::Task>& task) {
    more = budget.is_spent();
    if (more) return false;
    look_at(task);
    last = task->id;
    return true;
  });
  return !more;
}

void list_tasks(Call& call) {
  auto listing = read_query(call);
  if (!listing) return call.refuse(listing.error());
  listing->view = call.store().view();
  listing->candidates = candidates(*listing);
  call.list(std::move(*listing));
}

void show_task(Call& call) {
  const auto task = find_task(call.store(), call.name);
  if (!task) return call.refuse(task.error());
  Json json;
  TaskWriter().write(json, **task, [&call](NetworkId id) { return call.store().network(id); });
  call.reply(json.take());
}

}  // namespace swarm::docker
