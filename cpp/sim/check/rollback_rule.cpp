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

bool comes_to(const model::Service& before, const model::Service& after, UpdateState state) {
  const auto& was = before.update_status;
  const auto& is = after.update_status;
  return is && is->state == state && (!was || was->state != state);
}

Verdict judge_rollback(const model::Service& before, const model::Service& after) {
  if (!comes_to(before, after, UpdateState::rollback_started)) return std::nullopt;
  const auto& previous = before.previous_spec;
  const std::string& name = after.spec.annotations.name;
  if (!previous) return "service " + name + " is rolled back, and there is no spec before";
  if (!(after.spec == *previous)) return "the rollback of " + name + " gives another spec than before";
  if (after.spec_version == before.previous_spec_version) return std::nullopt;
  return "the rollback of " + name + " gives another version of the spec than before";
}

Verdict judge_end(const model::Service& before, const model::Service& service, const Commit& commit) {
  if (!comes_to(before, service, UpdateState::completed) &&
      !comes_to(before, service, UpdateState::rollback_completed))
    return std::nullopt;
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
      if (const auto* change = std::get_if<store::Change<model::Service>>(&any);
          change != nullptr && change->before && change->after)
        if (auto broken = judge(*change->before, *change->after, commit)) return broken;
    return std::nullopt;
  };
  return rule;
}

}  // namespace

Rule rollbacks_restore_the_spec() {
  return of_services("rollbacks restore the spec", [](const auto& before, const auto& after, const Commit&) {
    return judge_rollback(before, after);
  });
}

Rule updates_end_when_all_is_new() { return of_services("updates end when all is new", judge_end); }

}  // namespace swarm::sim
