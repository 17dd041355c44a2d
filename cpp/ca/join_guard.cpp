#include "ca/join_guard.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace swarm::ca {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

}  // namespace

std::int64_t JoinGuard::Used::at(Instant now, std::int64_t per_second) const {
  const std::int64_t passed = std::max<std::int64_t>((now - since).ns, 0) / kSecond;
  return std::max<std::int64_t>(tries - passed * per_second, 0);
}

void JoinGuard::Used::add(Instant now, std::int64_t per_second) {
  const std::int64_t left = at(now, per_second);
  // The part of a second that has passed stays: else a try every 0.9 s would never get one back.
  const std::int64_t part = left == 0 ? 0 : std::max<std::int64_t>((now - since).ns, 0) % kSecond;
  since = now - Duration{part};
  tries = left + 1;
}

bool JoinGuard::may_try(const std::string& host, Instant now) const {
  if (all_.at(now, kAllPerSecond) >= kTriesOfAll) return false;
  const auto used = hosts_.find(host);
  return used == hosts_.end() || used->second.at(now, 1) < kTriesOfOne;
}

void JoinGuard::failed(const std::string& host, Instant now) {
  all_.add(now, kAllPerSecond);
  if (hosts_.size() >= kMostAddresses && !hosts_.contains(host)) forget_those_that_rest(now);
  if (hosts_.size() < kMostAddresses || hosts_.contains(host)) hosts_[host].add(now, 1);
}

void JoinGuard::forget_those_that_rest(Instant now) {
  std::erase_if(hosts_, [&](const auto& one) { return one.second.at(now, 1) == 0; });
}

}  // namespace swarm::ca
