// Core: what all parts of a node share. Plain references and values; no behaviour but helpers.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "node/identity.hpp"
#include "node/links.hpp"
#include "node/meters.hpp"
#include "node/node.hpp"

namespace swarm::node {

// One more word into a number that tells two states apart.
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
  // This node is a manager whose replica does not take part: its swarm is at a feature level that this build
  // does not know. Its tasks go on; its Raft state waits on the disk, as it was at `version`, for an upgraded
  // build.
  struct Outdated {
    std::string why;
    std::uint64_t version = 0;
  };
  std::optional<Outdated> outdated;
  Instant now;

  WallTime wall() const { return ports.clock.wall(); }

  // Commits `batch`; `then` runs in the turn after it is done.
  void commit(ports::DiskBatch batch, std::function<void()> then) {
    ++meters.disk_batches;
    if (batch.sync) ++meters.disk_syncs;
    const std::uint64_t token = ++last_token_;
    waiting_[token] = std::move(then);
    ports.disk.commit(std::move(batch), token);
  }
  void on_disk_done(std::uint64_t token) {
    const auto it = waiting_.find(token);
    SWARM_CHECK(it != waiting_.end(), "disk token", token);
    auto then = std::move(it->second);
    waiting_.erase(it);
    if (then) then();
  }
  bool disk_idle() const { return waiting_.empty(); }

  void trace(std::string_view kind, const std::function<std::string()>& text) {
    if (ports.trace.enabled()) ports.trace.record(kind, text());
  }

  // This node's words about itself for the Hello of every link.
  wire::Hello hello() const {
    wire::Hello hello;
    if (!identity) return hello;
    hello.cluster = identity->cluster;
    hello.node = identity->node;
    hello.role = identity->role;
    hello.raft_id = identity->raft_id;
    return hello;
  }

  // This node as the speaker, where it is the one that it speaks to.
  model::Principal self() const { return ports::principal_of(hello()); }

 private:
  Meters own_meters_;
  std::uint64_t last_token_ = 0;
  std::map<std::uint64_t, std::function<void()>> waiting_;
};

}  // namespace swarm::node
