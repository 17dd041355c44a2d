#include "real/faults_links.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "faults/fault.hpp"
#include "model/wire.hpp"
#include "ports/ports.hpp"
#include "ports/transport.hpp"
#include "real/http/reactor.hpp"

namespace swarm::real {

using faults::Fault;
using faults::Groups;
using faults::Kind;
using faults::Names;

namespace {

constexpr Duration kNoAnswer = Duration::seconds(5);    // as the transport's own patience with a dial
constexpr Duration kUnnoticed = Duration::seconds(10);  // ... and with a peer whose machine is silent
constexpr ports::LinkId kPhantoms = 1ULL << 62;  // links that are none: beyond all numbers of real ones
constexpr std::int64_t kMillion = 1'000'000;

std::optional<std::int64_t> ppm(const Fault& fault, std::string_view key) {
  const auto* ratio = fault.find<faults::Ratio>(key);
  return ratio == nullptr ? std::nullopt : std::optional(ratio->millionths);
}

}  // namespace

// ---- rules

void LinkRules::set(Address own, const std::vector<Fault>& all) {
  own_ = own.host();
  rules_.clear();
  for (const Fault& fault : all) add(fault);
}

void LinkRules::add(const Fault& fault) {
  if (fault.kind != Kind::partition) {
    if (fault.kind == Kind::cut || fault.kind == Kind::hold || fault.kind == Kind::net)
      rules_.push_back({fault.kind, fault.names("from"), fault.names("to"), fault.flag("both", true),
                        fault.span("latency"), fault.span("jitter"), ppm(fault, "loss"),
                        ppm(fault, "duplicate"), ppm(fault, "reorder")});
    return;
  }
  const auto* given = fault.find<Groups>("groups");
  Groups groups = given != nullptr ? *given : Groups{{fault.text("of")}};
  if (groups.size() == 1) groups.push_back({"*"});
  for (std::size_t i = 0; i < groups.size(); ++i)
    for (std::size_t j = i + 1; j < groups.size(); ++j)
      rules_.push_back({Kind::cut, groups[i], groups[j], !fault.flag("one_way"), {}, {}, {}, {}, {}});
}

bool LinkRules::is_in(const Names& end, const Names& opposite, const std::string& who) {
  const auto has = [&](const Names& names) {
    return std::find(names.begin(), names.end(), who) != names.end();
  };
  if (end != Names{"*"}) return has(end);
  return opposite == Names{"*"} || !has(opposite);
}

LinkTrouble LinkRules::to(const Address& peer) const {
  LinkTrouble all;
  const std::string other = peer.host();
  for (const Rule& rule : rules_) {
    const bool forth = is_in(rule.from, rule.to, own_) && is_in(rule.to, rule.from, other);
    const bool back = is_in(rule.from, rule.to, other) && is_in(rule.to, rule.from, own_);
    const bool out = forth || (rule.both && back), in = back || (rule.both && forth);
    if (rule.kind == Kind::cut) {
      all.cut_out |= out;
      all.cut_in |= in;
    }
    if (rule.kind == Kind::hold) all.hold |= out;
    if (rule.kind != Kind::net || !out) continue;
    const auto latest = [](auto& value, const auto& said) {
      if (said) value = *said;
    };
    latest(all.latency, rule.latency);
    latest(all.jitter, rule.jitter);
    latest(all.loss, rule.loss);
    latest(all.duplicate, rule.duplicate);
    latest(all.reorder, rule.reorder);
  }
  return all;
}

// ---- the faults change

void FaultyTransport::set(Address own, const std::vector<Fault>& all) {
  rules_.set(own, all);
  for (auto it = held_.begin(); it != held_.end();) {
    if (trouble(it->first).hold) {
      ++it;
      continue;
    }
    const auto burst = std::move(*it);
    it = held_.erase(it);
    for (const ports::Frame& frame : burst.second) send(burst.first, frame);
  }
  if (rules_.empty()) {  // what is late has been late enough, and stays in order
    for (auto& [at, one] : std::exchange(on_their_way_, {})) inner_->send(one.link, std::move(one.frame));
    last_due_.clear();
  }
  end_silence();
}

LinkTrouble FaultyTransport::trouble(ports::LinkId link) const {
  const auto it = peers_.find(link);
  return it == peers_.end() ? LinkTrouble{} : rules_.to(it->second);
}

// ---- what this node says

ports::LinkId FaultyTransport::open(const Address& to, const Address& source, const wire::Hello& hello) {
  if (!rules_.empty() && rules_.to(to).is_cut()) {
    const ports::LinkId phantom = kPhantoms + ++last_phantom_;
    stay_silent(phantom, to, "dial " + to.str() + ": no answer within 5s");
    return phantom;
  }
  const ports::LinkId link = inner_->open(to, source, hello);
  peers_[link] = to;
  return link;
}

void FaultyTransport::send(ports::LinkId link, ports::Frame frame) {
  if (rules_.empty() && on_their_way_.empty()) return inner_->send(link, std::move(frame));
  const LinkTrouble now = trouble(link);
  if (now.cut_out || link > kPhantoms) return;
  if (now.hold) return held_[link].push_back(std::move(frame));
  if (now.is_net() || last_due_.contains(link)) return post_later(link, std::move(frame), now);
  inner_->send(link, std::move(frame));
}

void FaultyTransport::post_later(ports::LinkId link, ports::Frame frame, const LinkTrouble& net) {
  if (rng_.chance(static_cast<std::uint64_t>(net.loss), kMillion)) return;
  const bool twice = rng_.chance(static_cast<std::uint64_t>(net.duplicate), kMillion);
  const bool overtaken = rng_.chance(static_cast<std::uint64_t>(net.reorder), kMillion);
  const std::int64_t least = net.latency.ns > 0 ? -net.jitter.ns : 0;
  const Duration delay{std::max<std::int64_t>(0, net.latency.ns + rng_.between(least, net.jitter.ns))};
  Instant at = steady_now() + delay;
  if (overtaken) {  // others pass it
    at = at + Duration{rng_.between(1'000'000, std::max<std::int64_t>(net.latency.ns, 20'000'000))};
  } else {
    Instant& last = last_due_[link];
    at = last = std::max(last, at);
  }
  if (twice) on_their_way_.emplace(at, OnItsWay{link, frame});
  on_their_way_.emplace(at, OnItsWay{link, std::move(frame)});
  send_due();
}

void FaultyTransport::send_due() {
  while (!on_their_way_.empty() && on_their_way_.begin()->first <= steady_now()) {
    OnItsWay next = std::move(on_their_way_.begin()->second);
    on_their_way_.erase(on_their_way_.begin());
    if (!trouble(next.link).cut_out) inner_->send(next.link, std::move(next.frame));
  }
  if (on_their_way_.empty()) return last_due_.clear();
  due_.at(on_their_way_.begin()->first, [this] { send_due(); });
}

void FaultyTransport::close(ports::LinkId link) {
  std::erase_if(silent_, [&](const Silent& one) { return one.link == link; });
  // What was sent before still goes out, as it does from a link without faults: but for what is held.
  for (auto it = on_their_way_.begin(); it != on_their_way_.end();) {
    if (it->second.link != link) {
      ++it;
      continue;
    }
    inner_->send(link, std::move(it->second.frame));
    it = on_their_way_.erase(it);
  }
  forget(link);
  if (link <= kPhantoms) inner_->close(link);
}

void FaultyTransport::forget(ports::LinkId link) {
  peers_.erase(link);
  held_.erase(link);
  last_due_.erase(link);
  std::erase_if(on_their_way_, [&](const auto& one) { return one.second.link == link; });
}

// ---- what it hears

void FaultyTransport::hear(ports::Event event) {
  if (auto* opened = std::get_if<ports::LinkOpened>(&event)) {
    peers_[opened->link] = opened->remote;
    if (!rules_.empty() && rules_.to(opened->remote).is_cut()) {
      const ports::LinkId link = opened->link;
      forget(link);
      inner_->close(link);
      if (!opened->inbound)
        stay_silent(link, opened->remote, "dial " + opened->remote.str() + ": no answer within 5s");
      return;
    }
  } else if (auto* closed = std::get_if<ports::LinkClosed>(&event)) {
    const auto it = peers_.find(closed->link);
    if (it != peers_.end() && !rules_.empty() && rules_.to(it->second).cut_in) {
      const Address peer = it->second;
      forget(closed->link);
      stay_silent(closed->link, peer, closed->reason);
      silent_.back().until = steady_now() + kUnnoticed;
      return;
    }
    forget(closed->link);
  } else if (auto* arrived = std::get_if<ports::FrameArrived>(&event)) {
    if (!rules_.empty() && trouble(arrived->link).cut_in) return;
  }
  emit_(std::move(event));
}

void FaultyTransport::stay_silent(ports::LinkId link, const Address& peer, std::string reason) {
  silent_.push_back({link, peer, steady_now() + kNoAnswer, std::move(reason)});
  dials_.at(silent_.front().until, [this] { end_silence(); });
}

// Of those whose time is over, or whose link is no longer cut: the node hears it, and may dial again.
void FaultyTransport::end_silence() {
  std::vector<Silent> over;
  const Instant now = steady_now();
  std::erase_if(silent_, [&](const Silent& one) {
    const bool ends = one.until <= now || !rules_.to(one.peer).is_cut();
    if (ends) over.push_back(one);
    return ends;
  });
  for (const Silent& one : over) emit_(ports::LinkClosed{one.link, one.reason});
  Instant next = Instant::never();
  for (const Silent& one : silent_) next = std::min(next, one.until);
  if (next != Instant::never()) dials_.at(next, [this] { end_silence(); });
}

}  // namespace swarm::real
