// A World's calls for looks, and the checks after every event.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "docker/answer.hpp"
#include "docker/api.hpp"
#include "docker/metrics.hpp"
#include "docker/routes.hpp"
#include "model/wire.hpp"
#include "node/node.hpp"
#include "ports/http.hpp"
#include "ports/ports.hpp"
#include "sim/check/at_rest.hpp"
#include "sim/gate.hpp"
#include "sim/inputs.hpp"
#include "sim/machine.hpp"
#include "sim/watch.hpp"
#include "sim/watch_rules.hpp"
#include "sim/witness.hpp"
#include "sim/world.hpp"
#include "sim/world_impl.hpp"
#include "store/store.hpp"

namespace swarm::sim {

// ---- looks

Look World::Impl::shown_by(const Machine& at, const http::Request& request, bool last_known) const {
  if (at.paused) return {Look::How::silent, false, {}};
  docker::Looked seen = at.node->look(request, at.clock.local(), last_known);
  if (const auto* logs = std::get_if<docker::OpenSwarmLogs>(&seen))
    seen = at.node->look(request, at.clock.local(), last_known, output(at, *logs));
  auto* answer = std::get_if<docker::Answer>(&seen);
  if (answer == nullptr) return {Look::How::takes_time, false, {}};
  return {Look::How::answered, last_known, std::move(*answer)};
}

static Result<std::vector<wire::LogLine>> output_of(const Machine& at, TaskId task,
                                                    const wire::LogOptions& options) {
  if (auto lines = at.runner.past(task, options)) return std::move(*lines);
  return plain_error(Code::not_found, "task " + task.str() + ": " + ports::kNoOutput);
}

// What the node that runs the task keeps of its output, where `at` can reach it.
Result<std::vector<wire::LogLine>> World::Impl::output(const Machine& at, TaskId task,
                                                       const wire::LogOptions& options) const {
  const store::Store* store = at.node->inspect().store;
  const auto placed = store == nullptr ? nullptr : store->task(task);
  if (!placed) return output_of(at, task, options);
  for (const auto& other : machines)
    if (other->alive() && !other->paused && other->node->inspect().id == placed->node_id &&
        reach(network, at, *other))
      return output_of(*other, task, options);
  const auto node = store->node(placed->node_id);
  const std::string name = node ? node->description.hostname : placed->node_id.str();
  return plain_error(Code::unavailable, "node " + name + " is not available");
}

docker::LogNews World::Impl::output(const Machine& at, const docker::OpenSwarmLogs& wish) const {
  docker::LogNews news;
  news.end = true;
  for (const TaskId task : wish.tasks) {
    auto lines = output(at, task, wish.options);
    if (lines) {
      news.lines.insert(news.lines.end(), lines->begin(), lines->end());
    } else {
      news.missing.push_back({task, lines.error().message});
    }
  }
  return news;
}

Look World::look(std::string_view name, const http::Request& request) const {
  const Machine* asked = name.empty() ? nullptr : &impl_->machine(name);
  if (asked != nullptr && !asked->alive()) return {Look::How::dead, false, {}};
  const docker::Routed what(request);
  const bool own = what.scope() == docker::Scope::local || request.header("swarmpy-consistency") == "local";
  if (asked != nullptr && (asked->paused || own || !asked->node->inspect().is_manager))
    return impl_->shown_by(*asked, request, false);
  const Witness witness = find_witness(impl_->machines, impl_->network, asked);
  if (witness.standing == Standing::nobody) return {Look::How::dead, false, {}};
  if (witness.standing != Standing::leads && docker::is_own_without_leader(what))
    return impl_->shown_by(asked != nullptr ? *asked : *witness.machine, request, false);
  if (witness.standing == Standing::no_quorum && !own)
    return {Look::How::answered, false, node::Node::without_leader()};
  return impl_->shown_by(*witness.machine, request, witness.standing == Standing::last_known && !own);
}

std::string World::leader() const { return impl_->leader(); }

std::vector<std::string> World::managers() const {
  std::vector<std::string> names;
  for (const auto& machine : impl_->machines)
    if (machine->alive() && machine->node->inspect().is_manager) names.push_back(machine->options.name);
  return names;
}

std::vector<std::string> World::voters() const { return impl_->voters(); }

std::uint64_t World::changes() const { return impl_->changes; }
std::uint64_t World::raft_changes() const { return impl_->raft_changes; }
std::string World::counted(std::string_view name) const {
  return docker::exposition(node::counters(*impl_->machine(name).meters));
}

bool World::is_open(const Gate& gate) const {
  const Witness witness = find_witness(impl_->machines, impl_->network, nullptr);
  if (witness.standing != Standing::leads) return false;
  const auto names = dead();
  return sim::is_open(gate, *witness.machine->node->inspect().store, {names.begin(), names.end()});
}

// ---- what must hold

Watch& World::watch() { return impl_->watch; }

void World::look_over() { impl_->look_over(); }

void World::Impl::look_over() {
  watch.happened(changes, [&](CallId id) -> const Reply* {
    const Call* call = calls.find(id);
    return call == nullptr ? nullptr : &call->reply;
  });
}

std::vector<std::string> World::leaders() const {
  std::vector<std::string> names;
  for (const auto& machine : impl_->machines)
    if (machine->alive() && machine->node->inspect().is_leader) names.push_back(machine->options.name);
  return names;
}

std::uint64_t World::term() const {
  std::uint64_t newest = 0;
  for (const auto& machine : impl_->machines) {
    if (!machine->alive()) continue;
    const node::Inspection seen = machine->node->inspect();
    if (seen.is_manager && seen.raft != nullptr) newest = std::max(newest, seen.raft->term());
  }
  return newest;
}

std::optional<RuleId> World::add_rule(const std::string& name, const RuleSpec& spec) {
  auto rule = make_rule(spec);
  if (!rule) return std::nullopt;
  const auto written = impl_->question([&] {
    return inputs::AddRule{name, spec.kind, spec.service, spec.number};
  });
  rule->name = name;
  return impl_->watch.add(std::move(*rule));
}

void World::mark_broken(const std::string& check, const std::string& what) {
  if (!impl_->failure)
    impl_->failure = FailureMark{steps(), impl_->journal.entries().size(), fault_history()};
  if (impl_->shared.chronicle) impl_->shared.chronicle->broken(now(), check, what);
}

const std::optional<FailureMark>& World::failure_mark() const { return impl_->failure; }

std::string World::not_at_rest() const {
  const std::string name = leader();
  if (name.empty()) return "no manager leads";
  return sim::not_at_rest(impl_->machines, *node(name).inspect().store);
}

}  // namespace swarm::sim
