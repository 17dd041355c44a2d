#include "net/overlay/table.hpp"

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/address.hpp"
#include "base/id.hpp"
#include "net/overlay/rows.hpp"

namespace swarm::overlay {
namespace {

template <class Key, class Row>
std::optional<Row> put(std::map<Key, Row>& rows, const Key& key, const Row& row) {
  const auto [at, is_new] = rows.try_emplace(key, row);
  if (is_new) return std::nullopt;
  return std::exchange(at->second, row);
}

template <class Key, class Row>
std::optional<Row> take(std::map<Key, Row>& rows, const Key& key) {
  auto node = rows.extract(key);
  if (node.empty()) return std::nullopt;
  return std::move(node.mapped());
}

template <class Key, class Member>
void remove(std::map<Key, std::set<Member>>& sets, const Key& key, const Member& member) {
  const auto it = sets.find(key);
  if (it == sets.end()) return;
  it->second.erase(member);
  if (it->second.empty()) sets.erase(it);
}

template <class Key, class Member>
const std::set<Member>& members(const std::map<Key, std::set<Member>>& sets, const Key& key) {
  static const std::set<Member> kNone;
  const auto it = sets.find(key);
  return it != sets.end() ? it->second : kNone;
}

int rank(Stage stage) {
  switch (stage) {
    case Stage::leaving:
      return 0;
    case Stage::made:
      return 1;
    case Stage::serving:
      return 2;
  }
  return 0;
}

}  // namespace

// ---- networks and nodes

std::optional<NetworkRow> Table::set(const NetworkRow& row) {
  return std::exchange(networks_[row.id].row, row);
}

std::optional<NetworkRow> Table::drop(NetworkId id) {
  const auto it = networks_.find(id);
  if (it == networks_.end()) return std::nullopt;
  auto old = std::exchange(it->second.row, std::nullopt);
  forget_if_empty(id);
  return old;
}

std::optional<NodeRow> Table::set(const NodeRow& row) { return put(nodes_, row.node, row); }
std::optional<NodeRow> Table::drop(NodeId id) { return take(nodes_, id); }

// ---- attachments

std::optional<AttachmentRow> Table::set(const AttachmentRow& row) {
  Net& net = networks_[row.network];
  auto old = put(net.attachments, row.task, row);
  if (old) unindex(net, *old);
  index(net, row);
  return old;
}

std::optional<AttachmentRow> Table::drop(const AttachmentKey& key) {
  const auto it = networks_.find(key.network);
  if (it == networks_.end()) return std::nullopt;
  auto old = take(it->second.attachments, key.task);
  if (old) unindex(it->second, *old);
  forget_if_empty(key.network);
  return old;
}

void Table::index(Net& net, const AttachmentRow& row) {
  net.by_address[row.address].insert(row.task);
  net.by_node[row.node].insert(row.task);
  net.by_service[row.service].insert(row.task);
  networks_of_task_[row.task].insert(row.network);
  networks_of_node_[row.node].insert(row.network);
}

void Table::unindex(Net& net, const AttachmentRow& row) {
  remove(net.by_address, row.address, row.task);
  remove(net.by_node, row.node, row.task);
  remove(net.by_service, row.service, row.task);
  remove(networks_of_task_, row.task, row.network);
  if (!net.by_node.contains(row.node)) remove(networks_of_node_, row.node, row.network);
}

// ---- services

std::optional<ServiceRow> Table::set(const ServiceRow& row) {
  Net& net = networks_[row.network];
  auto old = put(net.services, row.service, row);
  if (old) remove(net.by_vip, old->vip, row.service);
  if (row.has_vip()) net.by_vip[row.vip].insert(row.service);
  return old;
}

std::optional<ServiceRow> Table::drop(const ServiceKey& key) {
  const auto it = networks_.find(key.network);
  if (it == networks_.end()) return std::nullopt;
  auto old = take(it->second.services, key.service);
  if (old) remove(it->second.by_vip, old->vip, key.service);
  forget_if_empty(key.network);
  return old;
}

// ---- looking

void Table::forget_if_empty(NetworkId id) {
  const auto it = networks_.find(id);
  if (it != networks_.end() && it->second.empty()) networks_.erase(it);
}

const Table::Net* Table::find(NetworkId id) const {
  const auto it = networks_.find(id);
  return it != networks_.end() ? &it->second : nullptr;
}

const AttachmentRow* Table::find(const AttachmentKey& key) const {
  const Net* net = find(key.network);
  if (net == nullptr) return nullptr;
  const auto it = net->attachments.find(key.task);
  return it != net->attachments.end() ? &it->second : nullptr;
}

const std::set<NetworkId>& Table::networks_of(TaskId task) const { return members(networks_of_task_, task); }
const std::set<NetworkId>& Table::networks_of(NodeId node) const { return members(networks_of_node_, node); }

const std::set<TaskId>& Table::local_tasks(NetworkId id) const {
  static const std::set<TaskId> kNone;
  const Net* net = find(id);
  return net != nullptr ? members(net->by_node, self_) : kNone;
}

const AttachmentRow* Table::owner(const Net& net, const Address& address) const {
  const AttachmentRow* best = nullptr;
  for (const TaskId task : members(net.by_address, address)) {
    const AttachmentRow& row = net.attachments.at(task);
    if (best == nullptr || rank(row.stage) >= rank(best->stage)) best = &row;
  }
  return best;
}

}  // namespace swarm::overlay
