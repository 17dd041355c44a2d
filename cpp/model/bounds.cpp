#include "model/bounds.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "model/cluster.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"

namespace swarm::model {
namespace {

std::string not_between(const char* name, std::uint64_t number, const Bounds& bounds) {
  return std::string("invalid ") + name + " " + std::to_string(number) + ": must be between " +
         std::to_string(bounds.low) + " and " + std::to_string(bounds.high);
}

std::vector<std::string> kept(const std::string& whose, std::vector<std::string> sentences,
                              const char* command) {
  for (std::string& sentence : sentences)
    sentence = whose + ": " + sentence + "; the nearest that is possible is used until you set another (" +
               command + ")";
  return sentences;
}

}  // namespace

RaftSettings usable(RaftSettings raft) {
  each_number(raft, [](const char*, auto& number, const Bounds& bounds) {
    number = static_cast<std::remove_reference_t<decltype(number)>>(bounds.clamp(number));
  });
  raft.election_tick = std::max(raft.election_tick, raft.heartbeat_tick + 1);
  return raft;
}

Duration usable_heartbeat(Duration period) { return std::max(period, kShortestHeartbeat); }

std::vector<std::string> out_of_bounds(const ClusterSpec& spec) {
  std::vector<std::string> out;
  each_number(spec.raft, [&](const char* name, std::uint64_t number, const Bounds& bounds) {
    if (!bounds.hold(number)) out.push_back(not_between(name, number, bounds));
  });
  // An election must outlast lost heartbeats (etcd raft Config.validate).
  if (out.empty() && spec.raft.election_tick <= spec.raft.heartbeat_tick)
    out.push_back("invalid number of Raft election ticks " + std::to_string(spec.raft.election_tick) +
                  ": must be greater than the heartbeat ticks, " + std::to_string(spec.raft.heartbeat_tick));
  if (spec.heartbeat_period.ns < 0) {
    out.push_back("heartbeat time period cannot be a negative duration");
  } else if (spec.heartbeat_period < kShortestHeartbeat) {
    out.push_back("invalid heartbeat period " + to_string(spec.heartbeat_period) + ": must be at least " +
                  to_string(kShortestHeartbeat));
  }
  if (spec.ca.node_cert_expiry < kShortestCertExpiry)
    out.push_back("minimum certificate expiry time is: " + to_string(kShortestCertExpiry));
  return out;
}

std::vector<std::string> out_of_bounds(const ServiceSpec& spec) {
  const auto* replicated = std::get_if<ReplicatedMode>(&spec.mode);
  if (replicated == nullptr || replicated->replicas <= kMaxReplicas) return {};
  return {"Number of replicas must be at most " + std::to_string(kMaxReplicas) + ", not " +
          std::to_string(replicated->replicas)};
}

std::vector<std::string> kept_in_bounds(const Cluster& cluster) {
  return kept("the swarm's settings", out_of_bounds(cluster.spec), "docker swarm update");
}

std::vector<std::string> kept_in_bounds(const Service& service) {
  return kept("service " + service.spec.annotations.name, out_of_bounds(service.spec),
              "docker service update");
}

}  // namespace swarm::model
