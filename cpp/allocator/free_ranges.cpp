#include "allocator/free_ranges.hpp"

#include <algorithm>
#include <iterator>
#include <optional>

#include "base/check.hpp"

namespace swarm::allocator {

FreeRanges::FreeRanges(Number first, Number last)
    : first_(first), last_(last), size_(first > last ? 0 : last - first + 1), free_count_(size_) {
  if (size_ != 0) free_[first] = last;
}

bool FreeRanges::take(Number first, Number last) {
  if (first > last) return true;
  auto it = free_.upper_bound(first);
  if (it == free_.begin()) return false;
  --it;
  const auto [begin, end] = *it;
  if (end < last) return false;
  free_.erase(it);
  if (begin < first) free_[begin] = first - 1;
  if (last < end) free_[last + 1] = end;
  free_count_ -= last - first + 1;
  return true;
}

std::optional<FreeRanges::Number> FreeRanges::take_next(Number from) {
  return take_aligned(from, 1, {first_, last_});
}

std::optional<FreeRanges::Number> FreeRanges::take_aligned(Number from, Number size, Within within) {
  SWARM_CHECK(size > 0);
  auto found = find_aligned(std::max(from, within.first), size, within.last);
  if (!found) found = find_aligned(within.first, size, within.last);
  if (found) take(*found, *found + size - 1);
  return found;
}

std::optional<FreeRanges::Number> FreeRanges::find_aligned(Number from, Number size, Number last) const {
  auto it = free_.upper_bound(from);
  if (it != free_.begin()) --it;  // `from` may be inside
  for (; it != free_.end() && it->first <= last; ++it) {
    const Number begin = std::max(it->first, from), end = std::min(it->second, last);
    const Number at = (begin + size - 1) / size * size;
    if (at <= end && end - at >= size - 1) return at;
  }
  return std::nullopt;
}

void FreeRanges::give_back(Number first, Number last) {
  first = std::max(first, first_);
  last = std::min(last, last_);
  if (size_ == 0 || first > last) return;
  // Joins what touches it. What lies within is replaced.
  auto it = free_.lower_bound(first);
  if (it != free_.begin() && std::prev(it)->second + 1 >= first) --it;
  while (it != free_.end() && it->first <= last + 1) {
    first = std::min(first, it->first);
    last = std::max(last, it->second);
    free_count_ -= it->second - it->first + 1;
    it = free_.erase(it);
  }
  free_[first] = last;
  free_count_ += last - first + 1;
}

}  // namespace swarm::allocator
