// Proposed: the transactions that this node proposed as leader, each with the place of its entry in the log,
// until the entry is applied.
//
// The leader need not decode what it has just encoded: no two entries have the same term and index (Raft,
// section 5.3: log matching), so that the entry which is applied at this place is this transaction. A
// transaction that lost its place to the entry of a newer leader is never found. NOT a promise that anything
// will be applied.
#pragma once

#include <deque>
#include <optional>

#include "model/transaction.hpp"
#include "raft/message.hpp"

namespace swarm::node {

class Proposed {
 public:
  void add(raft::Term term, raft::Index index, model::Transaction transaction);
  // The transaction of the entry that is applied now; forgets those before it. Nothing for an entry of
  // another leader.
  std::optional<model::Transaction> take(raft::Term term, raft::Index index);
  void clear() { waiting_.clear(); }
  std::size_t size() const { return waiting_.size(); }

 private:
  struct Waiting {
    raft::Term term = 0;
    raft::Index index = 0;
    model::Transaction transaction;
  };
  std::deque<Waiting> waiting_;  // by index
};

}  // namespace swarm::node
