#include "node/raft_story.hpp"

#include <cstdint>
#include <utility>
#include <vector>

#include "docker/inside.hpp"
#include "raft/raft.hpp"

namespace swarm::node {
namespace {

const char* word_of(raft::Role role) {
  switch (role) {
    case raft::Role::leader:
      return "leader";
    case raft::Role::candidate:
      return "candidate";
    case raft::Role::pre_candidate:
      return "pre-candidate";
    case raft::Role::follower:
      break;
  }
  return "follower";
}

}  // namespace

// A role comes before the vote that it brings: a candidate votes for itself.
std::vector<docker::RaftEvent> RaftStory::between(const RaftFacts& before, const RaftFacts& now,
                                                  std::uint64_t self) {
  std::vector<docker::RaftEvent> out;
  const auto add = [&](const char* action, std::uint64_t other) {
    docker::RaftEvent event;
    event.term = now.term;
    event.action = action;
    event.subject = self;
    event.other = other;
    out.push_back(std::move(event));
  };
  const bool new_term = now.term != before.term;
  const bool voted = now.vote != 0 && (new_term || now.vote != before.vote);
  if (before.leader != 0 && before.leader != self && now.leader == 0) add("leader-lost", before.leader);
  if (now.role != before.role || (new_term && now.role == raft::Role::candidate)) add(word_of(now.role), 0);
  if (voted) add("voted", now.vote);
  if (now.leader != 0 && now.leader != self && (new_term || now.leader != before.leader))
    add("follows", now.leader);
  return out;
}

void RaftStory::tell(docker::RaftEvent event) {
  event.number = ++last_;
  events_.push_back(std::move(event));
  if (events_.size() > kMost) events_.pop_front();
}

docker::RaftPast RaftStory::after(std::uint64_t number) const {
  docker::RaftPast past;
  past.began = began_;
  past.last = last_;
  past.forgotten = events_.empty() ? last_ : events_.front().number - 1;
  for (const docker::RaftEvent& event : events_)
    if (event.number > number) past.events.push_back(event);
  return past;
}

}  // namespace swarm::node
