// FreeRanges: which numbers of a range are free, kept as the ranges between those that are taken. Taking and
// giving back cost the logarithm of the number of such ranges, whatever the size of the whole: a pool of
// sixteen million addresses is one range until something is taken.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace swarm::allocator {

class FreeRanges {
 public:
  using Number = std::uint64_t;
  // Both ends are in the range, here and below. An empty one has first > last.
  FreeRanges(Number first, Number last);

  // Returns false, and takes nothing, if one of the numbers is taken or outside.
  bool take(Number first, Number last);
  bool take(Number one) { return take(one, one); }
  // The lowest free number from `from` on, or else the lowest of all; nothing when none is free.
  std::optional<Number> take_next(Number from);
  // The first of `size` free numbers in a row within [first, last], which is a multiple of `size`: the lowest
  // from `from` on, or else the lowest of all.
  struct Within {
    Number first, last;
  };
  std::optional<Number> take_aligned(Number from, Number size, Within within);
  // Numbers that are free already stay so.
  void give_back(Number first, Number last);
  void give_back(Number one) { give_back(one, one); }

  Number free() const { return free_count_; }
  Number size() const { return size_; }

 private:
  std::optional<Number> find_aligned(Number from, Number size, Number last) const;

  Number first_, last_, size_;
  Number free_count_;
  std::map<Number, Number> free_;  // first -> last, with a gap between any two
};

}  // namespace swarm::allocator
