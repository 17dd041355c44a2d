// Links: the links of this node to others, by number and by address, and what a fault does to them.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "real/mesh/link.hpp"
#include "real/mesh/poller.hpp"

namespace swarm::real::relay {

class Links {
 public:
  // By the address of the other node; empty: no faults.
  using FaultOf = std::function<LinkFault(const Address& node)>;
  Links(Poller& poller, const Address& own, StreamMaker maker, std::uint64_t seed)
      : poller_(poller), own_(own), maker_(std::move(maker)), chance_(seed) {}

  void set_self(const Greeting& self) { self_ = self; }
  void set_faults(FaultOf fault_of);
  // Returns the links that nodes have which were removed now: they are to be lost.
  std::vector<LinkId> set_removed_nodes(RemovedNodes removed);

  Link* find(LinkId id);
  std::vector<LinkId> all() const;
  // The link to a node, dialled if there is none; null when that failed at once.
  Link* to(const Address& node);
  // Adds a link from another node, which must introduce itself by `patience_ends`.
  void add_stranger(Fd fd, const Address& from, Instant patience_ends);
  // Tell its connections first (Conn::on_link_lost).
  void erase(LinkId id);
  void clear();

  // Takes the links with something to send, each once. They stay `listed` until the caller has flushed them.
  void take_speaking(std::vector<LinkId>& into) { into.swap(speaking_); }
  bool any_speaking() const { return !speaking_.empty(); }
  // Takes the links that did not introduce themselves in time.
  std::vector<LinkId> take_late_strangers(Instant now);
  // Takes the oldest of those, where too many wait.
  std::vector<LinkId> take_surplus_strangers();
  // Lists as speaking the links with bytes that a fault held back and that may go now.
  void wake_delayed(Instant now);
  Instant next_due() const;

 private:
  Link& add(Fd fd, const Address& remote, Side side);

  Poller& poller_;
  Address own_;
  StreamMaker maker_;
  Rng chance_;
  Greeting self_;
  FaultOf fault_of_;
  RemovedNodes removed_nodes_ = std::make_shared<std::set<NodeId>>();
  std::map<LinkId, std::unique_ptr<Link>> links_;
  std::map<Address, LinkId> by_node_;
  std::vector<LinkId> speaking_;
  std::deque<std::pair<Instant, LinkId>> strangers_;  // in the order of time
  LinkId last_ = 0;
};

}  // namespace swarm::real::relay
