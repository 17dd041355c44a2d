// Facts: what the node's thread passes to the relay's thread, under one mutex, and the balancer that decides
// by it. A fact is in force when tell() returns; the relay's thread is woken to carry out what follows.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <mutex>
#include <utility>

#include "net/mesh/balancer.hpp"
#include "real/l4_relay.hpp"
#include "real/mesh/link.hpp"

namespace swarm::real::relay {

class Facts {
 public:
  // What changed since the relay asked last.
  struct Changes {
    bool stopping = false, membership = false, faults = false, removed_nodes = false;
  };
  // What is guarded: touched by either thread, with the mutex held.
  struct Guarded {
    mesh::Balancer balancer;
    Greeting self;  // this node; empty: it is in no cluster
    L4Relay::Faults faults;
    RemovedNodes removed_nodes = std::make_shared<std::set<NodeId>>();
    Changes changes;
  };

  Facts() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  // ---- the node's thread
  template <class Fact>
  void tell(Fact&& fact) {
    with(std::forward<Fact>(fact));
    const std::uint64_t one = 1;
    (void)!::write(wake_.get(), &one, sizeof one);
  }

  // ---- the relay's thread
  template <class Work>
  auto with(Work&& work) {
    const std::lock_guard hold(mutex_);
    return work(guarded_);
  }
  int wake_fd() const { return wake_.get(); }
  void woken() {
    std::uint64_t number = 0;
    (void)!::read(wake_.get(), &number, sizeof number);
  }

 private:
  Fd wake_;
  std::mutex mutex_;
  Guarded guarded_;
};

}  // namespace swarm::real::relay
