#include "sim/watch.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "model/node.hpp"
#include "model/service.hpp"
#include "model/task.hpp"
#include "node/node.hpp"
#include "raft/raft.hpp"
#include "sim/census.hpp"
#include "sim/check/object_checks.hpp"
#include "sim/machine.hpp"
#include "sim/requests.hpp"
#include "sim/witness.hpp"
#include "sim/world.hpp"
#include "store/change_set.hpp"
#include "store/store.hpp"

namespace swarm::sim {
namespace {

using Said = std::optional<Verdict>;  // nothing: it was not asked

template <class Function, class... What>
Said said_by(const Function& function, What&&... what) {
  if (!function) return std::nullopt;
  return Said(std::in_place, function(std::forward<What>(what)...));
}

constexpr std::size_t kTermsKept = 64;  // an election is over by then

// "/v1.41/services/create?x=y" is services/create.
std::string path_of(const std::string& target) {
  std::string path = target.substr(0, target.find('?'));
  path.erase(0, path.find_first_not_of('/'));
  if (path.size() > 1 && path[0] == 'v' && path[1] >= '0' && path[1] <= '9')
    path.erase(0, std::min(path.find('/'), path.size() - 1) + 1);
  return path;
}

template <class T>
std::string written(const store::Change<T>& change) {
  return change.created() ? "create" : change.removed() ? "remove" : "update";
}

}  // namespace

void Elections::leads(std::uint64_t term, std::uint64_t raft_id) {
  auto& leaders = leaders_[term];
  if (!leaders.insert(raft_id).second) return;
  ++count_;
  most_ = std::max(most_, leaders.size());
  if (leaders_.size() > kTermsKept) leaders_.erase(leaders_.begin());
}

View Watch::view() const {
  const bool begun = replica_ != nullptr && replica_->begun();
  return {machines_, network_, begun ? &replica_->store() : nullptr, shared_.now};
}

// Each rule that has the function (the others give nothing); the first sentence ends it.
template <class Ask>
void Watch::ask(Ask&& how) {
  for (RuleId id = 0; id < rules_.size() && !broken_; ++id) {
    const Said said = how(rules_[id].rule);
    if (!said) continue;
    ++rules_[id].asked;
    const Verdict& verdict = *said;
    if (verdict) broken_ = Broken{id, rules_[id].rule.name, *verdict + shared_.caveat(), shared_.now};
  }
}

RuleId Watch::add(Rule rule) {
  turns_ = turns_ || rule.turned;
  answers_ = answers_ || rule.answered;
  const bool counts = static_cast<bool>(rule.committed);
  rules_.push_back({std::move(rule), 0});
  const RuleId id = rules_.size() - 1;
  if (counts && replica_ != nullptr && replica_->begun() && !census_.begun())
    census_.begin(replica_->store());
  const auto alone = [&](const Rule& one) { return &one == &rules_[id].rule; };
  ask([&](const Rule& one) { return alone(one) ? said_by(one.looked, view()) : std::nullopt; });
  if (!broken_ && census_.begun()) {
    const Commit now{{}, replica_->store(), census_, shared_.now};
    ask([&](const Rule& one) { return alone(one) ? said_by(one.committed, now) : std::nullopt; });
  }
  for (const auto& machine : machines_)
    if (machine->alive()) turned(*machine);
  requests_ = shared_.requests.done().size();
  return id;
}

void Watch::forget_rules() {
  rules_.clear();
  broken_.reset();
  calls_.clear();
  turns_ = answers_ = false;
}

std::size_t Watch::running(std::string_view name) {
  const Witness witness = find_witness(machines_, network_, nullptr);
  if (witness.machine == nullptr || !witness.machine->alive()) return 0;
  const store::Store* store = witness.machine->node->inspect().store;
  if (store == nullptr) return 0;
  const auto service = store->service_named(name);
  if (!service || service->spec.annotations.name != name) return 0;
  if (replica_ != nullptr && replica_->begun() && replica_->store().version() == store->version()) {
    if (!census_.begun()) census_.begin(replica_->store());
    return census_.running(service->id);
  }
  const auto& tasks = store->tasks_of_service(service->id);
  return static_cast<std::size_t>(std::count_if(tasks.begin(), tasks.end(), [&](const auto& entry) {
    return Census::runs(*store->task(entry.second), *store);
  }));
}

std::uint64_t Watch::times(const std::string& kind) {
  counts_kinds_ = true;
  const auto found = kinds_.find(kind);
  return found == kinds_.end() ? 0 : found->second;
}

void Watch::count_kinds(const std::vector<store::AnyChange>& changes) {
  for (const auto& change : changes) {
    if (const auto* task = std::get_if<store::Change<model::Task>>(&change)) {
      if (task->removed()) {
        ++kinds_["task.remove"];
      } else if (task->created() || task->before->state() != task->after->state()) {
        ++kinds_[std::string("task.") + model::to_string(task->after->state())];
      }
    } else if (const auto* node = std::get_if<store::Change<model::Node>>(&change)) {
      ++kinds_["node." + written(*node)];
      if (node->before && node->after && node->before->status.state != node->after->status.state)
        ++kinds_[std::string("node.") + model::to_string(node->after->status.state)];
    } else if (const auto* service = std::get_if<store::Change<model::Service>>(&change)) {
      ++kinds_["service." + written(*service)];
    }
  }
}

void Watch::raft_moved(const Machine& at) {
  const node::Inspection now = at.node->inspect();
  if (now.raft != nullptr && now.raft->role() == raft::Role::leader)
    elections_.leads(now.raft->term(), now.raft_id);
}

void Watch::committed(const Replica& replica, const std::vector<store::AnyChange>* changes) {
  static const std::vector<store::AnyChange> kNone;
  replica_ = &replica;
  if (changes == nullptr) return;
  if (counts_kinds_) count_kinds(*changes);
  const bool counts =
      std::any_of(rules_.begin(), rules_.end(), [](const Entry& one) { return bool(one.rule.committed); });
  if (!census_.begun() && !counts) return;
  if (census_.begun()) {
    census_.changed(*changes, replica.store());
  } else {
    census_.begin(replica.store());
  }
  const Commit commit{*changes, replica.store(), census_, shared_.now};
  ask([&](const Rule& one) { return said_by(one.committed, commit); });
}

void Watch::turned(const Machine& at) {
  if (!turns_) return;
  const node::Inspection now = at.node->inspect();
  if (now.raft == nullptr) return;
  const Turn turn{at, now, shared_.now};
  ask([&](const Rule& one) { return said_by(one.turned, turn); });
}

void Watch::asked_api(std::uint64_t call, const std::string& method, const std::string& target) {
  if (answers_ && method != "GET" && method != "HEAD") calls_[call] = {method, path_of(target)};
}

void Watch::happened(std::uint64_t changes, const std::function<const Reply*(std::uint64_t)>& reply) {
  if (rules_.empty() || broken_) return;
  for (auto call = calls_.begin(); call != calls_.end();) {
    const Reply* came = reply(call->first);
    if (came != nullptr && !came->ended) {
      ++call;
      continue;
    }
    if (came != nullptr && !came->cut) {
      const Answer answer{call->second.first, call->second.second, came->head.status, came->body,
                          shared_.now};
      ask([&](const Rule& one) { return said_by(one.answered, answer, view()); });
    }
    call = calls_.erase(call);
  }
  const auto& done = shared_.requests.done();
  for (; requests_ < done.size(); ++requests_) {
    const RequestDone& request = done[requests_];
    ask([&](const Rule& one) {
      return said_by(one.requested, request, machines_[request.machine]->options.name);
    });
  }
  if (changes == changes_) return;
  changes_ = changes;
  const View now = view();
  ask([&](const Rule& one) { return said_by(one.looked, now); });
}

}  // namespace swarm::sim
