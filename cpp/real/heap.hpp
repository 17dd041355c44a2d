// Heap: gives memory back to the machine that a burst has left free in the C library's heap. Thousands of
// connections that came and went would else count as this daemon's for ever: the library gives back the end
// of its heap only, and something small always lies there. NOT here: how the library is set up
// (tools/swarmd), jemalloc, which gives back by itself.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.hpp"

namespace swarm::real {

class Heap {
 public:
  // A daemon's ordinary work frees and takes less than this; giving that back would cost time at each turn.
  static constexpr std::size_t kWorthwhile = 32UL << 20;
  static constexpr Duration kLookEach = Duration::seconds(5);

  // Returns true if it has given something back. Looks once in kLookEach; call it as often as you like.
  bool look(Instant now);
  // The same for a heap with so many free bytes: returns true if they are to be given back.
  bool is_worthwhile(std::size_t free_bytes);
  void gave_back(std::size_t free_bytes) { least_ = free_bytes; }

 private:
  Instant next_{};
  // Free bytes that were seen since the last time. What was given back still counts as free, so that only
  // growth tells of a burst.
  std::size_t least_ = 0;
};

}  // namespace swarm::real
