#include "node/reopening.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/time.hpp"

namespace swarm::node {
namespace {

constexpr Duration kFirst = Duration::seconds(1);
constexpr Duration kLongest = Duration::seconds(16);
constexpr Duration kHeld = Duration::seconds(60);  // a disk that was well for so long is well

}  // namespace

void Reopening::failed(Instant now) {
  if (next_ != Instant::never()) return;
  if (const auto opened_at = std::exchange(opened_at_, std::nullopt))
    wait_ = now < *opened_at + kHeld ? std::min(wait_ + wait_, kLongest) : kFirst;
  next_ = now + wait_;
}

bool Reopening::begin(Instant now) {
  if (now < next_) return false;
  next_ = Instant::never();
  return true;
}

void Reopening::opened(Instant now) { opened_at_ = now; }

}  // namespace swarm::node
