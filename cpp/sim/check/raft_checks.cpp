#include "sim/check/raft_checks.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "node/replica_recovery.hpp"
#include "raft/message.hpp"
#include "raft/raft.hpp"
#include "raft/storage.hpp"

namespace swarm::sim {
namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

// Two groups, and no fault of Raft: an administrator said that the others are lost, and they were not.
std::string split_by_force(raft::Term one, raft::Term other) {
  if (std::max(one, other) - std::min(one, other) < node::kForcedLeap) return {};
  return ". This run is outside of what Raft assumes: force-new-cluster made a group of its own, and the "
         "managers that it left behind have elected a leader as well";
}

// A leader counts copies of entries of its own term only (Raft section 5.4.2, figure 8).
std::optional<std::string> commits_of_another_term(const raft::RawNode& raft, const ManagerSeen& seen) {
  const bool moved = raft.commit() > seen.commit && seen.led == raft.term();
  if (raft.role() != raft::Role::leader || !moved) return std::nullopt;
  const auto entries = raft.committed_entries(raft.commit());
  if (entries.empty() || entries.back().term == raft.term()) return std::nullopt;
  return "the leader of term " + number(raft.term()) + " commits entry " + number(raft.commit()) +
         " of term " + number(entries.back().term) + " by counting";
}

// Until an entry of its own term is committed a leader does not know how far the log was committed before it
// (dissertation section 6.4).
std::optional<std::string> reads_too_early(const raft::RawNode& raft, const raft::MemoryStorage& log) {
  if (raft.role() != raft::Role::leader || !raft.asks_for_reads()) return std::nullopt;
  const auto committed = log.term(raft.commit());
  if (!committed.ok() || *committed == raft.term()) return std::nullopt;
  return "the leader of term " + number(raft.term()) +
         " takes in reads, and the last entry that it knows as committed is of term " + number(*committed);
}

}  // namespace

std::optional<std::string> RaftRecord::check(const raft::RawNode& raft, const raft::MemoryStorage& log,
                                             ManagerSeen& seen) {
  const raft::Term term = raft.term();
  if (raft.role() == raft::Role::leader) {
    const auto [it, first] = leaders_.emplace(term, seen.id);
    if (!first && it->second != seen.id)
      return "two leaders in term " + number(term) + ": " + number(it->second) + " and " + number(seen.id);
    if (first) {
      // Only what was committed before its term: a candidate that was frozen may win a term that is long
      // past.
      const raft::Index due = committed_before(term), has = raft.status().last_index;
      if (has < due)
        return "the leader of term " + number(term) + " lacks committed entries: it has " + number(has) +
               " of " + number(due);
    }
  }
  if (const auto broken = reads_too_early(raft, log)) return broken;
  if (term < seen.term) return "the term went back from " + number(seen.term) + " to " + number(term);
  if (raft.commit() < seen.commit)
    return "the commit index went back from " + number(seen.commit) + " to " + number(raft.commit());
  if (const auto broken = commits_of_another_term(raft, seen)) return broken;
  seen.term = term;
  seen.led = raft.role() == raft::Role::leader ? term : 0;
  seen.commit = raft.commit();
  // The vote is what is on disk: it must outlive crashes.
  const raft::HardState& hard = log.hard_state();
  Voted& voted = voted_[seen.id];
  if (hard.term < voted.term)
    return "the term on disk went back from " + number(voted.term) + " to " + number(hard.term);
  if (hard.term == voted.term && voted.vote != raft::kNone && hard.vote != voted.vote)
    return "two votes in term " + number(hard.term) + ": " + number(voted.vote) + " and " + number(hard.vote);
  voted = {hard.term, hard.vote};
  return std::nullopt;
}

raft::Index RaftRecord::committed_before(raft::Term term) const {
  raft::Index due = 0;
  for (auto it = committed_.begin(); it != committed_.end() && it->first < term; ++it)
    due = std::max(due, it->second);
  return due;
}

std::optional<std::string> RaftRecord::check(const raft::Entry& entry, raft::Term term) {
  const Fact fact{entry.term, fnv1a(entry.data)};
  if (entries_.empty()) first_ = entry.index;
  if (entry.index < first_) return std::nullopt;
  if (entry.index > last() + 1) return "a gap before the committed entry " + number(entry.index);
  if (entry.index == last() + 1) {
    entries_.push_back(fact);
    committed_[term] = entry.index;
    return std::nullopt;
  }
  const Fact& known = entries_[entry.index - first_];
  if (known.term != fact.term || known.digest != fact.digest)
    return "two committed entries at index " + number(entry.index) + ": of term " + number(known.term) +
           " and " + number(fact.term) + split_by_force(known.term, fact.term);
  return std::nullopt;
}

}  // namespace swarm::sim
