#include "ca/policy.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "base/mistake.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "model/certificate.hpp"
#include "model/node.hpp"

namespace swarm::ca {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

constexpr std::array<const char*, 6> kSentences{
    "the peer shows no certificate",
    "the peer's certificate is of another root",
    "the peer's certificate is of another swarm",
    "the peer's certificate is not valid yet: compare the clocks of the two machines",
    "the peer's certificate has expired",
    "the peer is no manager: its certificate says so",
};

WallTime whole_seconds(WallTime time) { return {time.ns / kSecond * kSecond}; }

}  // namespace

const char* sentence_of(Distrust distrust) { return kSentences[static_cast<std::size_t>(distrust)]; }

WallTime made_at(WallTime now, WallTime log) { return log < now + kBackdate / 2 ? std::max(now, log) : now; }

model::Certificate to_issue(NodeId node, model::NodeRole role, ClusterId cluster, Duration life,
                            WallTime now) {
  const WallTime from = whole_seconds(now + (Duration{} - kBackdate));
  return {node, role, cluster, from, whole_seconds(now + std::max(life, kLeastExpiry)), {}, {}};
}

model::NodeRole role_of(const model::Node& node) {
  const bool manager =
      node.spec.desired_role == model::NodeRole::manager || node.role == model::NodeRole::manager;
  return manager && !SWARM_MISTAKE("ca.certifies-every-node-as-worker") ? model::NodeRole::manager
                                                                        : model::NodeRole::worker;
}

namespace {

bool is_of(const model::Certificate& certificate, const std::vector<std::string>& roots) {
  return std::ranges::any_of(roots, [&](const std::string& root) {
    return !root.empty() && (root == certificate.issuer || root == certificate.cross_signed_by);
  });
}

}  // namespace

bool is_too_late(const model::Certificate& certificate, WallTime now) {
  return certificate.not_after + kRenewalGrace <= now;
}

std::optional<Distrust> judge(const std::optional<model::Certificate>& peer, Expected expected,
                              const Trust& trust, WallTime now) {
  if (!peer) return expected == Expected::anyone ? std::nullopt : std::optional(Distrust::not_shown);
  if (!is_of(*peer, trust.roots)) return Distrust::another_root;
  if (!trust.cluster.empty() && peer->cluster != trust.cluster) return Distrust::another_swarm;
  if (now < peer->not_before && expected != Expected::anyone) return Distrust::not_yet;
  const bool may_be_late = expected == Expected::anyone && !is_too_late(*peer, now);
  if (peer->not_after <= now && !may_be_late) return Distrust::expired;
  if (expected == Expected::manager && peer->role != model::NodeRole::manager) return Distrust::no_manager;
  return std::nullopt;
}

Expected expected_of(bool dialled, const Trust& trust) {
  return dialled && !trust.roots.empty() ? Expected::manager : Expected::anyone;
}

WallTime renewal_time(const model::Certificate& certificate, Rng& rng) {
  const std::int64_t life = std::max<std::int64_t>((certificate.not_after - certificate.not_before).ns, 0);
  return certificate.not_before + Duration{life / 100 * rng.between(50, 80)};
}

}  // namespace swarm::ca
