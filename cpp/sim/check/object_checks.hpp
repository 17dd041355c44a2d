// Replica: one more replica of the store, fed with every committed entry, and the rules that each change must
// keep: states only move forward, a task stays where it is, one task of a slot is meant to run (while a
// start-first replacement is under way two, until the new one runs), no task starts beside one of its slot
// that still may run, a placement is allowed when it happens.
#pragma once

#include <compare>
#include <map>
#include <memory>
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
  // Applies the next committed entry as `build` does. Returns an error in one sentence if it breaks a rule.
  std::optional<std::string> apply(const raft::Entry& entry, const model::Build& build = {});
  const store::Store& store() const { return *store_; }
  // What the entry at `index` changed; null for one that changed nothing, or is long past.
  const std::vector<store::AnyChange>* changes_at(std::uint64_t index) const {
    const auto found = recent_.find(index);
    return found == recent_.end() ? nullptr : &found->second;
  }
  // What the last applied entry did, for the trace.
  const std::vector<std::string>& remarks() const { return remarks_; }
  // Returns how the objects that entries in (after, version()] touched differ in `other`, which is at the
  // same version.
  std::optional<std::string> differs_recently(const store::Store& other, std::uint64_t after) const;
  std::optional<std::string> differs(const store::Store& other) const;

 private:
  struct Place {
    ServiceId service;
    std::uint64_t slot = 0;
    NodeId node;  // global services only
    auto operator<=>(const Place&) const = default;
  };
  struct Moment {
    std::uint64_t index = 0;
    WallTime time;
  };
  std::vector<store::Ref<model::Task>> tasks_at(const Place& place) const;
  std::optional<std::string> check(const store::Change<model::Task>& change, const Moment& now);
  std::optional<std::string> check_slot(const model::Task& task) const;
  std::optional<std::string> check_release(const store::Change<model::Task>& change, const Moment& now);
  std::optional<std::string> check_handover(const Moment& now);
  void note_handover(const model::Task& task, const Moment& now);
  std::optional<std::string> check_placement(const model::Task& task) const;
  void remember(std::uint64_t index, const store::ChangeSet& changes);
  void remark(const store::Change<model::Task>& change);

  std::unique_ptr<store::Store> store_;
  std::vector<std::string> remarks_;
  std::map<TaskId, WallTime> stopping_;  // since when they are to stop
  std::map<Place, Moment> doubled_;      // since when two tasks run there and are meant to
  std::map<std::uint64_t, std::vector<store::AnyChange>> recent_;  // by index, the last few
};

}  // namespace swarm::sim
