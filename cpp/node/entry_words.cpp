#include "node/entry_words.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "base/bytes.hpp"
#include "base/id.hpp"
#include "codec/codec.hpp"
#include "docker/inside.hpp"
#include "model/cluster.hpp"
#include "model/key_value.hpp"
#include "model/kinds.hpp"
#include "model/node.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "raft/conf_change.hpp"
#include "raft/message.hpp"
#include "store/key.hpp"
#include "store/store.hpp"
#include "store/table.hpp"

namespace swarm::node {
namespace {

constexpr std::size_t kMostActions = 3;  // told of one entry; the rest is counted
constexpr std::size_t kShortId = 12;

template <class IdType>
std::string short_id(IdType id) {
  return id.str().substr(0, kShortId);
}

std::string node_name(const store::Store& store, NodeId id) {
  const auto node = store.node(id);
  return node ? node->display_name() : short_id(id);
}

std::string service_name(const store::Store& store, ServiceId id) {
  const auto service = store.service(id);
  return service ? service->spec.annotations.name : short_id(id);
}

std::string task_name(const store::Store& store, const model::Task& task) {
  const std::string service = task.templ ? task.templ->service.name : service_name(store, task.service_id);
  return service + '.' + (task.slot != 0 ? std::to_string(task.slot) : node_name(store, task.node_id));
}

std::string task_name(const store::Store& store, TaskId id) {
  const auto task = store.task(id);
  return task ? task_name(store, *task) : short_id(id);
}

// ---- what an object is called

std::string name_of(const store::Store&, const model::Cluster&) { return {}; }
std::string name_of(const store::Store&, const model::Node& node) { return ' ' + node.display_name(); }
std::string name_of(const store::Store& store, const model::Task& task) {
  return ' ' + task_name(store, task);
}
template <store::HasUniqueName T>
std::string name_of(const store::Store&, const T& object) {
  return ' ' + object.unique_name();
}

// ---- what is done to it

template <class T>
std::string done_to(const T& object) {
  return object.meta.version == 0 ? ": create" : ": update";
}
std::string done_to(const model::Task& task) {
  return std::string(": ") + model::to_string(task.status.state);
}

std::string words(const store::Store& store, const model::Put& action) {
  return std::visit(
      [&]<class T>(const T& object) { return T::kWord + name_of(store, object) + done_to(object); },
      action.object);
}

std::string words(const store::Store& store, const model::Remove& action) {
  std::string name = ' ' + to_base36(action.id, kIdLength).substr(0, kShortId);
  model::visit_kind(action.kind, [&]<class T>() {
    if constexpr (model::PutKinds::contains<T>)
      if (const auto object = store.find<T>(store::IdOf<T>(action.id))) name = name_of(store, *object);
  });
  return model::to_string(action.kind) + name + ": remove";
}

std::string words(const store::Store& store, const model::TaskStep& step) {
  const std::string what = "task " + task_name(store, step.id) + ": ";
  if (step.status) return what + model::to_string(step.status->state);
  if (step.node_id) return what + "node " + node_name(store, *step.node_id);
  return what +
         (step.desired_state ? std::string("desired ") + model::to_string(*step.desired_state) : "step");
}

std::string words(const store::Store& store, const model::NodeStep& step) {
  const std::string what = "node " + node_name(store, step.id) + ": ";
  if (step.status) return what + model::to_string(step.status->state);
  if (step.role) return what + model::to_string(*step.role);
  return what + (step.description ? "description" : "manager status");
}

std::string words(const store::Store&, const model::WriteKey& write) {
  return "key " + write.key + (write.value ? ": write" : ": delete") +
         (write.if_version || write.if_value ? " on a condition" : "");
}

// ---- entries

std::string words_of(const std::string& data, const store::Store& store) {
  const auto transaction = codec::decode_transaction(data);
  if (!transaction) return "not readable: " + transaction.error().message;
  std::string out;
  std::size_t told = 0;
  for (const auto& action : transaction->actions) {
    if (told == kMostActions) break;
    out += (told++ == 0 ? "" : "; ") + std::visit([&](const auto& one) { return words(store, one); }, action);
  }
  if (transaction->actions.size() > told)
    out += "; and " + std::to_string(transaction->actions.size() - told) + " more";
  return told == 0 ? "nothing" : out;
}

std::string member_words(const raft::ConfChangeSingle& change, const store::Store& store) {
  const auto peer = codec::decode_manager_peer(change.context);
  std::string name;
  if (peer && peer->raft_id == change.node) name = node_name(store, peer->node);
  for (const auto& [id, node] : store.nodes()) {
    const std::optional<model::ManagerStatus>& manager = node->manager;
    if (name.empty() && manager && manager->raft_id == change.node) name = node->display_name();
  }
  if (name.empty()) name = std::to_string(change.node);
  switch (change.type) {
    case raft::ConfChangeType::remove_node:
      return "member " + name + ": remove";
    case raft::ConfChangeType::add_learner_node:
      return "member " + name + ": add as a learner";
    case raft::ConfChangeType::add_node:
      return "member " + name + ": add as a voter";
    case raft::ConfChangeType::update_node:
      break;
  }
  return "member " + name + ": update";
}

std::string membership_words(const raft::Entry& entry, const store::Store& store) {
  std::string out;
  for (const auto& change : raft::decode_conf_change(entry).changes)
    out += (out.empty() ? "" : "; ") + member_words(change, store);
  return out.empty() ? "the joint configuration is left" : out;
}

}  // namespace

docker::LogRow row_of(const raft::Entry& entry, const store::Store& store) {
  docker::LogRow row;
  row.index = entry.index;
  row.term = entry.term;
  row.size = entry.data.size();
  row.digest = fnv1a(entry.data, kFnvStart ^ static_cast<std::uint64_t>(entry.type));
  if (entry.type != raft::EntryType::normal) {
    row.kind = "membership";
    row.what = membership_words(entry, store);
  } else if (entry.data.empty()) {
    row.kind = "empty";
    row.what = "a leader's first entry";
  } else {
    row.kind = "transaction";
    row.what = words_of(entry.data, store);
  }
  return row;
}

}  // namespace swarm::node
