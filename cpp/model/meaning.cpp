#include "model/meaning.hpp"

#include <optional>

#include "model/container_spec.hpp"
#include "model/defaults.hpp"
#include "model/service_spec.hpp"

namespace swarm::model {
namespace {

template <class T>
T value_of(const std::optional<T>& field) {
  return field.value_or(T{});
}

}  // namespace

TaskSpec with_defaults(TaskSpec spec) {
  if (spec.container) {
    ContainerSpec& container = spec.container.edit();
    container.stop_grace_period = stop_grace(spec);
    container.dns_config = value_of(container.dns_config);
  }
  spec.resources = value_of(spec.resources);
  spec.resources->limits = value_of(spec.resources->limits);
  spec.resources->reservations = value_of(spec.resources->reservations);
  spec.restart = value_of(spec.restart);
  spec.restart->delay = restart_delay(spec);
  spec.restart->window = value_of(spec.restart->window);
  spec.placement = value_of(spec.placement);
  if (spec.runtime.empty()) spec.runtime = "container";
  return spec;
}

bool same_meaning(const TaskSpec& a, const TaskSpec& b) {
  if (a == b) return true;
  // What an update changes most, before anything is copied.
  if (a.force_update != b.force_update || a.container.has_value() != b.container.has_value()) return false;
  if (a.container && a.container->image != b.container->image) return false;
  return with_defaults(a) == with_defaults(b);
}

}  // namespace swarm::model
