// KernelOverlay: makes the kernel equal to the desired network of net/overlay, and keeps it so.
//
// Three kinds of network namespaces: the node's (whose addresses carry VXLAN's frames), the switch (bridges
// and VXLAN devices of all networks) and one for each task. All are held by descriptors: nothing has a name
// in the file system, and of a killed daemon nothing stays but what the kernel has not ended yet.
//
// made() is what is believed to be in the kernel, wanted_ what is to be. apply() carries out edits; what
// failed stays out of made(). repair() looks, corrects made() by what it sees, removes links that carry this
// owner's mark and have no place, and carries out what then differs: so it also tries again what failed.
//
// An encrypted network is refused, never carried in the clear. Calls block for milliseconds: they are for a
// thread of their own (overlay_thread). NOT here: when to repair, what is desired, processes.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <set>

#include "base/id.hpp"
#include "base/result.hpp"
#include "net/overlay/desired.hpp"
#include "real/netlink/net_space.hpp"
#include "real/overlay/node_side.hpp"
#include "real/overlay/switchboard.hpp"
#include "real/overlay/task_places.hpp"

namespace swarm::real {

class KernelOverlay {
 public:
  struct Options {
    netlink::NetSpace node;          // not valid: the calling thread's
    netlink::NetSpace switch_space;  // not valid: one is made. Our links that are in it already are removed.
    std::size_t warm = 4;            // namespaces that wait for tasks
  };
  static Result<std::unique_ptr<KernelOverlay>> open(Options options);
  KernelOverlay(const KernelOverlay&) = delete;
  KernelOverlay& operator=(const KernelOverlay&) = delete;
  ~KernelOverlay();  // takes all of it away

  Problems apply(const overlay::Difference& edits);
  Problems repair(const overlay::DesiredNetwork& whole);
  void idle();  // what is done when there is nothing else to do

  // The task's namespace, once all of its cables are there; else a sentence that says what is missing. A
  // process enters it by netlink::enter before it executes its program.
  Result<netlink::NetSpace> space_of(TaskId task) const;
  const overlay::DesiredNetwork& made() const { return *made_; }
  const netlink::NetSpace& switch_space() const { return switchboard_.space(); }

 private:
  KernelOverlay(std::unique_ptr<overlay::DesiredNetwork> made, Switchboard switchboard, NodeSide node_side,
                std::size_t warm);
  void note_cables(const overlay::Difference& edits);
  void count_peers(const overlay::Difference& edits);
  void set_peers(Problems& problems);
  bool replaces_a_segment(const overlay::Difference& edits) const;
  void carry_out(const overlay::Difference& edits, Problems& problems);

  std::unique_ptr<overlay::DesiredNetwork> made_;  // its place in memory stays: both parts note in it
  overlay::DesiredNetwork wanted_;
  std::map<TaskId, std::set<overlay::AttachmentKey>> cables_of_;  // those of wanted_
  std::map<Address, std::size_t> peers_;                          // nodes of wanted stations, and of how many
  Switchboard switchboard_;
  NodeSide node_side_;
  TaskPlaces places_;
};

}  // namespace swarm::real
