// Mesh: the packet path of one node: published ports at the node's own address, streams to and from other
// nodes, and the bytes. Real: an epoll relay on a thread of its own. Simulated: whole requests in virtual
// time.
//
// Both run the same balancer (net/mesh/balancer.hpp), which decides which task gets a connection; the node
// only passes facts. Bytes and single connections never reach the node.
#pragma once

#include <memory>

#include "model/mesh.hpp"

namespace swarm::ports {

class Mesh {
 public:
  virtual ~Mesh() = default;
  // This node is a member now: listens for other nodes at its data port. / It is none any more.
  virtual void join(ClusterId cluster, NodeId self) = 0;
  virtual void leave() = 0;
  virtual void set_table(std::shared_ptr<const model::ForwardingTable> table) = 0;
  virtual void task_up(const model::MeshTask& task) = 0;
  // The task is about to stop. When this returns, no new connection can reach it any more, from no node;
  // those that it has go on until it ends.
  virtual void task_stopping(TaskId task) = 0;
  virtual void task_gone(TaskId task) = 0;
};

}  // namespace swarm::ports
