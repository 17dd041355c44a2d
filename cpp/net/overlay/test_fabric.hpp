// For tests: several nodes that know one table, and a kernel played by reading their desired networks. It
// looks at nothing but these values: what it delivers must be what who_answers says.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "net/overlay/answers.hpp"
#include "net/overlay/desired.hpp"
#include "net/overlay/keeper.hpp"
#include "net/overlay/mac.hpp"
#include "net/overlay/rows.hpp"

namespace swarm::overlay {

inline Address node_address(std::uint64_t node) {
  return Address::v4(10, 214, 0, static_cast<std::uint8_t>(node));
}
// Network 1 has 10.0.1.0/24, and so on.
inline Address ip(std::uint64_t network, std::uint64_t host) {
  return Address::v4(10, 0, static_cast<std::uint8_t>(network), static_cast<std::uint8_t>(host));
}

inline NetworkRow network(std::uint64_t id) {
  NetworkRow row;
  row.id = NetworkId(id);
  row.name = "net" + std::to_string(id);
  row.vni = static_cast<std::uint32_t>(4096 + id);
  row.subnets = {{{ip(id, 0), 24}, ip(id, 1)}};
  return row;
}

inline AttachmentRow attachment(std::uint64_t network, std::uint64_t task, std::uint64_t node,
                                std::uint64_t service = 0, Stage stage = Stage::serving) {
  return {
      NetworkId(network), TaskId(task), NodeId(node), ServiceId(service), ip(network, 100 + task), 0, stage};
}

inline ServiceRow service(std::uint64_t network, std::uint64_t service) {
  return {NetworkId(network), ServiceId(service), model::EndpointMode::vip, ip(network, 1 + service)};
}

class Fabric {
 public:
  explicit Fabric(std::uint64_t nodes) {
    TableChange change;
    for (std::uint64_t node = 1; node <= nodes; ++node) {
      keepers_[NodeId(node)].set_self(NodeId(node));
      change.nodes.push_back({NodeId(node), node_address(node)});
    }
    tell(change);
  }
  // Each node's edits are made in its kernel, besides: a value that edits alone have made.
  void tell(const TableChange& change) {
    for (auto& [node, keeper] : keepers_) {
      keeper.on(change);
      last_[node] = keeper.take_difference();
      apply(kernels_[node], last_[node]);
    }
  }
  const Keeper& at(std::uint64_t node) const { return keepers_.at(NodeId(node)); }
  const Difference& last(std::uint64_t node) const { return last_.at(NodeId(node)); }
  const DesiredNetwork& kernel(std::uint64_t node) const { return kernels_.at(NodeId(node)); }
  const std::map<NodeId, Keeper>& keepers() const { return keepers_; }

  // The tasks that a connection from the task to the address may get to, by what the kernels hold.
  std::set<TaskId> deliver(NodeId node, TaskId from, const Address& to) const {
    const DesiredNetwork& kernel = kernels_.at(node);
    std::set<TaskId> out;
    if (const auto vip = kernel.vips.find({from, to}); vip != kernel.vips.end()) {
      for (const Address& backend : *vip->second.backends)
        if (const auto task = send(node, from, backend)) out.insert(*task);
    } else if (const auto task = send(node, from, to)) {
      out.insert(*task);
    }
    return out;
  }

 private:
  std::optional<TaskId> send(NodeId node, TaskId from, const Address& to) const {
    for (const auto& [key, cable] : kernels_.at(node).cables) {
      if (key.task != from) continue;
      const AddressBlock subnet =
          *AddressBlock::parse(cable.address.host() + "/" + std::to_string(cable.bits));
      const auto& more = cable.on_link;
      const bool other = std::any_of(more.begin(), more.end(),
                                     [&](const AddressBlock& block) { return block.contains(to); });
      if (subnet.contains(to) || other) return on_segment(node, key.network, to);
    }
    return std::nullopt;
  }
  std::optional<TaskId> on_segment(NodeId node, NetworkId network, const Address& to) const {
    const DesiredNetwork& here = kernels_.at(node);
    if (const auto task = port_of(here, network, to)) return task;
    const auto station = here.stations.find({network, to});
    if (station == here.stations.end()) return std::nullopt;
    for (const auto& [id, there] : kernels_) {
      if (node_address(static_cast<std::uint64_t>(id.value())) != station->second.node) continue;
      for (const auto& [other, segment] : there.segments)
        if (segment.vni == here.segments.at(network).vni)
          return port_of(there, other, to, station->second.mac);
    }
    return std::nullopt;
  }
  static std::optional<TaskId> port_of(const DesiredNetwork& kernel, NetworkId network, const Address& to,
                                       std::optional<Mac> mac = {}) {
    for (const auto& [key, cable] : kernel.cables)
      if (key.network == network && cable.address == to && (!mac || cable.mac == *mac)) return key.task;
    return std::nullopt;
  }

  std::map<NodeId, Keeper> keepers_;
  std::map<NodeId, Difference> last_;
  std::map<NodeId, DesiredNetwork> kernels_;
};

}  // namespace swarm::overlay
