// Feed: what was sent to the node of one session, and what is still to be sent (wire::FeedUpdate).
//
// A session begins with the complete feed, in pieces. After that each key that changes for the node is noted,
// and goes out with the next update. At most kWindow updates are on their way; what changes meanwhile is
// gathered, so that a slow node gets fewer updates, each with the newest value of its items. When an update
// gets lost, the feed sends again what was not acknowledged. A change costs work for the nodes that it
// concerns and for nothing else (unlike swarmkit's dispatcher/assignments.go, where each stream looks at
// every event).
//
// FeedSource: what a node must know, from a manager's applied store alone. It needs nothing that only the
// leader has: any manager with a FeedSource can serve nodes.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <vector>

#include "dispatcher/mesh_directory.hpp"
#include "dispatcher/overlay_directory.hpp"
#include "model/wire.hpp"
#include "store/store.hpp"

namespace swarm::dispatcher {

inline constexpr std::size_t kWindow = 4;         // updates on their way
inline constexpr std::size_t kPiece = 200;        // keys of an update
inline constexpr std::size_t kMaxNoted = 10'000;  // beyond this the complete feed is cheaper

// Returns true if the task belongs in its node's feed. So do tasks that have ended: until the reaper deletes
// them, the agent keeps their containers and logs.
bool is_for_agent(const model::Task& task);

class FeedSource {
 public:
  FeedSource(const store::Store& store, const MeshDirectory& mesh, const OverlayDirectory& overlay)
      : store_(store), mesh_(mesh), overlay_(overlay) {}
  // Nothing if there is no such item, or if it does not concern the node.
  std::optional<wire::FeedItem> find(NodeId node, const wire::FeedKey& key) const;
  // Returns the node's first key after `key`; without `key`, its first of all.
  std::optional<wire::FeedKey> after(NodeId node, const std::optional<wire::FeedKey>& key) const;
  std::uint64_t version() const { return store_.version(); }
  // Returns true if the node's build knows items of this kind.
  bool is_understood(NodeId node, wire::FeedKind kind) const;

 private:
  // Its first key of the kind, or the first behind `id`.
  std::optional<wire::FeedKey> next(NodeId node, wire::FeedKind kind, std::optional<Uint128> id) const;

  const store::Store& store_;
  const MeshDirectory& mesh_;
  const OverlayDirectory& overlay_;
};

class Feed {
 public:
  // The node starts from nothing. Numbers go on: an old acknowledgement must not pass for a new one.
  void start_over();
  // Notes an item that is new for the node, has changed, or is gone.
  void note(const wire::FeedKey& key);
  void on_ack(const wire::FeedAck& ack, Instant now);
  // Returns true if the node has all that was noted of this item, and says so.
  bool has_told(const wire::FeedKey& key) const;

  // Returns the next update if one is due; call it until there is none. The caller fills in the session's
  // number.
  std::optional<wire::FeedUpdate> next(const FeedSource& source, NodeId node, Instant now);
  // When an acknowledgement is overdue.
  Instant next_deadline() const { return deadline_; }

 private:
  // The complete feed while it is being sent, in the order of keys: those after `passed` are still to be
  // sent.
  struct Pass {
    std::optional<wire::FeedKey> passed;
  };
  struct Sent {
    std::uint64_t number = 0;
    std::optional<Pass> pass;  // before this update, if it is a piece of the complete feed
    std::vector<wire::FeedKey> keys;
  };
  void tell_again();
  void arm(Instant now);
  void add_piece(const FeedSource& source, NodeId node, Pass& pass, wire::FeedUpdate& update);
  void add_noted(const FeedSource& source, NodeId node, wire::FeedUpdate& update, Sent& sent);

  std::uint64_t number_ = 0;  // of the last update
  std::uint64_t acknowledged_ = 0;
  std::optional<Pass> pass_ = Pass{};      // while there are pieces left to send
  std::optional<wire::FeedKey> furthest_;  // the last key that a piece of this complete feed has reached
  std::set<wire::FeedKey> noted_;
  std::deque<Sent> on_their_way_;
  Instant deadline_ = Instant::never();  // never: nothing is on its way
  std::int64_t timeouts_ = 0;            // in a row
};

}  // namespace swarm::dispatcher
