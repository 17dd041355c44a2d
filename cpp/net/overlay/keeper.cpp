#include "net/overlay/keeper.hpp"

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "net/overlay/desired.hpp"
#include "net/overlay/rows.hpp"
#include "net/overlay/table.hpp"
#include "net/overlay/wanted.hpp"

namespace swarm::overlay {
namespace {

// Asks for each marked key what it is to be, keeps that, and returns what differs from what was kept.
template <class Key, class Value, class Ask>
std::vector<Edit<Key, Value>> settle(std::set<Key>& marked, std::map<Key, Value>& kept, Ask ask) {
  std::vector<Edit<Key, Value>> edits;
  for (const Key& key : std::exchange(marked, {})) {
    std::optional<Value> now = ask(key);
    const auto old = kept.find(key);
    if (now ? old != kept.end() && old->second == *now : old == kept.end()) continue;
    if (now) {
      kept.insert_or_assign(key, *now);
    } else {
      kept.erase(old);
    }
    edits.push_back({key, std::move(now)});
  }
  return edits;
}

}  // namespace

Difference Keeper::take_difference() {
  Wanted wanted(table_);
  return {settle(marked_.segments, desired_.segments, [&](NetworkId id) { return wanted.segment(id); }),
          settle(marked_.stations, desired_.stations, [&](const auto& key) { return wanted.station(key); }),
          settle(marked_.spaces, desired_.spaces, [&](TaskId task) { return wanted.space(task); }),
          settle(marked_.cables, desired_.cables, [&](const auto& key) { return wanted.cable(key); }),
          settle(marked_.vips, desired_.vips, [&](const auto& key) { return wanted.vip(key); })};
}

// ---- the feed

void Keeper::on(const TableChange& change) {
  if (change.first) named_.emplace();
  set_rows(change);
  drop_rows(change);
  if (!change.last) return;
  if (const auto named = std::exchange(named_, std::nullopt)) drop_unnamed(*named);
}

void Keeper::set_rows(const TableChange& change) {
  for (const NetworkRow& row : change.networks) set(row);
  for (const NodeRow& row : change.nodes) set(row);
  for (const ServiceRow& row : change.services) set(row);
  for (const AttachmentRow& row : change.attachments) set(row);
}

void Keeper::drop_rows(const TableChange& change) {
  for (const AttachmentKey& key : change.removed_attachments) drop(key);
  for (const ServiceKey& key : change.removed_services) drop(key);
  for (const NodeId id : change.removed_nodes) drop(id);
  for (const NetworkId id : change.removed_networks) drop(id);
}

void Keeper::drop_unnamed(const Named& named) {
  TableChange gone;
  for (const auto& [id, net] : table_.networks()) {
    if (net.row && !named.networks.contains(id)) gone.removed_networks.push_back(id);
    for (const auto& [service, row] : net.services)
      if (!named.services.contains({id, service})) gone.removed_services.push_back({id, service});
    for (const auto& [task, row] : net.attachments)
      if (!named.attachments.contains({id, task})) gone.removed_attachments.push_back({id, task});
  }
  for (const auto& [id, row] : table_.nodes())
    if (!named.nodes.contains(id)) gone.removed_nodes.push_back(id);
  drop_rows(gone);
}

void Keeper::leave() {
  drop_unnamed({});
  named_.reset();
  set_self({});
}

void Keeper::set_self(NodeId self) {
  if (self == table_.self()) return;
  for (const NetworkId id : table_.networks_of(table_.self())) mark_network(id);
  table_.set_self(self);
  for (const NetworkId id : table_.networks_of(self)) mark_network(id);
}

// ---- rows: the table first, then marks by the row that was and by the row that is

void Keeper::set(const NetworkRow& row) {
  if (named_) named_->networks.insert(row.id);
  const auto old = table_.set(row);
  if (old != row) mark_network(row.id);
}

void Keeper::drop(NetworkId id) {
  if (named_) named_->networks.erase(id);
  if (table_.drop(id)) mark_network(id);
}

void Keeper::set(const NodeRow& row) {
  if (named_) named_->nodes.insert(row.node);
  const auto old = table_.set(row);
  if (old != row) mark_node(row.node);
}

void Keeper::drop(NodeId id) {
  if (named_) named_->nodes.erase(id);
  if (table_.drop(id)) mark_node(id);
}

void Keeper::set(const ServiceRow& row) {
  if (named_) named_->services.insert({row.network, row.service});
  const auto old = table_.set(row);
  if (old == row) return;
  if (old) mark_vip(row.network, *old);
  mark_vip(row.network, row);
}

void Keeper::drop(const ServiceKey& key) {
  if (named_) named_->services.erase(key);
  if (const auto old = table_.drop(key)) mark_vip(key.network, *old);
}

void Keeper::set(const AttachmentRow& row) {
  if (named_) named_->attachments.insert({row.network, row.task});
  const auto old = table_.set(row);
  if (old == row) return;
  if (old) mark_attachment(*old);
  mark_attachment(row);
}

void Keeper::drop(const AttachmentKey& key) {
  if (named_) named_->attachments.erase(key);
  if (const auto old = table_.drop(key)) mark_attachment(*old);
}

// ---- which entries a row can touch

void Keeper::mark_attachment(const AttachmentRow& row) {
  marked_.stations.insert({row.network, row.address});
  mark_service(row.network, row.service);
  if (row.node != table_.self()) return;
  marked_.spaces.insert(row.task);
  marked_.cables.insert({row.network, row.task});
  // The network's first task here brings all of it, and its last one takes all of it away.
  const bool is_here = !table_.local_tasks(row.network).empty();
  if (is_here != desired_.segments.contains(row.network)) mark_network(row.network);
  if (const Table::Net* net = table_.find(row.network))
    for (const auto& [vip, services] : net->by_vip) marked_.vips.insert({row.task, vip});
}

void Keeper::mark_service(NetworkId network, ServiceId service) {
  const Table::Net* net = table_.find(network);
  if (net == nullptr) return;
  if (const auto it = net->services.find(service); it != net->services.end()) mark_vip(network, it->second);
}

void Keeper::mark_vip(NetworkId network, const ServiceRow& row) {
  for (const TaskId task : table_.local_tasks(network)) marked_.vips.insert({task, row.vip});
}

void Keeper::mark_node(NodeId id) {
  for (const NetworkId network : table_.networks_of(id)) {
    if (table_.local_tasks(network).empty()) continue;
    const Table::Net& net = *table_.find(network);
    for (const TaskId task : net.by_node.at(id)) {
      const AttachmentRow& row = net.attachments.at(task);
      marked_.stations.insert({network, row.address});
      mark_service(network, row.service);
    }
  }
}

void Keeper::mark_network(NetworkId id) {
  marked_.segments.insert(id);
  const Table::Net* net = table_.find(id);
  if (net == nullptr) return;
  for (const auto& [address, tasks] : net->by_address) marked_.stations.insert({id, address});
  for (const TaskId task : table_.local_tasks(id)) {
    marked_.spaces.insert(task);
    marked_.cables.insert({id, task});
    for (const auto& [vip, services] : net->by_vip) marked_.vips.insert({task, vip});
  }
}

}  // namespace swarm::overlay
