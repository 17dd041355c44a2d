// Applying one transaction: all checks, then all writes, then the templates that nobody needs any more. And
// restoring a whole store from its records.
#include <utility>

#include "store/applier.hpp"
#include "store/text.hpp"

namespace swarm::store {
namespace {

using model::Kind;

template <class T>
constexpr Kind kind_of() {
  if constexpr (std::is_same_v<T, model::Cluster>) return Kind::cluster;
  if constexpr (std::is_same_v<T, model::Node>) return Kind::node;
  if constexpr (std::is_same_v<T, model::Service>) return Kind::service;
  if constexpr (std::is_same_v<T, model::Task>) return Kind::task;
  return Kind::network;
}

constexpr const char* kExists = "object already exists";
constexpr const char* kMissing = "object does not exist";
constexpr const char* kConflict = "name conflicts with an existing object";
constexpr const char* kSequence = "update out of sequence";
constexpr const char* kTooMany = "too many keys";

// Equal but for the versions: writing it again would be no change.
bool same_task(const model::Task& a, const model::Task& b) {
  return a.node_id == b.node_id && a.desired_state == b.desired_state && a.status == b.status &&
         a.applied_at == b.applied_at;
}

// The name must be free: in the store, and among what this transaction has claimed.
template <class IdType>
bool is_free(const std::map<std::string, IdType, std::less<>>& names, std::map<std::string, IdType>& claimed,
             const std::string& name, IdType id) {
  const auto holder = names.find(name);
  if (holder != names.end() && holder->second != id) return false;
  return claimed.try_emplace(name, id).first->second == id;
}

}  // namespace

Applied Store::apply(const model::Transaction& transaction, std::uint64_t index) {
  SWARM_CHECK(index > version_, "entry", index, "after", version_);
  version_ = index;
  return Applier(*this, transaction, index).run();
}

Applied Applier::run() {
  Applied applied;
  applied.outcome.version = index_;
  changes_.version = index_;
  changes_.time = transaction_.time;
  if (auto error = check_all()) {
    applied.outcome.error = std::move(*error);
  } else {
    for (const auto& action : transaction_.actions)
      std::visit([this](const auto& one) { write(one); }, action);
    drop_unused_templates();
    applied.outcome.applied = true;
  }
  applied.changes = std::move(changes_);
  return applied;
}

// ---- checks

std::optional<std::string> Applier::check_all() {
  for (const auto& action : transaction_.actions)
    if (auto error = std::visit([this](const auto& one) { return check(one); }, action)) return error;
  return std::nullopt;
}

template <class T>
std::optional<std::string> Applier::check_object(const Ref<T>& stored, const T& object) {
  if (object.meta.version == 0) {
    const bool first = created_.insert({kind_of<T>(), object.id.value(), 0}).second;
    return stored || !first ? std::optional<std::string>(kExists) : std::nullopt;
  }
  if (!stored) return kMissing;
  return stored->meta.version == object.meta.version ? std::nullopt : std::optional<std::string>(kSequence);
}

std::optional<std::string> Applier::check_object(const model::Cluster& cluster) {
  return check_object<model::Cluster>(store_.cluster_, cluster);
}

std::optional<std::string> Applier::check_service(const model::Service& service) {
  if (auto error = check_object(store_.service(service.id), service)) return error;
  const std::string name = lower(service.spec.annotations.name);
  if (!is_free(store_.service_names_, claimed_service_names_, name, service.id)) return kConflict;
  templates_to_come_.insert({service.id, service.spec_version});
  return std::nullopt;
}

std::optional<std::string> Applier::check_network(const model::Network& network) {
  if (auto error = check_object(store_.network(network.id), network)) return error;
  const std::string name = lower(network.annotations.name);
  return is_free(store_.network_names_, claimed_network_names_, name, network.id)
             ? std::nullopt
             : std::optional<std::string>(kConflict);
}

// Entries carry tasks without their templates. The service may have been removed, or updated twice, since the
// task was planned: then there is nothing to make it from, on any replica.
std::optional<std::string> Applier::check_task(const model::Task& task) {
  if (auto error = check_object(store_.task(task.id), task)) return error;
  const bool known = store_.task_template(task.service_id, task.spec_version) != nullptr ||
                     templates_to_come_.contains({task.service_id, task.spec_version});
  return known ? std::nullopt : std::optional<std::string>(kMissing);
}

std::optional<std::string> Applier::check(const model::Put& put) {
  if (const auto* cluster = std::get_if<model::Cluster>(&put.object)) return check_object(*cluster);
  if (const auto* node = std::get_if<model::Node>(&put.object))
    return check_object(store_.node(node->id), *node);
  if (const auto* task = std::get_if<model::Task>(&put.object)) return check_task(*task);
  if (const auto* service = std::get_if<model::Service>(&put.object)) return check_service(*service);
  return check_network(std::get<model::Network>(put.object));
}

std::optional<std::string> Applier::check(const model::Remove& remove) {
  if (remove.version == 0) return std::nullopt;
  const auto version_is = [&](const auto& stored) -> std::optional<std::string> {
    if (!stored) return kMissing;
    return stored->meta.version == remove.version ? std::nullopt : std::optional<std::string>(kSequence);
  };
  switch (remove.kind) {
    case Kind::node:
      return version_is(store_.node(NodeId(remove.id)));
    case Kind::service:
      return version_is(store_.service(ServiceId(remove.id)));
    case Kind::task:
      return version_is(store_.task(TaskId(remove.id)));
    case Kind::network:
      return version_is(store_.network(NetworkId(remove.id)));
    default:
      return kMissing;
  }
}

// A node that was removed since the plan was made gets no task.
std::optional<std::string> Applier::check(const model::TaskStep& step) {
  if (step.node_id && !step.node_id->empty() && !store_.node(*step.node_id)) return kMissing;
  if (step.version == 0) return std::nullopt;
  const auto task = store_.task(step.id);
  if (!task) return kMissing;
  return task->meta.version == step.version ? std::nullopt : std::optional<std::string>(kSequence);
}

std::optional<std::string> Applier::check(const model::NodeStep&) { return std::nullopt; }

std::optional<std::string> Applier::check(const model::WriteKey& write) {
  const auto stored = store_.key(write.key);
  if (write.if_version && *write.if_version != (stored ? stored->meta.version : 0)) return kSequence;
  if (write.if_value && (!stored || stored->value != *write.if_value)) return kSequence;
  if (!write.value) return stored ? std::nullopt : std::optional<std::string>(kMissing);
  if (!stored && store_.keys_.size() >= model::kMaxKeys) return kTooMany;
  return std::nullopt;
}

// ---- writes

template <class T>
T Applier::stamped(const T& object, const Ref<T>& before) {
  T out = object;
  out.meta.version = index_;
  out.meta.created_at = before ? before->meta.created_at : transaction_.time;
  out.meta.updated_at = transaction_.time;
  return out;
}

template <class T>
void Applier::note(Kind kind, Uint128 id, Ref<T> before, Ref<T> after) {
  store_.dirty_.insert({kind, id, 0});
  if (before) store_.count(*before, -1);
  if (after) store_.count(*after, +1);
  changes_.changes.push_back(Change<T>{std::move(before), std::move(after)});
}

void Applier::write(const model::Put& action) {
  std::visit([this](const auto& object) { put(object); }, action.object);
}

void Applier::put(const model::Cluster& cluster) {
  const Ref<model::Cluster> before = store_.cluster_;
  store_.cluster_ = std::make_shared<model::Cluster>(stamped(cluster, before));
  note(Kind::cluster, cluster.id.value(), before, store_.cluster_);
}

void Applier::put(const model::Node& node) {
  auto& place = store_.nodes_[node.id];
  const Ref<model::Node> before = place;
  place = std::make_shared<model::Node>(stamped(node, before));
  note(Kind::node, node.id.value(), before, place);
}

void Applier::put(const model::Network& network) {
  auto& place = store_.networks_[network.id];
  const Ref<model::Network> before = place;
  if (before) store_.network_names_.erase(lower(before->annotations.name));
  place = std::make_shared<model::Network>(stamped(network, before));
  store_.network_names_[lower(network.annotations.name)] = network.id;
  note(Kind::network, network.id.value(), before, place);
}

void Applier::put(const model::Service& service) {
  auto& place = store_.services_[service.id];
  const Ref<model::Service> before = place;
  if (before) store_.service_names_.erase(lower(before->spec.annotations.name));
  place = std::make_shared<model::Service>(stamped(service, before));
  store_.service_names_[lower(service.spec.annotations.name)] = service.id;
  const Ref<model::Service> after = place;
  keep_template(*after);
  if (before) {
    released_.insert({service.id, before->spec_version});
    released_.insert({service.id, before->previous_spec_version});
  }
  note(Kind::service, service.id.value(), before, after);
}

// The version that tasks will be made from. A version names one spec for as long as a task refers to it:
// replacing it under those tasks would make a store that was restored differ from one that lived through it.
void Applier::keep_template(const model::Service& service) {
  auto& slot = store_.templates_[{service.id, service.spec_version}];
  if (slot.templ && slot.users > 0) return;
  model::TaskTemplate templ{service.spec.task, service.spec.annotations, service.spec.endpoint};
  if (slot.templ && *slot.templ == templ) return;
  slot.templ = std::make_shared<model::TaskTemplate>(std::move(templ));
  store_.dirty_.insert({Kind::task_template, service.id.value(), service.spec_version});
}

void Applier::drop_unused_templates() {
  for (const auto& [id, spec_version] : released_) {
    const auto it = store_.templates_.find({id, spec_version});
    if (it == store_.templates_.end() || it->second.users > 0) continue;
    const auto service = store_.service(id);
    if (service && service->spec_version == spec_version) continue;
    if (service && service->previous_spec && service->previous_spec_version == spec_version) continue;
    store_.templates_.erase(it);
    store_.dirty_.insert({Kind::task_template, id.value(), spec_version});
  }
}

void Applier::index_task(const model::Task& task) {
  store_.tasks_by_service_[task.service_id].insert({task.slot, task.id});
  if (!task.node_id.empty()) store_.tasks_by_node_[task.node_id].insert(task.id);
  ++store_.templates_[{task.service_id, task.spec_version}].users;
}

void Applier::unindex_task(const model::Task& task) {
  auto& of_service = store_.tasks_by_service_[task.service_id];
  of_service.erase({task.slot, task.id});
  if (of_service.empty()) store_.tasks_by_service_.erase(task.service_id);
  if (!task.node_id.empty()) {
    auto& on_node = store_.tasks_by_node_[task.node_id];
    on_node.erase(task.id);
    if (on_node.empty()) store_.tasks_by_node_.erase(task.node_id);
  }
  --store_.templates_[{task.service_id, task.spec_version}].users;
  released_.insert({task.service_id, task.spec_version});
}

void Applier::put(const model::Task& task) {
  auto& place = store_.tasks_[task.id];
  const Ref<model::Task> before = place;
  if (before) unindex_task(*before);
  model::Task after = stamped(task, before);
  after.templ = store_.task_template(task.service_id, task.spec_version);
  SWARM_CHECK(after.templ != nullptr, "a task without a template passed its check", task.id);
  place = std::make_shared<model::Task>(std::move(after));
  index_task(*place);
  note(Kind::task, task.id.value(), before, place);
}

// Forward only, field by field: a step back is dropped in silence (swarmkit design/task_model.md).
void Applier::write(const model::TaskStep& step) {
  const auto it = store_.tasks_.find(step.id);
  if (it == store_.tasks_.end()) return;
  const Ref<model::Task> before = it->second;
  model::Task after = *before;
  const bool reported = !step.reported_by.empty();
  if (reported && step.reported_by != before->node_id) return;
  if (step.desired_state && *step.desired_state > after.desired_state)
    after.desired_state = *step.desired_state;
  if (step.node_id) after.node_id = *step.node_id;
  if (step.status && step.status->state >= after.status.state && !(*step.status == after.status)) {
    after.status = *step.status;
    if (reported) after.applied_at = transaction_.time;
  }
  if (same_task(*before, after)) return;
  if (before->node_id != after.node_id) {
    unindex_task(*before);
    index_task(after);
  }
  it->second = std::make_shared<model::Task>(stamped(after, before));
  note(Kind::task, step.id.value(), before, it->second);
}

void Applier::write(const model::NodeStep& step) {
  const auto it = store_.nodes_.find(step.id);
  if (it == store_.nodes_.end()) return;
  const Ref<model::Node> before = it->second;
  model::Node after = *before;
  if (step.status) after.status = *step.status;
  if (step.description) after.description = *step.description;
  if (step.role) after.role = *step.role;
  if (step.manager) after.manager = *step.manager;
  if (after == *before) return;
  it->second = std::make_shared<model::Node>(stamped(after, before));
  note(Kind::node, step.id.value(), before, it->second);
}

void Applier::write(const model::WriteKey& write) {
  const auto it = store_.keys_.find(write.key);
  const Ref<model::KeyValue> before = it == store_.keys_.end() ? nullptr : it->second;
  if (!before && !write.value) return;
  Ref<model::KeyValue> after;
  if (write.value) {
    after = std::make_shared<model::KeyValue>(stamped(model::KeyValue{write.key, {}, *write.value}, before));
    store_.keys_[write.key] = after;
  } else {
    store_.keys_.erase(it);
  }
  store_.dirty_.insert({Kind::key_value, 0, 0, write.key});
  changes_.changes.push_back(Change<model::KeyValue>{before, after});
}

void Applier::remove_task(TaskId id) {
  const auto it = store_.tasks_.find(id);
  if (it == store_.tasks_.end()) return;
  const Ref<model::Task> before = it->second;
  unindex_task(*before);
  store_.tasks_.erase(it);
  note(Kind::task, id.value(), before, Ref<model::Task>());
}

void Applier::remove_service(ServiceId id) {
  const auto it = store_.services_.find(id);
  if (it == store_.services_.end()) return;
  const Ref<model::Service> before = it->second;
  store_.service_names_.erase(lower(before->spec.annotations.name));
  store_.services_.erase(it);
  released_.insert({id, before->spec_version});
  released_.insert({id, before->previous_spec_version});
  note(Kind::service, id.value(), before, Ref<model::Service>());
}

void Applier::write(const model::Remove& remove) {
  if (remove.kind == Kind::task) return remove_task(TaskId(remove.id));
  if (remove.kind == Kind::service) return remove_service(ServiceId(remove.id));
  if (remove.kind == Kind::node) {
    const auto it = store_.nodes_.find(NodeId(remove.id));
    if (it == store_.nodes_.end()) return;
    const Ref<model::Node> before = it->second;
    store_.nodes_.erase(it);
    note(Kind::node, remove.id, before, Ref<model::Node>());
  }
  if (remove.kind == Kind::network) {
    const auto it = store_.networks_.find(NetworkId(remove.id));
    if (it == store_.networks_.end()) return;
    const Ref<model::Network> before = it->second;
    store_.network_names_.erase(lower(before->annotations.name));
    store_.networks_.erase(it);
    note(Kind::network, remove.id, before, Ref<model::Network>());
  }
}

// ---- restoring

Result<void> Store::restore(std::vector<Record> records, std::uint64_t version) {
  static const model::Transaction kNothing;
  Store fresh;
  std::vector<model::Task> tasks;  // after the templates that they name
  for (Record& record : records) {
    if (auto* cluster = std::get_if<model::Cluster>(&record)) {
      fresh.cluster_ = std::make_shared<model::Cluster>(std::move(*cluster));
    } else if (auto* node = std::get_if<model::Node>(&record)) {
      fresh.count(*node, +1);
      fresh.nodes_[node->id] = std::make_shared<model::Node>(*node);
    } else if (auto* network = std::get_if<model::Network>(&record)) {
      fresh.network_names_[lower(network->annotations.name)] = network->id;
      fresh.networks_[network->id] = std::make_shared<model::Network>(*network);
    } else if (auto* service = std::get_if<model::Service>(&record)) {
      fresh.service_names_[lower(service->spec.annotations.name)] = service->id;
      fresh.services_[service->id] = std::make_shared<model::Service>(*service);
    } else if (auto* templ = std::get_if<TaskTemplateRecord>(&record)) {
      fresh.templates_[{templ->service_id, templ->spec_version}].templ =
          std::make_shared<model::TaskTemplate>(std::move(templ->templ));
    } else if (auto* entry = std::get_if<model::KeyValue>(&record)) {
      const std::string key = entry->key;
      fresh.keys_[key] = std::make_shared<model::KeyValue>(std::move(*entry));
    } else {
      tasks.push_back(std::move(std::get<model::Task>(record)));
    }
  }
  for (model::Task& task : tasks) {
    task.templ = fresh.task_template(task.service_id, task.spec_version);
    if (!task.templ)
      return plain_error(Code::data_loss, "task " + task.id.str() + " names version " +
                                              std::to_string(task.spec_version) + " of service " +
                                              task.service_id.str() + ", which is not there");
    Applier(fresh, kNothing, 0).index_task(task);
    fresh.count(task, +1);
    fresh.tasks_[task.id] = std::make_shared<model::Task>(std::move(task));
  }
  version_ = version;
  cluster_ = std::move(fresh.cluster_);
  nodes_ = std::move(fresh.nodes_);
  services_ = std::move(fresh.services_);
  tasks_ = std::move(fresh.tasks_);
  networks_ = std::move(fresh.networks_);
  keys_ = std::move(fresh.keys_);
  service_names_ = std::move(fresh.service_names_);
  network_names_ = std::move(fresh.network_names_);
  tasks_by_service_ = std::move(fresh.tasks_by_service_);
  tasks_by_node_ = std::move(fresh.tasks_by_node_);
  templates_ = std::move(fresh.templates_);
  task_counts_ = std::move(fresh.task_counts_);
  node_counts_ = std::move(fresh.node_counts_);
  dirty_.clear();
  return {};
}

}  // namespace swarm::store
