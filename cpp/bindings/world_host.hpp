// WorldHost: a sim::World that lives in a Python process. It adds what the World itself must not know:
// - a lock, so that several threads may use one world (each call is short; waiting happens outside the lock);
// - pace: while a viewer follows, virtual time keeps step with the wall clock instead of running ahead;
// - poison: after a broken invariant every call fails with the first sentence, and no call touches the world;
// - an observer: it is called after every event (Python's checks).
//
// Invariants: a thread that holds the interpreter's lock never waits for the world's lock; the other way
// round is allowed. No method waits for longer than kSlice, so that the caller can look for Ctrl-C in
// between. NOT here: Python. Nothing in this file knows of the interpreter or its lock; module.cpp does.
#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "sim/world.hpp"

namespace swarm::bindings {

// A SWARM_CHECK that failed, as an exception: see throw_failed_checks().
struct InvariantFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// The user asked for something that cannot be (an unknown machine, a forgotten call).
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// From now on a failed check throws InvariantFailure in this process instead of ending it.
void throw_failed_checks();

inline constexpr std::chrono::milliseconds kSlice{20};

enum class Progress : std::uint8_t {
  again,     // the slice is used up; ask again
  done,      // what was waited for is there
  deadline,  // virtual time reached the limit first
  gone,      // the machine that was asked ended before its answer did
};
// It is asked after every event, and before the next one when something was done by hand. It ends the run
// there by throwing; the world stays whole and readable, and is asked again before it goes on. Called with
// the world's lock held, by whichever thread lets time pass.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void happened(sim::World& world) = 0;
  virtual Instant deadline() const = 0;     // when time alone may decide; never: it cannot
  virtual void due(sim::World& world) = 0;  // it has come
};

// How far an answer must have come.
enum class Wanted : std::uint8_t { head, piece, end };

class WorldHost {
 public:
  explicit WorldHost(sim::WorldOptions options);
  ~WorldHost();  // a poisoned world is leaked: its destructor might fail again
  WorldHost(const WorldHost&) = delete;
  WorldHost& operator=(const WorldHost&) = delete;

  // One short use of the world under the lock.
  template <class Use>
  auto use(Use&& what) {
    const std::lock_guard hold(lock_);
    looked_inside_ = looked_inside_ || asks_here();
    return guarded([&] { return what(*world_); });
  }
  // ... of a machine that must exist.
  template <class Use>
  auto use_machine(std::string_view name, Use&& what) {
    return use([&](sim::World& world) {
      require_machine(world, name);
      return what(world);
    });
  }
  // As `use` and `use_machine`, for calls that change the world: a caller that may only look is refused.
  template <class Use>
  auto act(Use&& what) {
    check_may_act();
    return use(std::forward<Use>(what));
  }
  template <class Use>
  auto act_on(std::string_view name, Use&& what) {
    check_may_act();
    return use_machine(name, std::forward<Use>(what));
  }
  // What is there to be read, also of a world in which an invariant is broken.
  template <class Read>
  auto read(Read&& what) {
    const std::lock_guard hold(lock_);
    if (!poison_) guarded([] {});
    return what(static_cast<const sim::World&>(*world_));
  }

  // World::quiet. Faults go on at the next call, which looks the same as at once. A caller that holds them
  // back again before that call has them held back without a gap.
  void quiet(bool on);

  // From now on, and to the world's end.
  void observe_by(std::unique_ptr<Observer> observer);
  Observer* observer() { return observer_.get(); }
  // Returns true if this thread is the observer that is being asked now: it holds the lock, and may only
  // look.
  bool asks_here() const { return asking_.load() == std::this_thread::get_id(); }
  // The world as it is, for the thread for which `asks_here()` is true.
  sim::World& inside() { return *world_; }
  // Something is added to what is observed; the observer is asked at once.
  template <class Use>
  void add_to(Use&& what) {
    check_may_act();
    use([&](sim::World& world) {
      what(world);
      observe();
    });
  }
  // Something is asked of the observer itself.
  template <class Use>
  void ask_observer(Use&& what) {
    check_may_act();
    use([&](sim::World& world) { as_observer([&] { what(world); }); });
  }
  // The observer has looked at the world by its front door since the last call of this.
  bool looked_inside() { return std::exchange(looked_inside_, false); }

  // Cuts the groups off from each other. Checked first: a mistyped name must not cost the world.
  void partition(const std::vector<std::vector<std::string>>& groups);
  sim::CallId call(std::string_view machine, http::Request request);
  void hang_up(sim::CallId id);
  // Lets time run, but not past `limit`, until the answer is as far as `wanted`.
  Progress wait_reply(sim::CallId id, Wanted wanted, Instant limit);
  // Lets time run until `limit`.
  Progress run_to(Instant limit);
  // ... until so many steps were taken.
  Progress run_to_step(std::uint64_t count);
  // ... until a look may show something else than it did at `seen` (World::changes), with the gate open.
  Progress wait_change(std::uint64_t& seen, const sim::Gate* gate, Instant limit);
  // ... until anything at all has happened since `seen` (World::events).
  Progress wait_event(std::uint64_t seen, Instant limit);
  // ... until a request at a published port is over.
  Progress wait_http(sim::RequestId id, Instant limit);
  sim::Look look(std::string_view machine, const http::Request& request);
  bool step();  // false: nothing will ever happen; never sleeps

  // From now on time follows the wall clock (`true`), or runs as fast as it can again. Counts its callers.
  void follow_wall_clock(bool on);
  // What a served world does by itself: takes every event that is due, and moves the clock. Returns how long
  // until the next one, at most kSlice.
  std::chrono::nanoseconds keep_pace();

 private:
  template <class Use>
  auto guarded(Use&& what) {
    if (poison_) throw InvariantFailure(*poison_);
    try {
      if (std::exchange(goes_on_, false)) world_->quiet(false);
      return what();
    } catch (const InvariantFailure& failure) {
      poison_ = failure.what();
      throw;
    }
  }
  static void require_machine(const sim::World& world, std::string_view name);
  std::optional<Progress> take_some(const std::function<std::optional<Progress>()>& finished, Instant limit);
  Progress advance(const std::function<std::optional<Progress>()>& finished, Instant limit);
  std::optional<Progress> state_of(sim::CallId id, Wanted wanted) const;
  Instant horizon(Instant limit) const;  // how far time may go right now

  // The observer is asked: until it has answered this thread may only look.
  template <class Ask>
  void as_observer(Ask&& ask) {
    asking_ = std::this_thread::get_id();
    try {
      ask();
    } catch (...) {
      asking_ = std::thread::id();
      throw;
    }
    asking_ = std::thread::id();
  }
  void take_event();
  std::chrono::nanoseconds take_due();
  bool come_to_deadline(Instant reach);
  void observe();
  void check_may_act() const;

  std::recursive_mutex lock_;  // an observer that is asked looks at the world
  std::unique_ptr<Observer> observer_;
  std::atomic<std::thread::id> asking_{};
  bool looked_inside_ = false;
  bool goes_on_ = false;       // faults that were held back, before anything else
  std::exception_ptr untold_;  // what an observer threw in a served door's thread: the next call throws it
  std::unique_ptr<sim::World> world_;
  std::optional<std::string> poison_;
  std::set<sim::CallId> asked_;  // open calls
  int followers_ = 0;
  Instant pace_virtual_;
  std::chrono::steady_clock::time_point pace_wall_;
};

}  // namespace swarm::bindings
