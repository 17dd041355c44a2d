#include "sim/check/reach.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "model/service.hpp"
#include "model/task.hpp"
#include "net/overlay/answers.hpp"
#include "net/overlay/table.hpp"
#include "node/node.hpp"
#include "sim/machine.hpp"
#include "store/store.hpp"
#include "store/table.hpp"

namespace swarm::sim {
namespace {

using Tasks = std::vector<store::Ref<model::Task>>;

bool is_overlay(const store::Store& store, NetworkId id) {
  const auto network = store.network(id);
  return network && network->is_overlay() && !network->ingress;
}

Tasks on_overlays(const store::Store& store) {
  Tasks out;
  for (const auto& [id, task] : store.tasks()) {
    const bool on_one = std::ranges::any_of(
        task->attachments, [&](const auto& place) { return is_overlay(store, place.network_id); });
    if (on_one && task->live() && task->state() == model::TaskState::running) out.push_back(store.task(id));
  }
  return out;
}

bool is_on(const model::Task& task, NetworkId network) {
  return std::ranges::any_of(task.attachments,
                             [&](const auto& place) { return place.network_id == network; });
}

std::optional<Address> plain(const std::string& address) {
  return Address::parse(address.substr(0, address.find('/')));
}

// Why the answer to a connection from the task to the address is not these tasks; "" if it is.
std::string differs(const overlay::Table& table, const model::Task& from, const std::string& to,
                    const std::set<TaskId>& wanted) {
  const auto address = plain(to);
  if (!address) return "address " + to + " cannot be read";
  const auto answer = overlay::who_answers(table, from.id, *address);
  if (std::set<TaskId>(answer.tasks.begin(), answer.tasks.end()) == wanted) return {};
  return "of " + std::to_string(wanted.size()) + " tasks " + std::to_string(answer.tasks.size()) +
         " answer task " + from.id.str() + " at " + to +
         (answer.reason.empty() ? "" : " (" + answer.reason + ")");
}

std::string wrong_address(const store::Store& store, const overlay::Table& table, const model::Task& from,
                          const model::Task& to) {
  for (const auto& place : to.attachments) {
    if (!is_overlay(store, place.network_id)) continue;
    const auto wanted = is_on(from, place.network_id) ? std::set{to.id} : std::set<TaskId>{};
    for (const std::string& address : place.addresses)
      if (auto why = differs(table, from, address, wanted); !why.empty()) return why;
  }
  return {};
}

std::string wrong_vip(const store::Store& store, const overlay::Table& table, const model::Task& from,
                      const model::Service& service, const Tasks& tasks) {
  for (const auto& vip : service.virtual_ips) {
    if (!is_overlay(store, vip.network_id)) continue;
    std::set<TaskId> wanted;
    for (const auto& task : tasks)
      if (is_on(from, vip.network_id) && task->service_id == service.id && is_on(*task, vip.network_id))
        wanted.insert(task->id);
    if (auto why = differs(table, from, vip.address, wanted); !why.empty())
      return why + ", the address of service " + service.spec.annotations.name;
  }
  return {};
}

}  // namespace

std::string wrong_reach(const Machines& machines, const store::Store& store) {
  const Tasks tasks = on_overlays(store);
  for (const auto& at : machines) {
    if (!at->alive()) continue;
    const overlay::Table& table = at->overlay.keeper().table();
    for (const auto& from : tasks) {
      if (from->node_id != at->node->inspect().id) continue;
      for (const auto& to : tasks)
        if (auto why = wrong_address(store, table, *from, *to); !why.empty())
          return at->options.name + ": " + why;
      for (const auto& [id, service] : store.services())
        if (auto why = wrong_vip(store, table, *from, *service, tasks); !why.empty())
          return at->options.name + ": " + why;
    }
  }
  return {};
}

}  // namespace swarm::sim
