// Node: one member of a swarm, whole. It owns the machines (Raft, store, control loops, dispatcher, agent,
// API), runs them in a bounded turn and hands their effects to the ports. Deterministic: the same events at
// the same times give the same effects in every world.
//
// The host (real/ or sim/) does, for ever:
//     handle(event)...   queue what happened
//     turn(now)          run until quiet; ports are called from here and from nowhere else
//     wake up at next_deadline(), or at the next event
//
// The turn: (1) take the queued events; (2) run the machines in the fixed order of node/turn.cpp until quiet;
// (3) commit one disk batch; (4) what had to wait for that batch goes out when DiskDone comes; (5) one
// deadline. NOT here: sockets, threads, files, clocks.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "docker/api.hpp"
#include "model/wire.hpp"
#include "node/meters.hpp"
#include "ports/ports.hpp"
#include "raft/raft.hpp"
#include "store/store.hpp"

namespace swarm::node {

struct NodeOptions {
  model::NodeDescription description;  // hostname, platform, resources, engine version and labels
  // The address of this node: what an unspecified listen or advertise address means here, and where links
  // leave from.
  Address address;
  model::Build build;     // what it knows and announces: description.feature_level is set from it
  std::string data_root;  // shown by /info only
  // Likewise: "Debian GNU/Linux 12 (bookworm)", "12", "6.1.0-13-amd64".
  std::string operating_system, os_version, kernel_version;
  // How it carries overlay networks, or why it carries none: shown by /info only.
  std::string overlay_networks;
  std::uint64_t seed = 0;  // of this node's Rng: from the OS in the real world, from the seed in the sim
  // Where this node counts. The host may keep the meters beyond the node's end, for the next one. Null: the
  // node makes its own.
  std::shared_ptr<Meters> meters;
  // Of a snapshot that is on its way to this manager: one at a time is held, and of it this much at most.
  std::uint64_t max_snapshot_bytes = 2ULL << 30;
};

// Everything that a checker may look at after an event; pointers are valid until the next turn and null where
// the node has no such part now.
struct Inspection {
  const raft::RawNode* raft = nullptr;
  const raft::MemoryStorage* log = nullptr;
  const store::Store* store = nullptr;
  const std::map<std::uint64_t, wire::ManagerPeer>* members = nullptr;  // by Raft id
  const std::set<std::uint64_t>* removed = nullptr;
  const raft::ConfState* group = nullptr;  // with its voters
  std::uint64_t raft_id = 0;
  bool writes_log = false;  // entries are on their way to the disk, which may have more than `log`
  const agent::Worker* worker = nullptr;
  NodeId id;
  ClusterId cluster;
  docker::SwarmState state = docker::SwarmState::inactive;
  bool is_manager = false;
  bool is_leader = false;
};

// Two numbers that change whenever looks may show something else. A follower's copy of the store does not
// count: a look asks the leader.
struct Visible {
  std::uint64_t shown = 0;  // of the swarm, and of this node
  std::uint64_t raft = 0;   // of Raft: its term, role, commit and applied index, its story
  bool operator==(const Visible&) const = default;
};

// What was counted, as families of Prometheus: also of a node that has ended.
std::vector<docker::Metric> counters(const Meters& meters);

class Node {
 public:
  Node(NodeOptions options, ports::Ports ports);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Reads the disk and goes on from there: a member reconnects, a manager rejoins its Raft group. An
  // unreadable disk is an error in one sentence that names the key; nothing is changed then.
  Result<void> start(Instant now);

  void handle(ports::Event event);
  void turn(Instant now);
  // When turn() must be called again although nothing happened.
  Instant next_deadline() const;

  // An orderly stop: tasks are stopped, leadership is handed over, what was promised is on disk. `stopped()`
  // tells when; the host goes on with events and turns until then (or gives up and dies: that is only a
  // crash).
  void shut_down(Instant now);
  bool stopped() const;

  Inspection inspect() const;
  // Returns what a client would be answered at this moment from what this node knows, even if another node
  // should answer. It changes nothing: no turn, no trace, no random draw. Nothing for a request that takes
  // time. `leaderless`: show no leader; this node may not have noticed yet that its leader is gone. Where the
  // answer takes the output of tasks, it returns which: the host looks again with the lines as `learnt`. The
  // node answers questions to itself.
  docker::Looked look(const http::Request& request, Instant now, bool leaderless,
                      const docker::Learnt& learnt = {}) const;
  // ... and the answer where there is no leader.
  static docker::Answer without_leader();
  Visible visible() const;
  // Random draws come from `seed` from now on: those of elections, back-offs, new ids, ties between nodes.
  // For hosts that branch a run.
  void reseed(std::uint64_t seed);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace swarm::node
