#include "real/l4_relay.hpp"

#include <sys/resource.h>

#include <memory>
#include <thread>
#include <utility>

#include "base/id.hpp"
#include "model/mesh.hpp"
#include "real/mesh/facts.hpp"
#include "real/mesh/rounds.hpp"

namespace swarm::real {
namespace {

// Two per connection: what a shell gives by default is soon used up.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

using Guarded = relay::Facts::Guarded;

class L4Relay::Impl {
 public:
  Impl(Options options, Problems problems) : rounds_(std::move(options), std::move(problems), facts) {
    raise_descriptor_limit();
    thread_ = std::thread([this] { rounds_.run(); });
  }
  ~Impl() {
    facts.tell([](Guarded& known) { known.changes.stopping = true; });
    thread_.join();
  }
  Impl(const Impl&) = delete;

  relay::Facts facts;

 private:
  relay::Rounds rounds_;
  std::thread thread_;
};

L4Relay::L4Relay(Options options, Problems problems)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(problems))) {}
L4Relay::~L4Relay() = default;

void L4Relay::join(ClusterId cluster, NodeId self) {
  impl_->facts.tell([&](Guarded& known) {
    known.self = {cluster, self};
    known.changes.membership = true;
    known.balancer.set_self(self);
  });
}
void L4Relay::leave() {
  impl_->facts.tell([](Guarded& known) {
    known.self = {};
    known.changes.membership = true;
    known.balancer.leave();
  });
}
void L4Relay::set_faults(Faults faults) {
  impl_->facts.tell([&](Guarded& known) {
    known.faults = std::move(faults);
    known.changes.faults = true;
  });
}
void L4Relay::set_table(std::shared_ptr<const model::ForwardingTable> table) {
  impl_->facts.tell([&](Guarded& known) {
    known.changes.removed_nodes |= known.removed_nodes != table->removed_nodes;
    known.removed_nodes = table->removed_nodes;
    known.balancer.set_table(std::move(table));
  });
}
void L4Relay::task_up(const model::MeshTask& task) {
  impl_->facts.tell([&](Guarded& known) { known.balancer.task_up(task); });
}
void L4Relay::task_stopping(TaskId task) {
  impl_->facts.tell([&](Guarded& known) { known.balancer.task_stopping(task); });
}
void L4Relay::task_gone(TaskId task) {
  impl_->facts.tell([&](Guarded& known) { known.balancer.task_gone(task); });
}

}  // namespace swarm::real
