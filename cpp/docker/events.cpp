#include "docker/events.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent/worker.hpp"
#include "docker/api.hpp"
#include "docker/containers.hpp"
#include "docker/json.hpp"
#include "model/annotations.hpp"
#include "model/cluster.hpp"
#include "model/container_spec.hpp"
#include "model/defaults.hpp"
#include "model/kind.hpp"
#include "model/node.hpp"
#include "model/restart.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/signal.hpp"
#include "model/task.hpp"
#include "store/change_set.hpp"
#include "store/table.hpp"

namespace swarm::docker {
namespace {

constexpr std::size_t kDockerEvents = 256;  // as many as Docker keeps
constexpr std::size_t kTaskEvents = 4096;

template <class T>
const char* action_of(const store::Change<T>& change) {
  return change.created() ? "create" : change.removed() ? "remove" : "update";
}

void pair_of(model::Labels& out, const std::string& name, const std::string& before,
             const std::string& after) {
  if (before == after) return;
  if (!before.empty()) out[name + ".old"] = before;
  out[name + ".new"] = after;
}

template <class T>
std::string name_of(const T& object) {
  if constexpr (store::HasUniqueName<T>) {
    return object.unique_name();
  } else {
    return {};
  }
}

template <class T>
std::string id_text(const T& object) {
  if constexpr (requires { object.id.str(); }) {
    return object.id.str();
  } else {
    return store::id_of(object);
  }
}

// Of a kind that says no more of itself than that it is there.
template <class T>
ShownEvent show_one(const store::Change<T>& change) {
  const T& object = change.latest();
  ShownEvent out{T::kWord, action_of(change), id_text(object), name_of(object), "swarm", {}};
  if (!out.name.empty()) out.attributes["name"] = out.name;
  return out;
}

ShownEvent show_one(const store::Change<model::Node>& change) {
  const model::Node& node = change.latest();
  ShownEvent out{"node", action_of(change), node.id.str(), node.display_name(), "swarm", {}};
  out.attributes["name"] = out.name;
  if (change.created() || change.removed()) return out;
  const model::Node &before = *change.before, &after = *change.after;
  pair_of(out.attributes, "availability", model::to_string(before.spec.availability),
          model::to_string(after.spec.availability));
  pair_of(out.attributes, "role", model::to_string(before.spec.desired_role),
          model::to_string(after.spec.desired_role));
  pair_of(out.attributes, "state", model::to_string(before.status.state),
          model::to_string(after.status.state));
  return out;
}

std::string image_of(const model::TaskSpec& spec) {
  return spec.container ? spec.container->image : std::string();
}

std::string state_of(const model::Service& service) {
  return service.update_status ? model::to_string(service.update_status->state) : "";
}

ShownEvent show_one(const store::Change<model::Service>& change) {
  const model::Service& service = change.latest();
  ShownEvent out{"service", action_of(change), service.id.str(), service.spec.annotations.name, "swarm", {}};
  out.attributes["name"] = out.name;
  if (change.created() || change.removed()) return out;
  const model::Service &before = *change.before, &after = *change.after;
  pair_of(out.attributes, "image", image_of(before.spec.task), image_of(after.spec.task));
  if (before.spec.is_replicated() && after.spec.is_replicated())
    pair_of(out.attributes, "replicas", std::to_string(before.spec.replicas()),
            std::to_string(after.spec.replicas()));
  if (!after.update_status || state_of(before) == state_of(after)) return out;
  pair_of(out.attributes, "updatestate", state_of(before), state_of(after));
  if (!after.update_status->message.empty())
    out.attributes["updatestate.message"] = after.update_status->message;
  return out;
}

ShownEvent show_one(const store::Change<model::Task>& change) {
  const model::Task& task = change.latest();
  const std::string action = change.removed() ? "remove" : model::to_string(task.state());
  ShownEvent out{"task", action, task.id.str(), model::task_name(task), "swarm", {}};
  out.attributes = {{"service", task.templ->service.name},
                    {"service.id", task.service_id.str()},
                    {"slot", std::to_string(task.slot)},
                    {"node.id", task.node_id.str()},
                    {"image", image_of(task.spec())},
                    {"desired_state", model::to_string(task.desired_state)},
                    {"message", task.status.message},
                    {"err", model::error_of(task)},
                    {"spec_version", std::to_string(task.spec_version)}};
  return out;
}

// The one that a client asked for, or the one by which the swarm stops the task.
int signal_of(const agent::ContainerEvent& event, const ContainerFacts& facts) {
  constexpr int kTerm = 15;
  if (event.signal != 0) return event.signal;
  return model::parse_signal(facts.stop_signal).value_or(kTerm);
}

ShownEvent show_one(const store::AnyChange& change) {
  return std::visit([](const auto& one) { return show_one(one); }, change);
}

ShownEvent show_one(const std::pair<agent::ContainerEvent, ContainerFacts>& event) {
  const auto& [what, facts] = event;
  ShownEvent out{"container", what.action, facts.container_id, {}, "local", facts.attributes};
  if (const auto name = facts.attributes.find("name"); name != facts.attributes.end())
    out.name = name->second;
  if (what.action == "die") out.attributes["exitCode"] = std::to_string(what.exit_code);
  if (what.action == "kill") out.attributes["signal"] = std::to_string(signal_of(what, facts));
  return out;
}

// Is it an event? Docker has none of the swarm's own settings, and the register's keys are no objects of
// Docker's.
template <class T>
bool is_news(const store::Change<T>&) {
  return T::kWrittenBy == model::WrittenBy::put;
}
bool is_news(const store::Change<model::Cluster>&) { return false; }
// Only what a reader of tasks can see: the state, or what is wanted.
bool is_news(const store::Change<model::Task>& change) {
  return change.created() || change.removed() || change.before->state() != change.after->state() ||
         change.before->desired_state != change.after->desired_state;
}

// moby daemon/events/filter.go: what a kind's key names may be of another kind. `service=web` is the service
// and, by their names, its tasks' containers.
bool names(const std::string& wanted, const ShownEvent& event) {
  return event.id.starts_with(wanted) || event.name.starts_with(wanted);
}

bool has(const ShownEvent& event, const std::string& key, const std::string& wanted, bool by_prefix) {
  const auto value = event.attributes.find(key);
  if (value == event.attributes.end()) return false;
  return by_prefix ? value->second.starts_with(wanted) : value->second == wanted;
}

// Tasks are swarmpy's own: `service` and `node` speak of theirs, by name or by the begin of an id.
bool concerns_task(const std::string& kind, const std::string& wanted, const ShownEvent& event) {
  return (kind == "task" && names(wanted, event)) || has(event, kind, wanted, false) ||
         has(event, kind + ".id", wanted, true);
}

bool concerns(const std::string& kind, const std::string& wanted, const ShownEvent& event) {
  if (event.type == "task") return concerns_task(kind, wanted, event);
  if (kind == "image")
    return has(event, "image", wanted, true) || (event.type == kind && names(wanted, event));
  if (names(wanted, event)) return true;
  return event.type == "container" && has(event, "com.docker.swarm." + kind + ".id", wanted, true);
}

// ---- facts: what an object was before and after, as far as checks of recorded changes need it

template <class T>
void write_facts(Json&, const T&) {}  // no check needs any of this kind

void write_facts(Json& json, const model::Node& node) {
  json.field("Role", model::to_string(node.role))
      .field("State", model::to_string(node.status.state))
      .field("Availability", model::to_string(node.spec.availability));
  if (node.manager) json.field("RaftID", node.manager->raft_id);
}

std::uint64_t pace(const std::optional<model::UpdateConfig>& given) {
  return given.value_or(model::default_update_config()).parallelism;
}

void write_facts(Json& json, const model::Service& service) {
  json.field("Name", service.spec.annotations.name)
      .field("Mode", service.spec.is_replicated() ? "replicated" : "global")
      .field("Replicas", service.spec.replicas())
      .field("SpecVersion", service.spec_version)
      .field("UpdateState", state_of(service))
      .field("Parallelism", pace(service.spec.update))
      .field("RollbackParallelism", pace(service.spec.rollback));
}

void write_facts(Json& json, const model::Task& task) {
  json.field("State", model::to_string(task.state()))
      .field("DesiredState", model::to_string(task.desired_state))
      .field("NodeID", task.node_id.str())
      .field("SpecVersion", task.spec_version);
}

template <class T>
void write_facts(Json& json, const store::Change<T>& change) {
  if (change.before) json.object("Before", [&] { write_facts(json, *change.before); });
  if (change.after) json.object("After", [&] { write_facts(json, *change.after); });
}

void write_facts(Json& json, const store::AnyChange& change) {
  std::visit([&](const auto& one) { write_facts(json, one); }, change);
}

enum class With { nothing, version, facts };

void write(Json& json, const Event& event, const ShownEvent& shown, With with) {
  json.object([&] {
    if (shown.type == "container") {
      json.field("status", shown.action).field("id", shown.id);
      if (const auto image = shown.attributes.find("image"); image != shown.attributes.end())
        json.field("from", image->second);
    }
    json.field("Type", shown.type).field("Action", shown.action);
    json.object("Actor", [&] { json.field("ID", shown.id).field("Attributes", shown.attributes); });
    json.field("scope", shown.scope)
        .field("time", event.time.ns / 1'000'000'000)
        .field("timeNano", event.time.ns);
    if (with != With::nothing) json.field("Version", event.version);
    if (with == With::facts)
      std::visit([&](const auto& subject) { write_facts(json, subject); }, event.subject);
  });
}

}  // namespace

ShownEvent show(const Event& event) {
  ShownEvent out = std::visit([](const auto& subject) { return show_one(subject); }, event.subject);
  if (event.of_task()) out.attributes["node"] = event.node_name;
  return out;
}

bool EventFilter::matches(const ShownEvent& event) const {
  if (!filters_.exact("type", event.type) || !filters_.exact("scope", event.scope)) return false;
  if (!filters_.any("event", [&](const std::string& wanted) {
        return event.action == wanted || event.action.starts_with(wanted + ":");
      }))
    return false;
  if (!filters_.labels("label", event.attributes)) return false;
  for (const char* kind : {"container", "node", "service", "network", "task", "secret", "config", "volume",
                           "image", "plugin", "daemon"}) {
    if (!filters_.has(kind)) continue;
    const bool fits =
        filters_.any(kind, [&](const std::string& wanted) { return concerns(kind, wanted, event); });
    if (!fits) return false;
  }
  return true;
}

std::optional<std::string> EventFilter::line(const Event& event) const {
  if (event.of_task() && !with_tasks_) return std::nullopt;
  if (since_ && event.time < *since_) return std::nullopt;
  if (until_ && event.time > *until_) return std::nullopt;
  const ShownEvent shown = show(event);
  if (!matches(shown)) return std::nullopt;
  Json json;
  write(json, event, shown, With::nothing);
  return json.take() + "\n";
}

void EventLog::keep(const Event& event) {
  auto& ring = event.of_task() ? tasks_ : docker_;
  ring.emplace_back(++last_, event);
  if (ring.size() <= (event.of_task() ? kTaskEvents : kDockerEvents)) return;
  const auto& [number, oldest] = ring.front();
  if (number > began_) forgotten_until_ = std::max(forgotten_until_, oldest.version);
  ring.pop_front();
}

std::vector<Event> EventLog::add(const store::ChangeSet& changes, const Context& context) {
  std::vector<Event> out;
  if (changes.version <= last_version_) began_ = last_, forgotten_until_ = 0;
  last_version_ = changes.version;
  for (const auto& any : changes.changes) {
    Event event;
    event.time = changes.time;
    event.version = changes.version;
    if (!std::visit([](const auto& change) { return is_news(change); }, any)) continue;
    event.subject = any;
    if (const auto* task = std::get_if<store::Change<model::Task>>(&any)) {
      const auto host = context.store == nullptr ? nullptr : context.store->node(task->latest().node_id);
      if (host) event.node_name = host->display_name();
    }
    keep(event);
    out.push_back(std::move(event));
  }
  return out;
}

std::vector<Event> EventLog::add(const agent::ContainerEvent& event, const Context& context) {
  std::vector<Event> out;
  const bool known = containers_.contains(event.task);
  if (const agent::LocalTask* local = local_task(context, event.task); local != nullptr)
    if (!local->container_id.empty()) containers_[event.task] = container_facts(*local, context);
  const auto facts = containers_.find(event.task);
  if (facts == containers_.end()) return out;  // no id yet: the start will tell of the creation too
  const auto emit = [&](const agent::ContainerEvent& what) {
    Event shown;
    shown.time = context.wall;
    shown.subject = std::pair(what, facts->second);
    keep(shown);
    out.push_back(std::move(shown));
  };
  if (!known && event.action == "start") emit({event.task, "create", 0});
  emit(event);
  if (event.action == "destroy") containers_.erase(facts);
  return out;
}

template <class Each>
void EventLog::in_order(Each&& each) const {
  auto docker = docker_.begin(), task = tasks_.begin();
  while (docker != docker_.end() || task != tasks_.end()) {
    const bool first = task == tasks_.end() || (docker != docker_.end() && docker->first < task->first);
    auto& next = first ? docker : task;
    each(next->first, next->second);
    ++next;
  }
}

std::vector<std::string> EventLog::replay(const EventFilter& filter) const {
  std::vector<std::string> out;
  in_order([&](std::uint64_t, const Event& event) {
    if (auto line = filter.line(event)) out.push_back(std::move(*line));
  });
  return out;
}

void EventLog::write_after(std::uint64_t version, bool facts, Json& json) const {
  const With with = facts ? With::facts : With::version;
  in_order([&](std::uint64_t number, const Event& event) {
    if (number > began_ && event.version > version) write(json, event, show(event), with);
  });
}

}  // namespace swarm::docker
