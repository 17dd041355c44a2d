// Member 2 of a group of three, in a role of its own, for tests that send it what they like: it is brought
// into its role by what honest members would send.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "codec/codec.hpp"
#include "control/cluster.hpp"
#include "node/judge.hpp"
#include "node/replica.hpp"
#include "node/test_ports.hpp"
#include "raft/conf_change.hpp"

namespace swarm::node {

inline constexpr std::uint64_t kSelf = 2;
enum class Start : std::uint8_t { joiner, learner, follower, candidate, leader };

// The first transaction of a swarm of one manager.
inline model::Transaction small_cluster() {
  control::NewCluster fresh;
  fresh.id = ClusterId(9);
  fresh.root_cert_pem = "CERT";
  model::Node first;
  first.id = NodeId(1);
  first.role = first.spec.desired_role = model::NodeRole::manager;
  Rng rng(4);
  return control::make_cluster(fresh, first, rng);
}

class Member {
 public:
  explicit Member(Start start)
      : replica_(Replica::join(world_.core, kSelf, {{NodeId(1), 1, at(1)}, {NodeId(3), 3, at(3)}})) {
    stored();
    replica_->begin();
    if (start == Start::joiner) return;
    hear(first_append(start == Start::learner));
    if (start == Start::follower || start == Start::learner) return;
    while (replica_->raft().role() == raft::Role::follower) tick();
    vote(raft::MessageType::pre_vote_resp, term() + 1);
    if (start == Start::candidate) return;
    vote(raft::MessageType::vote_resp, term());
    acknowledge();
  }

  std::optional<Rule> hear(raft::Message message) {
    const auto broken = replica_->step(std::move(message));
    go_on();
    return broken;
  }
  void tick() {
    world_.core.now = world_.core.now + model::kRaftTick;
    replica_->on_deadline();
    go_on();
  }
  // Returns why what it has on disk does not open; "" if it opens.
  std::string why_closed() {
    Core again(NodeOptions{}, world_.core.ports);
    auto state = load_replica(world_.core.ports.disk);
    if (!state.ok()) return state.error().message;
    if (const std::string lost = what_is_forgotten(*state, world_.core.ports.disk.mark()); !lost.empty())
      return lost;
    const auto loaded = Replica::load(again, std::move(*state));
    return loaded.ok() ? "" : loaded.error().message;
  }
  const raft::RawNode& raft() const { return replica_->raft(); }
  raft::Term term() const { return raft().term(); }
  std::string packed() const { return pack_snapshot(replica_->store(), replica_->members(), {}); }
  const raft::ConfState& group() const { return replica_->group(); }
  bool has_store() const { return replica_->store().cluster() != nullptr; }

 private:
  void go_on() {
    while (replica_->run() || stored()) world_.transport.sent.clear();
    replica_->take_applied();
    replica_->take_reads();
    world_.trace.lines.clear();
  }
  bool stored() {
    const auto tokens = world_.disk.take_tokens();
    for (const std::uint64_t token : tokens)
      if (std::holds_alternative<ReplicaStored>(world_.core.take_done(token))) replica_->on_stored();
    return !tokens.empty();
  }
  void vote(raft::MessageType type, raft::Term term) {
    raft::Message vote;
    vote.type = type;
    vote.from = 1;
    vote.to = kSelf;
    vote.term = term;
    hear(std::move(vote));
  }
  void acknowledge() {
    raft::Message answer;
    answer.type = raft::MessageType::app_resp;
    answer.from = 1;
    answer.to = kSelf;
    answer.term = term();
    answer.index = raft().last_index();
    hear(std::move(answer));
  }
  static raft::Message first_append(bool learner) {
    raft::Message message;
    message.type = raft::MessageType::app;
    message.from = 1;
    message.to = kSelf;
    message.term = message.commit = 5;
    message.entries.push_back({0, 0, raft::EntryType::normal, codec::encode(small_cluster())});
    for (const std::uint64_t id : {1, 3, 2}) {
      const auto type =
          id == kSelf && learner ? raft::ConfChangeType::add_learner_node : raft::ConfChangeType::add_node;
      message.entries.push_back(raft::encode_conf_change({raft::Transition::automatic, {{type, id, {}}}}));
    }
    message.entries.push_back({});
    for (std::size_t i = 0; i < message.entries.size(); ++i)
      message.entries[i].index = i + 1, message.entries[i].term = 5;
    return message;
  }

  TestWorld world_;
  std::unique_ptr<Replica> replica_;
};

}  // namespace swarm::node
