#include "node/pace.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>  // clang-tidy takes std::erase_if from here

#include "base/time.hpp"
#include "node/links.hpp"
#include "node/permissions.hpp"
#include "ports/transport.hpp"

namespace swarm::node {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

}  // namespace

bool Pace::counts(const Permission& row) {
  return row.way == Way::asks && (row.sender == Sender::anyone || row.part == Part::membership);
}

bool Pace::may_ask(const Speaker& from, Instant now) {
  if (from.who.node.empty()) return take({from.link, NodeId(), Kind::request}, kOfStranger, now);
  return take({0, from.who.node, Kind::request}, kOfNode, now);
}

bool Pace::may_stray(const Speaker& from, Instant now) {
  return take({0, from.who.node, Kind::stray}, kOfStrays, now);
}

void Pace::forget(ports::LinkId link) { used_.erase({link, NodeId(), Kind::request}); }

// Each one takes its part of a second, of which a peer may be ahead by `at_once` parts.
bool Pace::take(const Key& key, const Rate& rate, Instant now) {
  if (used_.size() >= kMostAtRest && !used_.contains(key)) forget_those_at_rest(now);
  const Duration one{kSecond / rate.per_second}, all = one * rate.at_once;
  Instant& until = used_[key];
  until = std::clamp(until, now, now + all);
  if (until + one > now + all) return false;
  until = until + one;
  return true;
}

void Pace::forget_those_at_rest(Instant now) {
  std::erase_if(used_, [now](const auto& one) { return one.second <= now; });
}

}  // namespace swarm::node
