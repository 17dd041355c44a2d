#include "model/bounds.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "model/annotations.hpp"
#include "model/cluster.hpp"
#include "model/node.hpp"
#include "model/resources.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"

namespace swarm::model {
namespace {

std::string not_between(const char* name, std::uint64_t number, const Bounds& bounds) {
  return std::string("invalid ") + name + " " + std::to_string(number) + ": must be between " +
         std::to_string(bounds.low) + " and " + std::to_string(bounds.high);
}

std::string too_long(const char* what, std::size_t size, std::size_t most) {
  return std::string("invalid node description: ") + what + " has " + std::to_string(size) + ", and " +
         std::to_string(most) + " at most are taken";
}

std::size_t size_of(const Labels& labels) {
  std::size_t size = 0;
  for (const auto& [key, value] : labels) size += key.size() + value.size();
  return size;
}

std::size_t longest_of(const std::vector<Plugin>& plugins) {
  std::size_t longest = 0;
  for (const Plugin& plugin : plugins) longest = std::max({longest, plugin.type.size(), plugin.name.size()});
  return longest;
}

std::size_t longest_of(const std::vector<GenericResource>& resources) {
  std::size_t longest = 0;
  for (const auto& one : resources) longest = std::max({longest, one.kind.size(), one.name.size()});
  return longest;
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

std::vector<std::string> out_of_bounds(const NodeDescription& description) {
  std::vector<std::string> out;
  const auto check = [&out](const char* what, std::size_t size, std::size_t most) {
    if (size > most) out.push_back(too_long(what, size, most));
  };
  check("the hostname (bytes)", description.hostname.size(), kLongestHostname);
  check("the operating system (bytes)", description.platform.os.size(), kLongestWord);
  check("the architecture (bytes)", description.platform.architecture.size(), kLongestWord);
  check("the engine's version (bytes)", description.engine_version.size(), kLongestWord);
  check("the engine's labels", description.engine_labels.size(), kMostEngineLabels);
  check("the engine's labels (bytes)", size_of(description.engine_labels), kLongestEngineLabels);
  check("the plugins", description.plugins.size(), kMostPlugins);
  check("a plugin's name (bytes)", longest_of(description.plugins), kLongestWord);
  const auto& generic = description.resources.generic_resources;
  check("the generic resources", generic.size(), kMostGenericResources);
  check("a generic resource's name (bytes)", longest_of(generic), kLongestWord);
  if (const auto& tls = description.tls)
    check("its TLS information (bytes)",
          tls->trust_root.size() + tls->issuer.size() + tls->issuer_subject.size() +
              tls->issuer_public_key.size(),
          kLongestTlsInfo);
  return out;
}

// No character of UTF-8 is cut in two: its further bytes begin with the bits 10.
std::string within_bounds(std::string text) {
  constexpr std::string_view kCut = "...";
  if (text.size() <= kLongestStatusText) return text;
  std::size_t end = kLongestStatusText - kCut.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  return text.append(kCut);
}

TaskStatus within_bounds(TaskStatus status) {
  constexpr std::int64_t kLatest = std::int64_t{1} << 62;  // in the year 2116
  status.message = within_bounds(std::move(status.message));
  status.err = within_bounds(std::move(status.err));
  status.container.container_id = within_bounds(std::move(status.container.container_id));
  if (status.port_status.size() > kMostStatusPorts) status.port_status.resize(kMostStatusPorts);
  for (PortConfig& port : status.port_status) port.name = within_bounds(std::move(port.name));
  status.timestamp.ns = std::clamp<std::int64_t>(status.timestamp.ns, 0, kLatest);
  return status;
}

std::vector<std::string> kept_in_bounds(const Cluster& cluster) {
  return kept("the swarm's settings", out_of_bounds(cluster.spec), "docker swarm update");
}

std::vector<std::string> kept_in_bounds(const Service& service) {
  return kept("service " + service.spec.annotations.name, out_of_bounds(service.spec),
              "docker service update");
}

}  // namespace swarm::model
