// Pace: how often a peer may ask for what costs this node work and what an honest node asks for seldom. A
// peer that goes beyond it loses its link (Denial::pace).
//
//   requests   for the root, a place, a certificate, a seat in the Raft group, a way out: a node sends one
//              again every half second (lifecycle_times.hpp), and needs few of them
//   strays     frames of a session that there is not: an agent sends those that were on their way when its
//              session ended
//
// A node is counted by its name, whatever links it opens; a stranger has none and is counted by its link. NOT
// here: frames that cost little (the transport gives each link its share), wrong join tokens (ca/join_guard),
// registrations (the dispatcher).
#pragma once

#include <cstdint>
#include <map>
#include <tuple>

#include "node/links.hpp"
#include "node/permissions.hpp"

namespace swarm::node {

class Pace {
 public:
  struct Rate {
    std::int64_t at_once;
    std::int64_t per_second;
  };
  static constexpr Rate kOfStranger{8, 4}, kOfNode{20, 4}, kOfStrays{200, 50};
  static constexpr std::size_t kMostAtRest = 1'024;  // remembered

  // Returns true if this message is a request.
  static bool counts(const Permission& row);

  // Return true if the peer may send one more now, and count it.
  bool may_ask(const Speaker& from, Instant now);
  bool may_stray(const Speaker& from, Instant now);
  void forget(ports::LinkId link);
  std::size_t size() const { return used_.size(); }

 private:
  enum class Kind : std::uint8_t { request, stray };
  using Key = std::tuple<ports::LinkId, NodeId, Kind>;  // link 0: a node
  bool take(const Key& key, const Rate& rate, Instant now);
  void forget_those_at_rest(Instant now);

  std::map<Key, Instant> used_;  // until when; a peer is at rest after that
};

}  // namespace swarm::node
