// Dispatcher: the leader's side of every agent. Sessions, heartbeats as deadlines, a feed for each node (what
// it must know), status reports gathered into transactions.
//
// Leader only; made at election, destroyed at step-down. A change costs work for the nodes that it touches
// only. NOT here: which messages are allowed (node/permissions), where frames travel (node/links).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "model/principal.hpp"
#include "model/wire.hpp"
#include "store/leader_loop.hpp"

namespace swarm::dispatcher {

using PeerLink = std::uint64_t;  // the node's LinkId

// What the dispatcher wants sent. The order matters per link.
struct Send {
  PeerLink link = 0;
  wire::Message message;
};

class Dispatcher final : public store::LeaderLoop {
 public:
  Dispatcher(Rng rng, Duration heartbeat_period);
  ~Dispatcher() override;

  // ---- from agents. A session belongs to the node of the principal and to its link: a message that names
  // another one is refused. `addr`: the address that the link comes from.
  void on_message(const store::Store& store, PeerLink link, const model::Principal& who,
                  const std::string& addr, const wire::Message& message, Instant now);
  // A closed link is a hint: the node is DISCONNECTED at once; its heartbeat deadline still decides DOWN.
  // When the agent does not come back within one heartbeat period after the close, it is judged DOWN (a dead
  // process closes its sockets; a live agent reconnects at once). A node that changes its role closes its
  // links by itself, and is not called DISCONNECTED for it.
  void on_link_closed(const store::Store& store, PeerLink link, Instant now);
  // The leader stood still until now: what the nodes said meanwhile may still wait in its queue.
  void on_late_turn(Instant now);
  // The managers that agents may connect to; sent in Session when the list changes.
  void set_managers(std::vector<wire::ManagerPeer> managers);
  // Tells those of the nodes that are in session, again, what they are to be and to have.
  void tell_facts(const store::Store& store, const std::vector<NodeId>& nodes);

  // ---- LeaderLoop: node states (READY, DOWN, UNKNOWN, DISCONNECTED, ORPHANED tasks) and status batches
  const char* name() const override { return "dispatcher"; }
  void start(const store::Store& store, Instant now, WallTime wall) override;
  void observe(const store::Store& store, const store::ChangeSet& changes, Instant now) override;
  std::optional<model::Transaction> plan(const store::Store& store, Instant now, WallTime wall) override;
  void settled(const store::Store& store, const model::Outcome& outcome, Instant now) override;
  Instant next_deadline() const override;
  void reseed(Rng rng) override;

  // Frames to send since the last call.
  std::vector<Send> take_sends();
  // The link of the node's present session, where there is one (log subscriptions travel on it).
  std::optional<PeerLink> link_of(NodeId node) const;
  // Returns true if no change of the node's state or description is wanted or under way.
  bool is_settled(NodeId node) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace swarm::dispatcher
