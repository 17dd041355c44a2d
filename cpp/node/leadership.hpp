// Leadership: the leader that one manager knows of, in one value with its term.
#pragma once

#include <cstdint>
#include <optional>

#include "base/address.hpp"
#include "base/time.hpp"
#include "raft/message.hpp"

namespace swarm::node {

struct Leadership {
  enum class Stage : std::uint8_t {
    outside,    // this node is no manager
    following,  // another manager leads, or none that is known
    elected,    // this one leads, and its store is not yet as new as the log that it was elected with
    leading,    // this one leads, and has applied an entry of its own term
  };
  Stage stage = Stage::outside;
  raft::Term term = 0;
  std::uint64_t leader = 0;        // the leader's Raft id; 0: not known
  std::optional<Address> address;  // the leader's, where it is another node that this one knows

  bool is_manager() const { return stage != Stage::outside; }
  bool is_elected() const { return stage >= Stage::elected; }
  bool leads() const { return stage == Stage::leading; }
  bool operator==(const Leadership&) const = default;
};

// The moment at which a part is asked to act.
struct Moment {
  Instant now;
  Leadership leadership;
};

}  // namespace swarm::node
