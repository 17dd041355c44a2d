// RaftStory: what one manager saw Raft do lately, for people. A bounded ring; nothing depends on it, it is
// not on disk, and a manager that starts begins a new one.
//
//   leader  follower  candidate  pre-candidate   what this manager became
//   voted  follows  leader-lost                  `other`: the member that it voted for, follows, has lost
//   member-added  member-promoted  member-removed     of the subject, as this manager applied it
//   snapshot-sent  snapshot-installed
//   state-differs                                the subject has another state than this leader
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "docker/inside.hpp"
#include "raft/raft.hpp"

namespace swarm::node {

// What elections change; the story is made of the differences.
struct RaftFacts {
  raft::Term term = 0;
  raft::Role role = raft::Role::follower;
  std::uint64_t leader = 0, vote = 0;
  bool operator==(const RaftFacts&) const = default;
};

class RaftStory {
 public:
  static constexpr std::size_t kMost = 1'024;

  explicit RaftStory(WallTime began) : began_(began) {}

  // The events between two states, in the order in which they must have come. `self`: this manager's Raft id.
  static std::vector<docker::RaftEvent> between(const RaftFacts& before, const RaftFacts& now,
                                                std::uint64_t self);
  void tell(docker::RaftEvent event);
  // Returns the events with a greater number.
  docker::RaftPast after(std::uint64_t number) const;
  std::uint64_t last() const { return last_; }

 private:
  WallTime began_;
  std::uint64_t last_ = 0;
  std::deque<docker::RaftEvent> events_;
};

}  // namespace swarm::node
