// What a manager shows of Raft: its members, its log in words, and its story.
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "codec/codec.hpp"
#include "docker/api.hpp"
#include "docker/inside.hpp"
#include "node/entry_words.hpp"
#include "node/raft_story.hpp"
#include "node/replica.hpp"
#include "raft/message.hpp"
#include "raft/progress.hpp"
#include "raft/raft.hpp"
#include "raft/tracker.hpp"

namespace swarm::node {
namespace {

const char* word_of(raft::ProgressState state) {
  if (state == raft::ProgressState::probe) return "probe";
  return state == raft::ProgressState::replicate ? "replicate" : "snapshot";
}

std::optional<docker::RaftProgress> progress_of(const raft::ProgressMap& all, std::uint64_t id) {
  const auto it = all.find(id);
  if (it == all.end()) return std::nullopt;
  return docker::RaftProgress{it->second.match, it->second.next, word_of(it->second.state)};
}

}  // namespace

// ---- names of members

// An address where the store does not know the node (yet); the number of a member that is gone.
std::string Replica::name_of(std::uint64_t raft_id) const {
  if (raft_id == 0) return {};
  const auto member = members_.find(raft_id);
  if (member == members_.end()) return std::to_string(raft_id);
  const auto node = store_->node(member->second.node);
  return node ? node->display_name() : member->second.address.str();
}

docker::RaftDetail Replica::detail() const {
  docker::RaftDetail out;
  out.vote = raft_->vote();
  out.vote_name = name_of(out.vote);
  out.leader_name = name_of(leadership_.leader);
  out.pre_candidate = raft_->role() == raft::Role::pre_candidate;
  out.first_index = raft_->first_index();
  out.last_index = raft_->last_index();
  out.snapshot_index = out.first_index - 1;
  out.snapshot_term = log_->term(out.snapshot_index).value;
  const docker::RaftView seen = view();
  const std::set<std::uint64_t> voting = voters();
  for (const auto& [id, peer] : members_) {
    docker::RaftMember member{
        id, peer.node, name_of(id), peer.address.str(), voting.contains(id), seen.reachable.at(id), {}};
    if (leadership_.is_elected()) member.progress = progress_of(raft_->progress(), id);
    out.members.push_back(std::move(member));
  }
  return out;
}

docker::RaftLogPart Replica::log_part(const docker::AskRaftLog& asked) const {
  docker::RaftLogPart out{raft_->first_index(), raft_->last_index(), {}};
  for (const raft::Entry& entry : raft_->entries(asked.from.value_or(out.first_index), asked.limit))
    out.rows.push_back(row_of(entry, *store_));
  return out;
}

// ---- the story

void Replica::begin_story() {
  facts_ = {raft_->term(), raft_->role(), raft_->leader(), raft_->vote()};
  if (facts_.term == 0) return;  // it has heard of no other member yet
  docker::RaftEvent event;
  event.term = facts_.term;
  event.action = "follower";
  event.subject = raft_id_;
  tell(std::move(event));
}

void Replica::note_raft() {
  const RaftFacts now{raft_->term(), raft_->role(), raft_->leader(), raft_->vote()};
  if (now == facts_) return;
  const RaftFacts before = std::exchange(facts_, now);
  if (now.role == raft::Role::candidate && (now.term != before.term || now.role != before.role))
    ++core_.meters.elections;
  if (now.leader != 0 && now.leader != before.leader) ++core_.meters.leader_changes;
  for (docker::RaftEvent& event : RaftStory::between(before, now, raft_id_)) tell(std::move(event));
}

// Takes the names of now; a member that has none yet is named when a client reads the story.
void Replica::tell(docker::RaftEvent event) {
  const auto known = [this](std::uint64_t id) {
    const auto member = members_.find(id);
    const auto node = member == members_.end() ? nullptr : store_->node(member->second.node);
    return node ? node->display_name() : std::string();
  };
  event.time = core_.wall();
  event.subject_name = known(event.subject);
  event.other_name = known(event.other);
  if (const auto member = members_.find(event.subject); member != members_.end())
    event.node = member->second.node;
  story_.tell(std::move(event));
}

// Before the change is applied: one that is removed has its name still.
void Replica::tell_member(const raft::ConfChangeSingle& change, std::uint64_t index) {
  if (change.type == raft::ConfChangeType::update_node) return;
  docker::RaftEvent event;
  event.term = raft_->term();
  event.subject = change.node;
  event.index = index;
  event.voter = change.type == raft::ConfChangeType::add_node;
  event.action = "member-added";
  if (change.type == raft::ConfChangeType::remove_node) event.action = "member-removed";
  if (event.voter && learners().contains(change.node)) event.action = "member-promoted";
  if (const auto peer = codec::decode_manager_peer(change.context); peer && peer->raft_id == change.node) {
    event.node = peer->node;
  }
  tell(std::move(event));
}

void Replica::tell_snapshot(const char* action, std::uint64_t index, std::uint64_t to) {
  ++(to != 0 ? core_.meters.snapshots_sent : core_.meters.snapshots_installed);
  docker::RaftEvent event;
  event.term = raft_->term();
  event.action = action;
  event.subject = raft_id_;
  event.other = to;
  event.index = index;
  tell(std::move(event));
}

docker::RaftPast Replica::past(std::uint64_t after) const {
  docker::RaftPast past = story_.after(after);
  for (docker::RaftEvent& event : past.events) {
    if (event.subject_name.empty()) event.subject_name = name_of(event.subject);
    if (event.other_name.empty()) event.other_name = name_of(event.other);
    const auto member = members_.find(event.subject);
    if (event.node.empty() && member != members_.end()) event.node = member->second.node;
  }
  for (const auto& [id, peer] : members_) past.members.push_back(name_of(id));
  if (members_.contains(raft_id_)) past.name = name_of(raft_id_);
  return past;
}

}  // namespace swarm::node
