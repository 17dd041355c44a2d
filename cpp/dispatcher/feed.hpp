// Feed: how far one session's node has been told, and what it must still be told (wire::FeedUpdate).
//
// A session begins with the complete feed, in pieces. After that each key that changes for the node is noted,
// and goes out with the next update. At most kWindow updates are on their way; what changes meanwhile is
// gathered, so that a slow node hears less often, and of each item only what is true by then. Where an update
// gets lost, what has not been acknowledged is told again. A change costs work for the nodes that it concerns
// and for nothing else (unlike swarmkit's dispatcher/assignments.go, where each stream looks at every event).
//
// FeedSource: what a node must know, out of a manager's applied store alone. Nothing of it is the leader's
// own: any manager that has one can serve nodes.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <vector>

#include "dispatcher/mesh_directory.hpp"
#include "model/wire.hpp"
#include "store/store.hpp"

namespace swarm::dispatcher {

inline constexpr std::size_t kWindow = 4;         // updates on their way
inline constexpr std::size_t kPiece = 200;        // keys of an update
inline constexpr std::size_t kMaxNoted = 10'000;  // more, and the complete feed is cheaper

// Returns true if the task is to be told to its node's agent. Ended ones are, too: until the reaper deletes
// them, the agent keeps their containers and logs.
bool is_for_agent(const model::Task& task);

class FeedSource {
 public:
  FeedSource(const store::Store& store, const MeshDirectory& mesh) : store_(store), mesh_(mesh) {}
  // Nothing where there is no such item, or it is not the node's concern.
  std::optional<wire::FeedItem> find(NodeId node, const wire::FeedKey& key) const;
  // The first key of the node behind `key`; without one, the first of all.
  std::optional<wire::FeedKey> after(NodeId node, const std::optional<wire::FeedKey>& key) const;
  std::uint64_t version() const { return store_.version(); }

 private:
  const store::Store& store_;
  const MeshDirectory& mesh_;
};

class Feed {
 public:
  // The node starts from nothing. Numbers go on: an old acknowledgement must not pass for a new one.
  void start_over();
  // The item is new for the node, has changed, or is gone.
  void note(const wire::FeedKey& key);
  void on_ack(const wire::FeedAck& ack, Instant now);

  // The next update, when it is time for one; asked until there is none. The session's number is for the
  // caller to fill in.
  std::optional<wire::FeedUpdate> next(const FeedSource& source, NodeId node, Instant now);
  // When an acknowledgement is overdue.
  Instant next_deadline() const { return deadline_; }

 private:
  // The complete feed, as far as it has been told: what is behind `passed`, in the order of keys.
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
  void add_piece(const FeedSource& source, NodeId node, wire::FeedUpdate& update, Sent& sent);
  void add_noted(const FeedSource& source, NodeId node, wire::FeedUpdate& update, Sent& sent);

  std::uint64_t number_ = 0;  // of the last update
  std::uint64_t acknowledged_ = 0;
  std::optional<Pass> pass_ = Pass{};  // while there are pieces left to send
  std::set<wire::FeedKey> noted_;
  std::deque<Sent> on_their_way_;
  Instant deadline_ = Instant::never();  // never: nothing is on its way
  std::int64_t timeouts_ = 0;            // in a row
};

}  // namespace swarm::dispatcher
