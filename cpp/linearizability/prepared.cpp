#include "linearizability/prepared.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>
#include "linearizability/history.hpp"

namespace swarm::linearizability {

// ---- states

State States::of_value(const std::string& text) {
  return values_.try_emplace(text, static_cast<std::uint32_t>(values_.size())).first->second;
}

State States::appended(State list, std::uint32_t value) {
  return lists_.try_emplace({list, value}, static_cast<State>(lists_.size() + 1)).first->second;
}

State States::set_of(std::vector<std::uint32_t> values) {
  const auto [at, is_new] = set_numbers_.try_emplace(std::move(values), static_cast<State>(sets_.size()));
  if (is_new) sets_.push_back(at->first);
  return at->second;
}

State States::of_read(const std::vector<std::string>& seen) {
  if (model_ == Model::reg || model_ == Model::cas) return of_value(seen.empty() ? "" : seen.front());
  std::vector<std::uint32_t> values;
  values.reserve(seen.size());
  for (const auto& text : seen) values.push_back(of_value(text));
  if (model_ == Model::append) {
    State list = 0;
    for (const std::uint32_t value : values) list = appended(list, value);
    return list;
  }
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return set_of(std::move(values));
}

std::optional<State> States::register_after(State state, const Step& step) const {
  if (step.kind == Kind::write) return step.value;
  if (step.kind == Kind::remove) {
    if (step.succeeded && *step.succeeded != (state != 0)) return std::nullopt;
    return 0;
  }
  // Of a swap whose outcome is unknown only one that took place is a step; the other is none.
  const bool equal = state == step.expected;
  if (step.succeeded.value_or(true) != equal) return std::nullopt;
  return equal ? step.value : state;
}

std::optional<State> States::after(State state, const Step& step) {
  if (step.kind == Kind::read) return state == step.value ? std::optional(state) : std::nullopt;
  if (model_ == Model::append) return appended(state, step.value);
  if (model_ != Model::set) return register_after(state, step);
  std::vector<std::uint32_t> values = sets_[state];
  const auto at = std::lower_bound(values.begin(), values.end(), step.value);
  const bool there = at != values.end() && *at == step.value;
  if (step.kind == Kind::add && !there) values.insert(at, step.value);
  if (step.kind == Kind::remove && there) values.erase(at);
  return set_of(std::move(values));
}

// ---- what may go

int Observed::at(const std::map<std::string, int>& counts, const std::string& value) const {
  const auto it = counts.find(value);
  return it == counts.end() ? 0 : it->second;
}

void Observed::count(std::uint32_t number, int by) {
  const Operation& op = history_[number];
  const bool is_register = model_ == Model::reg || model_ == Model::cas;
  if (op.kind == Kind::read && is_register) seen_[op.seen.empty() ? "" : op.seen.front()] += by;
  if (op.kind == Kind::read && !is_register)
    for (const auto& value : op.seen) seen_[value] += by;
  if (op.kind == Kind::cas && op.succeeded != false) seen_[op.expected] += by;
  if (op.kind == Kind::cas && op.succeeded == false) denials_ += by;
  if (op.kind == Kind::remove && is_register && op.succeeded == true) denials_ += by;
  if (op.kind == Kind::remove && is_register && op.succeeded == false) seen_[""] += by;
  if (op.kind == Kind::add) added_[op.value] += by;
}

// A read asks for something and gives nothing. A value that no read saw need not have been written; but
// an answer such as "it is not 3" may be owed to it. A value that was removed from a set is missed where it
// was added.
bool Observed::may_go(std::uint32_t number) const {
  const Operation& op = history_[number];
  if (op.kind == Kind::read) return true;
  if (op.kind == Kind::cas && op.succeeded == false) return true;
  if (model_ == Model::set)
    return op.kind == Kind::add ? at(seen_, op.value) == 0 : at(added_, op.value) == 0;
  if (model_ == Model::append) return at(seen_, op.value) == 0;
  if (op.kind == Kind::remove && op.succeeded == false) return true;
  const int own = op.kind == Kind::remove && op.succeeded == true ? 1 : 0;
  const std::string& value = op.kind == Kind::remove ? std::string() : op.value;
  const int self = op.kind == Kind::cas && op.expected == value ? 1 : 0;
  return denials_ - own == 0 && at(seen_, value) - self == 0;
}

// ---- preparing

namespace {

// An operation of unknown outcome whose effect no other saw is left out: it may never have taken effect.
std::vector<std::uint32_t> that_matter(const History& history, const std::vector<std::uint32_t>& which,
                                       Model model) {
  Observed observed(history, model);
  for (const std::uint32_t op : which) observed.add(op);
  std::vector<std::uint32_t> out;
  for (const std::uint32_t op : which) {
    if (history[op].returned || !observed.may_go(op)) {
      out.push_back(op);
    } else {
      observed.remove(op);
    }
  }
  return out;
}

struct Moment {
  std::int64_t time = 0;
  bool is_return = false;  // after the calls of the same instant: those two may have met
  std::uint32_t op = 0;
  auto key() const { return std::tuple(time, is_return, op); }
};

// Where a client's next call comes at the very instant of its last answer, their order is known all the same.
void tie_to_own(std::vector<Step>& steps, const History& history) {
  std::map<std::string, std::uint32_t> last;
  for (std::uint32_t number = 0; number < steps.size(); ++number) {
    const Operation& op = history[steps[number].source];
    const auto before = last.find(op.client);
    if (before != last.end() && history[steps[before->second].source].returned == op.call)
      steps[number].before = before->second;
    if (op.returned) last[op.client] = number;
  }
}

Step step_of(const Operation& op, std::uint32_t source, States& states) {
  Step step;
  step.kind = op.kind;
  step.value = op.kind == Kind::read ? states.of_read(op.seen) : states.of_value(op.value);
  step.expected = states.of_value(op.expected);
  step.succeeded = op.succeeded;
  step.known = op.returned.has_value();
  step.source = source;
  return step;
}

}  // namespace

Prepared prepare(const History& history, const std::vector<std::uint32_t>& which, Model model) {
  Prepared out{States(model), {}, {}, 0};
  std::vector<Moment> moments;
  for (const std::uint32_t op : that_matter(history, which, model)) {
    moments.push_back({history[op].call, false, op});
    if (const auto& returned = history[op].returned) moments.push_back({*returned, true, op});
  }
  std::sort(moments.begin(), moments.end(), [](const auto& a, const auto& b) { return a.key() < b.key(); });
  std::map<std::uint32_t, std::uint32_t> step_numbers;
  for (std::uint32_t place = 0; place < moments.size(); ++place) {
    const Moment& moment = moments[place];
    if (moment.is_return) {
      out.steps[step_numbers.at(moment.op)].returned = place;
    } else {
      step_numbers[moment.op] = static_cast<std::uint32_t>(out.steps.size());
      out.steps.push_back(step_of(history[moment.op], moment.op, out.states));
      out.steps.back().call = place;
      out.known += out.steps.back().known ? 1 : 0;
    }
    out.order.push_back(step_numbers.at(moment.op));
  }
  tie_to_own(out.steps, history);
  return out;
}

}  // namespace swarm::linearizability
