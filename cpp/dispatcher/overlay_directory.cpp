#include "dispatcher/overlay_directory.hpp"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "base/address.hpp"
#include "base/check.hpp"
#include "base/id.hpp"
#include "base/mistake.hpp"
#include "model/container_spec.hpp"
#include "model/mesh.hpp"
#include "model/network.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/spec_networks.hpp"
#include "model/task.hpp"
#include "model/wire.hpp"
#include "store/change_set.hpp"
#include "store/store.hpp"

namespace swarm::dispatcher {
namespace {

using model::TaskState;
using wire::FeedKey;
using wire::FeedKind;

// Docker's option of a network, by which its user sets the MTU.
constexpr const char* kMtuOption = "com.docker.network.driver.mtu";
constexpr std::size_t kShortContainerId = 12;

// Returns true if the task has its place on its networks: a node is to make it, and its end is not known.
bool is_placed(const model::Task& task) {
  return !task.node_id.empty() && !task.attachments.empty() && task.state() >= TaskState::assigned &&
         !is_terminal(task.state());
}

wire::OverlayStage stage_of(const model::Task& task) {
  if (task.desired_state > TaskState::running) return wire::OverlayStage::leaving;
  return task.state() == TaskState::running ? wire::OverlayStage::serving : wire::OverlayStage::made;
}

// Docker's names of a container beside its own.
std::vector<std::string> aliases_of(const model::Task& task) {
  std::vector<std::string> out;
  if (const auto& id = task.status.container.container_id; !id.empty())
    out.push_back(id.substr(0, kShortContainerId));
  const auto& container = task.spec().container;
  if (container && !container->hostname.empty()) out.push_back(container->hostname);
  return out;
}

// What its row says of the task has changed.
bool differs(const model::Task& before, const model::Task& after) {
  if (SWARM_MISTAKE("dispatcher.tells-no-stages-of-overlay-tasks")) return false;
  return stage_of(before) != stage_of(after) || before.attachments != after.attachments ||
         before.status.container.container_id != after.status.container.container_id;
}

std::uint32_t mtu_of(const model::Network& network) {
  const auto it = network.options.find(kMtuOption);
  std::uint32_t mtu = 0;
  if (it != network.options.end())
    std::from_chars(it->second.data(), it->second.data() + it->second.size(), mtu);
  return mtu;
}

const model::NetworkAttachment* wish_of(const model::ServiceSpec& spec, NetworkId network) {
  for (const auto* list : {&spec.task.networks, &spec.networks})
    for (const auto& wish : *list)
      if (NetworkId::parse(wish.target) == network) return &wish;
  return nullptr;
}

wire::OverlayVip vip_of(const model::Service& service, NetworkId network) {
  wire::OverlayVip out{network, {}, {}};
  for (const auto& vip : service.virtual_ips)
    if (vip.network_id == network) out.address = vip.address;
  if (const auto* wish = wish_of(service.spec, network)) out.aliases = wish->aliases;
  return out;
}

bool has_same_row(const model::Service& a, const model::Service& b) {
  return a.virtual_ips == b.virtual_ips && a.spec.task.networks == b.spec.task.networks &&
         a.spec.networks == b.spec.networks && a.spec.annotations.name == b.spec.annotations.name;
}

bool is_overlay(const store::Store& store, NetworkId id) {
  const auto network = store.network(id);
  return network && network->is_overlay() && !network->ingress;
}

}  // namespace

// ---- who hears of what

const OverlayDirectory::Counts& OverlayDirectory::networks_of(NodeId node) const {
  static const Counts kNone;
  const auto it = networks_of_.find(node);
  return it != networks_of_.end() ? it->second : kNone;
}

std::set<NodeId> OverlayDirectory::hearers(const model::Task& task) const {
  std::set<NodeId> out;
  for (const auto& place : task.attachments)
    if (const auto it = hearers_.find(place.network_id); it != hearers_.end())
      out.insert(it->second.begin(), it->second.end());
  return out;
}

void OverlayDirectory::count(const store::Store& store, const model::Task& task, bool comes) {
  for (const auto& place : task.attachments) {
    const NetworkId network = place.network_id;
    if (comes && !is_overlay(store, network)) continue;
    std::size_t& tasks = networks_of_[task.node_id][network];
    const std::size_t before = tasks;
    if (comes) ++tasks;
    if (!comes && tasks != 0) --tasks;
    if ((before == 0) != (tasks == 0)) note_network(store, task.node_id, network);
    if (tasks != 0) continue;
    networks_of_[task.node_id].erase(network);
    hearers_[network].erase(task.node_id);
    if (hearers_[network].empty()) hearers_.erase(network);
    if (networks_of_[task.node_id].empty()) networks_of_.erase(task.node_id);
  }
}

// The node hears of all of it from now on, or of nothing more.
void OverlayDirectory::note_network(const store::Store& store, NodeId node, NetworkId network) {
  hearers_[network].insert(node);
  news_.insert({node, FeedKey::overlay_network(network)});
  if (const auto it = services_.find(network); it != services_.end())
    for (const ServiceId service : it->second) news_.insert({node, FeedKey::overlay_service(service)});
  for (const TaskId task : store.tasks_on_network(network)) news_.insert({node, FeedKey::overlay_task(task)});
}

void OverlayDirectory::tell(NetworkId network, const FeedKey& key) {
  const auto it = hearers_.find(network);
  if (it == hearers_.end()) return;
  for (const NodeId node : it->second) news_.insert({node, key});
}

// ---- from the store

void OverlayDirectory::start(const store::Store& store) {
  for (const auto& [id, service] : store.services()) set_places(*service, true);
  for (const auto& [id, task] : store.tasks())
    if (is_placed(*task)) count(store, *task, true);
  news_.clear();  // no node has been told anything yet
}

void OverlayDirectory::note(const store::Store&, const store::Change<model::Network>& change) {
  if (change.before && change.after) tell(change.after->id, FeedKey::overlay_network(change.after->id));
}

void OverlayDirectory::set_places(const model::Service& service, bool comes) {
  for (const NetworkId network : model::networks_named(service.spec)) {
    if (comes) {
      services_[network].insert(service.id);
    } else if (const auto it = services_.find(network); it != services_.end()) {
      it->second.erase(service.id);
      if (it->second.empty()) services_.erase(it);
    }
  }
}

void OverlayDirectory::note_service(const model::Service& service) {
  for (const NetworkId network : model::networks_named(service.spec))
    tell(network, FeedKey::overlay_service(service.id));
}

void OverlayDirectory::note(const store::Store&, const store::Change<model::Service>& change) {
  if (change.before && change.after && has_same_row(*change.before, *change.after)) return;
  if (change.before) {
    note_service(*change.before);
    set_places(*change.before, false);
  }
  if (change.after) {
    set_places(*change.after, true);
    note_service(*change.after);
  }
}

void OverlayDirectory::note(const store::Store& store, const store::Change<model::Task>& change) {
  const bool was = change.before && is_placed(*change.before), is = change.after && is_placed(*change.after);
  if (!was && !is) return;
  if (was && is && !differs(*change.before, *change.after)) return;
  const FeedKey key = FeedKey::overlay_task(change.latest().id);
  const model::Task& task = was ? *change.before : *change.after;
  for (const auto& place : task.attachments) tell(place.network_id, key);
  if (!was) count(store, *change.after, true);
  if (!is) count(store, *change.before, false);
}

// Frames for its tasks go to another address.
void OverlayDirectory::note(const store::Store& store, const store::Change<model::Node>& change) {
  if (!change.after || !change.before || change.before->status.addr == change.after->status.addr) return;
  for (const TaskId id : store.tasks_on_node(change.after->id)) {
    const auto task = store.task(id);
    if (!is_placed(*task)) continue;
    for (const auto& place : task->attachments) tell(place.network_id, FeedKey::overlay_task(id));
  }
}

// ---- rows

std::optional<wire::OverlayNetwork> OverlayDirectory::network(const store::Store& store, NodeId node,
                                                              NetworkId id) const {
  const auto network = store.network(id);
  if (!network || !hears(node, id)) return std::nullopt;
  wire::OverlayNetwork out;
  out.network = id;
  out.name = network->annotations.name;
  for (const auto& subnet : network->allocated) out.subnets.push_back(subnet.subnet);
  if (!network->allocated.empty()) out.vni = network->allocated.front().vni;
  out.mtu = mtu_of(*network);
  out.internal = network->internal;
  out.encrypted = network->options.contains(model::kEncryptedOption);
  return out;
}

std::optional<wire::OverlayService> OverlayDirectory::service(const store::Store& store, NodeId node,
                                                              ServiceId id) const {
  const auto service = store.service(id);
  if (!service) return std::nullopt;
  wire::OverlayService out{id, service->spec.annotations.name, {}};
  for (const NetworkId network : model::networks_named(service->spec))
    if (hears(node, network)) out.vips.push_back(vip_of(*service, network));
  if (out.vips.empty()) return std::nullopt;
  return out;
}

std::optional<wire::OverlayTask> OverlayDirectory::task(const store::Store& store, NodeId node,
                                                        TaskId id) const {
  const auto task = store.task(id);
  if (!task || !is_placed(*task)) return std::nullopt;
  const auto where = store.node(task->node_id);
  const auto data = where ? Address::parse(where->status.addr, model::kDataPort) : std::nullopt;
  wire::OverlayTask out{id,
                        task->node_id,
                        data.value_or(Address()),
                        task->service_id,
                        model::task_name(*task),
                        aliases_of(*task),
                        stage_of(*task),
                        {}};
  std::uint32_t index = 0;
  for (const auto& place : task->attachments) {
    if (!is_overlay(store, place.network_id)) continue;
    for (const std::string& address : place.addresses)
      if (hears(node, place.network_id)) out.places.push_back({place.network_id, address, index});
    ++index;
  }
  if (out.places.empty()) return std::nullopt;
  return out;
}

namespace {

// The least id above `after` in the sets of all networks that `keep` keeps.
template <class Networks, class SetOf, class Keep>
std::optional<Uint128> least(const Networks& networks, SetOf set_of, std::optional<Uint128> after,
                             Keep keep) {
  std::optional<Uint128> out;
  for (const auto& [network, tasks] : networks) {
    const auto& ids = set_of(network);
    using Id = typename std::remove_cvref_t<decltype(ids)>::value_type;
    for (auto it = after ? ids.upper_bound(Id(*after)) : ids.begin(); it != ids.end(); ++it) {
      if (out && it->value() >= *out) break;
      if (!keep(*it)) continue;
      out = it->value();
      break;
    }
  }
  return out;
}

}  // namespace

std::optional<FeedKey> OverlayDirectory::next(const store::Store& store, NodeId node, FeedKind kind,
                                              std::optional<Uint128> after) const {
  const Counts& networks = networks_of(node);
  std::optional<Uint128> id;
  if (kind == FeedKind::overlay_network) {
    auto it = after ? networks.upper_bound(NetworkId(*after)) : networks.begin();
    while (it != networks.end() && !network(store, node, it->first))
      ++it;  // removed, with a task that still ends
    if (it != networks.end()) id = it->first.value();
  } else if (kind == FeedKind::overlay_service) {
    static const std::set<ServiceId> kNone;
    const auto services = [this](NetworkId network) -> const std::set<ServiceId>& {
      const auto it = services_.find(network);
      return it != services_.end() ? it->second : kNone;
    };
    id = least(networks, services, after,
               [&](ServiceId one) { return service(store, node, one).has_value(); });
  } else {
    SWARM_CHECK(kind == FeedKind::overlay_task, "no kind of the overlay's");
    const auto tasks = [&](NetworkId network) -> const std::set<TaskId>& {
      return store.tasks_on_network(network);
    };
    id = least(networks, tasks, after, [&](TaskId one) { return task(store, node, one).has_value(); });
  }
  return id ? std::optional(FeedKey{kind, *id}) : std::nullopt;
}

}  // namespace swarm::dispatcher
