// Wanted: what one entry of the desired network is to be, asked of the table: a pure function per kind of
// entry. The whole value is these functions over all keys, so a change can only be missed by not asking
// (keeper), never be carried out in two ways.
//
// It lives for one round of questions, in which the table must not change: lists of backends are made once
// for all tasks of a network.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "net/overlay/desired.hpp"
#include "net/overlay/rows.hpp"
#include "net/overlay/table.hpp"

namespace swarm::overlay {

class Wanted {
 public:
  explicit Wanted(const Table& table) : table_(table) {}

  std::optional<Segment> segment(NetworkId id) const;
  std::optional<Station> station(const StationKey& key) const;
  std::optional<TaskSpace> space(TaskId task) const;
  std::optional<Cable> cable(const AttachmentKey& key) const;
  std::optional<VipMap> vip(const VipKey& key);

 private:
  using Backends = std::shared_ptr<const std::vector<Address>>;
  const NetworkRow* local_network(NetworkId id) const;
  const Backends& backends(const Table::Net& net, const ServiceKey& key);

  const Table& table_;
  std::map<ServiceKey, Backends> backends_;
};

// The task's networks, eth0's first. Of two with one subnet the first one gets what is sent there.
std::vector<const AttachmentRow*> attachments_in_order(const Table& table, TaskId task);
// The service that has the VIP on the network; nothing when none has, or the service has no VIP.
std::optional<ServiceId> service_of_vip(const Table::Net& net, const Address& vip);
// The tasks that new connections to the service go to: they serve, and are reachable from this node.
std::vector<const AttachmentRow*> serving(const Table& table, const Table::Net& net, ServiceId service);

}  // namespace swarm::overlay
