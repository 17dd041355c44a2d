#include "model/defaults.hpp"

#include <algorithm>

#include "base/time.hpp"
#include "model/container_spec.hpp"
#include "model/service_spec.hpp"

namespace swarm::model {

Duration stop_grace(const TaskSpec& spec) {
  return spec.container ? spec.container->stop_grace_period.value_or(kStopGracePeriod) : kStopGracePeriod;
}

Duration old_task_timeout(const TaskSpec& spec) {
  return std::max(kOldTaskTimeout, stop_grace(spec) + kKilledTaskTimeout);
}

}  // namespace swarm::model
