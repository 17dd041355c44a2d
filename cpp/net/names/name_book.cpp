#include "net/names/name_book.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "model/wire.hpp"
#include "net/dns/address_bag.hpp"
#include "net/dns/names.hpp"
#include "net/dns/network_names.hpp"
#include "net/overlay/feed_table.hpp"

namespace swarm::names {
namespace {

std::vector<dns::Ip> ips_of(const std::string& address) {
  const auto parsed = Address::parse(address.substr(0, address.find('/')));
  return parsed ? std::vector<dns::Ip>{parsed->ip} : std::vector<dns::Ip>{};
}

dns::ServiceRow row_of(const wire::OverlayService& service, const wire::OverlayVip& vip) {
  return {service.service, service.name, vip.aliases, ips_of(vip.address)};
}

dns::TaskRow row_of(const wire::OverlayTask& task, NetworkId network) {
  dns::TaskRow row{task.task, task.service, task.name, task.aliases, {}, false};
  row.stopping = task.stage == wire::OverlayStage::leaving;
  for (const auto& place : task.places) {
    if (place.network != network) continue;
    const auto ips = ips_of(place.address);
    row.addresses.insert(row.addresses.end(), ips.begin(), ips.end());
  }
  return row;
}

// A task has names while it runs, and while it stops; its place alone has none.
bool is_named(const wire::OverlayTask& task) { return task.stage != wire::OverlayStage::made; }

}  // namespace

dns::NetworkNames* NameBook::find(NetworkId id) {
  const auto it = networks_.find(id);
  return it != networks_.end() ? it->second.names.get() : nullptr;
}

void NameBook::on(const overlay::FeedEdits& edits) {
  for (const auto& edit : edits.networks) {
    if (edit.after) {
      set(*edit.after);
    } else if (edit.before) {
      networks_.erase(edit.before->network);
    }
  }
  for (const auto& edit : edits.services) set(edit);
  for (const auto& edit : edits.tasks) set(edit);
}

void NameBook::set(const wire::OverlayNetwork& network) {
  const auto it = networks_.find(network.network);
  if (it == networks_.end() || it->second.names->network() != network.name) name_anew(network);
  networks_[network.network].internal = network.internal;
}

// Rows may have come before their network.
void NameBook::name_anew(const wire::OverlayNetwork& network) {
  const auto names = std::make_shared<dns::NetworkNames>(network.name);
  networks_[network.network].names = names;
  for (const auto& [id, service] : services_)
    for (const auto& vip : service.vips)
      if (vip.network == network.network) names->set(row_of(service, vip));
  for (const auto& [id, task] : tasks_)
    for (const auto& place : task.places)
      if (place.network == network.network && is_named(task)) names->set(row_of(task, place.network));
}

void NameBook::set(const overlay::RowEdit<wire::OverlayService>& edit) {
  if (edit.before) {
    services_.erase(edit.before->service);
    for (const auto& vip : edit.before->vips) {
      const bool stays = edit.after && std::ranges::any_of(edit.after->vips, [&](const auto& one) {
                           return one.network == vip.network;
                         });
      if (dns::NetworkNames* names = find(vip.network); names != nullptr && !stays)
        names->drop(edit.before->service);
    }
  }
  if (!edit.after) return;
  services_[edit.after->service] = *edit.after;
  for (const auto& vip : edit.after->vips)
    if (dns::NetworkNames* names = find(vip.network)) names->set(row_of(*edit.after, vip));
}

void NameBook::set(const overlay::RowEdit<wire::OverlayTask>& edit) {
  const wire::OverlayTask* after = edit.after && is_named(*edit.after) ? &*edit.after : nullptr;
  if (edit.before) {
    tasks_.erase(edit.before->task);
    for (const auto& place : edit.before->places) {
      const bool stays = after != nullptr && std::ranges::any_of(after->places, [&](const auto& one) {
                           return one.network == place.network;
                         });
      if (dns::NetworkNames* names = find(place.network); names != nullptr && !stays)
        names->drop(edit.before->task);
    }
  }
  if (edit.after) tasks_[edit.after->task] = *edit.after;
  if (after == nullptr) return;
  for (const auto& place : after->places)
    if (dns::NetworkNames* names = find(place.network)) names->set(row_of(*after, place.network));
}

dns::Names NameBook::names_of(TaskId id) const {
  dns::Names out;
  out.may_forward = false;
  const auto task = tasks_.find(id);
  if (task == tasks_.end()) return out;
  auto places = task->second.places;
  std::ranges::sort(places, {}, &wire::OverlayPlace::index);
  for (const auto& place : places) {
    const auto net = networks_.find(place.network);
    if (net == networks_.end()) continue;
    out.networks.push_back(net->second.names);
    out.may_forward |= !net->second.internal;
  }
  return out;
}

}  // namespace swarm::names
