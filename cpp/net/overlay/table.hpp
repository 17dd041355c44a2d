// Table: the rows that a node knows, and the ways to find them: who has an address, what is on a node, which
// tasks a service has. Each change returns the row that was there before.
//
// Rows may come in any order: an attachment before its network, a service before its tasks. NOT here: what
// follows from the rows (wanted), and when it has to be looked at again (keeper).
#pragma once

#include <map>
#include <optional>
#include <set>

#include "base/address.hpp"
#include "base/id.hpp"
#include "net/overlay/rows.hpp"

namespace swarm::overlay {

class Table {
 public:
  struct Net {
    std::optional<NetworkRow> row;
    std::map<TaskId, AttachmentRow> attachments;
    std::map<ServiceId, ServiceRow> services;
    std::map<Address, std::set<TaskId>> by_address;
    std::map<Address, std::set<ServiceId>> by_vip;
    std::map<NodeId, std::set<TaskId>> by_node;
    std::map<ServiceId, std::set<TaskId>> by_service;
    const NetworkRow* known() const { return row ? &*row : nullptr; }
    bool empty() const { return !row && attachments.empty() && services.empty(); }
  };

  std::optional<NetworkRow> set(const NetworkRow& row);
  std::optional<AttachmentRow> set(const AttachmentRow& row);
  std::optional<ServiceRow> set(const ServiceRow& row);
  std::optional<NodeRow> set(const NodeRow& row);
  std::optional<NetworkRow> drop(NetworkId id);
  std::optional<AttachmentRow> drop(const AttachmentKey& key);
  std::optional<ServiceRow> drop(const ServiceKey& key);
  std::optional<NodeRow> drop(NodeId id);
  void set_self(NodeId self) { self_ = self; }

  NodeId self() const { return self_; }
  const std::map<NetworkId, Net>& networks() const { return networks_; }
  const std::map<NodeId, NodeRow>& nodes() const { return nodes_; }
  const Net* find(NetworkId id) const;
  const AttachmentRow* find(const AttachmentKey& key) const;
  const std::set<NetworkId>& networks_of(TaskId task) const;
  const std::set<NetworkId>& networks_of(NodeId node) const;
  const std::set<TaskId>& local_tasks(NetworkId id) const;  // of this node, on the network

  // Returns the task that the address leads to: of several rows (a new task may have got the address before
  // the old one's row is gone) the one that is furthest from having left, and then the newer id.
  const AttachmentRow* owner(const Net& net, const Address& address) const;
  // Returns true if frames get to the task from here: it is on this node, or its node's address is known.
  bool reachable(const AttachmentRow& row) const { return row.node == self_ || nodes_.contains(row.node); }

 private:
  void index(Net& net, const AttachmentRow& row);
  void unindex(Net& net, const AttachmentRow& row);
  void forget_if_empty(NetworkId id);

  NodeId self_;
  std::map<NetworkId, Net> networks_;
  std::map<NodeId, NodeRow> nodes_;
  std::map<TaskId, std::set<NetworkId>> networks_of_task_;
  std::map<NodeId, std::set<NetworkId>> networks_of_node_;
};

}  // namespace swarm::overlay
