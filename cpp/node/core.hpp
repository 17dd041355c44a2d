// Core: what all parts of a node share. Plain references and values; no behaviour but helpers.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/check.hpp"
#include "node/identity.hpp"
#include "node/links.hpp"
#include "node/meters.hpp"
#include "node/node.hpp"
#include "node/waits.hpp"

namespace swarm::node {

// Folds one more word into a hash that tells two states apart.
inline std::uint64_t fold(std::uint64_t hash, std::uint64_t word) {
  hash = (hash ^ word) * 0x100000001b3ULL;
  return hash ^ hash >> 32;
}

struct Core {
  Core(NodeOptions node_options, ports::Ports node_ports)
      : options(std::move(node_options)),
        ports(node_ports),
        meters(options.meters ? *options.meters : own_meters_),
        rng(options.seed),
        links(ports.transport, rng.fork()) {}

  NodeOptions options;
  ports::Ports ports;
  Meters& meters;
  Rng rng;
  Links links;
  std::optional<Identity> identity;
  bool is_silenced = false;  // its member of the Raft group must not be heard any more
  Instant now;

  WallTime wall() const { return ports.clock.wall(); }

  // Commits `batch`; the part that `waits` names goes on when it is done.
  void commit(ports::DiskBatch batch, const Waits& waits = {}) {
    ++meters.disk_batches;
    if (batch.sync) ++meters.disk_syncs;
    const std::uint64_t token = ++last_token_;
    waiting_[token] = waits;
    ports.disk.commit(std::move(batch), token);
  }
  Waits take_done(std::uint64_t token) {
    const auto it = waiting_.find(token);
    SWARM_CHECK(it != waiting_.end(), "disk token", token);
    const Waits waits = it->second;
    waiting_.erase(it);
    return waits;
  }
  bool disk_idle() const { return waiting_.empty(); }

  Life next_life() { return ++last_life_; }  // of a replica or an agent

  // `text` is made only when it is written.
  template <class Text>
  void trace(std::string_view kind, Text&& text) {
    if (ports.trace.enabled()) ports.trace.record(kind, text());
  }

  // What this node says about itself in the Hello of every link.
  wire::Hello hello() const {
    wire::Hello hello;
    if (identity && !is_silenced) hello.raft_id = identity->raft_id;
    return hello;
  }

  // Returns the identity of a node that is known to be in a swarm.
  Identity& own_identity() {
    SWARM_CHECK(identity, "the node is in no swarm");
    return *identity;
  }
  const Identity& own_identity() const {
    SWARM_CHECK(identity, "the node is in no swarm");
    return *identity;
  }

  // This node as the sender of messages to itself.
  model::Principal self() const {
    if (!identity) return {};
    return {identity->cluster, identity->node, identity->role, identity->raft_id};
  }

 private:
  Meters own_meters_;
  std::uint64_t last_token_ = 0;
  Life last_life_ = 0;
  std::map<std::uint64_t, Waits> waiting_;
};

}  // namespace swarm::node
