// Keeper: a node's copy of the table of overlay networks, and the desired network that follows from it.
// Changes of rows go in, edits come out; the whole value is there for repair.
//
// A change costs work for the entries that it can touch: on_row marks their keys, take_difference asks Wanted
// for each and keeps what differs. A network that this node has no task on costs the row and nothing more; a
// network's first task costs the network's size, once.
//
// It outlives sessions, as the mesh's table does: with no manager in sight the last table stays. While the
// whole table comes (first ... last), old rows stay until it has ended. NOT here: time, the kernel.
#pragma once

#include <optional>
#include <set>

#include "base/id.hpp"
#include "net/overlay/desired.hpp"
#include "net/overlay/rows.hpp"
#include "net/overlay/table.hpp"

namespace swarm::overlay {

class Keeper {
 public:
  void set_self(NodeId self);
  void on(const TableChange& change);
  void leave();  // no rows: this node is in no swarm

  // What has changed since it was asked last; desired() has changed by it.
  Difference take_difference();
  const DesiredNetwork& desired() const { return desired_; }
  const Table& table() const { return table_; }

 private:
  struct Named {
    std::set<NetworkId> networks;
    std::set<NodeId> nodes;
    std::set<ServiceKey> services;
    std::set<AttachmentKey> attachments;
  };
  struct Marked {
    std::set<NetworkId> segments;
    std::set<StationKey> stations;
    std::set<TaskId> spaces;
    std::set<AttachmentKey> cables;
    std::set<VipKey> vips;
  };
  void set(const NetworkRow& row);
  void set(const NodeRow& row);
  void set(const ServiceRow& row);
  void set(const AttachmentRow& row);
  void drop(NetworkId id);
  void drop(NodeId id);
  void drop(const ServiceKey& key);
  void drop(const AttachmentKey& key);
  void set_rows(const TableChange& change);
  void drop_rows(const TableChange& change);
  void drop_unnamed(const Named& named);

  void mark_network(NetworkId id);
  void mark_node(NodeId id);
  void mark_service(NetworkId network, ServiceId service);
  void mark_vip(NetworkId network, const ServiceRow& row);
  void mark_attachment(const AttachmentRow& row);

  Table table_;
  std::optional<Named> named_;  // while the whole table comes: what it has named so far
  Marked marked_;
  DesiredNetwork desired_;
};

}  // namespace swarm::overlay
