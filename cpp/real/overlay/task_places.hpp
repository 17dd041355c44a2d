// TaskPlaces: the network namespaces of this node's tasks: their interfaces, addresses and routes, and their
// VIPs.
//
// A namespace is held by a descriptor here, and by the task's processes once they are in it. Each call notes
// in `made` what is there now. A VIP's table is known by the generation of its namespace's nf_tables: if that
// is not what it was after our last change, somebody else has changed something, and the table is made anew
// as a whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "net/overlay/desired.hpp"
#include "real/netlink/net_space.hpp"
#include "real/netlink/socket.hpp"
#include "real/overlay/switchboard.hpp"

namespace swarm::real {

class TaskPlaces {
 public:
  TaskPlaces(Switchboard& switchboard, overlay::DesiredNetwork& made, std::size_t warm)
      : switchboard_(&switchboard), made_(&made), pool_(warm) {}

  void edit_spaces(const std::vector<overlay::Edit<TaskId, overlay::TaskSpace>>& edits, Problems& problems);
  // Cables that go, or are to be others.
  void remove_cables(const std::vector<overlay::Edit<overlay::AttachmentKey, overlay::Cable>>& edits,
                     Problems& problems);
  void make_cables(const std::vector<overlay::Edit<overlay::AttachmentKey, overlay::Cable>>& edits,
                   Problems& problems);
  void edit_vips(const std::vector<overlay::Edit<overlay::VipKey, overlay::VipMap>>& edits,
                 Problems& problems);

  // Looks, and lets `made` forget what is not there as it was made.
  void look(Problems& problems);
  Result<void> keep_warm() { return pool_.refill(); }
  // Flows of UDP to backends that have left a VIP. Looking for them costs a walk over the kernel's table:
  // when nothing else is to be done.
  void forget_flows(Problems& problems);
  void remove_all();
  const netlink::NetSpace* find(TaskId task) const;

 private:
  struct Place {
    netlink::NetSpace space;
    std::unique_ptr<netlink::Socket> tables;  // nf_tables, once they were needed
    std::uint32_t generation = 0;             // of its nf_tables; 0: no table of ours that we know
  };
  using VipEdits = std::vector<const overlay::Edit<overlay::VipKey, overlay::VipMap>*>;

  Result<void> make_cable(const overlay::AttachmentKey& key, const overlay::Cable& cable);
  Result<void> set_up_inside(netlink::Socket& socket, const overlay::Cable& cable, int index);
  Result<void> open_tables(Place& place);
  Result<void> edit_vips_of(TaskId task, Place& place, const VipEdits& edits);
  Result<void> change_table(TaskId task, Place& place, const VipEdits& edits, netlink::Socket& socket);
  using Cables = std::vector<std::pair<overlay::AttachmentKey, const overlay::Cable*>>;
  Result<void> look_at(TaskId task, Place& place, const Cables& cables);
  Result<void> look_at_cables(const Place& place, const Cables& cables);
  void note_gone(const overlay::Edit<overlay::VipKey, overlay::VipMap>& edit);
  void forget_vips(TaskId task);

  Switchboard* switchboard_;
  overlay::DesiredNetwork* made_;
  netlink::Pool pool_;
  std::map<TaskId, Place> places_;
  std::set<std::pair<overlay::VipKey, Address>> gone_;  // backends whose flows are to be forgotten
};

}  // namespace swarm::real
