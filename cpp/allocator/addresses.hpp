// Addresses: which subnet, VNI and addresses each network of the swarm has, and which are free (swarmkit's
// allocator with moby's cnmallocator do this with libnetwork's IPAM).
//
// Networks without a subnet of their own get the next of the swarm's pools; subnets never overlap, in a pool
// or not. In a subnet the first address (the network's own) and the last (broadcast) are never given, the
// gateway is the first after that where its user chose none, and the others are handed out in turn, so that
// one that is given back is not used again at once. What is taken and given back costs the logarithm of what
// is taken. NOT here: IPv6, which the API refuses; who asks, and what waits (allocator.hpp).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "allocator/free_ranges.hpp"
#include "base/address.hpp"
#include "base/result.hpp"
#include "model/cluster.hpp"
#include "model/network.hpp"
#include "model/vni.hpp"

namespace swarm::allocator {

using Subnets = std::vector<model::IpamConfig>;

class Addresses {
 public:
  // The pools that the swarm was made with.
  void set_pools(const model::Cluster& cluster);

  // ---- networks
  // Takes what the store says that it has.
  void hold(const model::Network& network);
  // Finds its subnets and VNIs, and takes them. An error says what cannot be had.
  Result<Subnets> allocate(const model::Network& network);
  void release(NetworkId id);
  bool has(NetworkId id) const { return networks_.contains(id); }

  // ---- addresses, "10.0.1.3/24"
  Result<std::string> take(NetworkId id);
  void hold(NetworkId id, const std::string& address);
  void give_back(NetworkId id, const std::string& address);

 private:
  using Number = FreeRanges::Number;
  struct Subnet {
    model::IpamConfig config;
    AddressBlock block;
    FreeRanges free;
    Number next = 0;  // where to look first
  };
  struct Pool {
    Number first = 0, last = 0;
  };

  Result<model::IpamConfig> subnet_for(const model::IpamConfig& wanted);
  Result<std::string> next_of_pools();
  Result<std::uint32_t> vni_for(std::optional<std::uint32_t> pinned);
  void give_up(const Subnets& subnets);
  void keep(NetworkId id, const Subnets& subnets);

  std::vector<Pool> pools_;
  std::uint8_t subnet_bits_ = 24;
  Number next_subnet_ = 0;
  FreeRanges space_{0, 0xffff'ffff};  // of IPv4: what no subnet covers
  FreeRanges vnis_{model::kFirstVni, model::kLastVni};
  Number next_vni_ = 0;
  std::map<NetworkId, std::vector<Subnet>> networks_;
};

}  // namespace swarm::allocator
