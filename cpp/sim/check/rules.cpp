#include "sim/check/rules.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/defaults.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "sim/watch.hpp"
#include "sim/watch_rules.hpp"
#include "store/store.hpp"

namespace swarm::sim {

namespace {

// A plan may be this many entries old when it is applied: what it was decided by may have changed meanwhile.
constexpr std::uint64_t kPlanAge = 64;

}  // namespace

std::vector<Rule> engine_rules() {
  std::vector<Rule> rules{ports_belong_to_one_service(), addresses_belong_to_one(),
                          rollbacks_restore_the_spec(),  updates_end_when_all_is_new(),
                          updates_keep_their_order(),    updates_keep_their_delay(),
                          restarts_keep_their_limit(),   restarts_keep_their_delay()};
  for (const char* asked_for : {"update_pace", "log_matching"})
    if (auto rule = make_rule({asked_for, "", 0})) rules.push_back(std::move(*rule));
  return rules;
}

bool stays_where_it_is(const model::Task& task, const store::Store& store) {
  const auto node = store.node(task.node_id);
  return node && node->spec.availability == model::Availability::active &&
         node->status.state == model::NodeState::ready && node->meta.version + kPlanAge <= store.version();
}

std::optional<model::UpdateConfig> way_of_update(const model::Service& service) {
  if (!service.update_status) return std::nullopt;
  const bool back = service.update_status->state == model::UpdateState::rollback_started;
  if (!back && service.update_status->state != model::UpdateState::updating) return std::nullopt;
  return (back ? service.spec.rollback : service.spec.update).value_or(model::default_update_config());
}

std::string in_words(const model::Service& service, const model::Task& task) {
  const std::string where = task.slot != 0 ? std::to_string(task.slot) : task.node_id.str();
  return service.spec.annotations.name + "." + where + " (task " + task.id.str() + ")";
}

}  // namespace swarm::sim
