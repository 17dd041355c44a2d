#include "net/overlay/wanted.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "net/overlay/desired.hpp"
#include "net/overlay/mac.hpp"
#include "net/overlay/names.hpp"
#include "net/overlay/rows.hpp"
#include "net/overlay/table.hpp"

namespace swarm::overlay {

std::vector<const AttachmentRow*> attachments_in_order(const Table& table, TaskId task) {
  std::vector<const AttachmentRow*> out;
  for (const NetworkId network : table.networks_of(task)) out.push_back(table.find({network, task}));
  std::sort(out.begin(), out.end(), [](const AttachmentRow* a, const AttachmentRow* b) {
    return std::tie(a->index, a->network) < std::tie(b->index, b->network);
  });
  return out;
}

std::optional<ServiceId> service_of_vip(const Table::Net& net, const Address& vip) {
  const auto it = net.by_vip.find(vip);
  if (it == net.by_vip.end()) return std::nullopt;
  return *it->second.begin();
}

std::vector<const AttachmentRow*> serving(const Table& table, const Table::Net& net, ServiceId service) {
  std::vector<const AttachmentRow*> out;
  const auto tasks = net.by_service.find(service);
  if (tasks == net.by_service.end()) return out;
  for (const TaskId task : tasks->second) {
    const AttachmentRow& row = net.attachments.at(task);
    if (row.stage == Stage::serving && table.reachable(row)) out.push_back(&row);
  }
  return out;
}

// A network without a task of this node is not here.
const NetworkRow* Wanted::local_network(NetworkId id) const {
  const Table::Net* net = table_.find(id);
  return net != nullptr && net->by_node.contains(table_.self()) ? net->known() : nullptr;
}

std::optional<Segment> Wanted::segment(NetworkId id) const {
  const NetworkRow* row = local_network(id);
  if (row == nullptr) return std::nullopt;
  return Segment{row->name, bridge_name(row->vni), tunnel_name(row->vni), row->vni, row->mtu, row->encrypted};
}

std::optional<Station> Wanted::station(const StationKey& key) const {
  if (local_network(key.network) == nullptr) return std::nullopt;
  const AttachmentRow* row = table_.owner(*table_.find(key.network), key.address);
  if (row == nullptr || row->node == table_.self()) return std::nullopt;
  const auto node = table_.nodes().find(row->node);
  if (node == table_.nodes().end()) return std::nullopt;
  return Station{mac_of(key.address), node->second.data};
}

std::optional<TaskSpace> Wanted::space(TaskId task) const {
  bool way_out = false;
  std::uint8_t cables = 0;
  for (const NetworkId id : table_.networks_of(task)) {
    const NetworkRow* network = local_network(id);
    if (network == nullptr || table_.find({id, task})->node != table_.self()) continue;
    ++cables;
    way_out |= !network->internal;
  }
  if (cables == 0) return std::nullopt;
  return TaskSpace{way_out, cables};
}

std::optional<Cable> Wanted::cable(const AttachmentKey& key) const {
  const NetworkRow* network = local_network(key.network);
  const AttachmentRow* row = table_.find(key);
  if (network == nullptr || row == nullptr || row->node != table_.self()) return std::nullopt;
  Cable cable;
  cable.inside = interface_name(row->index);
  cable.outside = cable_name(row->task, row->index);
  cable.address = row->address;
  cable.bits = row->address.is_v4() ? 32 : 128;  // of an address outside of all subnets
  cable.mac = mac_of(row->address);
  cable.mtu = network->mtu;
  for (const Subnet& subnet : network->subnets) {
    if (subnet.block.contains(row->address)) {
      cable.bits = subnet.block.bits;
    } else {
      cable.on_link.push_back(subnet.block);
    }
  }
  return cable;
}

std::optional<VipMap> Wanted::vip(const VipKey& key) {
  for (const AttachmentRow* row : attachments_in_order(table_, key.task)) {
    if (local_network(row->network) == nullptr || row->node != table_.self()) continue;
    const Table::Net& net = *table_.find(row->network);
    if (const auto service = service_of_vip(net, key.vip))
      return VipMap{backends(net, {row->network, *service})};
  }
  return std::nullopt;
}

const Wanted::Backends& Wanted::backends(const Table::Net& net, const ServiceKey& key) {
  Backends& kept = backends_[key];
  if (kept != nullptr) return kept;
  std::vector<Address> addresses;
  for (const AttachmentRow* row : serving(table_, net, key.service)) addresses.push_back(row->address);
  kept = std::make_shared<const std::vector<Address>>(std::move(addresses));
  return kept;
}

}  // namespace swarm::overlay
