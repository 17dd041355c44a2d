#include "linearizability/search.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>
#include "linearizability/history.hpp"
#include "linearizability/prepared.hpp"

namespace swarm::linearizability {
namespace {

constexpr std::uint64_t kAskEvery = 1 << 14;

// Products are made in 128 bits and cut: nothing wraps by accident.
using Wide = unsigned __int128;

std::uint64_t mixed(std::uint64_t z) {  // splitmix64
  z = static_cast<std::uint64_t>(Wide{z} + 0x9e3779b97f4a7c15ULL);
  z = static_cast<std::uint64_t>(Wide{z ^ (z >> 30)} * 0xbf58476d1ce4e5b9ULL);
  z = static_cast<std::uint64_t>(Wide{z ^ (z >> 27)} * 0x94d049bb133111ebULL);
  return z ^ (z >> 31);
}

// A set of operations as 128 bits: the exclusive or of a number for each. A configuration adds the state.
struct Configuration {
  std::uint64_t low = 0, high = 0;
  std::uint32_t state = 0;
  bool owed = false;
  void toggle(std::uint32_t step) {
    low ^= mixed(step * 2ULL);
    high ^= mixed(step * 2ULL + 1);
  }
  bool operator==(const Configuration&) const = default;
};

// Open addressing: this is where the time goes.
class Memory {
 public:
  Memory() : slots_(1 << 10), used_(1 << 10, false) {}
  // False when it was there.
  bool add(const Configuration& one) {
    if ((count_ + 1) * 2 > slots_.size()) grow();
    return place(one);
  }

 private:
  bool place(const Configuration& one) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = mixed(one.low ^ (one.state * 2ULL + (one.owed ? 1 : 0))) & mask;
    for (; used_[at]; at = (at + 1) & mask)
      if (slots_[at] == one) return false;
    slots_[at] = one;
    used_[at] = true;
    ++count_;
    return true;
  }
  void grow() {
    std::vector<Configuration> old(slots_.size() * 2);
    std::vector<bool> was(slots_.size() * 2, false);
    std::swap(old, slots_);
    std::swap(was, used_);
    count_ = 0;
    for (std::size_t i = 0; i < old.size(); ++i)
      if (was[i]) place(old[i]);
  }

  std::vector<Configuration> slots_;
  std::vector<bool> used_;
  std::size_t count_ = 0;
};

class Search {
 public:
  Search(Prepared prepared, Model model, Budget& budget)
      : of_(std::move(prepared)), is_register_(model == Model::reg || model == Model::cas), budget_(budget) {
    link_all();
    for (std::uint32_t step = 0; step < of_.steps.size(); ++step)
      if (!of_.steps[step].known) unknown_.push_back(step);
    taken_.assign(of_.steps.size(), false);
    left_ = of_.known;
  }

  Found run() {
    Cursor cursor;
    bool arrived = true;  // at a configuration that was not looked at yet
    while (left_ != 0) {
      if (!budget_.spend()) return Found::gave_up;
      if (arrived && take_free()) continue;
      if (arrived) cursor = Cursor{next_[end()], 0};
      const bool known = arrived && !memory_.add(now_);
      arrived = !known && take_next(cursor);
      if (!arrived && !back(cursor)) return Found::none;
    }
    return Found::order;
  }

 private:
  // Where to go on: among the known in the order of calls, then among those whose outcome is unknown.
  struct Cursor {
    std::uint32_t place = 0, unknown = 0;
  };
  struct Frame {
    std::uint32_t step = 0;
    Configuration before;
    bool free = false;  // there was no choice
    Cursor cursor;
  };

  // ---- the list of calls and returns; its end is one more place
  std::uint32_t end() const { return static_cast<std::uint32_t>(of_.order.size()); }
  void link_all() {
    const std::uint32_t size = end();
    next_.resize(size + 1);
    last_.resize(size + 1);
    for (std::uint32_t i = 0; i <= size; ++i) {
      next_[i] = i == size ? 0 : i + 1;
      last_[i] = i == 0 ? size : i - 1;
    }
    for (const Step& step : of_.steps)
      if (!step.known) unlink(step.call);
  }
  void unlink(std::uint32_t place) {
    next_[last_[place]] = next_[place];
    last_[next_[place]] = last_[place];
  }
  void link(std::uint32_t place) {
    next_[last_[place]] = place;
    last_[next_[place]] = place;
  }
  bool is_call(std::uint32_t place) const { return of_.steps[of_.order[place]].call == place; }
  // The first return that is still to come: what is called after it has to wait.
  std::uint32_t first_return() const {
    std::uint32_t place = next_[end()];
    while (place != end() && is_call(place)) place = next_[place];
    return place;
  }

  // ---- steps
  bool must_wait(const Step& step) const { return step.before != kNone && !taken_[step.before]; }

  std::optional<State> fits(const Step& step) {
    if (must_wait(step)) return std::nullopt;
    // A write of unknown outcome that is written over unseen need not have taken effect.
    const bool blind = step.kind == Kind::write || (step.kind == Kind::remove && !step.succeeded);
    if (now_.owed && blind) return std::nullopt;
    return of_.states.after(now_.state, step);
  }

  bool take_free() {
    for (std::uint32_t place = next_[end()]; place != end() && is_call(place); place = next_[place]) {
      const std::uint32_t number = of_.order[place];
      const Step& step = of_.steps[number];
      if (step.kind != Kind::read && step.succeeded != false) continue;
      const auto state = fits(step);
      if (!state) continue;
      // What is owed to an unknown write is a look at it.
      take(number, *state, true, {});
      return true;
    }
    return false;
  }

  bool take_next(Cursor& cursor) {
    for (; cursor.place != end() && is_call(cursor.place); cursor.place = next_[cursor.place]) {
      const std::uint32_t number = of_.order[cursor.place];
      if (const auto state = fits(of_.steps[number])) {
        take(number, *state, false, cursor);
        return true;
      }
    }
    const std::uint32_t until = first_return();
    for (; cursor.unknown < unknown_.size(); ++cursor.unknown) {
      const Step& step = of_.steps[unknown_[cursor.unknown]];
      if (step.call > until) break;
      if (taken_[unknown_[cursor.unknown]]) continue;
      const auto state = fits(step);
      if (!state || *state == now_.state) continue;
      take(unknown_[cursor.unknown], *state, false, cursor);
      return true;
    }
    return false;
  }

  void take(std::uint32_t number, State state, bool free, Cursor cursor) {
    const Step& step = of_.steps[number];
    stack_.push_back({number, now_, free, cursor});
    now_.toggle(number);
    now_.state = state;
    now_.owed = is_register_ && !step.known;
    taken_[number] = true;
    if (!step.known) return;
    unlink(step.call);
    unlink(step.returned);
    --left_;
  }

  // To the last choice that has more to try; false when there is none.
  bool back(Cursor& cursor) {
    while (!stack_.empty()) {
      const Frame frame = stack_.back();
      stack_.pop_back();
      const Step& step = of_.steps[frame.step];
      now_ = frame.before;
      taken_[frame.step] = false;
      if (step.known) {
        link(step.returned);
        link(step.call);
        ++left_;
      }
      if (frame.free) continue;
      cursor = frame.cursor;
      if (step.known) {
        cursor.place = next_[step.call];
      } else {
        ++cursor.unknown;
      }
      return true;
    }
    return false;
  }

  Prepared of_;
  bool is_register_;
  Budget& budget_;
  std::vector<std::uint32_t> next_, last_, unknown_;
  std::vector<bool> taken_;
  std::vector<Frame> stack_;
  Configuration now_;
  Memory memory_;
  std::uint32_t left_ = 0;
};

}  // namespace

bool Budget::spend() {
  if (stopped_) return false;
  ++spent_;
  if (spent_ > steps_ || (spent_ % kAskEvery == 0 && !go_on_())) stopped_ = true;
  return !stopped_;
}

Found search(Prepared prepared, Model model, Budget& budget) {
  return Search(std::move(prepared), model, budget).run();
}

}  // namespace swarm::linearizability
