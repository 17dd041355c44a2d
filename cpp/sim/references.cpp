#include "sim/references.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/id.hpp"
#include "model/task.hpp"
#include "node/node.hpp"
#include "sim/inputs.hpp"
#include "sim/journal.hpp"
#include "sim/world.hpp"
#include "store/store.hpp"
#include "store/table.hpp"

namespace swarm::sim {
namespace {

using Stores = std::vector<const store::Store*>;

// Of all managers that run, the leader's first.
Stores stores_of(const World& world) {
  Stores found;
  const std::string leader = world.leader();
  const auto add = [&](const std::string& name) {
    if (const store::Store* store = world.node(name).inspect().store) found.push_back(store);
  };
  if (!leader.empty()) add(leader);
  for (const auto& name : world.managers())
    if (name != leader) add(name);
  return found;
}

std::string task_name(const store::Store& store, const model::Task& task) {
  const auto service = store.service(task.service_id);
  if (!service) return {};
  const auto node = store.node(task.node_id);
  const std::string place = task.slot > 0 ? std::to_string(task.slot)
                            : node        ? node->description.hostname
                                          : "";
  return "task " + service->spec.annotations.name + "." + place;
}

std::string name_in(const store::Store& store, const std::string& id) {
  if (const auto node = store.node(NodeId::parse(id).value_or(NodeId())))
    return "node " + node->description.hostname;
  if (const auto service = store.service(ServiceId::parse(id).value_or(ServiceId())))
    return "service " + service->spec.annotations.name;
  if (const auto task = store.task(TaskId::parse(id).value_or(TaskId()))) return task_name(store, *task);
  for (const auto& [network_id, network] : store.networks())
    if (network_id.str() == id) return "network " + network->annotations.name;
  return {};
}

// The youngest task that has this name.
std::string task_called(const store::Store& store, std::string_view name) {
  const model::Task* best = nullptr;
  store::Ref<model::Task> kept;
  for (const auto& [id, service] : store.services()) {
    if (!name.starts_with("task " + service->spec.annotations.name + ".")) continue;
    for (const auto& [slot, task_id] : store.tasks_of_service(id)) {
      auto task = store.task(task_id);
      if (!task || task_name(store, *task) != name) continue;
      if (best != nullptr &&
          std::pair(task->live(), task->meta.created_at) < std::pair(best->live(), best->meta.created_at))
        continue;
      kept = task;
      best = &*kept;
    }
  }
  return best == nullptr ? std::string() : best->id.str();
}

std::string id_in(const store::Store& store, std::string_view name) {
  for (const auto& [id, node] : store.nodes())
    if (name == "node " + node->description.hostname) return id.str();
  for (const auto& [id, service] : store.services())
    if (name == "service " + service->spec.annotations.name) return id.str();
  for (const auto& [id, network] : store.networks())
    if (name == "network " + network->annotations.name) return id.str();
  return task_called(store, name);
}

// Calls `on(position)` for every word in `text` that can be an id.
void each_id(const std::string& text, const std::function<void(std::size_t)>& on) {
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'); };
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && is_digit(text[i])) continue;
    if (i - begin == kIdLength && NodeId::parse(std::string_view(text).substr(begin, kIdLength))) on(begin);
    begin = i + 1;
  }
}

// ---- versions: "/services/ID/update?version=7"

struct VersionAt {
  std::size_t begin = 0, size = 0;
  std::uint64_t value = 0;
};
std::optional<VersionAt> version_in(const std::string& target) {
  constexpr std::string_view kKey = "version=";
  const std::size_t query = target.find('?');
  if (query == std::string::npos) return {};
  const std::size_t at = target.find(kKey, query);
  if (at == std::string::npos || (target[at - 1] != '?' && target[at - 1] != '&')) return {};
  VersionAt found{at + kKey.size(), 0, 0};
  const char* first = target.data() + found.begin;
  const auto read = std::from_chars(first, target.data() + target.size(), found.value);
  found.size = static_cast<std::size_t>(read.ptr - first);
  return found.size == 0 ? std::nullopt : std::optional(found);
}

std::uint64_t version_of(const store::Store& store, std::string_view kind, std::string_view which) {
  if (kind == "services")
    for (const auto& [id, service] : store.services())
      if (which == id.str() || which == service->spec.annotations.name) return service->meta.version;
  if (kind == "nodes")
    for (const auto& [id, node] : store.nodes())
      if (which == id.str() || which == node->description.hostname) return node->meta.version;
  if (kind == "swarm" && store.cluster() != nullptr) return store.cluster()->meta.version;
  return 0;
}

// The version of the object that a target names, as the swarm has it now; 0 for none.
std::uint64_t version_now(const World& world, std::string target) {
  const auto stores = stores_of(world);
  if (stores.empty()) return 0;
  target.resize(std::min(target.find('?'), target.size()));
  std::vector<std::string> parts(1);
  for (const char c : target) c == '/' ? static_cast<void>(parts.emplace_back()) : parts.back().push_back(c);
  const auto at = std::find_if(parts.begin(), parts.end(), [](const std::string& part) {
    return part == "services" || part == "nodes" || part == "swarm";
  });
  if (at == parts.end()) return 0;
  return version_of(*stores.front(), *at, at + 1 == parts.end() ? "" : *(at + 1));
}

}  // namespace

References::Search::Search(std::shared_ptr<const RecordedRun> run)
    : run_(std::move(run)), found_(std::make_unique<References>()) {
  WorldOptions options = run_->options;
  options.check = options.record_trace = false;
  world_ = std::make_unique<World>(options);
  world_->play(run_);
}
References::Search::~Search() = default;

bool References::Search::go_on(std::uint64_t steps) {
  for (; learned_ < run_->entries.size() || world_->steps() + 1 < run_->end.steps; --steps) {
    if (steps == 0) return false;
    if (const auto index = world_->input_due()) {
      found_->learn(*world_, *index, run_->entries[*index].input);
      learned_ = *index + 1;
    }
    if (!world_->step()) break;
  }
  return true;
}

References References::Search::take() { return std::move(*found_); }

References References::of(const RecordedRun& run) {
  Search search(std::make_shared<const RecordedRun>(run));
  while (!search.go_on(~std::uint64_t{0})) continue;
  return search.take();
}

void References::learn(const World& world, std::size_t index, const Input& input) {
  std::vector<std::string> ids;
  const auto look_in = [&](const std::string& text) {
    each_id(text, [&](std::size_t at) { ids.push_back(text.substr(at, kIdLength)); });
  };
  if (const auto* call = std::get_if<inputs::CallMachine>(&input)) {
    look_in(call->request.target);
    look_in(call->request.body);
    const auto version = version_in(call->request.target);
    if (version && version->value == version_now(world, call->request.target)) newest_.insert(index);
  } else if (const auto* kill = std::get_if<inputs::KillTask>(&input)) {
    ids.push_back(kill->task.str());
  } else if (const auto* begin = std::get_if<inputs::BeginFault>(&input)) {
    look_in(begin->fault.text("task"));
  }
  for (const auto& id : ids) {
    if (names_.contains(id)) continue;
    for (const store::Store* store : stores_of(world)) {
      std::string name = name_in(*store, id);
      if (name.empty()) continue;
      names_[id] = std::move(name);
      break;
    }
  }
}

Input References::said_in(const World& world, std::size_t index, const Input& input) const {
  const auto stores = stores_of(world);
  const auto now_called = [&](const std::string& id) {
    const auto name = names_.find(id);
    const std::string now =
        name == names_.end() || stores.empty() ? "" : id_in(*stores.front(), name->second);
    return now.empty() ? id : now;
  };
  const auto rewrite = [&](std::string& text) {
    each_id(std::string(text),
            [&](std::size_t at) { text.replace(at, kIdLength, now_called(text.substr(at, kIdLength))); });
  };
  Input said = input;
  if (auto* call = std::get_if<inputs::CallMachine>(&said)) {
    rewrite(call->request.target);
    rewrite(call->request.body);
    const auto version = version_in(call->request.target);
    const std::uint64_t now =
        version && newest_.contains(index) ? version_now(world, call->request.target) : 0;
    if (version && now != 0) call->request.target.replace(version->begin, version->size, std::to_string(now));
  } else if (auto* kill = std::get_if<inputs::KillTask>(&said)) {
    kill->task = TaskId::parse(now_called(kill->task.str())).value_or(kill->task);
  } else if (auto* begin = std::get_if<inputs::BeginFault>(&said)) {
    if (std::string task = begin->fault.text("task"); !task.empty()) {
      rewrite(task);
      begin->fault.set("task", task);
    }
  }
  return said;
}

}  // namespace swarm::sim
