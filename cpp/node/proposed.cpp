#include "node/proposed.hpp"

#include <optional>
#include <utility>

#include "model/transaction.hpp"
#include "raft/message.hpp"

namespace swarm::node {

void Proposed::add(raft::Term term, raft::Index index, model::Transaction transaction) {
  // An entry at this index or after it is of an earlier term of this node: the log has lost it.
  while (!waiting_.empty() && waiting_.back().index >= index) waiting_.pop_back();
  waiting_.push_back({term, index, std::move(transaction)});
}

std::optional<model::Transaction> Proposed::take(raft::Term term, raft::Index index) {
  while (!waiting_.empty() && waiting_.front().index < index) waiting_.pop_front();
  if (waiting_.empty() || waiting_.front().index != index) return std::nullopt;
  Waiting found = std::move(waiting_.front());
  waiting_.pop_front();
  return found.term == term ? std::optional(std::move(found.transaction)) : std::nullopt;
}

}  // namespace swarm::node
