#include "dispatcher/mesh_directory.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/check.hpp"
#include "base/id.hpp"
#include "base/time.hpp"
#include "model/mesh.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "model/wire.hpp"
#include "store/change_set.hpp"
#include "store/store.hpp"

namespace swarm::dispatcher {
namespace {

constexpr std::size_t kKeptRemovals = 10'000;
constexpr Duration kAckTimeout = Duration::millis(500);
constexpr std::int64_t kMaxDoublings = 4;

std::vector<model::MeshPort> published(const model::Service& service) {
  std::vector<model::MeshPort> out;
  for (const auto& port : service.ports)
    if (port.publish_mode == model::PublishMode::ingress && port.protocol == model::PortProtocol::tcp &&
        port.published_port != 0)
      out.push_back({{port.protocol, port.published_port}, port.target_port});
  return out;
}

bool may_serve(const model::Task& task) {
  return task.state() == model::TaskState::running && task.desired_state == model::TaskState::running;
}

std::optional<Address> data_address(const store::Store& store, NodeId id) {
  const auto node = store.node(id);
  return node ? Address::parse(node->status.addr, model::kDataPort) : std::nullopt;
}

}  // namespace

// ---- from the store

void MeshDirectory::start(const store::Store& store) {
  for (const auto& [id, service] : store.services()) set_service(store, service.get(), id);
}

void MeshDirectory::note(const store::Store& store, const store::Change<model::Service>& change) {
  if (change.before && change.after && change.before->ports == change.after->ports) return;
  set_service(store, change.after.get(), change.latest().id);
}

void MeshDirectory::note(const store::Store& store, const store::Change<model::Task>& change) {
  const bool served = services_.contains(change.latest().service_id);
  if (served || backends_.contains(change.latest().id))
    set_task(store, served ? change.after.get() : nullptr, change.latest().id);
}

void MeshDirectory::note(const store::Store& store, const store::Change<model::Node>& change) {
  if (!change.after || !change.before || change.before->status.addr == change.after->status.addr) return;
  for (const TaskId id : store.tasks_on_node(change.after->id)) {
    const auto task = store.task(id);
    if (services_.contains(task->service_id)) set_task(store, task.get(), id);
  }
}

void MeshDirectory::set_service(const store::Store& store, const model::Service* service, ServiceId id) {
  auto ports = service != nullptr ? published(*service) : std::vector<model::MeshPort>{};
  const auto it = services_.find(id);
  if (it == services_.end() ? ports.empty() : it->second == ports) return;
  if (ports.empty()) {
    services_.erase(it);
    changed(id, true);
    for (const auto& [slot, task] : store.tasks_of_service(id)) set_task(store, nullptr, task);
    return;
  }
  const bool is_new = it == services_.end();
  services_[id] = std::move(ports);
  changed(id, false);
  if (!is_new) return;
  for (const auto& [slot, task] : store.tasks_of_service(id)) set_task(store, store.task(task).get(), task);
}

void MeshDirectory::set_task(const store::Store& store, const model::Task* task, TaskId id) {
  const auto data = task != nullptr && may_serve(*task) ? data_address(store, task->node_id) : std::nullopt;
  const auto it = backends_.find(id);
  if (!data) {
    if (it == backends_.end()) return;
    backends_.erase(it);
    return changed(id, true);
  }
  const model::MeshBackend backend{id, task->service_id, task->node_id, *data};
  if (it != backends_.end() && it->second == backend) return;
  backends_[id] = backend;
  changed(id, false);
}

void MeshDirectory::changed(const Key& key, bool removed) {
  std::uint64_t& last = last_change_[key];
  if (last != 0) changes_.erase(last);
  last = ++version_;
  changes_.emplace(version_, key);
  SWARM_CHECK(changes_.size() == last_change_.size(), changes_.size(), "changes of", last_change_.size(),
              "keys");
  if (!removed) return;
  removals_.emplace_back(version_, key);
  forget_old_removals();
}

void MeshDirectory::forget_old_removals() {
  while (removals_.size() > kKeptRemovals) {
    const auto [version, key] = removals_.front();
    removals_.pop_front();
    const auto last = last_change_.find(key);
    if (last == last_change_.end() || last->second != version) continue;  // it came again since
    last_change_.erase(last);
    changes_.erase(version);
    first_ = version;
  }
}

// ---- to the sessions

wire::MeshUpdate MeshDirectory::all() const {
  wire::MeshUpdate out;
  out.complete = true;
  for (const auto& [id, ports] : services_) out.services.push_back({id, ports});
  for (const auto& [id, backend] : backends_) out.backends.push_back(backend);
  return out;
}

std::optional<wire::MeshUpdate> MeshDirectory::since(std::uint64_t version) const {
  if (version < first_) return std::nullopt;
  wire::MeshUpdate out;
  for (auto it = changes_.upper_bound(version); it != changes_.end(); ++it) {
    if (const auto* service = std::get_if<ServiceId>(&it->second)) {
      const auto found = services_.find(*service);
      if (found == services_.end()) {
        out.removed_services.push_back(*service);
      } else {
        out.services.push_back({found->first, found->second});
      }
    } else if (const auto found = backends_.find(std::get<TaskId>(it->second)); found == backends_.end()) {
      out.removed_tasks.push_back(std::get<TaskId>(it->second));
    } else {
      out.backends.push_back(found->second);
    }
  }
  return out;
}

void MeshFeed::on_ack(const wire::MeshAck& ack) {
  if (ack.want_complete) return start_over();
  if (ack.applied != number_) return;
  deadline_ = Instant::never();
  timeouts_ = 0;
}

std::optional<wire::MeshUpdate> MeshFeed::next(const MeshDirectory& directory, Instant now) {
  if (deadline_ != Instant::never()) {
    if (now < deadline_) return std::nullopt;
    wants_all_ = true;
    timeouts_ = std::min(timeouts_ + 1, kMaxDoublings);
  }
  if (!wants_all_ && told_ == directory.version()) return std::nullopt;
  auto increment = wants_all_ ? std::nullopt : directory.since(told_);
  wire::MeshUpdate message = increment ? std::move(*increment) : directory.all();
  SWARM_CHECK(told_ <= directory.version(), "version", told_, "of", directory.version());
  message.applies_to = number_;
  message.results_in = ++number_;
  told_ = directory.version();
  wants_all_ = false;
  deadline_ = now + kAckTimeout * (std::int64_t{1} << timeouts_);
  return message;
}

}  // namespace swarm::dispatcher
