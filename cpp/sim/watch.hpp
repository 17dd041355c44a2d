// Watch: checks after every event the rules that a user wants to hold: ready-made ones (watch_rules), and the
// facts that they and Python's own functions use: how often a leader was elected, how many tasks run.
//
// A rule is called with what happened (an entry was committed, a manager took its turn, a request ended, an
// answer was given) and returns a sentence if it is broken. The first one ends the watch: `broken()`. NOT
// here: Raft's and the objects' own safety (check/), which is always on; Python (bindings). Invariant:
// watching changes nothing: no event, no trace, no random draw.
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

// Which leader put an entry into its log, and when. In true time, whatever its clock says.
struct Proposal {
  MachineIndex machine = 0;
  std::uint64_t term = 0;
  Instant at, leads_since;
  bool true_clock = false;  // no fault has ever touched that machine's clock
};
struct Commit {
  const std::vector<store::AnyChange>& changes;
  const store::Store& store;  // the committed state, after them
  const Census& census;
  Instant at;
  const Proposal* proposal = nullptr;  // null: not seen, or not asked for
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
  // The witness of this moment: found once, however many rules ask.
  const Witness& witness() const {
    if (!found) found = find_witness(machines, network, nullptr);
    return *found;
  }
};

// A function that is not set is not called.
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

// Counts elections, by what the managers say about themselves.
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

  // ---- rules; one that does not hold now is broken at once
  RuleId add(Rule rule);
  std::uint64_t asked(RuleId id) const { return rules_.at(id).asked; }
  const std::optional<Broken>& broken() const { return broken_; }
  std::size_t count() const { return rules_.size(); }
  const std::string& name(RuleId id) const { return rules_.at(id).rule.name; }
  // Drops all rules, also the broken one: a caller that goes on from a failed run adds its own.
  void forget_rules();

  // ---- facts
  const Elections& elections() const { return elections_; }
  // The number of running tasks that a look shows: by the witness's store. `name`: exact.
  std::size_t running(std::string_view name);

  // How often a task came to a state ("task.failed"), or a node ("node.down"), or an object was written
  // ("service.update"), by what was committed. Counted from the first question on.
  std::uint64_t times(const std::string& kind);

  // ---- what happens; called by the world
  void raft_moved(const Machine& at);
  void committed(const Replica& replica, const std::vector<store::AnyChange>* changes);
  bool wants_turns() const { return turns_; }
  bool asks() const { return !rules_.empty(); }
  void turned(const Machine& at);
  void asked_api(std::uint64_t call, const std::string& method, const std::string& target);
  // At the end of each event. `reply`: the reply to a call so far; null when it is forgotten.
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
