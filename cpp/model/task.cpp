#include "model/task.hpp"

#include <memory>
#include <string>

namespace swarm::model {
namespace {

template <class T>
bool same_value(const std::shared_ptr<const T>& a, const std::shared_ptr<const T>& b) {
  return a == b || (a && b && *a == *b);
}

}  // namespace

bool operator==(const Task& a, const Task& b) {
  return same_value(a.templ, b.templ) && same_value(a.restarts, b.restarts) && a.id == b.id &&
         a.meta == b.meta && a.service_id == b.service_id && a.slot == b.slot && a.node_id == b.node_id &&
         a.spec_version == b.spec_version && a.desired_state == b.desired_state && a.status == b.status &&
         a.applied_at == b.applied_at && a.attachments == b.attachments;
}

std::string task_name(const Task& task) {
  const std::string place = task.slot != 0 ? std::to_string(task.slot) : task.node_id.str();
  return task.templ->service.name + "." + place + "." + task.id.str();
}

}  // namespace swarm::model
