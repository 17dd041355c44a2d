// RaftRecord: what Raft promises, as facts that may never be contradicted (Raft figure 3; dissertation
// section 3): one leader per term, one vote per node and term, terms and commits that only grow, one entry
// per committed index.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "raft/raft.hpp"

namespace swarm::sim {

// What was last seen of one manager, since it started.
struct ManagerSeen {
  raft::PeerId id = raft::kNone;
  raft::Term term = 0;
  raft::Index commit = 0;
  raft::Index checked = 0;        // committed entries up to here agree with the record
  raft::Index store_version = 0;  // ... and the objects they touched
  raft::Index hashed_version = 0;
  raft::Term led = 0;                // the term in which it led after the turn before
  std::vector<raft::PeerId> voters;  // as it was after the turn before
};

class RaftRecord {
 public:
  // An error in one sentence, or nothing.
  std::optional<std::string> check(const raft::RawNode& raft, const raft::MemoryStorage& log,
                                   ManagerSeen& seen);
  // Checks a committed entry of a node in `term` against the record, or records it.
  std::optional<std::string> check(const raft::Entry& entry, raft::Term term);
  // What the member has voted is asked of it no more.
  void forget_vote(raft::PeerId id) { voted_.erase(id); }
  bool knows(raft::Index index) const { return index < first_ + entries_.size(); }
  raft::Index last() const { return first_ + entries_.size() - 1; }
  bool empty() const { return entries_.empty(); }
  // Some entries were committed, applied and shortened away within one turn: the record goes on behind them.
  void skip() { entries_.clear(); }

 private:
  struct Voted {
    raft::Term term = 0;
    raft::PeerId vote = raft::kNone;
  };
  struct Fact {
    raft::Term term = 0;
    std::uint64_t digest = 0;
  };
  // The last entry that is known to have been committed before `term` began.
  raft::Index committed_before(raft::Term term) const;

  std::map<raft::Term, raft::PeerId> leaders_;
  std::map<raft::Term, raft::Index> committed_;  // by the term in which a node first knew of it
  std::map<raft::PeerId, Voted> voted_;
  raft::Index first_ = 1;
  std::deque<Fact> entries_;
};

}  // namespace swarm::sim
