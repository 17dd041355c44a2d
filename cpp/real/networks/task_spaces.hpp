// TaskSpaces: the network namespaces of the tasks that run here in one of their own, for any thread that
// opens a socket in them. A namespace that is found is held until its user lets it go.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "base/id.hpp"
#include "real/netlink/net_space.hpp"

namespace swarm::real {

class TaskSpaces {
 public:
  using Space = std::shared_ptr<const netlink::NetSpace>;

  void set(TaskId task, netlink::NetSpace space) {
    const std::lock_guard hold(mutex_);
    spaces_[task] = std::make_shared<const netlink::NetSpace>(std::move(space));
  }
  void drop(TaskId task) {
    const std::lock_guard hold(mutex_);
    spaces_.erase(task);
  }
  // Null: the task runs in the node's namespace, or not at all.
  Space find(TaskId task) const {
    const std::lock_guard hold(mutex_);
    const auto it = spaces_.find(task);
    return it != spaces_.end() ? it->second : nullptr;
  }

 private:
  mutable std::mutex mutex_;
  std::map<TaskId, Space> spaces_;
};

}  // namespace swarm::real
