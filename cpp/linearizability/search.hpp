// Search: is there an order in which one object could have answered as it did? Wing and Gong 1993, with
// Lowe's memory of configurations (Testing for linearizability, 2017).
//
// It takes operations one by one, each only after all that returned before its call. One that fits and
// changes nothing is taken at once: where it could be taken later it can be taken now. Others are tried in
// turn, and a set of operations that has led to a state once is not gone through again. Operations whose
// outcome is unknown are tried last and need never be taken.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "linearizability/prepared.hpp"

namespace swarm::linearizability {

// How much may be spent, over all keys and all of what is tried to make a window small.
class Budget {
 public:
  explicit Budget(
      std::uint64_t steps, std::function<bool()> go_on = [] { return true; })
      : steps_(steps), go_on_(std::move(go_on)) {}
  bool spend();  // one step; false when nothing is left, or `go_on`, asked now and then, says no
  std::uint64_t spent() const { return spent_; }
  bool stopped() const { return stopped_; }

 private:
  std::uint64_t steps_, spent_ = 0;
  std::function<bool()> go_on_;
  bool stopped_ = false;
};

enum class Found : std::uint8_t { order, none, gave_up };

Found search(Prepared prepared, Model model, Budget& budget);

}  // namespace swarm::linearizability
