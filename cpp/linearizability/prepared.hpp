// Prepared: the operations on one key, as the search wants them: numbers in place of texts, in the order of
// their calls, without those that can never matter.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "linearizability/history.hpp"

namespace swarm::linearizability {

using State = std::uint32_t;
inline constexpr std::uint32_t kNone = UINT32_MAX;

struct Step {
  Kind kind = Kind::read;
  std::uint32_t value = 0, expected = 0;  // of a read: the state that it saw
  std::optional<bool> succeeded;
  bool known = true;                         // it has returned
  std::uint32_t call = 0, returned = kNone;  // places in the order of calls and returns
  std::uint32_t before = kNone;  // the step of the same client that returned before this one was called
  std::uint32_t source = 0;      // which operation of the history
};

// The states that an object can have, each with a number; equal states have equal numbers. 0: as it begins.
class States {
 public:
  explicit States(Model model) : model_(model), sets_{{}} {}
  State of_value(const std::string& text);  // registers; the number of a value otherwise
  State of_read(const std::vector<std::string>& seen);
  // The state after `step`; nothing when it could not have been answered so.
  std::optional<State> after(State state, const Step& step);

 private:
  State appended(State list, std::uint32_t value);
  State set_of(std::vector<std::uint32_t> values);
  std::optional<State> register_after(State state, const Step& step) const;

  Model model_;
  std::map<std::string, std::uint32_t> values_{{"", 0}};
  std::map<std::pair<State, std::uint32_t>, State> lists_;  // a list is its beginning and its last value
  std::vector<std::vector<std::uint32_t>> sets_;            // by state, sorted
  std::map<std::vector<std::uint32_t>, State> set_numbers_{{{}, 0}};
};

struct Prepared {
  States states;
  std::vector<Step> steps;           // by the place of the call
  std::vector<std::uint32_t> order;  // steps by place; the first time it is a call, the second a return
  std::uint32_t known = 0;           // steps that have returned
};

// `which`: indices into the history, all of one key.
Prepared prepare(const History& history, const std::vector<std::uint32_t>& which, Model model);

// Finds writes that can be taken away because no other operation sees their effect; `seen_` counts
// the operations that see each value.
class Observed {
 public:
  Observed(const History& history, Model model) : history_(history), model_(model) {}
  void add(std::uint32_t op) { count(op, 1); }
  void remove(std::uint32_t op) { count(op, -1); }
  // Taking the operation away makes nothing contradictory that was not so with it.
  bool may_go(std::uint32_t op) const;

 private:
  void count(std::uint32_t op, int by);
  int at(const std::map<std::string, int>& counts, const std::string& value) const;

  const History& history_;
  Model model_;
  std::map<std::string, int> seen_, added_;
  int denials_ = 0;  // answers that say only what a register is not
};

}  // namespace swarm::linearizability
