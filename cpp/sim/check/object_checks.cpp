#include "sim/check/object_checks.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/id.hpp"
#include "base/number.hpp"
#include "base/time.hpp"
#include "model/defaults.hpp"
#include "model/difference.hpp"
#include "model/feature_level.hpp"
#include "model/kinds.hpp"
#include "model/meta.hpp"
#include "model/node.hpp"
#include "model/resources.hpp"
#include "model/restart.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "node/apply_entry.hpp"
#include "raft/message.hpp"
#include "sim/store_copy.hpp"
#include "store/change_set.hpp"
#include "store/store.hpp"
#include "store/table.hpp"

namespace swarm::sim {
namespace {

using model::TaskState;

constexpr std::size_t kRecentEntries = 256;
// A plan may be this many entries old when it is applied: what it was decided by may have changed meanwhile.
constexpr std::uint64_t kPlanAge = 64;
// Two managers' clocks are at most this far apart.
constexpr Duration kClockSkew = Duration::seconds(2);
// Within this time two running tasks of a slot become one.
constexpr Duration kHandover = Duration::seconds(10);

std::string name_of(const model::Task& task) {
  return task.templ
             ? task.templ->service.name + "." + std::to_string(task.slot) + "." + task.id.str().substr(0, 8)
             : task.id.str();
}

std::string words(const model::Task& task) {
  return std::string(model::to_string(task.state())) + "/" + model::to_string(task.desired_state);
}

model::Resources reserved(const model::Task& task) {
  const auto& resources = task.spec().resources;
  return resources && resources->reservations ? *resources->reservations : model::Resources{};
}

// The little of the constraint language that workloads use: node.role, node.hostname, node.id, node.labels.x.
std::optional<bool> holds(const std::string& constraint, const model::Node& node) {
  const bool equal = constraint.find("==") != std::string::npos;
  const auto at = constraint.find(equal ? "==" : "!=");
  if (at == std::string::npos) return std::nullopt;
  const auto trim = [](std::string text) {
    text.erase(0, text.find_first_not_of(' '));
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
  };
  const std::string key = trim(constraint.substr(0, at)), value = trim(constraint.substr(at + 2));
  std::string actual;
  if (key == "node.hostname") {
    actual = node.description.hostname;
  } else if (key == "node.id") {
    actual = node.id.str();
  } else if (key.starts_with("node.labels.")) {
    const auto label = node.spec.annotations.labels.find(key.substr(12));
    if (label != node.spec.annotations.labels.end()) actual = label->second;
  } else {
    return std::nullopt;  // roles change under way
  }
  return (actual == value) == equal;
}

bool may_double(const model::Service& service) {
  const auto starts_first = [](const std::optional<model::UpdateConfig>& config) {
    return config && config->order == model::UpdateOrder::start_first;
  };
  const auto either = [&](const model::ServiceSpec& spec) {
    return starts_first(spec.update) || starts_first(spec.rollback);
  };
  return either(service.spec) || (service.previous_spec && either(*service.previous_spec));
}

}  // namespace

void Replica::begin(const store::Store& store) { store_ = copy_of(store); }

std::optional<std::string> Replica::apply(const raft::Entry& entry, const model::Build& build) {
  remarks_.clear();
  if (entry.index <= store_->version()) return std::nullopt;
  if (entry.type != raft::EntryType::normal || entry.data.empty()) {
    store_->skip_to(entry.index);
    return std::nullopt;
  }
  const auto [request, time, applied, refused] = node::apply_entry(*store_, build, entry.data, entry.index);
  store_->take_dirty();
  if (refused) return std::nullopt;
  remember(entry.index, applied.changes);
  const Moment now{entry.index, time};
  std::optional<std::string> broken;
  for (const auto& change : applied.changes.changes)
    if (const auto* task = std::get_if<store::Change<model::Task>>(&change)) {
      remark(*task);
      if (!broken) broken = check(*task, now);
    }
  if (!broken) broken = check_handover(now);
  if (broken) return "entry " + std::to_string(entry.index) + ": " + *broken;
  return std::nullopt;
}

void Replica::remember(std::uint64_t index, const store::ChangeSet& changes) {
  recent_[index] = changes.changes;
  if (recent_.size() > kRecentEntries) recent_.erase(recent_.begin());
}

void Replica::remark(const store::Change<model::Task>& change) {
  const model::Task& task = change.latest();
  std::string text = name_of(task) + " " + (change.before ? words(*change.before) : "none") + " -> " +
                     (change.after ? words(*change.after) : "none");
  const auto node = store_->node(task.node_id);
  if (node) text += " on " + node->display_name();
  if (!task.status.err.empty()) text += " err=" + task.status.err;
  remarks_.push_back(std::move(text));
}

std::optional<std::string> Replica::check(const store::Change<model::Task>& change, const Moment& at) {
  note_handover(change.latest(), at);
  if (!change.after) {
    stopping_.erase(change.before->id);
    return std::nullopt;
  }
  const model::Task& now = *change.after;
  if (change.before) {
    const model::Task& before = *change.before;
    if (now.state() < before.state() || now.desired_state < before.desired_state)
      return "task " + name_of(now) + " went back from " + words(before) + " to " + words(now);
    if (!before.node_id.empty() && now.node_id != before.node_id)
      return "task " + name_of(now) + " changed its node";
    if (now.service_id != before.service_id || now.slot != before.slot)
      return "task " + name_of(now) + " changed its service or slot";
  }
  if (auto doubled = check_slot(now)) return doubled;
  if (auto too_early = check_release(change, at)) return too_early;
  const bool assigned =
      now.state() == TaskState::assigned && (!change.before || change.before->state() < TaskState::assigned);
  return assigned ? check_placement(now) : std::nullopt;
}

// reliability.md, invariant 10.
std::optional<std::string> Replica::check_slot(const model::Task& task) const {
  const auto service = store_->service(task.service_id);
  if (!service || !task.live()) return std::nullopt;
  std::size_t live = 0, newest = 0;
  for (const auto& other : store_->tasks_in_slot(task.service_id, task.slot)) {
    if (!other->live() || (task.slot == 0 && other->node_id != task.node_id)) continue;
    ++live;
    newest += other->spec_version == task.spec_version;
  }
  const bool doubles = may_double(*service);
  if (live <= 1 || (doubles && live == 2)) return std::nullopt;
  return "slot " + std::to_string(task.slot) + " of " + service->spec.annotations.name + " has " +
         std::to_string(live) + " live tasks, " + std::to_string(newest) + " of them like " + name_of(task);
}

std::vector<store::Ref<model::Task>> Replica::tasks_at(const Place& place) const {
  auto out = store_->tasks_in_slot(place.service, place.slot);
  if (place.slot == 0) std::erase_if(out, [&](const auto& task) { return task->node_id != place.node; });
  return out;
}

// A task may start from here on: no other task of its slot may still run on a node that could stop it, unless
// it was to stop and had its time for that.
std::optional<std::string> Replica::check_release(const store::Change<model::Task>& change,
                                                  const Moment& now) {
  const model::Task& task = *change.after;
  const auto may_start = [](const model::Task& one) { return one.desired_state == TaskState::running; };
  const bool told = task.desired_state > TaskState::running;
  if (told) stopping_.try_emplace(task.id, now.time);
  const auto service = store_->service(task.service_id);
  if (!may_start(task) || (change.before && may_start(*change.before)) || !service || may_double(*service))
    return std::nullopt;
  for (const auto& other : tasks_at({task.service_id, task.slot, task.slot == 0 ? task.node_id : NodeId()})) {
    // A task that was placed while it was to stop never starts.
    const bool ended = model::is_terminal(other->state()) && !model::may_still_stop(*other);
    if (other->id == task.id || other->state() <= TaskState::assigned || ended) continue;
    const auto node = store_->node(other->node_id);
    if (!node || node->status.state == model::NodeState::down ||
        node->meta.version + kPlanAge > store_->version())
      continue;
    const auto since = stopping_.find(other->id);
    const Duration patience = model::old_task_timeout(other->spec()) - kClockSkew;
    if (since != stopping_.end() && now.time - since->second >= patience) continue;
    return "task " + name_of(task) + " may start while " + name_of(*other) + " of its slot is " +
           words(*other);
  }
  return std::nullopt;
}

void Replica::note_handover(const model::Task& task, const Moment& now) {
  const Place place{task.service_id, task.slot, task.slot == 0 ? task.node_id : NodeId()};
  const auto tasks = tasks_at(place);
  const auto running = std::count_if(tasks.begin(), tasks.end(), [](const auto& one) {
    return one->live() && one->state() == TaskState::running;
  });
  if (running > 1) {
    doubled_.try_emplace(place, now);
  } else {
    doubled_.erase(place);
  }
}

// A leader that does anything at all also ends the old task of a slot whose new one runs.
std::optional<std::string> Replica::check_handover(const Moment& now) {
  for (const auto& [place, since] : doubled_) {
    if (now.index < since.index + kPlanAge || now.time - since.time < kHandover) continue;
    const auto service = store_->service(place.service);
    if (!service) continue;
    return "slot " + std::to_string(place.slot) + " of " + service->spec.annotations.name +
           " has two tasks that run and are meant to, since entry " + std::to_string(since.index);
  }
  return std::nullopt;
}

std::optional<std::string> Replica::check_placement(const model::Task& task) const {
  const auto node = store_->node(task.node_id);
  if (!node) return "task " + name_of(task) + " is placed on a node that is not there";
  const bool changed_lately = node->meta.version + kPlanAge > store_->version();
  model::Resources sum;
  std::uint64_t of_service = 0;
  for (const TaskId id : store_->tasks_on_node(node->id)) {
    const auto other = store_->task(id);
    // A global task is bound to its node before the scheduler has found that it fits there.
    if (!other || !other->live() || other->state() < model::TaskState::assigned) continue;
    const model::Resources part = reserved(*other);
    sum.nano_cpus = saturating_add(sum.nano_cpus, part.nano_cpus);
    sum.memory_bytes = saturating_add(sum.memory_bytes, part.memory_bytes);
    of_service += other->service_id == task.service_id;
  }
  const model::Resources& has = node->description.resources;
  const model::Resources wants = reserved(task);
  if ((wants.nano_cpus > 0 && sum.nano_cpus > has.nano_cpus) ||
      (wants.memory_bytes > 0 && sum.memory_bytes > has.memory_bytes))
    return "task " + name_of(task) + " is placed where its reservation does not fit: " + node->display_name();
  if (!changed_lately && !node->accepts_tasks())
    return "task " + name_of(task) + " is placed on " + node->display_name() + ", which takes no tasks";
  const auto& placement = task.spec().placement;
  if (!placement) return std::nullopt;
  const auto service = store_->service(task.service_id);
  if (placement->max_replicas != 0 && of_service > placement->max_replicas && service &&
      !may_double(*service))
    return "task " + name_of(task) + " is one too many on " + node->display_name();
  if (changed_lately) return std::nullopt;
  for (const auto& constraint : placement->constraints)
    if (holds(constraint, *node) == false)
      return "task " + name_of(task) + " is placed against its constraint " + constraint;
  return std::nullopt;
}

namespace {

// In what the object with this id is not the same in both stores; nothing if it is.
template <class T>
std::optional<std::string> differs_in(const store::Store& ours, const store::Store& theirs, const T& object) {
  const auto left = ours.find<T>(store::id_of(object)), right = theirs.find<T>(store::id_of(object));
  if (left == nullptr && right == nullptr) return std::nullopt;
  if (left == nullptr || right == nullptr) return right == nullptr ? "it is not there" : "it is there";
  if (*left == *right) return std::nullopt;
  return model::difference(*right, *left);
}

template <class Map>
bool differ(const Map& a, const Map& b) {
  return !std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.first == y.first && *x.second == *y.second;
  });
}

}  // namespace

std::optional<std::string> Replica::differs_recently(const store::Store& other, std::uint64_t after) const {
  for (auto it = recent_.upper_bound(after); it != recent_.end(); ++it)
    for (const auto& change : it->second) {
      const auto words = std::visit(
          [&]<class T>(const store::Change<T>& one) -> std::optional<std::string> {
            const auto in = differs_in(*store_, other, one.latest());
            return in ? std::optional(T::kWord + (", " + *in)) : std::nullopt;
          },
          change);
      if (words)
        return "its store differs at version " + std::to_string(other.version()) + " in what entry " +
               std::to_string(it->first) + " wrote (" + *words + ")";
    }
  return std::nullopt;
}

std::optional<std::string> Replica::differs(const store::Store& other) const {
  if (other.version() != store_->version()) return std::nullopt;
  std::optional<std::string> found;
  model::ShownKinds::any([&]<class T>() {
    if (differ(store_->all<T>(), other.all<T>()))
      found = std::string("its objects of kind ") + T::kWord + " differ from what the log says";
    return found.has_value();
  });
  return found;
}

}  // namespace swarm::sim
