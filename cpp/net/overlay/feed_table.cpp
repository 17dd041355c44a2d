#include "net/overlay/feed_table.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "model/service_spec.hpp"
#include "model/wire.hpp"
#include "net/overlay/rows.hpp"

namespace swarm::overlay {
namespace {

template <class Id, class Row>
void set(std::map<Id, Row>& rows, Id id, const Row& row, std::vector<RowEdit<Row>>& edits) {
  const auto [at, is_new] = rows.try_emplace(id, row);
  if (!is_new && at->second == row) return;
  edits.push_back({is_new ? std::nullopt : std::optional(std::exchange(at->second, row)), row});
}

template <class Id, class Row>
void drop(std::map<Id, Row>& rows, Id id, std::vector<RowEdit<Row>>& edits) {
  if (auto gone = rows.extract(id)) edits.push_back({std::move(gone.mapped()), std::nullopt});
}

template <class Id, class Row>
void drop_unnamed(std::map<Id, Row>& rows, const std::set<Id>& named, std::vector<RowEdit<Row>>& edits) {
  std::vector<Id> gone;
  for (const auto& [id, row] : rows)
    if (!named.contains(id)) gone.push_back(id);
  for (const Id id : gone) drop(rows, id, edits);
}

// "10.0.1.3/24", "10.0.1.3"
std::optional<Address> address_of(const std::string& text) {
  return Address::parse(text.substr(0, text.find('/')));
}

NetworkRow row_of(const wire::OverlayNetwork& from) {
  NetworkRow row;
  row.id = from.network;
  row.name = from.name;
  row.vni = from.vni;
  row.internal = from.internal;
  row.encrypted = from.encrypted;
  if (from.mtu != 0) row.mtu = from.mtu;
  for (const std::string& subnet : from.subnets)
    if (const auto block = AddressBlock::parse(subnet)) row.subnets.push_back({*block, {}});
  return row;
}

Stage stage_of(wire::OverlayStage stage) {
  switch (stage) {
    case wire::OverlayStage::made:
      return Stage::made;
    case wire::OverlayStage::serving:
      return Stage::serving;
    case wire::OverlayStage::leaving:
      return Stage::leaving;
  }
  return Stage::made;
}

void add_services(const std::vector<RowEdit<wire::OverlayService>>& edits, TableChange& change) {
  for (const auto& edit : edits) {
    std::set<NetworkId> kept;
    if (edit.after)
      for (const auto& vip : edit.after->vips) {
        const Address address = address_of(vip.address).value_or(Address());
        const auto mode = vip.address.empty() ? model::EndpointMode::dnsrr : model::EndpointMode::vip;
        change.services.push_back({vip.network, edit.after->service, mode, address});
        kept.insert(vip.network);
      }
    if (!edit.before) continue;
    for (const auto& vip : edit.before->vips)
      if (!kept.contains(vip.network)) change.removed_services.push_back({vip.network, edit.before->service});
  }
}

std::set<NetworkId> add_places(const wire::OverlayTask& task, TableChange& change) {
  std::set<NetworkId> out;
  for (const auto& place : task.places) {
    const auto address = address_of(place.address);
    if (!address || place.index > 255) continue;
    change.attachments.push_back({place.network, task.task, task.node, task.service, *address,
                                  static_cast<std::uint8_t>(place.index), stage_of(task.stage)});
    out.insert(place.network);
  }
  return out;
}

}  // namespace

FeedEdits FeedTable::on(const wire::OverlayChange& change) {
  FeedEdits edits;
  if (change.first) named_.emplace();
  for (const auto& row : change.networks) {
    set(networks_, row.network, row, edits.networks);
    if (named_) named_->networks.insert(row.network);
  }
  for (const auto& row : change.services) {
    set(services_, row.service, row, edits.services);
    if (named_) named_->services.insert(row.service);
  }
  for (const auto& row : change.tasks) {
    set(tasks_, row.task, row, edits.tasks);
    if (named_) named_->tasks.insert(row.task);
  }
  for (const NetworkId id : change.removed_networks) drop(networks_, id, edits.networks);
  for (const ServiceId id : change.removed_services) drop(services_, id, edits.services);
  for (const TaskId id : change.removed_tasks) drop(tasks_, id, edits.tasks);
  if (change.last && named_) {
    drop_unnamed(networks_, named_->networks, edits.networks);
    drop_unnamed(services_, named_->services, edits.services);
    drop_unnamed(tasks_, named_->tasks, edits.tasks);
    named_.reset();
  }
  return edits;
}

FeedEdits FeedTable::leave() {
  wire::OverlayChange nothing;
  nothing.first = nothing.last = true;
  return on(nothing);
}

FeedEdits FeedTable::all() const {
  FeedEdits edits;
  for (const auto& [id, row] : networks_) edits.networks.push_back({std::nullopt, row});
  for (const auto& [id, row] : services_) edits.services.push_back({std::nullopt, row});
  for (const auto& [id, row] : tasks_) edits.tasks.push_back({std::nullopt, row});
  return edits;
}

FeedEdits FeedTable::start_over() {
  tasks_of_node_.clear();
  return all();
}

TableChange FeedTable::table_change(const FeedEdits& edits) {
  TableChange change;
  for (const auto& edit : edits.networks) {
    if (edit.after) {
      change.networks.push_back(row_of(*edit.after));
    } else if (edit.before) {
      change.removed_networks.push_back(edit.before->network);
    }
  }
  add_services(edits.services, change);
  add_tasks(edits, change);
  return change;
}

void FeedTable::add_tasks(const FeedEdits& edits, TableChange& change) {
  for (const auto& edit : edits.tasks) {
    std::set<NetworkId> kept;
    if (edit.after) {
      kept = add_places(*edit.after, change);
      add_node(*edit.after, change);
    }
    if (!edit.before) continue;
    for (const auto& place : edit.before->places)
      if (!kept.contains(place.network))
        change.removed_attachments.push_back({place.network, edit.before->task});
    const NodeId node = edit.before->node;
    if (--tasks_of_node_[node] != 0) continue;
    tasks_of_node_.erase(node);
    change.removed_nodes.push_back(node);
  }
}

void FeedTable::add_node(const wire::OverlayTask& task, TableChange& change) {
  ++tasks_of_node_[task.node];
  std::erase(change.removed_nodes, task.node);
  Address data = task.data;  // its port is the mesh's; VXLAN has one of its own
  data.port = 0;
  if (!data.is_unspecified()) change.nodes.push_back({task.node, data});
}

const wire::OverlayNetwork* FeedTable::network(NetworkId id) const {
  const auto it = networks_.find(id);
  return it != networks_.end() ? &it->second : nullptr;
}

const wire::OverlayTask* FeedTable::task(TaskId id) const {
  const auto it = tasks_.find(id);
  return it != tasks_.end() ? &it->second : nullptr;
}

}  // namespace swarm::overlay
