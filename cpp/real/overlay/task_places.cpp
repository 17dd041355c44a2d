#include "real/overlay/task_places.hpp"

#include <linux/netlink.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "net/overlay/desired.hpp"
#include "net/overlay/rows.hpp"
#include "real/netlink/flows.hpp"
#include "real/netlink/link_messages.hpp"
#include "real/netlink/nat_table.hpp"
#include "real/netlink/net_space.hpp"
#include "real/netlink/socket.hpp"
#include "real/overlay/switchboard.hpp"

namespace swarm::real {
namespace {

using overlay::AttachmentKey;
using overlay::Cable;
using overlay::Edit;
using overlay::VipKey;
using overlay::VipMap;

constexpr int kFirstInside = 10;  // the index of eth0 in a task's namespace; the loopback has 1

int inside_index(const Cable& cable) { return kFirstInside + std::stoi(cable.inside.substr(3)); }

// Its subnet is on the link, and so are the network's other ones.
bool has_routes(const Cable& cable, const std::vector<netlink::Route>& routes) {
  std::vector<AddressBlock> wanted = cable.on_link;
  wanted.push_back({cable.address, cable.bits});
  return std::ranges::all_of(wanted, [&](const AddressBlock& block) {
    return !block.first.is_v4() || block.bits == 32 ||
           std::ranges::any_of(routes, [&](const netlink::Route& route) {
             return route.index == inside_index(cable) && route.to.bits == block.bits &&
                    block.contains(route.to.first);
           });
  });
}

// The name server of the task is there.
Result<void> loopback_up(netlink::Socket& socket, const std::vector<netlink::Link>& links) {
  const auto lo = std::ranges::find(links, "lo", &netlink::Link::name);
  if (lo == links.end() || lo->up) return {};
  return socket.ask(netlink::set_up("lo", lo->index));
}

Error of_task(TaskId task, const Error& error) {
  return plain_error(error.code, "task " + task.str() + ": " + error.message);
}

}  // namespace

const netlink::NetSpace* TaskPlaces::find(TaskId task) const {
  const auto it = places_.find(task);
  return it != places_.end() ? &it->second.space : nullptr;
}

void TaskPlaces::edit_spaces(const std::vector<Edit<TaskId, overlay::TaskSpace>>& edits, Problems& problems) {
  for (const auto& [task, value] : edits) {
    if (!value) {
      forget_vips(task);
      places_.erase(task);
      made_->spaces.erase(task);
      continue;
    }
    if (!places_.contains(task)) {
      auto space = pool_.take();
      if (!space) {
        problems.push_back(of_task(task, space.error()));
        continue;
      }
      places_[task].space = std::move(*space);
    }
    made_->spaces[task] = *value;
  }
}

void TaskPlaces::remove_all() { places_.clear(); }

void TaskPlaces::forget_vips(TaskId task) {
  auto it = made_->vips.lower_bound({task, {}});
  while (it != made_->vips.end() && it->first.task == task) it = made_->vips.erase(it);
}

// ---- cables

void TaskPlaces::remove_cables(const std::vector<Edit<AttachmentKey, Cable>>& edits, Problems& problems) {
  std::vector<std::string> names;
  for (const auto& edit : edits) {
    const auto made = made_->cables.find(edit.key);
    if (made == made_->cables.end()) continue;
    names.push_back(made->second.outside);
    made_->cables.erase(made);
  }
  switchboard_->remove_links(names, problems);
}

void TaskPlaces::make_cables(const std::vector<Edit<AttachmentKey, Cable>>& edits, Problems& problems) {
  for (const auto& [key, cable] : edits) {
    if (!cable || !made_->segments.contains(key.network) || !places_.contains(key.task)) continue;
    if (auto done = make_cable(key, *cable); !done) {
      problems.push_back(of_task(key.task, done.error()));
    } else {
      made_->cables[key] = *cable;
    }
  }
}

// A cable that is not whole is none.
Result<void> TaskPlaces::make_cable(const AttachmentKey& key, const Cable& cable) {
  const netlink::NetSpace& space = places_.at(key.task).space;
  auto socket = space.open_socket(NETLINK_ROUTE);
  if (!socket) return socket.error();
  const int inside = inside_index(cable);
  const auto outside = switchboard_->make_cable(cable, inside, space.fd());
  if (!outside) return outside.error();
  Result<void> done = set_up_inside(*socket, cable, inside);
  if (done) done = switchboard_->plug_in(key.network, cable, *outside);
  socket->settle_link(cable.inside);
  Problems ignored;  // the first error says more
  if (!done) switchboard_->remove_links({cable.outside}, ignored);
  return done;
}

Result<void> TaskPlaces::set_up_inside(netlink::Socket& socket, const Cable& cable, int index) {
  std::vector<netlink::Request> requests;
  requests.push_back(netlink::set_up(cable.inside, index));
  requests.push_back(netlink::add_address(cable.inside, index, cable.address, cable.bits));
  for (const AddressBlock& block : cable.on_link)
    requests.push_back(netlink::add_route(cable.inside, index, block));
  for (auto& outcome : socket.ask(std::move(requests)))
    if (!outcome) return outcome;
  return {};
}

// ---- VIPs

void TaskPlaces::edit_vips(const std::vector<Edit<VipKey, VipMap>>& edits, Problems& problems) {
  for (auto at = edits.begin(); at != edits.end();) {
    const TaskId task = at->key.task;
    VipEdits of_one;
    for (; at != edits.end() && at->key.task == task; ++at) of_one.push_back(&*at);
    const auto place = places_.find(task);
    if (place == places_.end()) continue;
    if (auto done = edit_vips_of(task, place->second, of_one); !done)
      problems.push_back(of_task(task, done.error()));
  }
}

// It stays open: closing such a socket after a transaction waits until the kernel has thrown the old rules
// away.
Result<void> TaskPlaces::open_tables(Place& place) {
  if (place.tables != nullptr) return {};
  auto socket = place.space.open_socket(NETLINK_NETFILTER);
  if (!socket) return socket.error();
  place.tables = std::make_unique<netlink::Socket>(std::move(*socket));
  netlink::set_syn_patience(place.space);
  return {};
}

Result<void> TaskPlaces::edit_vips_of(TaskId task, Place& place, const VipEdits& edits) {
  if (auto opened = open_tables(place); !opened) return opened;
  netlink::Socket* socket = place.tables.get();
  const auto before = netlink::generation(*socket);
  if (!before) return before.error();
  if (*before != place.generation) {
    // Somebody else has changed something: what we believe of the table is worth nothing. All of it anew,
    // with the VIPs that are to stay; they were believed to be there.
    place.generation = 0;
  }
  if (auto changed = change_table(task, place, edits, *socket); !changed) {
    place.generation = 0;
    forget_vips(task);
    return changed;
  }
  for (const auto* edit : edits) {
    note_gone(*edit);
    if (edit->value) {
      made_->vips.insert_or_assign(edit->key, *edit->value);
    } else {
      made_->vips.erase(edit->key);
    }
  }
  const auto after = netlink::generation(*socket);
  place.generation = after && *after == *before + 1 ? *after : 0;
  return {};
}

// Before `made` has the new list.
void TaskPlaces::note_gone(const Edit<VipKey, VipMap>& edit) {
  const auto before = made_->vips.find(edit.key);
  if (before == made_->vips.end()) return;
  std::set<Address> stay;
  if (edit.value) stay.insert(edit.value->backends->begin(), edit.value->backends->end());
  for (const Address& backend : *before->second.backends)
    if (!stay.contains(backend)) gone_.insert({edit.key, backend});
  for (const Address& backend : stay) gone_.erase({edit.key, backend});
}

void TaskPlaces::forget_flows(Problems& problems) {
  for (const auto& [key, backend] : std::exchange(gone_, {})) {
    const auto place = places_.find(key.task);
    if (place == places_.end() || place->second.tables == nullptr) continue;
    const auto forgotten = netlink::forget_udp_flows(*place->second.tables, key.vip, backend);
    if (!forgotten) problems.push_back(of_task(key.task, forgotten.error()));
  }
}

Result<void> TaskPlaces::change_table(TaskId task, Place& place, const VipEdits& edits,
                                      netlink::Socket& socket) {
  std::vector<netlink::VipEdit> changes;
  for (const auto* edit : edits) {
    if (!edit->key.vip.is_v4())
      return plain_error(Code::unimplemented, "the VIP " + edit->key.vip.host() + " is of IPv6: not yet");
    const netlink::Backends* backends = edit->value ? edit->value->backends.get() : nullptr;
    changes.push_back({edit->key.vip, backends, made_->vips.contains(edit->key)});
  }
  if (place.generation != 0) return netlink::edit_vip_table(socket, changes);
  std::map<Address, const netlink::Backends*> whole;
  for (auto it = made_->vips.lower_bound({task, {}}); it != made_->vips.end() && it->first.task == task; ++it)
    whole[it->first.vip] = it->second.backends.get();
  for (const netlink::VipEdit& change : changes) whole[change.vip] = change.backends;
  changes.clear();
  for (const auto& [vip, backends] : whole)
    if (backends != nullptr) changes.push_back({vip, backends, false});
  return netlink::make_vip_table(socket, changes);
}

// ---- looking

void TaskPlaces::look(Problems& problems) {
  std::map<TaskId, Cables> cables;
  for (const auto& [key, cable] : made_->cables) cables[key.task].emplace_back(key, &cable);
  for (auto& [task, place] : places_)
    if (auto looked = look_at(task, place, cables[task]); !looked)
      problems.push_back(of_task(task, looked.error()));
}

Result<void> TaskPlaces::look_at(TaskId task, Place& place, const Cables& cables) {
  if (auto opened = open_tables(place); !opened) return opened;
  const auto now = netlink::generation(*place.tables);
  if (!now) return now.error();
  if (*now != place.generation) {
    place.generation = 0;
    forget_vips(task);
  }
  return look_at_cables(place, cables);
}

Result<void> TaskPlaces::look_at_cables(const Place& place, const Cables& cables) {
  auto socket = place.space.open_socket(NETLINK_ROUTE);
  if (!socket) return socket.error();
  const auto links = netlink::links(*socket);
  if (!links) return links.error();
  const auto addresses = netlink::addresses(*socket);
  if (!addresses) return addresses.error();
  const auto routes = netlink::routes(*socket);
  if (!routes) return routes.error();
  if (auto up = loopback_up(*socket, *links); !up) return up;
  std::vector<Edit<AttachmentKey, Cable>> broken;
  for (const auto& [key, cable] : cables) {
    const bool link = std::any_of(links->begin(), links->end(), [&c = *cable](const netlink::Link& at) {
      return at.name == c.inside && at.index == inside_index(c) && at.up && at.mac == c.mac.bytes;
    });
    const bool address =
        std::any_of(addresses->begin(), addresses->end(), [&c = *cable](const netlink::LinkAddress& at) {
          return at.index == inside_index(c) && at.address == c.address && at.bits == c.bits;
        });
    if (!link || !address || !has_routes(*cable, *routes)) broken.push_back({key, std::nullopt});
  }
  Problems problems;
  remove_cables(broken, problems);
  if (!problems.empty()) return problems.front();
  return {};
}

}  // namespace swarm::real
