#include "real/heap.hpp"

#include <malloc.h>

#include <algorithm>
#include <cstddef>

#include "base/time.hpp"

namespace swarm::real {

bool Heap::look(Instant now) {
  if (now < next_) return false;
  next_ = now + kLookEach;
  if (!is_worthwhile(::mallinfo2().fordblks)) return false;
  ::malloc_trim(0);
  gave_back(::mallinfo2().fordblks);
  return true;
}

bool Heap::is_worthwhile(std::size_t free_bytes) {
  least_ = std::min(least_, free_bytes);
  return free_bytes > least_ + kWorthwhile;
}

}  // namespace swarm::real
