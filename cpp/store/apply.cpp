// Applying one transaction: all checks, then all writes, then the removal of templates that no task uses.
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/mistake.hpp"
#include "model/cluster.hpp"
#include "model/key_value.hpp"
#include "model/kinds.hpp"
#include "model/network.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/spec_networks.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "store/applier.hpp"
#include "store/change_set.hpp"
#include "store/data.hpp"
#include "store/key.hpp"
#include "store/store.hpp"
#include "store/table.hpp"
#include "store/text.hpp"
#include "store/view.hpp"

namespace swarm::store {
namespace {

constexpr const char* kExists = "object already exists";
constexpr const char* kMissing = "object does not exist";
constexpr const char* kConflict = "name conflicts with an existing object";
constexpr const char* kSequence = "update out of sequence";
constexpr const char* kNoNetwork = "a network of the service is not there any more";
constexpr const char* kNetworkInUse = "network is in use by a service";
constexpr const char* kTooMany = "too many keys";
constexpr const char* kLowered = "the feature level of a swarm is never lowered";
constexpr const char* kStays = "objects of this kind cannot be removed";

// Nothing was changed: writing it again would only move the version.
bool same_task(const model::Task& a, const model::Task& b) {
  return a.node_id == b.node_id && a.desired_state == b.desired_state && a.status == b.status &&
         a.applied_at == b.applied_at && a.attachments == b.attachments;
}

// Keys are removed by an action of their own, templates with their service; the cluster ends with its
// managers.
template <class T>
constexpr bool is_removable = model::PutKinds::contains<T> && !std::is_same_v<T, model::Cluster>;

}  // namespace

Applied Store::apply(model::Transaction transaction, std::uint64_t index) {
  SWARM_CHECK(index > version_, "entry", index, "after", version_);
  version_ = index;
  return Applier(*this, std::move(transaction), index).run();
}

Applied Applier::run() {
  Applied applied;
  applied.outcome.version = index_;
  changes_.version = index_;
  changes_.time = transaction_.time;
  if (auto error = check_all(); error && !SWARM_MISTAKE("store.applies-what-it-refuses")) {
    applied.outcome.error = std::move(*error);
  } else {
    for (auto& action : transaction_.actions) std::visit([this](auto& one) { write(one); }, action);
    drop_unused_templates();
    applied.outcome.applied = true;
  }
  applied.changes = std::move(changes_);
  return applied;
}

// ---- checks

Applier::Refusal Applier::check_all() {
  for (const auto& action : transaction_.actions)
    if (auto error = std::visit([this](const auto& one) { return check(one); }, action)) return error;
  return std::nullopt;
}

Applier::Refusal Applier::check(const model::Put& put) {
  return std::visit([this](const auto& object) { return check_put(object); }, put.object);
}

template <class T>
Applier::Refusal Applier::check_put(const T& object) {
  if (auto error = check_version(object)) return error;
  if constexpr (HasUniqueName<T>)
    if (auto error = check_name(object)) return error;
  return check_more(object);
}

template <class T>
Applier::Refusal Applier::check_version(const T& object) {
  const Ref<T> stored = store_.find<T>(object.id);
  if (object.meta.version == 0) {
    const bool first = created_.insert(key_of<T>(object.id)).second;
    return stored || !first ? Refusal(kExists) : std::nullopt;
  }
  if (!stored) return kMissing;
  if (SWARM_MISTAKE("store.writes-over-any-version")) return std::nullopt;
  return stored->meta.version == object.meta.version ? std::nullopt : Refusal(kSequence);
}

// The name must be free: in the store, and among what this transaction has claimed.
template <class T>
Applier::Refusal Applier::check_name(const T& object) {
  const Ref<T> holder = store_.named<T>(object.unique_name());
  if (holder && holder->id != object.id) return kConflict;
  if (!holder && store_.table<T>().names.contains(lower(object.unique_name()))) return kConflict;
  const Key key = key_of<T>(object.id);
  const auto claimed = claimed_names_.try_emplace({T::kKind, lower(object.unique_name())}, key);
  return claimed.first->second == key ? std::nullopt : Refusal(kConflict);
}

Applier::Refusal Applier::check_more(const model::Cluster& cluster) {
  const model::Cluster* stored = store_.cluster();
  if (stored == nullptr) return std::nullopt;
  if (cluster.meta.version == 0) return kExists;
  return cluster.feature_level < stored->feature_level ? Refusal(kLowered) : std::nullopt;
}

// A network that a service is put on must be there: it may have been removed since the API looked. What the
// service has named before passes, so that it can always be changed.
Applier::Refusal Applier::check_more(const model::Service& service) {
  templates_to_come_.insert({service.id, service.spec_version});
  const std::set<NetworkId> named = model::networks_named(service.spec);
  if (named.empty()) return std::nullopt;
  std::set<NetworkId> before;
  if (const Ref<model::Service> stored = store_.service(service.id)) {
    before = model::networks_named(stored->spec);
    if (const auto& previous = stored->previous_spec) before.merge(model::networks_named(*previous));
  }
  for (const NetworkId id : named)
    if (!before.contains(id) && !store_.network(id)) return kNoNetwork;
  return std::nullopt;
}

// ... and one that a service is on stays. One pass over the services for all removals of a transaction.
bool Applier::is_used(NetworkId network) {
  if (!looked_at_networks_)
    for (const auto& [id, service] : store_.services())
      used_networks_.merge(model::networks_named(service->spec));
  looked_at_networks_ = true;
  return used_networks_.contains(network);
}

// Entries carry tasks without their templates. The service may have been removed, or updated twice, since the
// task was planned: then there is nothing to make it from, on any replica.
Applier::Refusal Applier::check_more(const model::Task& task) {
  const bool known = store_.task_template(task.service_id, task.spec_version) != nullptr ||
                     templates_to_come_.contains({task.service_id, task.spec_version});
  return known ? std::nullopt : Refusal(kMissing);
}

Applier::Refusal Applier::check(const model::Remove& remove) {
  Refusal error = kStays;
  model::visit_kind(remove.kind, [&]<class T>() {
    if constexpr (is_removable<T>) error = check_removed<T>(remove);
  });
  return error;
}

template <class T>
Applier::Refusal Applier::check_removed(const model::Remove& remove) {
  if constexpr (std::is_same_v<T, model::Network>)
    if (is_used(IdOf<T>(remove.id))) return kNetworkInUse;
  if (remove.version == 0) return std::nullopt;
  const Ref<T> stored = store_.find<T>(IdOf<T>(remove.id));
  if (!stored) return kMissing;
  return stored->meta.version == remove.version ? std::nullopt : Refusal(kSequence);
}

// A node that was removed since the plan was made gets no task.
Applier::Refusal Applier::check(const model::TaskStep& step) {
  if (step.node_id && !step.node_id->empty() && !store_.node(*step.node_id)) return kMissing;
  if (step.version == 0) return std::nullopt;
  const auto task = store_.task(step.id);
  if (!task) return kMissing;
  return task->meta.version == step.version ? std::nullopt : Refusal(kSequence);
}

Applier::Refusal Applier::check(const model::NodeStep&) { return std::nullopt; }

Applier::Refusal Applier::check(const model::WriteKey& write) {
  const auto stored = store_.key(write.key);
  if (write.if_version && *write.if_version != (stored ? stored->meta.version : 0)) return kSequence;
  if (write.if_value && (!stored || stored->value != *write.if_value)) return kSequence;
  if (!write.value) return stored ? std::nullopt : Refusal(kMissing);
  if (!stored && store_.keys().size() >= model::kMaxKeys) return kTooMany;
  return std::nullopt;
}

// ---- writes

template <class T>
void Applier::note(const Ref<T>& before, const Ref<T>& after) {
  const auto id = id_of(after ? *after : *before);
  if (!store_.views_.empty()) store_.save_for_views<T>(id, before);
  store_.dirty_.insert(key_of<T>(id));
  changes_.changes.push_back(Change<T>{before, after});
}

template <class T>
void Applier::replace(const Ref<T>& before, T after) {
  after.meta.version = index_;
  after.meta.created_at = before ? before->meta.created_at : transaction_.time;
  after.meta.updated_at = transaction_.time;
  complete(after);
  const auto stored = std::make_shared<const Kept<T>>(std::move(after));
  store_.data_->replace<T>(before, stored);
  wrote(before.get(), static_cast<const T*>(stored.get()));
  note<T>(before, stored);
}

template <class T>
void Applier::remove(const Ref<T>& before) {
  if (!before) return;
  store_.data_->replace<T>(before, nullptr);
  wrote(before.get(), static_cast<const T*>(nullptr));
  note<T>(before, nullptr);
}

void Applier::write(model::Put& put) {
  std::visit(
      [this]<class T>(T& object) {
        const auto before = store_.find<T>(object.id);
        replace<T>(before, std::move(object));
      },
      put.object);
}

void Applier::write(const model::Remove& action) {
  model::visit_kind(action.kind, [&]<class T>() {
    if constexpr (is_removable<T>) remove<T>(store_.find<T>(IdOf<T>(action.id)));
  });
}

void Applier::complete(model::Task& task) {
  task.templ = store_.task_template(task.service_id, task.spec_version);
  SWARM_CHECK(task.templ != nullptr, "a task without a template passed its check", task.id);
}

void Applier::wrote(const model::Service* before, const model::Service* after) {
  if (after != nullptr) keep_template(*after);
  if (before == nullptr) return;
  released_.insert({before->id, before->spec_version});
  released_.insert({before->id, before->previous_spec_version});
}

void Applier::wrote(const model::Task* before, const model::Task* after) {
  if (before == nullptr || (after != nullptr && after->spec_version == before->spec_version)) return;
  released_.insert({before->service_id, before->spec_version});
}

// Forward only, field by field: a step back is dropped in silence (swarmkit design/task_model.md).
void Applier::write(const model::TaskStep& step) {
  const Ref<model::Task> before = store_.task(step.id);
  if (!before) return;
  model::Task after = *before;
  const bool reported = !step.reported_by.empty();
  if (reported && step.reported_by != before->node_id) return;
  if (step.desired_state && *step.desired_state > after.desired_state)
    after.desired_state = *step.desired_state;
  if (step.node_id) after.node_id = *step.node_id;
  if (!step.attachments.empty()) after.attachments = step.attachments;
  if (step.status && step.status->state >= after.status.state && !(*step.status == after.status)) {
    after.status = *step.status;
    if (reported) after.applied_at = transaction_.time;
  }
  if (!same_task(*before, after)) replace(before, std::move(after));
}

void Applier::write(const model::NodeStep& step) {
  const Ref<model::Node> before = store_.node(step.id);
  if (!before) return;
  model::Node after = *before;
  if (step.status) after.status = *step.status;
  if (step.description) after.description = *step.description;
  if (step.role) after.role = *step.role;
  if (step.manager) after.manager = *step.manager;
  if (after != *before) replace(before, std::move(after));
}

void Applier::write(const model::WriteKey& write) {
  const Ref<model::KeyValue> before = store_.key(write.key);
  if (!write.value) return remove(before);
  replace(before, model::KeyValue{write.key, {}, *write.value});
}

// ---- templates

// The version that tasks will be made from. A version names one spec for as long as a task refers to it:
// replacing it under those tasks would make a store that was restored differ from one that lived through it.
void Applier::keep_template(const model::Service& service) {
  const TemplateId id{service.id, service.spec_version};
  auto& slot = table<model::TaskTemplateRecord>().objects[id];
  if (slot.record && slot.users > 0) return;
  model::TaskTemplate templ{service.spec.task, service.spec.annotations, service.spec.endpoint};
  if (slot.record && slot.record->templ == templ) return;
  if (!store_.views_.empty()) store_.save_for_views<model::TaskTemplateRecord>(id, slot.record);
  store_.data_->take_from_hash<model::TaskTemplateRecord>(slot.record.get());
  slot.record = std::make_shared<const Kept<model::TaskTemplateRecord>>(
      model::TaskTemplateRecord{id.first, id.second, std::move(templ)});
  store_.dirty_.insert(key_of<model::TaskTemplateRecord>(id));
}

bool Applier::is_needed(const TemplateId& id) const {
  const auto service = store_.service(id.first);
  if (!service) return false;
  return service->spec_version == id.second ||
         (service->previous_spec && service->previous_spec_version == id.second);
}

void Applier::drop_unused_templates() {
  auto& templates = table<model::TaskTemplateRecord>().objects;
  for (const TemplateId& id : released_) {
    const auto it = templates.find(id);
    if (it == templates.end() || it->second.users > 0 || is_needed(id)) continue;
    if (!store_.views_.empty()) store_.save_for_views<model::TaskTemplateRecord>(id, it->second.record);
    store_.data_->take_from_hash<model::TaskTemplateRecord>(it->second.record.get());
    templates.erase(it);
    store_.dirty_.insert(key_of<model::TaskTemplateRecord>(id));
  }
}

}  // namespace swarm::store
