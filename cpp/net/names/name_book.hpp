// NameBook: the names of all overlay networks of a node, made of the rows of its feed, and what each of its
// tasks sees of them. net/dns answers out of it.
//
// One table for each network, shared by all tasks on it; a row that changes costs the names of that row. A
// network that is not known yet has no names. NOT here: packets (net/dns), sockets (real/networks).
#pragma once

#include <map>
#include <memory>

#include "base/id.hpp"
#include "model/wire.hpp"
#include "net/dns/names.hpp"
#include "net/dns/network_names.hpp"
#include "net/overlay/feed_table.hpp"

namespace swarm::names {

class NameBook {
 public:
  void on(const overlay::FeedEdits& edits);
  // What the task sees: its networks in the order of its spec. Nothing of a task that is not known.
  dns::Names names_of(TaskId task) const;

 private:
  struct Net {
    std::shared_ptr<dns::NetworkNames> names;
    bool internal = false;
  };
  void set(const wire::OverlayNetwork& network);
  void set(const overlay::RowEdit<wire::OverlayService>& edit);
  void set(const overlay::RowEdit<wire::OverlayTask>& edit);
  void name_anew(const wire::OverlayNetwork& network);
  dns::NetworkNames* find(NetworkId id);

  std::map<NetworkId, Net> networks_;
  std::map<ServiceId, wire::OverlayService> services_;
  std::map<TaskId, wire::OverlayTask> tasks_;
};

}  // namespace swarm::names
