#include "bindings/world_host.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/time.hpp"
#include "ports/http.hpp"
#include "sim/gate.hpp"
#include "sim/world.hpp"

namespace swarm::bindings {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kEventsPerHold = 64;  // so that another thread gets its turn
constexpr std::chrono::milliseconds kNap{2};

std::optional<Progress> done_if(bool holds) {
  if (holds) return Progress::done;
  return {};
}

}  // namespace

void throw_failed_checks() {
  set_check_handler([](const std::string& sentence) { throw InvariantFailure(sentence); });
}

WorldHost::WorldHost(sim::WorldOptions options) : world_(std::make_unique<sim::World>(options)) {}

WorldHost::~WorldHost() {
  // Left as it is: after a failed check nothing in it can be relied on, its end neither.
  // NOLINTNEXTLINE(bugprone-unused-return-value)
  if (poison_) static_cast<void>(world_.release());
}

void WorldHost::require_machine(const sim::World& world, std::string_view name) {
  if (world.has_machine(name)) return;
  std::string there;
  for (const std::string& known : world.machines()) there += (there.empty() ? "" : ", ") + known;
  throw UsageError("no such machine: " + std::string(name) + " (there are: " + there + ")");
}

void WorldHost::partition(const std::vector<std::vector<std::string>>& groups) {
  use([&](sim::World& world) {
    std::set<std::string> placed;
    for (const auto& group : groups)
      for (const std::string& name : group) {
        require_machine(world, name);
        if (!placed.insert(name).second) throw UsageError(name + " is on two sides of the cut");
      }
    world.partition(groups);
  });
}

sim::CallId WorldHost::call(std::string_view machine, http::Request request) {
  check_may_act();
  return use([&](sim::World& world) {
    observe();
    const sim::CallId id = world.call(machine, std::move(request));
    asked_.insert(id);
    return id;
  });
}

void WorldHost::quiet(bool on) {
  check_may_act();
  const std::lock_guard hold(lock_);
  if (!on) {
    goes_on_ = true;
  } else if (!std::exchange(goes_on_, false)) {
    use([](sim::World& world) { world.quiet(true); });
  }
}

void WorldHost::hang_up(sim::CallId id) {
  use([&](sim::World& world) {
    if (asked_.erase(id) > 0) world.hang_up(id);
  });
}

std::optional<Progress> WorldHost::state_of(sim::CallId id, Wanted wanted) const {
  if (!asked_.contains(id)) throw UsageError("this call was hung up");
  const sim::Reply& reply = world_->reply(id);
  const bool there = (reply.ended && !reply.cut) || (wanted == Wanted::head && reply.begun) ||
                     (wanted == Wanted::piece && !reply.body.empty());
  if (there) return Progress::done;
  return reply.cut ? std::optional(Progress::gone) : std::nullopt;
}

Instant WorldHost::horizon(Instant limit) const {
  if (followers_ == 0) return limit;
  const auto passed = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - pace_wall_);
  return std::min(limit, pace_virtual_ + Duration::nanos(passed.count()));
}

void WorldHost::observe_by(std::unique_ptr<Observer> observer) {
  const std::lock_guard hold(lock_);
  observer_ = std::move(observer);
}

void WorldHost::check_may_act() const {
  if (asks_here()) throw UsageError("a check only looks: it can let no time pass, and change nothing");
}

void WorldHost::observe() {
  if (untold_) std::rethrow_exception(std::exchange(untold_, nullptr));
  if (!observer_ || asks_here()) return;
  as_observer([this] { observer_->happened(*world_); });
}

// Time alone may decide at an instant at which nothing happens. True: it has; the clock is there.
bool WorldHost::come_to_deadline(Instant reach) {
  if (!observer_ || untold_) return false;
  const Instant at = observer_->deadline();
  if (at > reach || world_->next_event() <= at) return false;
  if (at > world_->now()) world_->run_until(at);
  as_observer([this] { observer_->due(*world_); });
  return true;
}

void WorldHost::take_event() {
  world_->step();
  observe();
}

// At most kEventsPerHold events; nothing when there is more to do at once.
std::optional<Progress> WorldHost::take_some(const std::function<std::optional<Progress>()>& finished,
                                             Instant limit) {
  observe();
  const Instant reach = horizon(limit);
  for (int i = 0; i < kEventsPerHold; ++i) {
    if (const auto state = finished()) return state;
    if (come_to_deadline(reach)) continue;
    if (world_->next_event() > reach) {
      if (reach > world_->now()) world_->run_until(reach);
      return reach >= limit ? Progress::deadline : Progress::again;
    }
    take_event();
  }
  return std::nullopt;
}

Progress WorldHost::advance(const std::function<std::optional<Progress>()>& finished, Instant limit) {
  check_may_act();
  const auto slice_end = Clock::now() + kSlice;
  do {
    const std::lock_guard hold(lock_);
    const auto outcome = guarded([&] { return take_some(finished, limit); });
    if (outcome == Progress::again) break;  // ahead of the wall clock
    if (outcome) return *outcome;
  } while (Clock::now() < slice_end);
  if (Clock::now() < slice_end) std::this_thread::sleep_for(kNap);
  return Progress::again;
}

Progress WorldHost::wait_reply(sim::CallId id, Wanted wanted, Instant limit) {
  return advance([&] { return state_of(id, wanted); }, limit);
}

Progress WorldHost::run_to(Instant limit) {
  return advance([] { return std::optional<Progress>(); }, limit);
}

Progress WorldHost::run_to_step(std::uint64_t count) {
  return advance([&] { return done_if(world_->steps() >= count); }, Instant::never());
}

Progress WorldHost::wait_change(std::uint64_t& seen, const sim::Gate* gate, Instant limit) {
  return advance(
      [&] {
        const bool changed = std::exchange(seen, world_->changes()) != world_->changes();
        return done_if(changed && (gate == nullptr || world_->is_open(*gate)));
      },
      limit);
}

Progress WorldHost::wait_event(std::uint64_t seen, Instant limit) {
  return advance([&] { return done_if(world_->events() != seen); }, limit);
}

Progress WorldHost::wait_http(sim::RequestId id, Instant limit) {
  return advance([&] { return done_if(world_->http_reply(id).ended); }, limit);
}

sim::Look WorldHost::look(std::string_view machine, const http::Request& request) {
  return use([&](sim::World& world) {
    if (!machine.empty()) require_machine(world, machine);
    return world.look(machine, request);
  });
}

bool WorldHost::step() {
  check_may_act();
  return use([this](sim::World& world) {
    observe();
    while (come_to_deadline(world.next_event())) continue;
    const bool went = world.step();
    if (went) observe();
    return went;
  });
}

void WorldHost::follow_wall_clock(bool on) {
  const std::lock_guard hold(lock_);
  if (on && followers_ == 0) {
    pace_virtual_ = world_->now();
    pace_wall_ = Clock::now();
  }
  followers_ += on ? 1 : -1;
}

std::chrono::nanoseconds WorldHost::keep_pace() {
  const std::lock_guard hold(lock_);
  try {
    return guarded([&] { return take_due(); });
  } catch (const InvariantFailure&) {
    throw;
  } catch (...) {
    untold_ = std::current_exception();
    throw;
  }
}

std::chrono::nanoseconds WorldHost::take_due() {
  observe();
  const Instant reach = horizon(Instant::never());
  for (int i = 0; i < kEventsPerHold; ++i) {
    if (come_to_deadline(reach)) continue;
    if (world_->next_event() > reach) {
      if (reach > world_->now()) world_->run_until(reach);
      const std::chrono::nanoseconds until_next((world_->next_event() - reach).ns);
      return std::min<std::chrono::nanoseconds>(until_next, kSlice);
    }
    take_event();
  }
  return std::chrono::nanoseconds(0);
}

}  // namespace swarm::bindings
