// Replica: one more replica of the store, fed with every committed entry, and the rules that each change must
// keep: states only move forward, a task stays where it is, a slot is not doubled, a placement is allowed
// where it happens.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "raft/message.hpp"
#include "store/store.hpp"

namespace swarm::sim {

class Replica {
 public:
  // Begins as a copy of `store`.
  void begin(const store::Store& store);
  bool begun() const { return store_ != nullptr; }
  // Applies the next committed entry. An error in one sentence when it breaks a rule.
  std::optional<std::string> apply(const raft::Entry& entry);
  const store::Store& store() const { return *store_; }
  // What an entry did, for the trace; of the last apply.
  const std::vector<std::string>& remarks() const { return remarks_; }
  // Do the objects that entries in (after, version()] touched look the same in `other`, which is at the same
  // version?
  std::optional<std::string> differs_recently(const store::Store& other, std::uint64_t after) const;
  std::optional<std::string> differs(const store::Store& other) const;

 private:
  std::optional<std::string> check(const store::Change<model::Task>& change);
  std::optional<std::string> check_slot(const model::Task& task) const;
  std::optional<std::string> check_placement(const model::Task& task) const;
  void remember(std::uint64_t index, const store::ChangeSet& changes);
  void remark(const store::Change<model::Task>& change);

  std::unique_ptr<store::Store> store_;
  std::vector<std::string> remarks_;
  std::map<std::uint64_t, std::vector<store::AnyChange>> recent_;  // by index, the last few
};

bool same_task(const model::Task& a, const model::Task& b);

}  // namespace swarm::sim
