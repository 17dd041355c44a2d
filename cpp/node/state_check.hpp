// StateCheck: do all managers have the same state at the same entry?
//
// Replicas that took the same entries have the same store (Raft's state machine safety, figure 3). A bit that
// flipped on a disk, or a defect, makes one that differs, and nothing else would notice it. So the leader
// names the entry that it has applied and the hash of its store there, beside its heartbeats; each member
// compares at that very entry, and answers with its own. What a majority of the voters has is the state of
// the swarm: a member that has another is outvoted. Where no majority agrees, it cannot be known which is
// wrong.
//
// Values only: what becomes of an outvoted member is the node's business (Sidelined), when to name the next
// entry is the replica's.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>

#include "base/id.hpp"
#include "model/feature_level.hpp"
#include "raft/message.hpp"

namespace swarm::node {

class StateCheck {
 public:
  // Only members of builds of one level are compared.
  explicit StateCheck(model::FeatureLevel level) : level_(level) {}

  // ---- every member
  // The leader has named this entry, and this member has not come to it yet: its state there is wanted.
  bool wants(raft::Index index) const { return wanted_.contains(index); }
  // What this member's store was when it had applied `index`.
  void note(raft::Index index, Uint128 hash);
  // Another store took the place of this one.
  void begin_anew() { *this = StateCheck(level_); }

  // ---- a follower
  // `applied`: what its store is at now.
  void on_leader(const raft::StateMark& mark, raft::Index applied);
  std::optional<raft::StateMark> answer() const;
  // The entry at which it has another state than its leader, and has not agreed since; 0: none.
  raft::Index differs_at() const { return differs_at_; }
  // The entry at which it was outvoted; 0: none.
  raft::Index outvoted_at() const { return outvoted_at_; }

  // ---- the leader
  void name(raft::Index index, Uint128 hash);
  void on_answer(raft::PeerId from, const raft::StateMark& mark);
  std::optional<raft::StateMark> to_say(raft::PeerId to) const;

  struct Finding {
    raft::Index index = 0;             // where they differ; 0: nowhere
    std::set<raft::PeerId> differing;  // from the leader
    bool leader_is_right = false;      // a majority of the voters has its state
    raft::PeerId right = raft::kNone;  // a voter that has the majority's state where the leader has not
    bool operator==(const Finding&) const = default;
  };
  struct Group {
    raft::PeerId self = raft::kNone;
    std::set<raft::PeerId> voters, learners;
  };
  // Judges what was answered until now; the outvoted hear of it with the next heartbeat.
  Finding judge(const Group& group);
  void on_step_down() { rounds_.clear(), outvoted_.clear(); }

 private:
  static constexpr std::size_t kKept = 16;  // entries that a leader named, a member far behind has to come to
  struct Round {
    Uint128 hash = 0;
    std::map<raft::PeerId, Uint128> answers;
  };
  static bool all_answered(const Round& round, const Group& group);
  static Finding judge(raft::Index index, const Round& round, const Group& group);
  void compare(const raft::StateMark& leaders, Uint128 own);

  model::FeatureLevel level_;
  std::map<raft::Index, Uint128> own_;             // the last that were wanted
  std::map<raft::Index, raft::StateMark> wanted_;  // those that are to come
  raft::Index differs_at_ = 0, outvoted_at_ = 0;
  std::map<raft::Index, Round> rounds_;
  std::map<raft::PeerId, raft::StateMark> outvoted_;
};

}  // namespace swarm::node
