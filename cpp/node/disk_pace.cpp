#include "node/disk_pace.hpp"

#include <algorithm>
#include <cstddef>

#include "base/check.hpp"
#include "base/time.hpp"

namespace swarm::node {

void DiskPace::ended(Instant now) {
  if (!began_) return;
  SWARM_CHECK(*began_ <= now, began_->ns, now.ns);
  took_[next_] = now - *began_;
  next_ = (next_ + 1) % kKept;
  count_ = std::min(count_ + 1, kKept);
  began_.reset();
}

Duration DiskPace::typical() const {
  if (count_ == 0) return {};
  auto sorted = took_;
  const auto end = sorted.begin() + static_cast<std::ptrdiff_t>(count_);
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(count_ / 2);
  std::nth_element(sorted.begin(), middle, end);
  return *middle;
}

}  // namespace swarm::node
