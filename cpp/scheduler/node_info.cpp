#include "scheduler/node_info.hpp"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/number.hpp"
#include "base/time.hpp"
#include "model/port.hpp"
#include "model/resources.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"

namespace swarm::scheduler {
namespace {

// Adds to a count; a count of 0 is not kept.
template <class Key, class Number>
void add_to(std::map<Key, Number>& counts, const Key& key, __int128 amount) {
  const auto it = counts.try_emplace(key).first;
  it->second = static_cast<Number>(static_cast<__int128>(it->second) + amount);
  if (it->second == 0) counts.erase(it);
}

// A named resource is one of its kind.
std::int64_t amount_of(const model::GenericResource& resource) {
  return resource.name.empty() ? resource.value : 1;
}

}  // namespace

bool is_charged(const model::Task& task) {
  return !task.node_id.empty() && task.state() >= model::TaskState::assigned && !is_terminal(task.state());
}

bool counts(const model::Task& task) { return task.desired_state <= model::TaskState::complete; }

void NodeInfo::change(const model::Task& task, std::int64_t sign) {
  charged_ += sign;
  SWARM_CHECK(charged_ >= 0, "task", task.id, "was never charged to its node");
  if (counts(task)) {
    SWARM_CHECK(sign > 0 || tasks_of_.contains(task.service_id), "task", task.id, "was never counted");
    tasks_ = static_cast<std::uint64_t>(static_cast<std::int64_t>(tasks_) + sign);
    add_to(tasks_of_, task.service_id, sign);
  }
  if (const auto& resources = task.spec().resources; resources && resources->reservations) {
    const __int128 times = sign;
    nano_cpus_ += times * resources->reservations->nano_cpus;
    memory_bytes_ += times * resources->reservations->memory_bytes;
    for (const auto& generic : resources->reservations->generic_resources)
      add_to(generic_, generic.kind, times * amount_of(generic));
  }
  const auto& endpoint = task.templ->endpoint;
  if (!endpoint) return;
  for (const auto& port : endpoint->ports)
    if (port.publish_mode == model::PublishMode::host && port.published_port != 0)
      add_to(host_ports_, model::PortKey{port.protocol, port.published_port}, sign);
}

std::int64_t NodeInfo::free_generic(const std::string& kind) const {
  __int128 free = 0;
  for (const auto& resource : node->description.resources.generic_resources)
    if (resource.kind == kind) free += amount_of(resource);
  const auto used = generic_.find(kind);
  return saturate<std::int64_t>(used == generic_.end() ? free : free - used->second);
}

std::uint64_t NodeInfo::tasks_of(ServiceId service) const {
  const auto it = tasks_of_.find(service);
  return it == tasks_of_.end() ? 0 : it->second;
}

void NodeInfo::note_failure(const GroupKey& group, Instant now) {
  forget_old_failures(now);
  failures_[group].push_back(now);
}

void NodeInfo::forget_old_failures(Instant now) {
  for (auto it = failures_.begin(); it != failures_.end();) {
    auto& times = it->second;
    while (!times.empty() && times.front() + kFailureWindow < now) times.pop_front();
    it = times.empty() ? failures_.erase(it) : std::next(it);
  }
}

std::size_t NodeInfo::faults(const GroupKey& group, Instant now) const {
  const auto it = failures_.find(group);
  if (it == failures_.end()) return 0;
  std::size_t recent = 0;
  for (auto time = it->second.rbegin(); time != it->second.rend() && *time + kFailureWindow >= now; ++time)
    ++recent;
  return recent >= kFaultyFailures ? recent : 0;
}

}  // namespace swarm::scheduler
