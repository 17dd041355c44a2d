// When faults begin and end, and what the trace and the history say about them.
#include "sim/injector.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "faults/fault.hpp"
#include "faults/nearest.hpp"
#include "faults/plan.hpp"
#include "sim/machine.hpp"
#include "sim/machine_index.hpp"
#include "sim/world.hpp"

namespace swarm::sim {

using faults::Fault;
using faults::Plan;

// ---- begin

Result<FaultId> Injector::begin(const Fault& fault) {
  if (const auto fits = faults::check(fault); !fits) return fits.error();
  if (const auto there = known(fault); !there) return there.error();
  const FaultId id = last_id_ + 1;
  const Instant at = shared_.now + fault.at.value_or(Duration{});
  if (at <= shared_.now && !quiet_) {
    by_hand(Turn::begin, last_move_ + 1);
    if (const auto begun = begin_now(id, fault); !begun) return begun.error();
  } else {
    planned_[id] = fault;
    push(at, Turn::begin, id);
  }
  return last_id_ = id;
}

Result<std::vector<FaultId>> Injector::run(const Plan& plan) {
  for (std::size_t i = 0; i < plan.faults.size(); ++i) {
    auto fits = faults::check(plan.faults[i]);
    if (fits) fits = known(plan.faults[i]);
    if (fits) continue;
    Error error = fits.error();
    error.message = "fault " + std::to_string(i) + " of the plan: " + error.message;
    return error;
  }
  const Instant beginning = plan.beginning(shared_.now);
  std::vector<FaultId> ids;
  for (const Fault& fault : plan.faults) {
    planned_[++last_id_] = fault;
    push(std::max(shared_.now, beginning + fault.at.value_or(Duration{})), Turn::begin, last_id_);
    ids.push_back(last_id_);
  }
  return ids;
}

Result<void> Injector::begin_now(FaultId id, const Fault& fault) {
  auto exact = resolved(fault);
  if (!exact) return exact.error();
  exact->at = shared_.now - Instant{};
  last_done_ = {shared_.now, Turn::begin, last_move_, id};
  if (left_out_ == history_.size()) {
    left_out_.reset();
    note("fault.left_out", *exact);
    return {};
  }
  if (const auto struck = strike(*exact); !struck) return struck.error();
  note("fault", *exact);
  chronicle(id, *exact);
  history_.push_back(*exact);
  if (exact->is_momentary()) return {};
  Active begun{id, *exact, shared_.now, std::nullopt, history_.size() - 1, ++last_move_};
  if (fault.lasts) {
    begun.ends = shared_.now + *fault.lasts;
    push({*begun.ends, Turn::end, begun.order, id});
  }
  active_.push_back(begun);
  apply(begun);
  hands_.changed();
  return {};
}

// No caller waits for an answer here: a fault that cannot begin is kept in skipped_faults, and in the trace.
void Injector::begin_planned(FaultId id) {
  const auto it = planned_.find(id);
  if (it == planned_.end()) return;  // ended before it began
  const Fault fault = it->second;
  planned_.erase(it);
  if (const auto begun = begin_now(id, fault); !begun) skip(id, fault, begun.error());
}

void Injector::skip(FaultId id, const Fault& fault, const Error& why) {
  note("fault.skipped", fault, faults::sentence(why));
  skipped_.push_back({id, fault, shared_.now, why});
}

// ---- end

Result<void> Injector::end(FaultId id) {
  if (id == 0 || id > last_id_)
    return plain_error(Code::not_found, "there is no fault number " + std::to_string(id));
  planned_.erase(id);
  std::erase_if(held_back_, [&](const auto& held) { return held.first == id; });
  end_by_hand(id);
  return {};
}

// As the history would have it at this instant: after all else that is due, ends before begins and in the
// order of their beginnings.
void Injector::by_hand(Turn turn, std::uint64_t order) {
  hands_.settle();
  if (Move{shared_.now, turn, order, 0} >= last_done_) return;
  shared_.now = shared_.now + Duration{1};
  hands_.settle();
}

void Injector::end_by_hand(FaultId id) {
  const auto found = [&] {
    return std::find_if(active_.begin(), active_.end(),
                        [&](const Active& active) { return active.id == id; });
  };
  if (const auto it = found(); it != active_.end()) by_hand(Turn::end, it->order);
  if (const auto it = found(); it != active_.end())
    end_active(static_cast<std::size_t>(it - active_.begin()));
}

void Injector::end_all_by_hand() {
  while (!active_.empty()) end_by_hand(active_.front().id);
}

void Injector::end_active(std::size_t index) {
  const Active over = active_[index];
  active_.erase(active_.begin() + static_cast<std::ptrdiff_t>(index));
  last_done_ = {shared_.now, Turn::end, over.order, over.id};
  close(over);
  note("fault.over", over.fault);
  if (shared_.chronicle) shared_.chronicle->fault_ended(shared_.now, over.id);
  revert(over.fault);
  hands_.changed();
}

// The history says how long it was.
void Injector::close(const Active& over) {
  std::erase_if(moves_, [&](const Move& move) {
    return std::get<1>(move) == Turn::end && std::get<3>(move) == over.id;
  });
  plan_next();
  history_[over.told].lasts = std::max(shared_.now - over.began, Duration{1});
}

void Injector::heal() {
  planned_.clear();
  held_back_.clear();
  std::erase_if(moves_, [](const Move& move) { return std::get<1>(move) == Turn::begin; });
  plan_next();
  end_all_by_hand();
}

// ---- quiet

// What is active ends, and begins again for what is left of it; time stands still for what is to come.
void Injector::quiet(bool on) {
  if (on == quiet_) return;
  hands_.settle();
  quiet_ = on;
  plan_next();
  if (on) {
    quiet_since_ = shared_.now;
    for (const Active& active : active_) {
      held_back_.emplace_back(active.id, active.fault);
      held_back_.back().second.lasts.reset();
      if (active.ends) held_back_.back().second.lasts = *active.ends - shared_.now;
    }
    return end_all_by_hand();
  }
  go_on();
}

void Injector::go_on() {
  const Duration passed = shared_.now - quiet_since_;
  std::set<Move> later;
  for (auto [at, turn, order, id] : moves_) later.insert({at + passed, turn, order, id});
  moves_ = std::move(later);
  plan_next();
  for (const auto& [id, fault] : std::exchange(held_back_, {})) {
    by_hand(Turn::begin, last_move_ + 1);
    if (const auto begun = begin_now(id, fault); !begun) skip(id, fault, begun.error());
  }
}

// ---- the loop's side

void Injector::push(const Move& move) {
  moves_.insert(move);
  plan_next();
}

void Injector::plan_next() {
  next_ = quiet_ || moves_.empty() ? Instant::never() : std::get<0>(*moves_.begin());
  if (!restarts_.empty()) next_ = std::min(next_, restarts_.front().first);
}

void Injector::move() {
  if (!restarts_.empty() && restarts_.front().first <= next_) {
    Machine& again = *machines_[restarts_.front().second];
    restarts_.pop_front();
    plan_next();
    return raise_again(again);
  }
  const auto [at, turn, order, id] = *moves_.begin();
  moves_.erase(moves_.begin());
  plan_next();
  if (turn == Turn::begin) return begin_planned(id);
  for (std::size_t i = 0; i < active_.size(); ++i)
    if (active_[i].id == id) return end_active(i);
}

void Injector::machine_ended(Machine& ended) {
  if (to_start_.erase(ended.index) == 0) return;
  restarts_.emplace_back(shared_.now, ended.index);
  plan_next();
}

std::vector<std::pair<FaultId, Fault>> Injector::active() const {
  std::vector<std::pair<FaultId, Fault>> all;
  for (const Active& active : active_) {
    all.emplace_back(active.id, active.fault);
    if (active.ends) all.back().second.lasts = *active.ends - active.began;
  }
  return all;
}

// Without its times: those are the trace's own, and how long it was to last is not known to the machines.
static std::string bare(Fault fault) {
  fault.at.reset();
  fault.lasts.reset();
  return faults::to_text(fault);
}

// What did not happen is for readers only: who tells the history again does not know of it.
void Injector::note(std::string_view kind, const Fault& fault, const std::string& why) {
  if (why.empty()) {
    shared_.recorder.record(shared_.now, "", kind, bare(fault));
  } else {
    shared_.recorder.remark(shared_.now, "", kind, bare(fault) + ": " + why);
  }
}

// ---- the chronicle

void Injector::chronicle(FaultId id, const Fault& fault) const {
  if (!shared_.chronicle) return;
  const Instant begun = Instant{} + fault.at.value_or(shared_.now - Instant{});
  shared_.chronicle->fault_begun(begun, id, faults::word(fault.kind), bare(fault), concerned(fault));
  if (fault.is_momentary()) shared_.chronicle->fault_ended(begun, id);
}

void Injector::chronicle_active() const {
  for (const Active& active : active_) chronicle(active.id, active.fault);
}

// Of a partition all sides but the largest: the others are as they were, with fewer peers.
std::vector<MachineIndex> Injector::concerned(const Fault& fault) const {
  faults::Names names;
  for (const auto& [key, value] : fault.arguments) {
    if (const auto* one = std::get_if<std::string>(&value); one != nullptr && key == "node")
      names.push_back(*one);
    if (const auto* some = std::get_if<faults::Names>(&value))
      names.insert(names.end(), some->begin(), some->end());
    if (const auto* sides = std::get_if<faults::Groups>(&value)) {
      const auto largest = std::max_element(sides->begin(), sides->end(),
                                            [](const auto& a, const auto& b) { return a.size() < b.size(); });
      for (auto side = sides->begin(); side != sides->end(); ++side)
        if (side != largest) names.insert(names.end(), side->begin(), side->end());
    }
  }
  std::vector<MachineIndex> found;
  for (const auto& machine : machines_)
    if (std::find(names.begin(), names.end(), machine->options.name) != names.end())
      found.push_back(machine->index);
  return found;
}

}  // namespace swarm::sim
