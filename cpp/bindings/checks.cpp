#include "bindings/checks.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "base/time.hpp"
#include "sim/requests.hpp"
#include "sim/watch.hpp"
#include "sim/world.hpp"

namespace swarm::bindings {
namespace {

std::string seconds(Instant at) {
  const auto ms = (at - Instant{}).ns / 1'000'000;
  std::string rest = std::to_string(ms % 1000);
  return std::to_string(ms / 1000) + "." + std::string(3 - rest.size(), '0') + rest + "s";
}

std::string span_text(Duration span) { return to_string(span); }

}  // namespace

Checks::~Checks() {
  if (Py_IsInitialized() == 0) {  // the interpreter is gone, and all that it had
    source_.release();
    return;
  }
  const py::gil_scoped_acquire python;
  source_.release().dec_ref();
}

std::size_t Checks::keep(const py::object& function) {
  py::list functions = source_().attr("functions");
  functions.append(function);
  return functions.size() - 1;
}

bool Checks::has_question(const Check& check) const {
  if (check.rule || check.state == Check::State::broken) return false;
  if (check.kind == Check::Kind::sometimes) return !check.held;
  if (check.kind == Check::Kind::eventually)
    return !check.due.empty() || check.after.has_value() || !check.after_kind.empty();
  return true;
}

bool Checks::may_differ(const Check& check, const Marks& now) const {
  if (!has_question(check)) return false;
  if ((check.reads & kClock) != 0 || check.asked == 0 || check.told) return true;
  return now.changes != check.changes ||
         ((check.reads & kRaft) != 0 && now.raft_changes != check.raft_changes) ||
         ((check.reads & kRequests) != 0 && now.requests != check.requests);
}

Checks::Marks Checks::marks_of(const sim::World& world) {
  return {world.changes(), world.raft_changes(), world.requests().done().size(), world.events()};
}

// Rules that were added since: by the user, or by the run that is being played.
void Checks::take_up(const sim::Watch& watch) {
  for (; rules_ < watch.count(); ++rules_) {
    Check check;
    check.name = watch.name(rules_);
    check.rule = rules_;
    check.state = Check::State::holds;
    checks_.push_back(std::move(check));
    marks_.reset();
  }
}

void Checks::happened(sim::World& world) {
  take_up(world.watch());
  if (broken_) throw CheckBroken(broken_->name, broken_->what, broken_->at, true);
  if (!world.watch().broken()) world.look_over();
  if (const auto& said = world.watch().broken()) {
    const auto check = std::find_if(checks_.begin(), checks_.end(),
                                    [&](const Check& one) { return one.rule == said->rule; });
    if (check != checks_.end()) break_off(world, *check, said->what);
  }
  const Marks now = marks_of(world);
  if (marks_ == now || (!every_event_ && marks_ && marks_->same_to_see(now))) return;
  const bool any =
      std::any_of(checks_.begin(), checks_.end(), [&](const Check& one) { return may_differ(one, now); });
  if (any) {
    const py::gil_scoped_acquire python;
    for (Check& check : checks_)
      if (may_differ(check, now)) ask(world, check);
    every_event_ = std::any_of(checks_.begin(), checks_.end(), [&](const Check& one) {
      return has_question(one) && (one.reads & kClock) != 0;
    });
  }
  marks_ = now;
}

// With the interpreter's lock.
void Checks::ask(sim::World& world, Check& check) {
  const Marks now = marks_of(world);
  check.reads = 0;
  look_for_beginning(world, check);
  if (check.kind != Check::Kind::eventually || !check.due.empty()) {
    const bool holds = call(world, check, check.function);
    ++check.asked;
    check.held = check.held || holds;
    if (check.kind == Check::Kind::always && !holds)
      break_off(world, check, check.name + " did not hold at " + seconds(world.now()));
    if (check.kind == Check::Kind::eventually && holds) check.due.clear();
    const bool waits = check.kind == Check::Kind::eventually && !holds;
    check.state = waits ? Check::State::awaited : check.held ? Check::State::holds : Check::State::unasked;
  }
  check.told = false;
  check.changes = now.changes;
  check.raft_changes = now.raft_changes;
  check.requests = now.requests;
}

// Each time that `after` comes to hold, or happens, it must hold within the time again.
void Checks::look_for_beginning(sim::World& world, Check& check) {
  if (check.kind != Check::Kind::eventually) return;
  if (!check.after_kind.empty()) {
    const std::uint64_t times = world.watch().times(check.after_kind);
    if (times != check.after_times) check.due.push_back(world.now() + check.within);
    check.after_times = times;
  } else if (check.after) {
    const bool holds = call(world, check, *check.after);
    if (holds && !check.after_held) check.due.push_back(world.now() + check.within);
    check.after_held = holds;
    if (check.due.empty()) ++check.asked;
  }
}

bool Checks::call(const sim::World& world, Check& check, std::size_t number) {
  static_cast<void>(host_.looked_inside());
  const py::object source = source_();
  if (source.is_none()) return true;  // the swarm is forgotten, and about to end
  const py::object function = source.attr("functions")[py::int_(number)];
  py::object state = source.attr("state")();
  try {
    const bool holds = py::bool_(function(state));
    check.reads |= source.attr("read_by")(host_.looked_inside()).cast<unsigned>();
    freeze_if_kept(state);
    return holds;
  } catch (py::error_already_set& error) {
    freeze_if_kept(state);  // its traceback shows it
    check.reads = ~0U;
    check.told = true;
    every_event_ = true;
    marks_.reset();
    if (py::hasattr(error.value(), "add_note"))
      error.value().attr("add_note")("in the check \"" + check.name + "\", asked at " + seconds(world.now()));
    throw;
  }
}

void Checks::freeze_if_kept(py::object& state) {
  if (state.ref_count() > 1) state.attr("_freeze")();
}

void Checks::break_off(sim::World& world, Check& check, const std::string& what) {
  check.state = Check::State::broken;
  broken_ = sim::Broken{0, check.name, what, world.now()};
  world.mark_broken(check.name, what);
  throw CheckBroken(check.name, what, world.now(), false);
}

Instant Checks::deadline() const {
  if (broken_) return Instant::never();
  Instant first = Instant::never();
  for (const Check& check : checks_)
    if (!check.due.empty()) first = std::min(first, check.due.front());
  return first;
}

// It is asked a last time: it may read the clock.
void Checks::due(sim::World& world) {
  const py::gil_scoped_acquire python;
  for (Check& check : checks_) {
    if (check.due.empty() || check.due.front() > world.now()) continue;
    ask(world, check);
    if (check.due.empty()) continue;
    break_off(world, check,
              check.name + " did not come to hold within " + span_text(check.within) + ", by " +
                  seconds(world.now()));
  }
}

void Checks::add(sim::World& world, Check check) {
  if (check.kind == Check::Kind::eventually && !check.after && check.after_kind.empty())
    check.due.push_back(world.now() + check.within);
  if (!check.after_kind.empty()) check.after_times = world.watch().times(check.after_kind);
  checks_.push_back(std::move(check));
  marks_.reset();
}

void Checks::take_back() {
  if (!checks_.empty() && checks_.back().told) checks_.pop_back();
}

void Checks::finish(sim::World& world) {
  const bool told = std::any_of(checks_.begin(), checks_.end(), [](const Check& one) { return one.told; });
  if (!told) happened(world);
  for (Check& check : checks_) {
    if (check.kind == Check::Kind::sometimes && !check.held)
      break_off(world, check, check.name + " never held: this run did not test it");
  }
}

}  // namespace swarm::bindings
