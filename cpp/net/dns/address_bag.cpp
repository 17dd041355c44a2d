#include "net/dns/address_bag.hpp"

#include <cstddef>

#include "base/address.hpp"
#include "base/check.hpp"

namespace swarm::dns {

bool is_v4(const Ip& ip) { return Address{ip}.is_v4(); }

void AddressBag::add(const Ip& ip) {
  const auto [it, is_new] = places_.try_emplace(ip);
  ++it->second.owners;
  if (!is_new) return;
  auto& list = list_of(ip);
  it->second.at = list.size();
  list.push_back(ip);
}

void AddressBag::remove(const Ip& ip) {
  const auto it = places_.find(ip);
  SWARM_CHECK(it != places_.end(), Address{ip}.host(), "was never added");
  if (--it->second.owners != 0) return;
  auto& list = list_of(ip);
  const std::size_t hole = it->second.at;
  const Ip last = list.back();
  list[hole] = last;
  places_[last].at = hole;
  list.pop_back();
  places_.erase(ip);
}

}  // namespace swarm::dns
