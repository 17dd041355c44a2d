#include "scheduler/filters.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/mistake.hpp"
#include "model/builtin_plugins.hpp"
#include "model/constraint.hpp"
#include "model/node.hpp"
#include "model/port.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "scheduler/node_info.hpp"

namespace swarm::scheduler {
namespace {

// Names that mean the same machine (swarmkit manager/scheduler/filter.go, normalizeArch).
std::string_view normal_arch(std::string_view arch) {
  if (arch == "x86_64") return "amd64";
  if (arch == "aarch64") return "arm64";
  return arch;
}

bool same_platform(const model::Platform& wanted, const model::Platform& has) {
  const bool arch =
      wanted.architecture.empty() || normal_arch(wanted.architecture) == normal_arch(has.architecture);
  return arch && (wanted.os.empty() || wanted.os == has.os);
}

std::string sentence(Filter filter, std::size_t n) {
  const std::string nodes = n == 1 ? "1 node" : std::to_string(n) + " nodes";
  switch (filter) {
    case Filter::ready:
      return nodes + " not available for new tasks";
    case Filter::resource:
      return "insufficient resources on " + nodes;
    case Filter::overlay:
      return "overlay networks not available on " + nodes;
    case Filter::constraint:
      return "scheduling constraints not satisfied on " + nodes;
    case Filter::platform:
      return "unsupported platform on " + nodes;
    case Filter::host_port:
      return "host-mode port already in use on " + nodes;
    case Filter::max_replicas:
      return "max replicas per node limit exceed";
  }
  SWARM_CHECK(false, "filter", static_cast<int>(filter));
  return {};
}

}  // namespace

Filters::Filters(const model::TaskTemplate& templ, ServiceId service, bool on_overlay)
    : service_(service), on_overlay_(on_overlay) {
  if (templ.spec.resources && templ.spec.resources->reservations)
    reservations_ = &*templ.spec.resources->reservations;
  if (templ.spec.placement) placement_ = &*templ.spec.placement;
  if (placement_ != nullptr) {
    auto parsed = model::parse_constraints(placement_->constraints);
    unreadable_constraints_ = !parsed.ok();  // the API lets none through: such a task runs nowhere
    if (parsed) constraints_ = std::move(*parsed);
  }
  if (!templ.endpoint) return;
  for (const auto& port : templ.endpoint->ports)
    if (port.publish_mode == model::PublishMode::host && port.published_port != 0)
      host_ports_.push_back({port.protocol, port.published_port});
}

bool Filters::passes_resource(const NodeInfo& info) const {
  if (reservations_ == nullptr) return true;
  // What is not asked for is not looked at: a node may be short of it.
  if (reservations_->nano_cpus > 0 && info.free_nano_cpus() < reservations_->nano_cpus) return false;
  if (reservations_->memory_bytes > 0 && info.free_memory() < reservations_->memory_bytes) return false;
  return std::ranges::all_of(reservations_->generic_resources, [&](const auto& generic) {
    return info.free_generic(generic.kind) >= (generic.name.empty() ? generic.value : 1);
  });
}

bool Filters::passes_platform(const model::Node& node) const {
  if (placement_ == nullptr || placement_->platforms.empty()) return true;
  return std::ranges::any_of(placement_->platforms, [&](const auto& platform) {
    return same_platform(platform, node.description.platform);
  });
}

std::optional<Filter> Filters::refusal(const NodeInfo& info) const {
  const bool any = info.node && SWARM_MISTAKE("scheduler.places-on-nodes-that-take-none");
  if (!any && (!info.node || !info.node->accepts_tasks())) return Filter::ready;
  if (!passes_resource(info)) return Filter::resource;
  if (on_overlay_ && !model::carries_overlay(info.node->description.plugins)) return Filter::overlay;
  const bool matches =
      model::matches(constraints_, *info.node) || SWARM_MISTAKE("scheduler.ignores-constraints");
  if (unreadable_constraints_ || !matches) return Filter::constraint;
  if (!passes_platform(*info.node)) return Filter::platform;
  if (std::ranges::any_of(host_ports_, [&](const model::PortKey& port) { return info.uses(port); }))
    return Filter::host_port;
  if (placement_ != nullptr && placement_->max_replicas > 0 &&
      !SWARM_MISTAKE("scheduler.ignores-the-limit-per-node") &&
      info.tasks_of(service_) >= placement_->max_replicas)
    return Filter::max_replicas;
  return std::nullopt;
}

std::string Explanation::reasons() const {
  std::vector<std::pair<std::size_t, Filter>> parts;
  for (std::size_t i = 0; i < kFilters; ++i)
    if (counts_[i] > 0) parts.emplace_back(counts_[i], static_cast<Filter>(i));
  std::ranges::stable_sort(parts, [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string text;
  for (const auto& [n, filter] : parts) text += (text.empty() ? "" : "; ") + sentence(filter, n);
  return text;
}

std::string Explanation::text() const {
  const std::string why = reasons();
  return why.empty() ? "no suitable node" : "no suitable node (" + why + ")";
}

}  // namespace swarm::scheduler
