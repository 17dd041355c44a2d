// The table of overlay networks, as rows: what a node's feed says of them. All that the room decides follows
// from these rows and from which node asks.
//
// A node needs the rows of the networks that it has tasks on; more do no harm. NOT here: where the rows come
// from (the allocator gives VNIs, subnets, addresses and VIPs), published ports (net/mesh), names (net/dns).
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "model/service_spec.hpp"
#include "net/overlay/mac.hpp"

namespace swarm::overlay {

// 1500 bytes of the underlay less what VXLAN adds over IPv4 (RFC 7348): 20 IP, 8 UDP, 8 VXLAN, 14 Ethernet.
inline constexpr std::uint32_t kDefaultMtu = 1450;

struct Subnet {
  AddressBlock block;
  Address gateway;  // kept for the API; no task sends through it, in Docker neither (README)
  bool operator==(const Subnet&) const = default;
};

struct NetworkRow {
  NetworkId id;
  std::string name;
  std::uint32_t vni = 0;
  std::vector<Subnet> subnets;
  std::uint32_t mtu = kDefaultMtu;
  bool internal = false;   // no way out of it
  bool encrypted = false;  // what carries it out must refuse it rather than send in the clear
  bool operator==(const NetworkRow&) const = default;
};

// How far a task is, as seen from its network.
enum class Stage : std::uint8_t {
  made,     // its place exists, its process need not: no connection gets to it
  serving,  // connections get to it, by its address and by its service's VIP
  leaving,  // it was told to stop: its VIP leads elsewhere, its address still to it
};

// A task on a network.
struct AttachmentRow {
  NetworkId network;
  TaskId task;
  NodeId node;
  ServiceId service;  // empty: no service's
  Address address;
  std::uint8_t index = 0;  // its place among the task's networks, in the order of the spec: eth0, eth1
  Stage stage = Stage::made;
  bool operator==(const AttachmentRow&) const = default;
};

// A service on a network. With dnsrr, or without a VIP, its name leads to its tasks' addresses only.
struct ServiceRow {
  NetworkId network;
  ServiceId service;
  model::EndpointMode mode = model::EndpointMode::vip;
  Address vip;
  bool has_vip() const { return mode == model::EndpointMode::vip && !vip.is_unspecified(); }
  bool operator==(const ServiceRow&) const = default;
};

struct NodeRow {
  NodeId node;
  Address data;  // its data-path address: where its VXLAN device hears frames
  bool operator==(const NodeRow&) const = default;
};

struct AttachmentKey {
  NetworkId network;
  TaskId task;
  friend auto operator<=>(const AttachmentKey&, const AttachmentKey&) = default;
};
struct ServiceKey {
  NetworkId network;
  ServiceId service;
  friend auto operator<=>(const ServiceKey&, const ServiceKey&) = default;
};

// A change of the table. The whole table comes as one or more changes: the first one says `first`, the last
// one `last`, and rows that none of them named are gone after the last.
struct TableChange {
  bool first = false, last = false;
  std::vector<NetworkRow> networks;
  std::vector<NodeRow> nodes;
  std::vector<ServiceRow> services;
  std::vector<AttachmentRow> attachments;
  std::vector<NetworkId> removed_networks;
  std::vector<NodeId> removed_nodes;
  std::vector<ServiceKey> removed_services;
  std::vector<AttachmentKey> removed_attachments;
  bool operator==(const TableChange&) const = default;
};

}  // namespace swarm::overlay
