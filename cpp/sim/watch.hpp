// Watch: what is asked after every event because a user wants it to hold: ready-made rules (watch_rules), and
// what they and Python's own functions are made of: how often a leader was elected, how many tasks run.
//
// A rule is told of what happened (an entry was committed, a manager took its turn, a request ended, an
// answer was given) and says a sentence when it is broken. The first one ends the watch: `broken()`. NOT
// here: Raft's and the objects' own safety (check/), which is always on; Python (bindings). Invariant:
// watching changes nothing: no event, no trace, no chance.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/census.hpp"
#include "sim/requests.hpp"
#include "sim/witness.hpp"

namespace swarm::sim {

class Replica;

using Verdict = std::optional<std::string>;  // what is wrong, in one sentence

struct Commit {
  const std::vector<store::AnyChange>& changes;
  const store::Store& store;  // the committed state, after them
  const Census& census;
  Instant at;
};
struct Turn {
  const Machine& machine;
  const node::Inspection& now;
  Instant at;
};
// Of a request to the API that was no GET.
struct Answer {
  std::string method, path;  // without version and query
  std::uint32_t status = 0;
  std::string body;
  Instant at;
};
struct View {
  const Machines& machines;
  const Network& network;
  const store::Store* committed;  // null: nothing was committed yet
  Instant at;
  mutable std::optional<Witness> found = {};
  // Who speaks for the swarm: found once, however many rules ask.
  const Witness& witness() const {
    if (!found) found = find_witness(machines, network, nullptr);
    return *found;
  }
};

// Those that are not there are not asked.
struct Rule {
  std::string name;
  std::function<Verdict(const Commit&)> committed;
  std::function<Verdict(const Turn&)> turned;
  std::function<Verdict(const RequestDone&, const std::string& machine)> requested;
  std::function<Verdict(const Answer&, const View&)> answered;
  std::function<Verdict(const View&)> looked;  // after each event by which a look may show something else
};

using RuleId = std::size_t;
struct Broken {
  RuleId rule = 0;
  std::string name, what;
  Instant at;
};

// How often who was elected, by what the managers said of themselves.
class Elections {
 public:
  void leads(std::uint64_t term, std::uint64_t raft_id);
  std::size_t count() const { return count_; }
  std::size_t most_in_a_term() const { return most_; }

 private:
  std::map<std::uint64_t, std::set<std::uint64_t>> leaders_;  // of the newest terms
  std::size_t count_ = 0, most_ = 0;
};

class Watch {
 public:
  Watch(const Shared& shared, const Machines& machines, const Network& network)
      : shared_(shared), machines_(machines), network_(network) {}

  // ---- rules; one that is broken as it is now is broken at once
  RuleId add(Rule rule);
  std::uint64_t asked(RuleId id) const { return rules_.at(id).asked; }
  const std::optional<Broken>& broken() const { return broken_; }
  std::size_t count() const { return rules_.size(); }
  const std::string& name(RuleId id) const { return rules_.at(id).rule.name; }
  // No rule is left, and none is broken: who goes on from a run that failed asks what it likes.
  void forget_rules();

  // ---- facts
  const Elections& elections() const { return elections_; }
  // As a look shows it: by the store of whoever speaks for the swarm. `name`: exact.
  std::size_t running(std::string_view name);

  // How often a task came to a state ("task.failed"), or a node ("node.down"), or an object was written
  // ("service.update"), by what was committed. Counted from the first question on.
  std::uint64_t times(const std::string& kind);

  // ---- what happens, told by the world
  void raft_moved(const Machine& at);
  void committed(const Replica& replica, const std::vector<store::AnyChange>* changes);
  bool wants_turns() const { return turns_; }
  bool asks() const { return !rules_.empty(); }
  void turned(const Machine& at);
  void asked_api(std::uint64_t call, const std::string& method, const std::string& target);
  // At the end of each event. `reply`: what has come of a call; null when nobody knows it any more.
  void happened(std::uint64_t changes, const std::function<const Reply*(std::uint64_t)>& reply);

 private:
  struct Entry {
    Rule rule;
    std::uint64_t asked = 0;
  };
  template <class Ask>
  void ask(Ask&& how);
  View view() const;
  void count_kinds(const std::vector<store::AnyChange>& changes);

  const Shared& shared_;
  const Machines& machines_;
  const Network& network_;
  std::vector<Entry> rules_;
  std::optional<Broken> broken_;
  Elections elections_;
  Census census_;
  const Replica* replica_ = nullptr;
  bool turns_ = false, answers_ = false, counts_kinds_ = false;
  std::map<std::string, std::uint64_t> kinds_;
  std::map<std::uint64_t, std::pair<std::string, std::string>> calls_;  // method and path, by call
  std::uint64_t changes_ = 0;
  std::size_t requests_ = 0;
};

}  // namespace swarm::sim
