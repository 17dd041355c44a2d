// Changes of the configuration: one member at a time, or several through a joint configuration
// (dissertation chapter 4). Pure: a tracker's configuration in, the next one or a sentence out.
#pragma once

#include <optional>

#include "base/result.hpp"
#include "raft/message.hpp"
#include "raft/tracker.hpp"

namespace swarm::raft {

// The entry that carries `change` (without term and index), and the way back. Empty data is a change that
// leaves a joint configuration. Data that cannot be read is a change that changes nothing, on every member
// alike.
Entry encode_conf_change(const ConfChangeV2& change);
std::optional<ConfChangeV2> read_conf_change(const Entry& entry);  // nothing: it cannot be read
ConfChangeV2 decode_conf_change(const Entry& entry);

struct Changed {
  TrackerConfig config;
  ProgressMap progress;
};

class Changer {
 public:
  Changer(const Tracker& tracker, Index last_index) : tracker_(tracker), last_index_(last_index) {}

  Result<Changed> simple(const std::vector<ConfChangeSingle>& changes) const;
  Result<Changed> enter_joint(bool auto_leave, const std::vector<ConfChangeSingle>& changes) const;
  Result<Changed> leave_joint() const;

 private:
  Result<void> apply(Changed& changed, const std::vector<ConfChangeSingle>& changes) const;
  void make_voter(Changed& changed, PeerId id) const;
  void make_learner(Changed& changed, PeerId id) const;
  void remove(Changed& changed, PeerId id) const;
  void start_progress(Changed& changed, PeerId id, bool is_learner) const;

  const Tracker& tracker_;
  Index last_index_;
};

// Applies `change` in the one of the three ways that it asks for.
Result<Changed> apply_change(const Tracker& tracker, Index last_index, const ConfChangeV2& change);
// The configuration that `state` describes, built up from nothing.
Result<Changed> restore(Tracker tracker, Index last_index, const ConfState& state);

}  // namespace swarm::raft
