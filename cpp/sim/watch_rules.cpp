#include "sim/watch_rules.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>  // clang-tidy takes std::erase_if from here

#include "base/bytes.hpp"
#include "base/id.hpp"
#include "base/time.hpp"
#include "model/defaults.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "node/node.hpp"
#include "raft/message.hpp"
#include "raft/raft.hpp"
#include "raft/storage.hpp"
#include "sim/census.hpp"
#include "sim/machine.hpp"
#include "sim/machine_index.hpp"
#include "sim/requests.hpp"
#include "sim/watch.hpp"
#include "sim/witness.hpp"
#include "store/store.hpp"

namespace swarm::sim {
namespace {

using model::TaskState;
using store::Change;
using store::Ref;

constexpr std::uint64_t kPlanAge = 64;        // entries; a plan may be that old when it is applied
constexpr std::size_t kEntriesKept = 20'000;  // of the log, to compare with

std::string seconds(Instant at) {
  const auto ms = (at - Instant{}).ns / 1'000'000;
  std::string rest = std::to_string(ms % 1000);
  return std::to_string(ms / 1000) + "." + std::string(3 - rest.size(), '0') + rest + "s";
}

std::string tasks(std::size_t count) { return std::to_string(count) + (count == 1 ? " task" : " tasks"); }

const std::string& name_of(const model::Service& service) { return service.spec.annotations.name; }

Ref<model::Service> find(const store::Store& store, const std::string& name) {
  auto named = store.service_named(name);
  if (named) return named;
  const auto id = ServiceId::parse(name);
  return id ? store.service(*id) : nullptr;
}

bool starts_first(const std::optional<model::UpdateConfig>& config) {
  return config && config->order == model::UpdateOrder::start_first;
}

bool may_double(const model::Service& service) {
  const auto either = [](const model::ServiceSpec& spec) {
    return starts_first(spec.update) || starts_first(spec.rollback);
  };
  return either(service.spec) || (service.previous_spec && either(*service.previous_spec));
}

// The services that the changes touch: themselves, or by a task. A node's state touches all.
std::set<ServiceId> touched(const Commit& commit) {
  std::set<ServiceId> out;
  for (const auto& change : commit.changes) {
    if (const auto* task = std::get_if<Change<model::Task>>(&change)) {
      out.insert(task->latest().service_id);
    } else if (const auto* service = std::get_if<Change<model::Service>>(&change)) {
      out.insert(service->latest().id);
    } else if (const auto* node = std::get_if<Change<model::Node>>(&change)) {
      for (const TaskId id : commit.store.tasks_on_node(node->latest().id))
        if (const auto one = commit.store.task(id)) out.insert(one->service_id);
    }
  }
  return out;
}

// ---- how many tasks run

Rule at_least_running(const RuleSpec& spec) {
  const auto armed = [spec, had = false](const Commit& commit) mutable -> Verdict {
    const auto service = find(commit.store, spec.service);
    if (!service) {
      had = false;
      return std::nullopt;
    }
    const std::size_t running = commit.census.running(service->id);
    if (running >= spec.number) had = true;
    if (!had || running >= spec.number) return std::nullopt;
    return name_of(*service) + " ran " + tasks(running) + " at " + seconds(commit.at) + ", at least " +
           std::to_string(spec.number) + " were promised";
  };
  Rule rule;
  rule.committed = armed;
  return rule;
}

Rule at_most_running(const RuleSpec& spec) {
  Rule rule;
  rule.committed = [spec](const Commit& commit) -> Verdict {
    const auto service = find(commit.store, spec.service);
    const std::size_t running = service ? commit.census.running(service->id) : 0;
    if (running <= spec.number) return std::nullopt;
    return name_of(*service) + " ran " + tasks(running) + " at " + seconds(commit.at) + ", at most " +
           std::to_string(spec.number) + " were allowed";
  };
  return rule;
}

bool is_meant(const RuleSpec& spec, const model::Service& service) {
  return spec.service.empty() || spec.service == name_of(service) || spec.service == service.id.str();
}

// A service that is made smaller has more slots than it wants for a while; it never gets more of them then.
Rule replicas_at_most_desired(const RuleSpec& spec) {
  Rule rule;
  rule.committed = [spec,
                    before = std::map<ServiceId, std::size_t>()](const Commit& commit) mutable -> Verdict {
    for (const ServiceId id : touched(commit)) {
      const auto service = commit.store.service(id);
      const std::size_t slots = commit.census.seats(id).size();
      const std::size_t had = std::exchange(before[id], slots);
      if (!service || !service->spec.is_replicated() || !is_meant(spec, *service)) continue;
      if (slots <= service->spec.replicas() || slots <= had) continue;
      return name_of(*service) + " ran in " + std::to_string(slots) + " slots at " + seconds(commit.at) +
             ", " + std::to_string(service->spec.replicas()) + " are wanted";
    }
    return std::nullopt;
  };
  return rule;
}

Rule at_most_one_per_slot(const RuleSpec& spec) {
  Rule rule;
  rule.committed = [spec](const Commit& commit) -> Verdict {
    for (const ServiceId id : touched(commit)) {
      const auto service = commit.store.service(id);
      if (!service || !is_meant(spec, *service)) continue;
      const std::size_t most = may_double(*service) ? 2 : 1;
      for (const auto& [seat, count] : commit.census.seats(id)) {
        if (count <= most) continue;
        const std::string where = seat.slot != 0 ? std::to_string(seat.slot) : seat.node.str();
        return tasks(count) + " of " + name_of(*service) + "." + where + " were meant to run at " +
               seconds(commit.at) + ", a slot has " +
               (most == 1 ? "one" : "two while one replaces the other");
      }
    }
    return std::nullopt;
  };
  return rule;
}

// ---- updates

// A slot is in hand from the moment that a task which runs well is to stop, or gets a newer one beside it,
// until its new task runs or has failed. Tasks that a restart or a drain replaces do not count for the
// update, nor do those that are to be removed: their slot goes.
class Pace {
 public:
  explicit Pace(std::string service) : service_(std::move(service)) {}
  Verdict committed(const Commit& commit) {
    if (began_leader(commit)) in_hand_.clear();
    for (const auto& change : commit.changes) {
      if (const auto* service = std::get_if<Change<model::Service>>(&change)) service_changed(*service);
      if (const auto* node = std::get_if<Change<model::Node>>(&change)) node_changed(*node, commit.store);
    }
    for (const auto& change : commit.changes)
      if (const auto* task = std::get_if<Change<model::Task>>(&change)) task_changed(*task, commit.store);
    for (const auto& [id, seats] : in_hand_)
      if (auto said = judge(id, seats, commit)) return said;
    return std::nullopt;
  }

 private:
  bool began_leader(const Commit& commit) {
    if (commit.proposal != nullptr)
      return std::exchange(term_, commit.proposal->term) != commit.proposal->term;
    return std::any_of(commit.changes.begin(), commit.changes.end(), [](const auto& change) {
      const auto* node = std::get_if<Change<model::Node>>(&change);
      return node != nullptr && node->before && node->after &&
             !(node->before->manager == node->after->manager);
    });
  }
  void service_changed(const Change<model::Service>& change) {
    if (!change.before || !change.after || change.before->spec_version != change.after->spec_version)
      in_hand_.erase(change.latest().id);
  }
  // A global service's slot on a node that takes no tasks is out of the update's hand.
  void node_changed(const Change<model::Node>& change, const store::Store& store) {
    if (change.removed()) returned_.erase(change.before->id);
    if (change.after && change.after->accepts_tasks()) {
      if (change.before && !change.before->accepts_tasks()) returned_[change.after->id] = store.version();
      return;
    }
    for (auto& [service, seats] : in_hand_)
      std::erase_if(seats, [&](const Seat& seat) { return seat.node == change.latest().id; });
  }
  void task_changed(const Change<model::Task>& change, const store::Store& store) {
    const model::Task& task = change.latest();
    const auto service = store.service(task.service_id);
    const RuleSpec meant{"", service_, 0};
    if (!service || !is_meant(meant, *service) || !updating(*service)) return;
    auto& seats = in_hand_[service->id];
    const Seat seat = Census::seat_of(task);
    if (task.spec_version == service->spec_version) {
      if (change.removed() || task.state() >= TaskState::running || task.desired_state > TaskState::running)
        seats.erase(seat);
      return;
    }
    if (change.before && change.after && Census::runs(*change.before, store) &&
        stays(*change.before, store) && is_to_make_way(*change.after) &&
        change.after->state() == TaskState::running && has_newer(*change.after, *service, store))
      seats.insert(seat);
  }
  static bool updating(const model::Service& service) {
    return service.update_status && (service.update_status->state == model::UpdateState::updating ||
                                     service.update_status->state == model::UpdateState::rollback_started);
  }
  static bool is_to_make_way(const model::Task& task) {
    return task.desired_state > TaskState::running && task.desired_state < TaskState::remove;
  }
  // A plan that is applied after the node came back may have been made before, to move its tasks.
  bool stays(const model::Task& task, const store::Store& store) const {
    const auto node = store.node(task.node_id);
    const auto back = returned_.find(task.node_id);
    return node && node->accepts_tasks() &&
           (back == returned_.end() || back->second + kPlanAge <= store.version());
  }
  static bool has_newer(const model::Task& task, const model::Service& service, const store::Store& store) {
    for (const auto& other : store.tasks_in_slot(service.id, task.slot))
      if (other->spec_version == service.spec_version && other->live() &&
          other->state() < TaskState::running && Census::seat_of(*other) == Census::seat_of(task))
        return true;
    return false;
  }
  Verdict judge(ServiceId id, const std::set<Seat>& seats, const Commit& commit) const {
    const auto service = commit.store.service(id);
    // One that has paused takes no slot in hand any more, and what it had in hand was by its own way.
    if (!service || !updating(*service)) return std::nullopt;
    const auto& update = service->update_status;
    const bool back = update && update->state == model::UpdateState::rollback_started;
    const auto& given = back ? service->spec.rollback : service->spec.update;
    const std::uint64_t most = given.value_or(model::default_update_config()).parallelism;
    if (most == 0 || seats.size() <= most) return std::nullopt;
    return name_of(*service) + " had " + std::to_string(seats.size()) + " slots under update at " +
           seconds(commit.at) + ", its parallelism is " + std::to_string(most);
  }

  std::string service_;
  std::uint64_t term_ = 0;
  std::map<ServiceId, std::set<Seat>> in_hand_;
  std::map<NodeId, std::uint64_t> returned_;  // by which entry the node took tasks again
};

Rule update_pace(const RuleSpec& spec) {
  Rule rule;
  rule.committed = [pace = Pace(spec.service)](const Commit& commit) mutable {
    return pace.committed(commit);
  };
  return rule;
}

// ---- Raft

Rule one_leader_per_term(const RuleSpec&) {
  Rule rule;
  using Known = std::map<std::pair<ClusterId, raft::Term>, std::pair<std::uint64_t, std::string>>;
  rule.turned = [known = Known()](const Turn& turn) mutable -> Verdict {
    if (turn.now.raft->role() != raft::Role::leader) return std::nullopt;
    const raft::Term term = turn.now.raft->term();
    const std::string& name = turn.machine.options.name;
    const auto [found, fresh] = known.try_emplace({turn.now.cluster, term}, turn.now.raft_id, name);
    if (fresh || found->second.first == turn.now.raft_id) return std::nullopt;
    return found->second.second + " and " + name + " both led in term " + std::to_string(term) + ", at " +
           seconds(turn.at);
  };
  return rule;
}

std::uint64_t word_of(std::string_view bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes.data(), sizeof word);
  return word;
}

// Eight bytes at a time: each entry is looked at on every manager.
std::uint64_t digest(const raft::Entry& entry) {
  std::uint64_t sum = kFnvStart ^ (entry.term * 31 + static_cast<std::uint64_t>(entry.type));
  const auto mix = [&sum](std::uint64_t word) {
    sum = (sum ^ word) * 0x9e3779b97f4a7c15;
    sum ^= sum >> 32;
  };
  std::string_view rest = entry.data;
  for (; rest.size() >= 8; rest.remove_prefix(8)) mix(word_of(rest));
  mix(fnv1a(rest));
  mix(entry.data.size());
  return sum;
}

// What one entry was when a manager first called it committed, by index; and how far each manager is checked.
Rule no_lost_commits(const RuleSpec&) {
  struct State {
    std::map<ClusterId, std::map<raft::Index, std::pair<std::uint64_t, std::string>>> entries;
    std::map<MachineIndex, std::pair<std::uint32_t, raft::Index>> checked;  // life and index
  };
  Rule rule;
  rule.turned = [state = State()](const Turn& turn) mutable -> Verdict {
    auto& [life, until] = state.checked[turn.machine.index];
    const raft::Index commit = turn.now.raft->commit();
    if (life == turn.machine.life && until >= commit) return std::nullopt;
    if (life != turn.machine.life) until = 0;
    life = turn.machine.life;
    auto& known = state.entries[turn.now.cluster];
    for (const raft::Entry& entry : turn.now.raft->committed_entries(until + 1)) {
      const std::uint64_t its = digest(entry);
      const auto [found, fresh] = known.try_emplace(entry.index, its, turn.machine.options.name);
      if (!fresh && found->second.first != its)
        return "entry " + std::to_string(entry.index) + ", which " + found->second.second +
               " had committed, was another one on " + turn.machine.options.name + " at " + seconds(turn.at);
      if (known.size() > kEntriesKept) known.erase(known.begin());
    }
    until = commit;
    return std::nullopt;
  };
  return rule;
}

// Raft figure 3: entries of the same index and term are the same, and so are all before them. By induction it
// is enough to compare an entry and the term of the one before it.
class LogMatching {
 public:
  Verdict operator()(const Turn& turn) {
    const raft::MemoryStorage& log = *turn.now.log;
    const raft::Index from = first_changed(turn);
    if (from > log.last_index()) return std::nullopt;
    const auto entries = log.entries(from, log.last_index() + 1, ~std::uint64_t{0});
    if (!entries.ok()) return std::nullopt;
    auto& facts = facts_[turn.now.cluster];
    for (const raft::Entry& entry : *entries)
      if (const Verdict broken = compare(facts, turn, entry)) return broken;
    return std::nullopt;
  }

 private:
  struct Fact {
    std::uint64_t digest = 0;
    raft::Term before = 0;
    std::string machine;
  };
  struct Seen {
    raft::Index last = 0;
    raft::Term term = 0;
    std::uint32_t life = 0;
    bool operator==(const Seen&) const = default;
  };
  using Facts = std::map<std::pair<raft::Index, raft::Term>, Fact>;

  static raft::Term term_at(const raft::MemoryStorage& log, raft::Index index) {
    const auto term = log.term(index);
    return term.ok() ? *term : raft::Term{0};
  }

  // The first entry that this machine's log may not have had before this turn.
  raft::Index first_changed(const Turn& turn) {
    const raft::MemoryStorage& log = *turn.now.log;
    const Seen now{log.last_index(), term_at(log, log.last_index()), turn.machine.life};
    const Seen seen = std::exchange(seen_[turn.machine.index], now);
    if (now == seen) return now.last + 1;
    if (now.life != seen.life) return log.first_index();
    // What was written over begins behind what is committed.
    const bool grew = now.last >= seen.last && term_at(log, seen.last) == seen.term;
    return std::max(log.first_index(), grew ? seen.last + 1 : turn.now.raft->commit() + 1);
  }

  static Verdict compare(Facts& facts, const Turn& turn, const raft::Entry& entry) {
    const raft::MemoryStorage& log = *turn.now.log;
    const Fact fact{digest(entry), term_at(log, entry.index - 1), turn.machine.options.name};
    const auto [found, fresh] = facts.try_emplace({entry.index, entry.term}, fact);
    const bool first = entry.index == log.first_index();  // the one before is in a snapshot
    if (!fresh && (found->second.digest != fact.digest || (!first && found->second.before != fact.before)))
      return "the logs of " + found->second.machine + " and " + fact.machine + " differ at or before entry " +
             std::to_string(entry.index) + " of term " + std::to_string(entry.term) + ", at " +
             seconds(turn.at);
    if (facts.size() > kEntriesKept) facts.erase(facts.begin());
    return std::nullopt;
  }

  std::map<ClusterId, Facts> facts_;
  std::map<MachineIndex, Seen> seen_;
};

Rule log_matching(const RuleSpec&) {
  Rule rule;
  rule.turned = LogMatching();
  return rule;
}

Rule quorum_kept(const RuleSpec&) {
  Rule rule;
  rule.looked = [](const View& view) -> Verdict {
    const Witness& witness = view.witness();
    if (witness.standing == Standing::leads || witness.standing == Standing::last_known) return std::nullopt;
    return "no majority of the managers ran and reached each other at " + seconds(view.at);
  };
  return rule;
}

// ---- promises to clients

Rule no_failed_requests(const RuleSpec&) {
  Rule rule;
  rule.requested = [](const RequestDone& request, const std::string& machine) -> Verdict {
    if (request.ok()) return std::nullopt;
    return "GET " + machine + ":" + std::to_string(request.port) + ", sent at " + seconds(request.sent) +
           ", failed at " + seconds(request.ended) + ": " + request.error;
  };
  return rule;
}

// Writes that were answered well: each is in the committed state at that moment, and every later leader has
// it, or what was written over it.
class Writes {
 public:
  Verdict answered(const Answer& answer, const View& view) {
    if (answer.status < 200 || answer.status > 299 || view.committed == nullptr) return std::nullopt;
    newest_ = std::max(newest_, view.committed->version());
    const auto id = written(answer);
    if (!id || removed_.contains(*id)) return std::nullopt;
    const auto service = find(*view.committed, *id);
    if (answer.method == "DELETE") return service ? lost(answer, "the service is still there") : Verdict();
    if (!service) return lost(answer, "the committed state has no such service");
    expected_[service->id] = {service->meta.version, name_of(*service)};
    return std::nullopt;
  }
  void committed(const Commit& commit) {
    for (const auto& change : commit.changes) {
      const auto* service = std::get_if<Change<model::Service>>(&change);
      if (service == nullptr) continue;
      const auto& now = service->latest();
      if (service->removed()) {
        removed_.insert({now.id.str(), name_of(now)});
        expected_.erase(now.id);
      } else if (const auto found = expected_.find(now.id); found != expected_.end()) {
        found->second.first = now.meta.version;
      }
      if (service->created()) removed_.erase(name_of(now));
    }
  }
  Verdict looked(const View& view) {
    const Witness& witness = view.witness();
    if (witness.standing != Standing::leads) return std::nullopt;
    const node::Inspection now = witness.machine->node->inspect();
    const std::pair leads{now.raft->term(), now.raft_id};
    if (leads == verified_) return std::nullopt;
    const auto said = has_all(*witness.machine, now, view.at);
    if (!said) return std::nullopt;  // it has not caught up with its own log
    verified_ = leads;
    return *said;
  }

 private:
  // The service that it wrote, by id or name; nothing for other writes.
  static std::optional<std::string> written(const Answer& answer) {
    const std::string begin = "services/";
    if (!answer.path.starts_with(begin)) return std::nullopt;
    const std::string rest = answer.path.substr(begin.size());
    if (rest == "create") {
      const std::string key = "\"ID\":\"";
      const auto at = answer.body.find(key);
      if (at == std::string::npos) return std::nullopt;
      return answer.body.substr(at + key.size(), answer.body.find('"', at + key.size()) - at - key.size());
    }
    return rest.substr(0, rest.find('/'));
  }
  static std::string lost(const Answer& answer, const std::string& why) {
    return answer.method + " /" + answer.path + " was answered " + std::to_string(answer.status) + " at " +
           seconds(answer.at) + ", and " + why;
  }
  std::optional<Verdict> has_all(const Machine& machine, const node::Inspection& now, Instant at) const {
    const auto term = now.log->term(now.raft->commit());
    const bool began = term.ok() && *term == now.raft->term();
    const std::string who =
        machine.options.name + ", which leads in term " + std::to_string(now.raft->term());
    if (began && now.raft->commit() < newest_)
      return "a write was answered when entry " + std::to_string(newest_) +
             " was committed, and the log of " + who + ", ended at " + std::to_string(now.raft->commit()) +
             " at " + seconds(at);
    if (now.store->version() < newest_) return std::nullopt;
    for (const auto& [id, what] : expected_) {
      const auto service = now.store->service(id);
      if (!service || service->meta.version < what.first)
        return "service " + what.second + " was written and the write was answered; " + who + ", had " +
               (service ? "an older one" : "no such service") + " at " + seconds(at);
    }
    return Verdict();
  }

  std::map<ServiceId, std::pair<std::uint64_t, std::string>> expected_;  // version and name
  std::set<std::string> removed_;                                        // ids and names
  std::uint64_t newest_ = 0;
  std::pair<std::uint64_t, std::uint64_t> verified_;
};

Rule no_lost_writes(const RuleSpec&) {
  const auto writes = std::make_shared<Writes>();
  Rule rule;
  rule.answered = [writes](const Answer& answer, const View& view) { return writes->answered(answer, view); };
  rule.committed = [writes](const Commit& commit) -> Verdict {
    writes->committed(commit);
    return std::nullopt;
  };
  rule.looked = [writes](const View& view) { return writes->looked(view); };
  return rule;
}

struct Maker {
  const char* kind;
  Rule (*make)(const RuleSpec&);
};
constexpr Maker kMakers[] = {
    {"at_least_running", at_least_running},
    {"at_most_running", at_most_running},
    {"replicas_at_most_desired", replicas_at_most_desired},
    {"at_most_one_per_slot", at_most_one_per_slot},
    {"update_pace", update_pace},
    {"one_leader_per_term", one_leader_per_term},
    {"no_lost_commits", no_lost_commits},
    {"log_matching", log_matching},
    {"quorum_kept", quorum_kept},
    {"no_failed_requests", no_failed_requests},
    {"no_lost_writes", no_lost_writes},
};

}  // namespace

std::optional<Rule> make_rule(const RuleSpec& spec) {
  for (const Maker& maker : kMakers)
    if (spec.kind == maker.kind) {
      Rule rule = maker.make(spec);
      rule.name = spec.kind;
      return rule;
    }
  return std::nullopt;
}

}  // namespace swarm::sim
