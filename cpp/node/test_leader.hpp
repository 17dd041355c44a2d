// The one manager of a swarm, elected, for the unit tests of what only a leader does. Its log is in memory;
// what it proposes is applied when it is asked to go on.
#pragma once

#include <memory>
#include <vector>

#include "control/cluster.hpp"
#include "control/join.hpp"
#include "node/replica.hpp"
#include "node/test_ports.hpp"

namespace swarm::node {

struct TestLeader {
  TestWorld world;
  Core& core = world.core;
  NodeId self{1};
  std::unique_ptr<Replica> replica;
  std::string worker_token, manager_token;

  TestLeader() {
    const std::string digest = world.crypto.sha256("CERT");
    worker_token = control::make_join_token(digest, std::string(16, 'w'));
    manager_token = control::make_join_token(digest, std::string(16, 'm'));
    control::NewCluster fresh;
    fresh.id = ClusterId(9);
    fresh.root_cert_pem = "CERT";
    fresh.join_token_worker = worker_token;
    fresh.join_token_manager = manager_token;
    model::Node first;
    first.id = self;
    first.spec.desired_role = first.role = model::NodeRole::manager;
    first.status.state = model::NodeState::ready;
    first.manager = model::ManagerStatus{1, at(1).str()};
    Rng rng(4);
    replica = Replica::create(core, {self, 1, at(1)}, control::make_cluster(fresh, first, rng));
    go_on();
  }

  // Until the replica is at rest; what was applied on the way.
  std::vector<AppliedEntry> go_on() {
    std::vector<AppliedEntry> applied;
    bool did = true;
    while (did) {
      did = replica->run();
      for (const std::uint64_t token : world.disk.take_tokens()) {
        did = true;
        if (std::holds_alternative<ReplicaStored>(core.take_done(token))) replica->on_stored();
      }
      for (AppliedEntry& entry : replica->take_applied()) applied.push_back(std::move(entry));
    }
    return applied;
  }

  void put(model::Node node) {
    model::Transaction transaction;
    if (const auto before = replica->store().node(node.id)) node.meta = before->meta;
    transaction.actions.push_back(model::Put{std::move(node)});
    replica->propose(std::move(transaction));
    go_on();
  }
  model::Node node(std::uint64_t id, model::NodeRole wanted) {
    model::Node node;
    node.id = NodeId(id);
    node.spec.desired_role = wanted;
    node.status.state = model::NodeState::ready;
    return node;
  }
};

}  // namespace swarm::node
