#include "real/networks/node_overlay.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "model/container_spec.hpp"
#include "model/wire.hpp"
#include "net/dns/resolv_conf.hpp"
#include "net/overlay/feed_table.hpp"
#include "net/overlay/keeper.hpp"
#include "ports/ports.hpp"
#include "ports/runner.hpp"
#include "real/files.hpp"
#include "real/http/reactor.hpp"
#include "real/netlink/net_space.hpp"
#include "real/networks/dns_sockets.hpp"
#include "real/networks/name_server.hpp"
#include "real/overlay/kernel_overlay.hpp"
#include "real/overlay/overlay_thread.hpp"
#include "real/overlay/switchboard.hpp"
#include "real/runner/task_networks.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {
namespace {

constexpr const char* kResolvConf = "/etc/resolv.conf";

std::vector<std::string> sentences(const Problems& problems) {
  std::vector<std::string> out;
  for (const Error& problem : problems) out.push_back(problem.message);
  std::ranges::sort(out);
  out.erase(std::ranges::unique(out).begin(), out.end());
  return out;
}

dns::DnsConfig own_dns(const model::ContainerSpec& spec) {
  dns::DnsConfig own;
  if (!spec.dns_config) return own;
  for (const std::string& word : spec.dns_config->nameservers)
    if (const auto address = Address::parse(word, kDnsPort)) own.nameservers.push_back(*address);
  own.search = spec.dns_config->search;
  own.options = spec.dns_config->options;
  return own;
}

}  // namespace

struct NodeOverlay::Plane {
  overlay::Keeper keeper;
};

struct NodeOverlay::Opened {
  Result<void> result;
  netlink::NetSpace space;
  NameServer::Doors doors;
};

NodeOverlay::NodeOverlay(Reactor& reactor, std::uint64_t seed, Emit emit, Duration patience)
    : reactor_(reactor),
      emit_(std::move(emit)),
      seed_(seed),
      patience_(patience),
      plane_(std::make_shared<Plane>()),
      timer_(reactor) {}

NodeOverlay::~NodeOverlay() = default;

void NodeOverlay::come_back(std::function<void()> work) const {
  reactor_.post([alive = std::weak_ptr(alive_), work = std::move(work)] {
    if (!alive.expired()) work();
  });
}

// ---- the node

// With the first row: a node without overlay networks has no thread for them.
void NodeOverlay::begin() {
  if (thread_ != nullptr) return;
  thread_ = OverlayThread::begin({}, [this, alive = std::weak_ptr(alive_)](const Error& error) {
    reactor_.post([this, alive, why = error.message] {
      if (!alive.expired()) on_failed(why);
    });
  });
  if (names_ == nullptr) names_ = std::make_unique<NameServer>(seed_);
  thread_->post([plane = plane_, self = self_](KernelOverlay&) { plane->keeper.set_self(self); });
  timer_.after(kRepair, [this] { repair(); });
  take(rows_.start_over(), 0);
}

// The next row tries again. What was asked for meanwhile is as carried out as it can be: the node says that
// it has no overlay networks, and its tasks on them fail.
void NodeOverlay::on_failed(const std::string& why) {
  cannot_begin_ = "overlay networks cannot be made here: " + why;
  thread_.reset();
  names_.reset();
  plane_ = std::make_shared<Plane>();
  repairing_ = busy_ = false;
  gathered_ = {};
  timer_.cancel();
  for (const std::uint64_t number : std::exchange(under_way_, {})) emit_(ports::OverlayChanged{number});
  tell({cannot_begin_});
  give_up();
}

void NodeOverlay::join(NodeId self) {
  self_ = self;
  if (thread_ != nullptr)
    thread_->post([plane = plane_, self](KernelOverlay&) { plane->keeper.set_self(self); });
}

void NodeOverlay::leave() {
  take(rows_.leave(), 0);
  under_way_.clear();
  ++life_;
}

void NodeOverlay::change(std::uint64_t number, const wire::OverlayChange& change) {
  const bool begins = thread_ == nullptr;
  const auto edits = rows_.on(change);
  begin();
  under_way_.insert(number);
  take(begins ? overlay::FeedEdits{} : edits, number);
}

// While the kernel has something to do, what comes is gathered: the thread then carries out all of it as one
// difference, and a burst of tasks costs one round for each part of what the kernel has not made yet.
void NodeOverlay::take(const overlay::FeedEdits& edits, std::uint64_t number) {
  if (thread_ == nullptr) return;
  names_->change(edits);
  gathered_.rows.push_back(rows_.table_change(edits));
  gathered_.numbers.push_back(number);
  if (!busy_) give_to_kernel();
}

void NodeOverlay::give_to_kernel() {
  busy_ = true;
  thread_->post([this, alive = std::weak_ptr(alive_), plane = plane_, life = life_,
                 all = std::exchange(gathered_, {})](KernelOverlay& kernel) {
    for (const auto& rows : all.rows) plane->keeper.on(rows);
    auto problems = sentences(kernel.apply(plane->keeper.take_difference()));
    reactor_.post([this, alive, life, numbers = all.numbers, problems = std::move(problems)] {
      if (!alive.expired()) on_done(life == life_ ? numbers : Numbers{}, problems);
    });
  });
}

void NodeOverlay::on_done(const Numbers& numbers, std::vector<std::string> problems) {
  busy_ = false;
  for (const std::uint64_t number : numbers)
    if (under_way_.erase(number) == 1) emit_(ports::OverlayChanged{number});
  if (!problems.empty()) tell(std::move(problems));  // the next repair says whether they have gone
  try_starts();
  if (!gathered_.rows.empty()) give_to_kernel();
}

void NodeOverlay::repair() {
  timer_.after(kRepair, [this] { repair(); });
  give_up();
  if (std::exchange(repairing_, true)) return;  // the last one still waits for the kernel
  thread_->post([this, alive = std::weak_ptr(alive_), plane = plane_](KernelOverlay& kernel) {
    auto problems = sentences(kernel.repair(plane->keeper.desired()));
    reactor_.post([this, alive, problems = std::move(problems)] {
      if (alive.expired()) return;
      repairing_ = false;
      tell(problems);
      try_starts();
    });
  });
}

void NodeOverlay::tell(std::vector<std::string> problems) {
  if (problems == told_) return;
  told_ = problems;
  emit_(ports::OverlayProblems{std::move(problems)});
}

// ---- the runner

// What the service says about DNS, else what this machine has.
dns::TaskResolver NodeOverlay::resolver_of(const ports::Launch& launch) const {
  const auto text = read_file(kResolvConf);
  auto resolver = dns::task_resolver(dns::parse_resolv_conf(text ? *text : std::string()),
                                     own_dns(*launch.container), kResolvConf);
  bool has_external = false;
  if (const wire::OverlayTask* task = rows_.task(launch.task))
    for (const auto& place : task->places) {
      const auto* network = rows_.network(place.network);
      has_external |= network != nullptr && !network->internal;
    }
  resolver.upstreams = dns::allowed(std::move(resolver.upstreams), has_external);
  return resolver;
}

void NodeOverlay::open(const ports::Launch& launch, Ready ready) {
  Start& start = starts_[launch.task];
  start = {resolver_of(launch), std::move(ready), steady_now() + patience_, "their turn has not come yet",
           false};
  begin();
  try_start(launch.task, start);
}

void NodeOverlay::close(TaskId task) {
  starts_.erase(task);
  spaces_.drop(task);
  if (names_ != nullptr) names_->task_gone(task);
}

void NodeOverlay::try_starts() {
  if (thread_ == nullptr) return;
  for (auto& [task, start] : starts_) try_start(task, start);
}

void NodeOverlay::try_start(TaskId task, Start& start) {
  if (std::exchange(start.asked, true)) return;
  thread_->post([this, alive = std::weak_ptr(alive_), task](KernelOverlay& kernel) {
    auto opened = std::make_shared<Opened>();
    auto space = kernel.space_of(task);
    if (space) {
      auto doors = NameServer::open_doors(*space);
      if (doors) opened->doors = std::move(*doors);
      if (!doors) opened->result = doors.error();
      opened->space = std::move(*space);
    } else {
      opened->result = space.error();
    }
    reactor_.post([this, alive, task, opened] {
      if (!alive.expired()) on_opened(task, opened);
    });
  });
}

void NodeOverlay::on_opened(TaskId task, const std::shared_ptr<Opened>& opened) {
  const auto it = starts_.find(task);
  if (it == starts_.end()) return;
  it->second.asked = false;
  if (!opened->result) {
    it->second.why = opened->result.error().message;
    return;
  }
  auto for_names = opened->space.share(), for_relay = opened->space.share(),
       for_process = opened->space.share();
  if (!for_names || !for_relay || !for_process) return;
  Start start = std::move(starts_.extract(it).mapped());
  TaskNetwork network{Fd(for_process->release()), start.resolver.resolv_conf};
  names_->task_up(task, std::move(opened->doors), std::move(start.resolver), std::move(*for_names));
  spaces_.set(task, std::move(*for_relay));
  start.ready(std::move(network));
}

// Tasks that have waited long enough fail, with what is missing.
void NodeOverlay::give_up() {
  const Instant now = steady_now();
  for (auto it = starts_.begin(); it != starts_.end();) {
    if (thread_ != nullptr && it->second.until > now) {
      ++it;
      continue;
    }
    const std::string why =
        thread_ == nullptr ? cannot_begin_ : "its networks are not there: " + it->second.why;
    come_back([ready = std::move(it->second.ready), why] { ready(plain_error(Code::unavailable, why)); });
    it = starts_.erase(it);
  }
}

}  // namespace swarm::real
