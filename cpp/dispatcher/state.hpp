// The dispatcher's inside, shared by sessions.cpp (what agents say) and dispatcher.cpp (the leader's loop).
//
// Invariants (checked where they could break): `links` holds the link of each session and no other;
// `deadlines` holds the earliest deadline of each peer that has one; a step or a report is in flight only
// while the loop's transaction is.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dispatcher/dispatcher.hpp"
#include "dispatcher/farewells.hpp"
#include "dispatcher/feed.hpp"
#include "dispatcher/mesh_directory.hpp"
#include "dispatcher/overlay_directory.hpp"

namespace swarm::dispatcher {

// swarmkit manager/dispatcher: defaultGracePeriodMultiplier, and twice that after a change of leader.
inline constexpr std::int64_t kGrace = 3;
inline constexpr std::int64_t kGraceUnknown = 6;
// A leader that looks later than this at what is due stood still itself.
inline constexpr Duration kOnTime = Duration::millis(5);

// How often a node may register: each time costs it a complete feed, and may cost the log an entry.
class RegisterRate {
 public:
  // Returns true if it may now; that is counted.
  bool take(Instant now);

 private:
  static constexpr std::int64_t kAtOnce = 40, kPerSecond = 4;
  std::int64_t taken_ = 0;
  Instant since_;
};

// What the leader keeps for one node.
struct Peer {
  std::uint64_t session = 0;  // 0: none
  std::uint64_t proof = 0;    // the session that it named when it began this one
  PeerLink link = 0;
  Instant heard;  // the node's last word in this session
  RegisterRate rate;
  bool fresh = false;       // only Register came: a second one gets the same session
  bool told_ready = false;  // in this session
  bool last_call = false;   // it is late, and so was the leader: it is waited for a little longer, once
  Instant turns_until;      // its role changes: it will close its link and open another
  Feed feed;
  Instant expires = Instant::never();   // it is judged DOWN then
  Instant gives_up = Instant::never();  // DOWN: its tasks are orphaned then
  Instant armed = Instant::never();     // its entry in `deadlines`

  Instant next_deadline() const {
    const Instant ack = session != 0 ? feed.next_deadline() : Instant::never();
    return std::min(ack, std::min(expires, gives_up));
  }
};

// Returns true if the step would change the node.
bool changes(const model::NodeStep& step, const model::Node& node);

struct Report {
  NodeId node;
  wire::TaskReport message;
};

struct Dispatcher::State {
  State(Rng seed, Duration heartbeat_period) : rng(seed), period(heartbeat_period) {}

  Rng rng;
  Duration period;
  std::vector<wire::ManagerPeer> managers;
  bool managers_changed = false;  // and not sent yet
  MeshDirectory mesh;
  OverlayDirectory overlay;
  Farewells farewells;
  std::map<NodeId, Peer> peers;  // every node of the store
  std::map<PeerLink, NodeId> links;
  std::set<std::pair<Instant, NodeId>> deadlines;  // the earliest of each peer
  std::vector<Send> sends;

  std::map<NodeId, model::NodeStep> wanted, wanted_in_flight;
  std::deque<Report> reports, reports_in_flight;
  std::set<NodeId> orphaning;               // given up: their tasks are being orphaned
  std::map<NodeId, model::TlsInfo> unsaid;  // what the cluster's feature level has no room for yet

  // ---- sessions
  void on(const store::Store& store, PeerLink link, NodeId node, const std::string& addr,
          const wire::Register& message, Instant now);
  void on(const store::Store& store, PeerLink link, NodeId node, const wire::Heartbeat& message, Instant now);
  void on(const store::Store& store, PeerLink link, NodeId node, const wire::FeedAck& message, Instant now);
  void on(const store::Store& store, PeerLink link, NodeId node, const wire::TaskReport& message,
          Instant now);
  // Returns the peer if that is its session; else sends a refusal and returns null.
  Peer* in_session(const store::Store& store, PeerLink link, NodeId node, std::uint64_t session, Instant now);
  void refuse(const store::Store& store, PeerLink link, NodeId node, std::uint64_t session,
              const std::string& reason, bool remarkable = false);
  // Returns why the node gets no session; "" if it gets one.
  std::string objection(const store::Store& store, PeerLink link, const Peer& peer, const std::string& addr,
                        const wire::Register& message, Instant now) const;
  void tell_unsaid(const store::Store& store);
  void want_ready(const store::Store& store, NodeId node, const std::string& addr,
                  model::NodeDescription description);
  void send_session(const store::Store& store, NodeId node, Peer& peer);
  void tell_if_ready(const store::Store& store, NodeId node);
  void begin_session(Peer& peer, PeerLink link, NodeId node);  // the peer has none
  void end_session(Peer& peer);
  // Sends the updates of the node's feed that are due, and sets the peer's deadline.
  void attend(const store::Store& store, NodeId node, Peer& peer, Instant now);
  void rearm(NodeId node, Peer& peer);

  // ---- node states
  bool is_settled(NodeId node) const { return !wanted.contains(node) && !wanted_in_flight.contains(node); }
  model::NodeStatus status_of(const store::Store& store, NodeId node) const;  // as it will be
  void want_status(const store::Store& store, NodeId node, model::NodeState state,
                   const std::string& message);
  void expire(const store::Store& store, NodeId node, Peer& peer, Instant now);
  void forgive_if_slept(Instant now);
  bool waits_once_more(Peer& peer, Instant now) const;
  void run_deadlines(const store::Store& store, Instant now);

  // ---- the store's changes
  void note(const store::Store& store, const store::Change<model::Node>& change, Instant now);
  void note(const store::Store& store, const store::Change<model::Task>& change, std::set<NodeId>& touched,
            Instant now);
  bool begin_farewell(const store::Store& store, const store::Change<model::Task>& change, Instant now);
  FeedSource source(const store::Store& store) const { return {store, mesh, overlay}; }
  // Returns the node's peer if it is in session.
  Peer* in_session(NodeId node);
  void note_overlay(const store::Store& store, std::set<NodeId>& touched);
  // Tells the task's node what it waited with.
  void tell_stop(const store::Store& store, TaskId task, Instant now);
  void hear_farewells(const store::Store& store, NodeId node, Instant now);
  void note_for_all(const store::Store& store, const std::set<wire::FeedKey>& keys,
                    std::set<NodeId>& touched);
  void note(const store::Store& store, const store::Change<model::Cluster>& change, Instant now);

  // ---- the next transaction
  void plan_nodes(const store::Store& store, model::Transaction& transaction);
  void plan_orphans(const store::Store& store, model::Transaction& transaction, WallTime wall);
  void plan_reports(const store::Store& store, model::Transaction& transaction);
  void acknowledge();
};

}  // namespace swarm::dispatcher
