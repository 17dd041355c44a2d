#include "node/links.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/check.hpp"
#include "base/time.hpp"
#include "model/wire.hpp"
#include "ports/ports.hpp"
#include "ports/transport.hpp"

namespace swarm::node {
namespace {

constexpr Duration kFirstBackOff = Duration::millis(50);
constexpr std::uint32_t kMaxDoublings = 5;  // 1.6 s

}  // namespace

void Links::set_hello(const wire::Hello& hello) {
  hello_ = hello;
  transport_.set_identity(hello);
}

ports::LinkId Links::to(const Address& address, Instant now) {
  Dial& dial = dials_[address];
  if (dial.link != 0) return dial.link;
  if (now < dial.not_before) return 0;
  dial.link = transport_.open(address, source_, hello_);
  SWARM_CHECK(!links_.contains(dial.link), "link", dial.link, "to", address.str(), "is open already");
  links_[dial.link] = Link{{}, address, address, false};
  return dial.link;
}

bool Links::send_to(const Address& address, ports::Frame frame, Instant now) {
  const ports::LinkId link = to(address, now);
  if (link == 0) return false;
  transport_.send(link, std::move(frame));
  return true;
}

void Links::on_opened(const ports::LinkOpened& event) {
  if (!event.inbound && !links_.contains(event.link)) return;  // closed here before it was open
  Link& link = links_[event.link];
  link.peer = event.peer;
  link.remote = event.remote;
  link.open = true;
  if (event.inbound) {
    // A node came (back): those that this node failed to reach may be there again.
    for (auto& [address, dial] : dials_) dial.not_before = Instant{};
  } else if (link.outbound) {
    dials_[*link.outbound].failures = 0;
  }
}

std::optional<Links::Gone> Links::on_closed(ports::LinkId id, Instant now) {
  const auto it = links_.find(id);
  if (it == links_.end()) return std::nullopt;
  Gone gone{it->second.peer, it->second.outbound, it->second.open};
  links_.erase(it);
  if (gone.outbound) {
    Dial& dial = dials_[*gone.outbound];
    SWARM_CHECK(dial.link == id, "link", id, "to", gone.outbound->str(), "is not the one in use,", dial.link);
    dial.link = 0;
    dial.not_before = now + back_off(dial.failures++);
  }
  return gone;
}

const model::Principal* Links::peer(ports::LinkId id) const {
  const auto it = links_.find(id);
  return it == links_.end() || !it->second.open ? nullptr : &it->second.peer;
}

bool Links::is_outbound(ports::LinkId id) const {
  const auto it = links_.find(id);
  return it != links_.end() && it->second.outbound.has_value();
}

const Address* Links::remote(ports::LinkId id) const {
  const auto it = links_.find(id);
  return it == links_.end() ? nullptr : &it->second.remote;
}

bool Links::is_open_to(const Address& address) const {
  const auto it = dials_.find(address);
  return it != dials_.end() && it->second.link != 0 && peer(it->second.link) != nullptr;
}

std::size_t Links::open_count() const {
  return static_cast<std::size_t>(
      std::count_if(links_.begin(), links_.end(), [](const auto& one) { return one.second.open; }));
}

std::optional<Links::Gone> Links::close(ports::LinkId id) {
  const auto it = links_.find(id);
  if (it == links_.end()) return std::nullopt;
  Gone gone{it->second.peer, it->second.outbound, it->second.open};
  if (gone.outbound) dials_.erase(*gone.outbound);
  links_.erase(it);
  transport_.close(id);
  return gone;
}

std::vector<std::pair<ports::LinkId, Links::Gone>> Links::close_all() {
  std::vector<std::pair<ports::LinkId, Gone>> gone;
  for (const auto& [id, link] : links_) {
    gone.emplace_back(id, Gone{link.peer, link.outbound, link.open});
    transport_.close(id);
  }
  links_.clear();
  dials_.clear();
  return gone;
}

Duration Links::back_off(std::uint32_t failures) {
  const Duration full = kFirstBackOff * (std::int64_t{1} << std::min(failures, kMaxDoublings));
  return full / 2 + Duration{static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(full.ns / 2)))};
}

}  // namespace swarm::node
