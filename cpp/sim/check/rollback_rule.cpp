// A rollback brings back exactly the spec before (reliability.md, invariant 13), and an update or a rollback
// is called completed when no task of another spec is meant to run.
#include <optional>
#include <string>
#include <variant>

#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "sim/check/rules.hpp"
#include "sim/watch.hpp"
#include "store/change_set.hpp"

namespace swarm::sim {
namespace {

using model::UpdateState;

bool comes_to(const store::Change<model::Service>& change, UpdateState state) {
  if (!change.before || !change.after || !change.after->update_status) return false;
  const auto& before = change.before->update_status;
  return change.after->update_status->state == state && (!before || before->state != state);
}

Verdict judge_rollback(const store::Change<model::Service>& change) {
  if (!comes_to(change, UpdateState::rollback_started)) return std::nullopt;
  const auto& previous = change.before->previous_spec;
  const std::string& name = change.after->spec.annotations.name;
  if (!previous) return "service " + name + " is rolled back, and there is no spec before";
  if (!(change.after->spec == *previous))
    return "the rollback of " + name + " gives another spec than before";
  if (change.after->spec_version == change.before->previous_spec_version) return std::nullopt;
  return "the rollback of " + name + " gives another version of the spec than before";
}

Verdict judge_end(const store::Change<model::Service>& change, const Commit& commit) {
  if (!comes_to(change, UpdateState::completed) && !comes_to(change, UpdateState::rollback_completed))
    return std::nullopt;
  const model::Service& service = *change.after;
  for (const auto& [slot, id] : commit.store.tasks_of_service(service.id)) {
    const auto task = commit.store.task(id);
    if (!task->live() || !service.spec.is_replicated() || slot > service.spec.replicas() ||
        !stays_where_it_is(*task, commit.store))
      continue;
    if (task->spec_version != service.spec_version && !(task->spec() == service.spec.task))
      return "the update of " + service.spec.annotations.name + " is called completed, and " +
             in_words(service, *task) + " has an older spec";
  }
  return std::nullopt;
}

template <class Judge>
Rule of_services(const char* name, Judge judge) {
  Rule rule;
  rule.name = name;
  rule.committed = [judge](const Commit& commit) -> Verdict {
    for (const auto& any : commit.changes)
      if (const auto* change = std::get_if<store::Change<model::Service>>(&any))
        if (auto broken = judge(*change, commit)) return broken;
    return std::nullopt;
  };
  return rule;
}

}  // namespace

Rule rollbacks_restore_the_spec() {
  return of_services("rollbacks restore the spec",
                     [](const auto& change, const Commit&) { return judge_rollback(change); });
}

Rule updates_end_when_all_is_new() {
  return of_services("updates end when all is new",
                     [](const auto& change, const Commit& commit) { return judge_end(change, commit); });
}

}  // namespace swarm::sim
