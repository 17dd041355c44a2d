// NetworkNames: the names of one network, as a table that is kept by changes: rows of services and of tasks
// go in and out in any order. All tasks of a node on this network look into the same table.
//
// Which row gives which name (moby, libnetwork/service_common.go, addEndpointNameResolution):
//
//   the task's name (SERVICE.SLOT.TASKID)             its addresses; the reverse name of each, too
//   the task's aliases (short container id, hostname) its addresses
//   tasks.SERVICE, tasks.ALIAS of the service         the addresses of all its tasks
//   SERVICE, ALIAS of the service                     its VIP; without one (dnsrr) those of all its tasks
//
// A VIP has its names while its service has a task on this network, as in Docker: a service of no replicas
// is unknown. Names are kept in lower case (addNameToIP).
//
// Invariants: a change costs work for the names of its row, never for other rows; a service's row that
// changes names all its tasks anew. NOT here: which networks a task sees, NAME.NETWORK (names.hpp), packets.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "net/dns/address_bag.hpp"

namespace swarm::dns {

struct ServiceRow {
  ServiceId id;
  std::string name;
  std::vector<std::string> aliases;  // of its attachment to this network
  std::vector<Ip> vips;              // none: endpoint mode dnsrr
  bool operator==(const ServiceRow&) const = default;
};

struct TaskRow {
  TaskId id;
  ServiceId service;  // empty: a container that is attached to the network by itself
  std::string name;
  std::vector<std::string> aliases;
  std::vector<Ip> addresses;
  // It was told to stop: its names are gone, and its service keeps the VIP's names until the row goes
  // (rmServiceBinding without fullRemove).
  bool stopping = false;
  bool operator==(const TaskRow&) const = default;
};

class NetworkNames {
 public:
  explicit NetworkNames(std::string network) : network_(std::move(network)) {}

  void set(ServiceRow row);
  void set(TaskRow row);
  void drop(ServiceId id);
  void drop(TaskId id);

  const std::string& network() const { return network_; }
  // Null if the network does not know the name. `name` is in lower case.
  const AddressBag* find(std::string_view name) const;
  // The name of the task that has this address, "" without one. Of two tasks it is that of the lower id.
  std::string_view name_of(const Ip& ip) const;
  std::size_t size() const { return names_.size(); }

 private:
  enum class Way { add, remove };
  struct Service {
    std::optional<ServiceRow> row;  // none: a task came before it
    std::set<TaskId> tasks;
  };
  void change(Way way, std::string_view prefix, std::string_view name, const std::vector<Ip>& addresses);
  void change_all(Way way, std::string_view prefix, const ServiceRow& row, const std::vector<Ip>& addresses);
  void change_task(Way way, const TaskRow& task);
  void change_task_of(Way way, const ServiceRow& service, const TaskRow& task);
  void change_service(Way way, const Service& service);

  std::string network_;
  std::map<ServiceId, Service> services_;
  std::map<TaskId, TaskRow> tasks_;
  std::map<std::string, AddressBag, std::less<>> names_;
  std::set<std::pair<Ip, TaskId>> reverse_;
};

}  // namespace swarm::dns
