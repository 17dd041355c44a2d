#include "net/overlay/answers.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "base/address.hpp"
#include "base/id.hpp"
#include "net/overlay/rows.hpp"
#include "net/overlay/table.hpp"
#include "net/overlay/wanted.hpp"

namespace swarm::overlay {
namespace {

Answer none(NetworkId network, std::string reason) { return {{}, network, false, std::move(reason)}; }

bool has_subnet_of(const NetworkRow& network, const Address& address) {
  return std::any_of(network.subnets.begin(), network.subnets.end(),
                     [&](const Subnet& subnet) { return subnet.block.contains(address); });
}

Answer by_vip(const Table& table, const Table::Net& net, NetworkId id, ServiceId service) {
  Answer answer{{}, id, true, {}};
  for (const AttachmentRow* row : serving(table, net, service)) answer.tasks.push_back(row->task);
  if (answer.tasks.empty()) answer.reason = "no task of service " + service.str() + " may get connections";
  return answer;
}

Answer by_address(const Table& table, const Table::Net& net, const NetworkRow& network, const Address& to) {
  const NetworkId id = network.id;
  const AttachmentRow* row = table.owner(net, to);
  if (row == nullptr) return none(id, "no task of network " + network.name + " has the address " + to.host());
  if (row->stage == Stage::made) return none(id, "task " + row->task.str() + " is not up");
  if (!table.reachable(*row)) return none(id, "the address of node " + row->node.str() + " is not known");
  return {{row->task}, id, false, {}};
}

}  // namespace

Answer who_answers(const Table& table, TaskId from, const Address& to) {
  const auto attachments = attachments_in_order(table, from);
  if (attachments.empty()) return none({}, "task " + from.str() + " is on no network");
  // A VIP is looked for before a route is: its map is asked for what the task sends.
  for (const AttachmentRow* row : attachments) {
    const Table::Net& net = *table.find(row->network);
    if (net.known() == nullptr) continue;
    if (const auto service = service_of_vip(net, to)) return by_vip(table, net, row->network, *service);
  }
  for (const AttachmentRow* row : attachments) {
    const Table::Net& net = *table.find(row->network);
    const NetworkRow* network = net.known();
    if (network != nullptr && has_subnet_of(*network, to)) return by_address(table, net, *network, to);
  }
  return none({}, "no network of task " + from.str() + " has the address " + to.host());
}

}  // namespace swarm::overlay
