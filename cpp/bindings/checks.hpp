// Checks: what Python's `swarm.check` asks of a simulated world: functions of its frozen state, after every
// event that can have changed their answer, and ready-made rules (sim/watch). The first that is broken ends
// the run.
//
// A function is asked again when what it read may be another: the swarm as looks show it, Raft, requests; one
// that read the clock or the events is asked after every event. NOT here: what the state is made of
// (swarmpy/peek.py). Invariants: the interpreter's lock is taken to call Python, and never else; a state that
// Python keeps is frozen before the world goes on.
#pragma once

#include <pybind11/pybind11.h>

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "bindings/world_host.hpp"
#include "sim/watch.hpp"

namespace swarm::bindings {

namespace py = pybind11;

// Becomes swarmpy.errors.InvariantBroken. `again`: it was thrown before.
struct CheckBroken : std::runtime_error {
  CheckBroken(std::string check, std::string sentence, Instant when, bool told)
      : std::runtime_error(sentence),
        name(std::move(check)),
        what_broke(std::move(sentence)),
        at(when),
        again(told) {}
  std::string name, what_broke;
  Instant at;
  bool again = false;
};

struct Check {
  enum class Kind : std::uint8_t { always, eventually, sometimes };
  enum class State : std::uint8_t { unasked, holds, awaited, broken };
  std::string name;
  Kind kind = Kind::always;
  State state = State::unasked;
  std::size_t function = 0;  // its number in `source.functions`, where it is no rule
  std::optional<sim::RuleId> rule;
  std::uint64_t asked = 0;  // of functions; rules count for themselves
  bool told = false;        // its function raised an error, and the call that let time pass has thrown it
  bool held = false;        // at any time
  // ---- eventually
  Duration within;
  std::optional<std::size_t> after;  // a function, likewise; none: from now on, or `after_kind`
  std::string after_kind;
  bool after_held = false;
  std::uint64_t after_times = 0;
  std::deque<Instant> due;  // by when it must hold
  // ---- when to ask again
  unsigned reads = ~0U;  // what it read when it was asked last
  std::uint64_t changes = 0, raft_changes = 0, requests = 0;
};

class Checks final : public Observer {
 public:
  // What a function can read of the state; swarmpy/peek.py has the same numbers.
  enum : unsigned { kShown = 1, kRaft = 2, kClock = 4, kRequests = 8 };

  // `source.state()` makes the frozen state of this moment, `source.functions` are the user's: see
  // swarmpy/_checks/source.py. A weak reference: functions know the swarm, and a swarm that is forgotten
  // ends.
  Checks(WorldHost& host, const py::object& source) : host_(host), source_(source) {}
  ~Checks() override;

  // With the interpreter's lock, before `add`: keeps the function, and returns its number.
  std::size_t keep(const py::object& function);
  void add(sim::World& world, Check check);
  // Forgets the newest, if its function raised an error when it was asked last.
  void take_back();
  void take_up(const sim::Watch& watch);
  const std::deque<Check>& all() const { return checks_; }
  const std::optional<sim::Broken>& broken() const { return broken_; }
  // The run is over: what was never seen, or is still awaited, is broken.
  void finish(sim::World& world);
  void happened(sim::World& world) override;
  Instant deadline() const override;
  void due(sim::World& world) override;

 private:
  struct Marks {
    std::uint64_t changes = 0, raft_changes = 0, requests = 0, events = 0;
    bool operator==(const Marks&) const = default;
    bool same_to_see(const Marks& other) const {
      return changes == other.changes && raft_changes == other.raft_changes && requests == other.requests;
    }
  };
  static Marks marks_of(const sim::World& world);
  bool may_differ(const Check& check, const Marks& now) const;
  bool has_question(const Check& check) const;
  void ask(sim::World& world, Check& check);
  bool call(const sim::World& world, Check& check, std::size_t function);
  void freeze_if_kept(py::object& state);
  void look_for_beginning(sim::World& world, Check& check);
  [[noreturn]] void break_off(sim::World& world, Check& check, const std::string& what);

  WorldHost& host_;
  py::weakref source_;
  std::deque<Check> checks_;
  sim::RuleId rules_ = 0;  // of the watch's, those that are here
  std::optional<sim::Broken> broken_;
  std::optional<Marks> marks_;
  bool every_event_ = false;  // a check reads the clock
};

}  // namespace swarm::bindings
