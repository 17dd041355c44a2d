// Overlay: the data plane of overlay networks of one node: tasks' network namespaces, tunnels to other nodes,
// names. Real: the kernel, on a thread of its own. Simulated: the desired network, asked who answers.
//
// The node passes what its feed says, and hears OverlayChanged once that is carried out: from then on no new
// connection from a task of this node goes where the tables do not lead any more.
#pragma once

#include <cstdint>

#include "base/id.hpp"
#include "model/wire.hpp"

namespace swarm::ports {

class Overlay {
 public:
  virtual ~Overlay() = default;
  // This node is a member now, by this id. / It is none any more: all networks go.
  virtual void join(NodeId self) = 0;
  virtual void leave() = 0;
  virtual void change(std::uint64_t number, const wire::OverlayChange& change) = 0;
};

}  // namespace swarm::ports
