// Injector: makes faults happen to a world, at exact instants of its virtual time, and ends them.
//
// The injector has a small timeline of begins and ends of its own, which the world's loop takes in between
// the events of its queue: at equal instants after them, ends before begins. Overlapping faults compose: a
// link is cut, a machine down or frozen as long as one fault wants it; of several settings the latest holds
// until its fault ends. "leader" and "minority" become machines when a fault begins, and the history has
// those machines: the same seed, the same inputs and the history as a plan give the same trace. For that, a
// begin or an end by hand keeps the history's order: moves that are due at that instant come first, and if
// the order within the instant would still be another, a nanosecond goes by.
//
// NOT here: what faults mean to a network, a disk, a clock (those are beside this file); what faults a plan
// has (faults/draw). Invariant: an error changes nothing.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "faults/plan.hpp"
#include "sim/link_rules.hpp"
#include "sim/machine.hpp"

namespace swarm::sim {

class Injector {
 public:
  // What it does to a world, and what it asks the world.
  struct Hands {
    std::function<void(Machine&)> kill, power_off, stop, start, freeze, resume;
    std::function<void(Machine&, std::uint32_t port, bool taken)> occupy;
    std::function<bool(Machine&, std::uint32_t port)> listens;  // its daemon, at a published port
    std::function<std::string()> leader;                        // "" without a leader
    std::function<std::vector<std::string>()> voters;           // machines that are managers, by the witness
    std::function<Result<TaskId>(const std::string& name)> task;
    std::function<bool(TaskId)> kill_task;
    std::function<void(const std::string& leader)> transfer;
    std::function<void()> changed;  // looks may show something else
    std::function<void()> settle;   // all that is due at this instant happens
  };
  Injector(Shared& shared, Network& network, Machines& machines, Hands hands)
      : shared_(shared), network_(network), machines_(machines), hands_(std::move(hands)) {}

  Result<FaultId> begin(const faults::Fault& fault);  // now, or `at` later
  Result<std::vector<FaultId>> run(const faults::Plan& plan);
  Result<void> end(FaultId id);  // one that is over, or still to come, is no error
  void heal();                   // ends what is active, and drops what was planned
  void quiet(bool on);
  // The fault that would get this number in the history does not happen.
  void leave_out(std::size_t number) { left_out_ = number; }
  std::vector<std::pair<FaultId, faults::Fault>> active() const;
  faults::Plan history() const { return {history_, Duration{}}; }
  const std::vector<faults::Skipped>& skipped() const { return skipped_; }

  // Writes the active faults into a chronicle that begins now.
  void chronicle_active() const;

  // ---- the loop's side
  Instant due() const { return next_; }
  void move();  // the next begin or end
  // A daemon has ended: starts the next one if its machine is to run again.
  void machine_ended(Machine& machine);

 private:
  struct Active {
    FaultId id = 0;
    faults::Fault fault;  // names resolved
    Instant began;
    std::optional<Instant> ends;
    std::size_t told = 0;     // where in the history
    std::uint64_t order = 0;  // among ends at one instant
  };
  enum class Turn : std::uint8_t { end, begin };
  using Move = std::tuple<Instant, Turn, std::uint64_t, FaultId>;

  // ---- before it begins (injector_names.cpp)
  Result<void> known(const faults::Fault& fault) const;
  Result<void> known_machine(const std::string& name, bool is_side) const;
  Result<void> has_another_side(const faults::Fault& fault) const;
  Result<faults::Fault> resolved(faults::Fault fault) const;
  Result<std::string> resolved(const std::string& name) const;
  Result<std::vector<std::string>> minority() const;
  Machine& machine(std::string_view name) const;
  bool has_machine(std::string_view name) const;

  // ---- what it does (injector_effects.cpp)
  Result<void> strike(const faults::Fault& fault);  // what happens once, at its beginning
  void apply(const Active& active);
  void revert(const faults::Fault& over);
  void raise_again(Machine& machine);
  bool holds(faults::Kind kind, std::string_view node) const;
  bool is_down(std::string_view node) const;
  void set_links();
  void set_image(const std::string& reference);
  void set_disk(Machine& machine);
  void set_clock(Machine& machine, Duration ahead);
  void set_pace(Machine& machine);
  std::int64_t slower(std::string_view node) const;
  LinkEnd end_of(const faults::Names& names, const faults::Names& opposite) const;
  void add_rules(const faults::Fault& fault, std::vector<LinkRule>& rules) const;

  void push(Instant at, Turn turn, FaultId id) { push({at, turn, ++last_move_, id}); }
  void push(const Move& move);
  void by_hand(Turn turn, std::uint64_t order);
  void end_by_hand(FaultId id);
  void end_all_by_hand();
  void go_on();
  void plan_next();
  Result<void> begin_now(FaultId id, const faults::Fault& fault);
  void begin_planned(FaultId id);
  void skip(FaultId id, const faults::Fault& fault, const Error& why);
  void end_active(std::size_t index);
  void close(const Active& over);
  void note(std::string_view kind, const faults::Fault& fault, const std::string& why = {});
  void chronicle(FaultId id, const faults::Fault& fault) const;
  std::vector<MachineIndex> concerned(const faults::Fault& fault) const;

  Shared& shared_;
  Network& network_;
  Machines& machines_;
  Hands hands_;
  std::map<FaultId, faults::Fault> planned_;
  std::vector<Active> active_;  // in the order of their beginnings
  std::vector<faults::Fault> history_;
  std::vector<faults::Skipped> skipped_;
  std::set<Move> moves_;
  std::deque<std::pair<Instant, MachineIndex>> restarts_;
  std::set<MachineIndex> to_start_;                           // as soon as their daemons have ended
  std::map<std::string, std::optional<ImageScript>> images_;  // as they were before any fault
  std::vector<std::pair<FaultId, faults::Fault>> held_back_;  // while quiet: with what is left of `for`
  std::optional<std::size_t> left_out_;
  FaultId last_id_ = 0;
  std::uint64_t last_move_ = 0;
  Move last_done_{};
  Instant next_ = Instant::never();
  bool quiet_ = false;
  Instant quiet_since_;
};

}  // namespace swarm::sim
