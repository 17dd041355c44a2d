// Intake: how many frames each link may pass to the node before the node has taken those that it was passed.
//
// Time is cut into rounds. A round ends when the node has taken what came in it; then each link has its share
// again. A link that has used its share is not read any more until then, so that its bytes wait in the
// kernel, and in the peer: the node's queue holds one round, and in a round no link has more than its share.
// Managers (Raft) come first, then workers, then strangers; workers together, and strangers together, have a
// bound of their own. So the frames of a flood delay those of the others by one short turn only.
//
// Pure. NOT here: how often a peer may ask for something (node/pace), what is said to slow peers
// (tcp_transport).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>

#include "ports/transport.hpp"

namespace swarm::real {

enum class PeerKind : std::uint8_t { manager, worker, stranger };
inline constexpr std::size_t kPeerKinds = 3;

class Intake {
 public:
  struct Share {
    std::size_t frames, bytes;  // of one link; one frame may be larger than that
    std::size_t frames_of_all;  // links of this kind
  };
  static constexpr std::array<Share, kPeerKinds> kShares{{
      {512, 8UL << 20, std::numeric_limits<std::size_t>::max()},
      {64, 256UL << 10, 1'024},
      {8, 64UL << 10, 32},
  }};

  // What one link has passed on in the round that it has noted.
  struct Used {
    std::uint64_t round = 0;
    std::size_t frames = 0, bytes = 0;
    bool waits = false;  // in line for the next round
  };

  // Returns true if the link may pass on one frame more in this round.
  bool may_pass(PeerKind kind, Used& link) const;
  void passed(PeerKind kind, Used& link, std::size_t bytes);
  // It may not: it goes on in a later round.
  void wait(PeerKind kind, ports::LinkId id, Used& link);
  bool any_waits() const;

  // The node has taken everything: calls `go_on` with each link that waits and may pass on something now.
  template <class GoOn>
  void next_round(GoOn&& go_on);

 private:
  static const Share& share_of(PeerKind kind) { return kShares[static_cast<std::size_t>(kind)]; }
  bool is_used_up(PeerKind kind) const {
    return passed_[static_cast<std::size_t>(kind)] >= share_of(kind).frames_of_all;
  }

  std::uint64_t round_ = 1;
  std::array<std::size_t, kPeerKinds> passed_{};
  std::array<std::deque<ports::LinkId>, kPeerKinds> waiting_;
};

// In the order of the line. Those that have had their share stand behind those that found nothing left.
template <class GoOn>
void Intake::next_round(GoOn&& go_on) {
  ++round_;
  passed_ = {};
  for (std::size_t kind = 0; kind < kPeerKinds; ++kind) {
    auto& line = waiting_[kind];
    for (std::size_t left = line.size(); left > 0 && !is_used_up(static_cast<PeerKind>(kind)); --left) {
      const ports::LinkId id = line.front();
      line.pop_front();
      go_on(id);
    }
  }
}

}  // namespace swarm::real
