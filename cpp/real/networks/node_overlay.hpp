// NodeOverlay: the overlay networks of this node, made of the parts of the real data plane:
//
//     feed  ->  FeedTable  ->  NameServer (names, in force at once)
//                          ->  OverlayThread: Keeper -> KernelOverlay  ->  OverlayChanged, OverlayProblems
//     a task that starts   ->  OverlayThread: its namespace, its name server's doors  ->  the runner
//     every kRepair        ->  OverlayThread: look, and mend what somebody has broken
//
// The kernel is asked on the overlay's thread alone, and the node's thread never waits for it. The thread
// begins with the first row and ends with the daemon; a node without overlay networks has none.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "net/dns/resolv_conf.hpp"
#include "net/overlay/feed_table.hpp"
#include "net/overlay/rows.hpp"
#include "ports/overlay.hpp"
#include "ports/ports.hpp"
#include "real/http/reactor.hpp"
#include "real/networks/name_server.hpp"
#include "real/networks/task_spaces.hpp"
#include "real/overlay/overlay_thread.hpp"
#include "real/runner/task_networks.hpp"

namespace swarm::real {

class NodeOverlay final : public ports::Overlay, public TaskNetworks {
 public:
  static constexpr Duration kRepair = Duration::millis(500);
  // How long a task's start waits for its networks.
  static constexpr Duration kPatience = Duration::seconds(60);
  using Emit = std::function<void(ports::Event)>;

  NodeOverlay(Reactor& reactor, std::uint64_t seed, Emit emit, Duration patience = kPatience);
  ~NodeOverlay() override;

  // ---- the node
  void join(NodeId self) override;
  void leave() override;
  void change(std::uint64_t number, const wire::OverlayChange& change) override;

  // ---- the runner
  void open(const ports::Launch& launch, Ready ready) override;
  void close(TaskId task) override;

  const TaskSpaces& spaces() const { return spaces_; }

 private:
  struct Plane;   // what the overlay's thread works on
  struct Opened;  // a task's namespace, with its name server's doors
  struct Start {
    dns::TaskResolver resolver;
    Ready ready;
    Instant until;
    std::string why;  // it is not there yet
    bool asked = false;
  };

  using Numbers = std::vector<std::uint64_t>;
  struct Gathered {
    std::vector<overlay::TableChange> rows;
    Numbers numbers;
  };

  void begin();
  void on_failed(const std::string& why);
  void take(const overlay::FeedEdits& edits, std::uint64_t number);
  void repair();
  void give_to_kernel();
  void on_done(const Numbers& numbers, std::vector<std::string> problems);
  void tell(std::vector<std::string> problems);
  void try_starts();
  void try_start(TaskId task, Start& start);
  void on_opened(TaskId task, const std::shared_ptr<Opened>& opened);
  void give_up();
  dns::TaskResolver resolver_of(const ports::Launch& launch) const;
  // Runs on this thread, if this object is still there.
  void come_back(std::function<void()> work) const;

  Reactor& reactor_;
  Emit emit_;
  std::uint64_t seed_;
  Duration patience_;
  NodeId self_;
  std::uint64_t life_ = 0;  // as a member of a swarm: what an earlier one asked for is no news to this one
  overlay::FeedTable rows_;
  std::shared_ptr<Plane> plane_;
  std::unique_ptr<NameServer> names_;
  std::unique_ptr<OverlayThread> thread_;
  TaskSpaces spaces_;
  std::set<std::uint64_t> under_way_;  // changes that the kernel does not have yet
  std::map<TaskId, Start> starts_;
  std::vector<std::string> told_;
  std::string cannot_begin_;
  bool repairing_ = false;
  bool busy_ = false;  // the kernel has rows to carry out
  Gathered gathered_;  // those that came since
  Timer timer_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace swarm::real
