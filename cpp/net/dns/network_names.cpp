#include "net/dns/network_names.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/id.hpp"
#include "net/dns/address_bag.hpp"
#include "net/dns/lower_case.hpp"

namespace swarm::dns {

void NetworkNames::set(ServiceRow row) {
  Service& service = services_[row.id];
  if (service.row == row) return;
  change_service(Way::remove, service);
  service.row = std::move(row);
  change_service(Way::add, service);
}

void NetworkNames::drop(ServiceId id) {
  const auto it = services_.find(id);
  if (it == services_.end()) return;
  change_service(Way::remove, it->second);
  it->second.row.reset();
  if (it->second.tasks.empty()) services_.erase(it);
}

void NetworkNames::set(TaskRow row) {
  const auto known = tasks_.find(row.id);
  if (known != tasks_.end() && known->second == row) return;
  drop(row.id);
  change_task(Way::add, row);
  if (!row.service.empty()) {
    Service& service = services_[row.service];
    const bool is_first = service.tasks.empty();
    service.tasks.insert(row.id);
    if (service.row) change_task_of(Way::add, *service.row, row);
    if (service.row && is_first) change_all(Way::add, "", *service.row, service.row->vips);
  }
  const TaskId id = row.id;
  tasks_.emplace(id, std::move(row));
}

void NetworkNames::drop(TaskId id) {
  const auto it = tasks_.find(id);
  if (it == tasks_.end()) return;
  const TaskRow row = std::move(it->second);
  tasks_.erase(it);
  change_task(Way::remove, row);
  const auto found = services_.find(row.service);
  if (row.service.empty() || found == services_.end()) return;
  Service& service = found->second;
  service.tasks.erase(id);
  if (service.row) change_task_of(Way::remove, *service.row, row);
  if (!service.tasks.empty()) return;
  if (service.row) change_all(Way::remove, "", *service.row, service.row->vips);
  if (!service.row) services_.erase(found);
}

const AddressBag* NetworkNames::find(std::string_view name) const {
  const auto it = names_.find(name);
  return it == names_.end() ? nullptr : &it->second;
}

std::string_view NetworkNames::name_of(const Ip& ip) const {
  const auto it = reverse_.lower_bound({ip, TaskId()});
  if (it == reverse_.end() || it->first != ip) return {};
  return tasks_.at(it->second).name;
}

void NetworkNames::change(Way way, std::string_view prefix, std::string_view name,
                          const std::vector<Ip>& addresses) {
  if (addresses.empty()) return;
  const std::string key = lower_case(std::string(prefix).append(name));
  AddressBag& bag = names_[key];
  for (const Ip& ip : addresses) way == Way::add ? bag.add(ip) : bag.remove(ip);
  if (bag.empty()) names_.erase(key);
}

void NetworkNames::change_all(Way way, std::string_view prefix, const ServiceRow& row,
                              const std::vector<Ip>& addresses) {
  change(way, prefix, row.name, addresses);
  for (const std::string& alias : row.aliases) change(way, prefix, alias, addresses);
}

void NetworkNames::change_task(Way way, const TaskRow& task) {
  if (task.stopping) return;
  change(way, "", task.name, task.addresses);
  for (const std::string& alias : task.aliases) change(way, "", alias, task.addresses);
  for (const Ip& ip : task.addresses) {
    if (way == Way::add) reverse_.emplace(ip, task.id);
    if (way == Way::remove) reverse_.erase({ip, task.id});
  }
}

void NetworkNames::change_task_of(Way way, const ServiceRow& service, const TaskRow& task) {
  if (task.stopping) return;
  change_all(way, "tasks.", service, task.addresses);
  if (service.vips.empty()) change_all(way, "", service, task.addresses);
}

void NetworkNames::change_service(Way way, const Service& service) {
  if (!service.row || service.tasks.empty()) return;
  change_all(way, "", *service.row, service.row->vips);
  for (const TaskId id : service.tasks) {
    const auto task = tasks_.find(id);
    SWARM_CHECK(task != tasks_.end(), id, "is a task of the service and has no row");
    change_task_of(way, *service.row, task->second);
  }
}

}  // namespace swarm::dns
