#include "linearizability/window.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>
#include "linearizability/history.hpp"
#include "linearizability/prepared.hpp"
#include "linearizability/search.hpp"

namespace swarm::linearizability {
namespace {

using Which = std::vector<std::uint32_t>;

class Window {
 public:
  Window(const History& history, Model model, Budget& budget)
      : history_(history), cut_(history), model_(model), budget_(budget) {}

  bool make_small(Which& which) {
    cut_at_the_end(which);
    for (std::size_t chunk = which.size(); chunk > 0; chunk = chunk == 1 ? 0 : (chunk + 1) / 2)
      while (pass(which, chunk) && chunk == 1) {
      }
    return !budget_.stopped();
  }

 private:
  bool contradicts(const Which& which) {
    return !which.empty() && search(prepare(cut_, which, model_), model_, budget_) == Found::none;
  }

  // ---- in time: what has not been answered by then may still come
  void look_at(const Which& which, std::int64_t until) {
    for (const std::uint32_t op : which) {
      cut_[op] = history_[op];
      if (history_[op].returned > until) {
        cut_[op].returned.reset();
        cut_[op].succeeded.reset();
      }
    }
  }
  Which called_by(const Which& which, std::int64_t until) const {
    Which out;
    for (const std::uint32_t op : which) {
      const bool is_silent = cut_[op].kind == Kind::read && !cut_[op].returned;
      if (history_[op].call <= until && !is_silent) out.push_back(op);
    }
    return out;
  }

  // The earliest answer with which it cannot be explained any more; found by halves.
  void cut_at_the_end(Which& which) {
    std::vector<std::int64_t> ends;
    for (const std::uint32_t op : which)
      if (const auto& returned = history_[op].returned) ends.push_back(*returned);
    std::sort(ends.begin(), ends.end());
    std::size_t low = 0, high = ends.size() - 1;  // it contradicts itself at `high`
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      look_at(which, ends[middle]);
      const bool broken = contradicts(called_by(which, ends[middle]));
      if (budget_.stopped()) break;
      (broken ? high : low) = broken ? middle : middle + 1;
    }
    look_at(which, ends[high]);
    which = called_by(which, ends[high]);
  }

  // ---- one by one
  // Tries to do without `chunk` neighbours at a time, the latest first. True when some were left out.
  bool pass(Which& which, std::size_t chunk) {
    bool any = false;
    for (std::size_t end = which.size(); end > 0 && !budget_.stopped();) {
      const std::size_t begin = end > chunk ? end - chunk : 0;
      if (Which fewer = without(which, begin, end); fewer.size() < which.size() && contradicts(fewer)) {
        which = std::move(fewer);
        any = true;
      }
      end = begin;
    }
    return any;
  }

  // `which` without all of [begin, end) that may go, and without every other write that no operation then
  // sees.
  Which without(const Which& which, std::size_t begin, std::size_t end) const {
    Observed observed(cut_, model_);
    for (const std::uint32_t op : which) observed.add(op);
    Which out;
    for (std::size_t i = 0; i < which.size(); ++i) {
      if (i < begin || i >= end || !observed.may_go(which[i])) {
        out.push_back(which[i]);
      } else {
        observed.remove(which[i]);
      }
    }
    return out;
  }

  const History& history_;
  History cut_;  // as far as it was answered until the end of the window
  Model model_;
  Budget& budget_;
};

}  // namespace

bool make_small(const History& history, Model model, Budget& budget, std::vector<std::uint32_t>& which) {
  return Window(history, model, budget).make_small(which);
}

}  // namespace swarm::linearizability
