#include "allocator/addresses.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "allocator/free_ranges.hpp"
#include "base/address.hpp"
#include "base/check.hpp"
#include "base/id.hpp"
#include "base/number.hpp"
#include "base/result.hpp"
#include "model/cluster.hpp"
#include "model/network.hpp"
#include "model/vni.hpp"

namespace swarm::allocator {
namespace {

using Number = FreeRanges::Number;

Number number_of(const Address& address) {
  Number number = 0;
  for (std::size_t i = 12; i < 16; ++i) number = number << 8 | address.ip[i];
  return number;
}

std::string text_of(Number number) {
  const auto octet = [number](int shift) { return static_cast<std::uint8_t>(number >> shift); };
  return Address::v4(octet(24), octet(16), octet(8), octet(0)).host();
}

Number first_of(const AddressBlock& block) { return number_of(block.first); }
Number size_of(const AddressBlock& block) { return Number{1} << (32 - block.bits); }
Number last_of(const AddressBlock& block) { return first_of(block) + size_of(block) - 1; }

std::optional<AddressBlock> v4_block(const std::string& text) {
  auto block = AddressBlock::parse(text);
  return block && block->first.is_v4() ? block : std::nullopt;
}

// "10.0.1.3/24" or "10.0.1.3".
std::optional<Number> number_in(std::string_view text) {
  const auto address = Address::parse(text.substr(0, text.find('/')));
  return address && address->is_v4() ? std::optional(number_of(*address)) : std::nullopt;
}

// What tasks and services may get: its range, without the network's own address and the broadcast.
FreeRanges usable(const AddressBlock& subnet, const model::IpamConfig& config) {
  Number first = first_of(subnet) + 1, last = last_of(subnet) - 1;
  if (const auto range = v4_block(config.ip_range)) {
    first = std::max(first, first_of(*range));
    last = std::min(last, last_of(*range));
  }
  return {first, last};
}

Error cannot(std::string why) { return plain_error(Code::resource_exhausted, std::move(why)); }

// The numbers that its user chose, in the order of its subnets.
std::vector<std::optional<std::uint32_t>> pinned_vnis(const model::Network& network) {
  std::vector<std::optional<std::uint32_t>> out;
  const auto option = network.options.find(model::kVniOption);
  if (option == network.options.end()) return out;
  for (const std::string& text : model::split_vnis(option->second))
    out.push_back(parse_whole<std::uint32_t>(text));
  return out;
}

}  // namespace

void Addresses::set_pools(const model::Cluster& cluster) {
  pools_.clear();
  for (const std::string& text : cluster.default_addr_pool)
    if (const auto block = v4_block(text)) pools_.push_back({first_of(*block), last_of(*block)});
  subnet_bits_ = static_cast<std::uint8_t>(std::clamp<std::uint32_t>(cluster.subnet_size, 1, 32));
}

// ---- networks

void Addresses::keep(NetworkId id, const Subnets& subnets) {
  std::vector<Subnet>& kept = networks_[id];
  kept.clear();
  for (const model::IpamConfig& config : subnets) {
    const auto block = v4_block(config.subnet);
    if (!block) continue;
    Subnet subnet{config, *block, usable(*block, config)};
    if (const auto gateway = number_in(config.gateway)) subnet.free.take(*gateway);
    for (const auto& [name, address] : config.auxiliary)
      if (const auto number = number_in(address)) subnet.free.take(*number);
    kept.push_back(std::move(subnet));
  }
}

void Addresses::hold(const model::Network& network) {
  if (network.allocated.empty() || has(network.id)) return;
  for (const model::IpamConfig& config : network.allocated) {
    vnis_.take(config.vni);
    next_vni_ = std::max<Number>(next_vni_, config.vni + 1);
    const auto block = v4_block(config.subnet);
    if (!block) continue;
    space_.take(first_of(*block), last_of(*block));
    const bool pooled = std::any_of(pools_.begin(), pools_.end(), [&](const Pool& pool) {
      return pool.first <= first_of(*block) && last_of(*block) <= pool.last;
    });
    if (pooled) next_subnet_ = std::max(next_subnet_, last_of(*block) + 1);
  }
  keep(network.id, network.allocated);
}

Result<std::string> Addresses::next_of_pools() {
  const Number size = Number{1} << (32 - subnet_bits_);
  for (const Pool& pool : pools_)
    if (const auto first = space_.take_aligned(next_subnet_, size, {pool.first, pool.last})) {
      next_subnet_ = *first + size;
      return text_of(*first) + "/" + std::to_string(subnet_bits_);
    }
  return cannot("no subnet of the swarm's address pools is free: give the network one with --subnet");
}

Result<model::IpamConfig> Addresses::subnet_for(const model::IpamConfig& wanted) {
  model::IpamConfig config = wanted;
  if (config.subnet.empty()) {
    auto subnet = next_of_pools();
    if (!subnet) return subnet.error();
    config.subnet = std::move(*subnet);
  } else {
    const auto block = v4_block(config.subnet);
    if (!block) return cannot("subnet " + config.subnet + " is no IPv4 subnet");
    if (!space_.take(first_of(*block), last_of(*block)))
      return cannot("subnet " + config.subnet + " overlaps with the subnet of another network");
    config.subnet = block->first.host() + "/" + std::to_string(block->bits);
  }
  const auto block = v4_block(config.subnet);
  if (block && config.gateway.empty()) config.gateway = text_of(first_of(*block) + 1);
  return config;
}

Result<std::uint32_t> Addresses::vni_for(std::optional<std::uint32_t> pinned) {
  if (pinned) {
    if (vnis_.take(*pinned)) return *pinned;
    return cannot("VXLAN id " + std::to_string(*pinned) + " is taken");
  }
  const auto next = vnis_.take_next(next_vni_);
  if (!next) return cannot("no VXLAN id is free");
  next_vni_ = *next + 1;
  return static_cast<std::uint32_t>(*next);
}

Result<Subnets> Addresses::allocate(const model::Network& network) {
  SWARM_CHECK(!has(network.id), "network", network.id, "has its subnets");
  Subnets subnets;
  Subnets wanted = network.ipam;
  if (wanted.empty()) wanted.emplace_back();
  auto pinned = pinned_vnis(network);
  pinned.resize(wanted.size());
  for (const model::IpamConfig& one : wanted) {
    auto subnet = subnet_for(one);
    if (subnet) {
      subnets.push_back(std::move(*subnet));
      auto vni = vni_for(pinned[subnets.size() - 1]);
      if (vni) {
        subnets.back().vni = *vni;
        continue;
      }
      give_up(subnets);
      return vni.error();
    }
    give_up(subnets);
    return subnet.error();
  }
  keep(network.id, subnets);
  return subnets;
}

void Addresses::give_up(const Subnets& subnets) {
  for (const model::IpamConfig& config : subnets) {
    if (config.vni != 0) vnis_.give_back(config.vni);
    if (const auto block = v4_block(config.subnet)) space_.give_back(first_of(*block), last_of(*block));
  }
}

void Addresses::release(NetworkId id) {
  const auto it = networks_.find(id);
  if (it == networks_.end()) return;
  Subnets subnets;
  for (const Subnet& subnet : it->second) subnets.push_back(subnet.config);
  give_up(subnets);
  networks_.erase(it);
}

// ---- addresses

Result<std::string> Addresses::take(NetworkId id) {
  const auto it = networks_.find(id);
  if (it == networks_.end()) return cannot("it has no subnet yet");
  std::string full;
  for (Subnet& subnet : it->second) {
    if (const auto number = subnet.free.take_next(subnet.next)) {
      subnet.next = *number + 1;
      return text_of(*number) + "/" + std::to_string(subnet.block.bits);
    }
    full += (full.empty() ? "" : ", ") + subnet.config.subnet + " (" + std::to_string(subnet.free.size()) +
            " addresses)";
  }
  return cannot("no address is free in its subnet " + full);
}

void Addresses::hold(NetworkId id, const std::string& address) {
  const auto it = networks_.find(id);
  const auto number = number_in(address);
  if (it == networks_.end() || !number) return;
  for (Subnet& subnet : it->second)
    if (subnet.free.take(*number)) subnet.next = std::max(subnet.next, *number + 1);
}

void Addresses::give_back(NetworkId id, const std::string& address) {
  const auto it = networks_.find(id);
  const auto number = number_in(address);
  if (it == networks_.end() || !number) return;
  for (Subnet& subnet : it->second)
    if (first_of(subnet.block) <= *number && *number <= last_of(subnet.block)) subnet.free.give_back(*number);
}

}  // namespace swarm::allocator
