#include "dispatcher/feed.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>
#include <variant>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/mistake.hpp"
#include "base/time.hpp"
#include "model/task.hpp"
#include "model/wire.hpp"

namespace swarm::dispatcher {
namespace {

using wire::FeedItem;
using wire::FeedKey;
using wire::FeedKind;

constexpr Duration kAckTimeout = Duration::millis(500);
constexpr std::int64_t kMaxDoublings = 4;  // up to 8 s: an agent that is slow with a large set is not flooded

// The first key behind `id`, or at the beginning, of a map or set that is ordered by ids.
template <class Ids>
auto behind(const Ids& ids, const std::optional<Uint128>& id) {
  return id ? ids.upper_bound(typename Ids::key_type(*id)) : ids.begin();
}

}  // namespace

bool is_for_agent(const model::Task& task) {
  return !task.node_id.empty() && task.state() >= model::TaskState::assigned;
}

// ---- the source

std::optional<FeedItem> FeedSource::find(NodeId node, const FeedKey& key) const {
  switch (key.kind) {
    case FeedKind::task: {
      const auto task = store_.task(TaskId(key.id));
      if (!task || task->node_id != node || !is_for_agent(*task)) return std::nullopt;
      return *task;
    }
    case FeedKind::mesh_service: {
      const auto it = mesh_.services().find(ServiceId(key.id));
      if (it == mesh_.services().end()) return std::nullopt;
      return wire::MeshService{it->first, it->second};
    }
    case FeedKind::mesh_backend: {
      const auto it = mesh_.backends().find(TaskId(key.id));
      if (it == mesh_.backends().end()) return std::nullopt;
      return it->second;
    }
    case FeedKind::removed_node:
      if (!mesh_.removed_nodes().contains(NodeId(key.id))) return std::nullopt;
      return wire::RemovedNode{NodeId(key.id)};
    case FeedKind::overlay_network:
      return overlay_.network(store_, node, NetworkId(key.id));
    case FeedKind::overlay_service:
      return overlay_.service(store_, node, ServiceId(key.id));
    case FeedKind::overlay_task:
      return overlay_.task(store_, node, TaskId(key.id));
  }
  return std::nullopt;
}

bool FeedSource::is_understood(NodeId node, FeedKind kind) const {
  if (kind < FeedKind::removed_node) return true;
  const auto stored = store_.node(node);
  const auto needed = kind == FeedKind::removed_node ? wire::kRemovedNodesSince : wire::kOverlaysSince;
  return stored && stored->description.feature_level >= needed;
}

std::optional<FeedKey> FeedSource::after(NodeId node, const std::optional<FeedKey>& key) const {
  static_assert(std::variant_size_v<FeedItem> == 7, "each kind is gone through, in its order");
  constexpr auto kLast = static_cast<std::uint8_t>(FeedKind::overlay_task);
  const FeedKind first = key ? key->kind : FeedKind::task;
  for (auto kind = static_cast<std::uint8_t>(first); kind <= kLast; ++kind) {
    const auto of = static_cast<FeedKind>(kind);
    if (!is_understood(node, of)) continue;
    const bool within = key && key->kind == of;
    if (auto found = next(node, of, within ? std::optional(key->id) : std::nullopt)) return found;
  }
  return std::nullopt;
}

std::optional<FeedKey> FeedSource::next(NodeId node, FeedKind kind, std::optional<Uint128> id) const {
  switch (kind) {
    case FeedKind::task: {
      const auto& tasks = store_.tasks_on_node(node);
      for (auto it = behind(tasks, id); it != tasks.end(); ++it)
        if (is_for_agent(*store_.task(*it))) return FeedKey::task(*it);
      return std::nullopt;
    }
    case FeedKind::mesh_service: {
      const auto it = behind(mesh_.services(), id);
      return it != mesh_.services().end() ? std::optional(FeedKey::mesh_service(it->first)) : std::nullopt;
    }
    case FeedKind::mesh_backend: {
      const auto it = behind(mesh_.backends(), id);
      return it != mesh_.backends().end() ? std::optional(FeedKey::mesh_backend(it->first)) : std::nullopt;
    }
    case FeedKind::removed_node: {
      const auto it = behind(mesh_.removed_nodes(), id);
      return it != mesh_.removed_nodes().end() ? std::optional(FeedKey::removed_node(*it)) : std::nullopt;
    }
    case FeedKind::overlay_network:
    case FeedKind::overlay_service:
    case FeedKind::overlay_task:
      return overlay_.next(store_, node, kind, id);
  }
  return std::nullopt;
}

// ---- what is to be sent

void Feed::start_over() {
  pass_ = Pass{};
  furthest_.reset();
  noted_.clear();
  on_their_way_.clear();
  deadline_ = Instant::never();
}

void Feed::note(const FeedKey& key) {
  // The complete feed will still come to this key and send its newest value. A key that any piece has reached
  // is sent beside it, also when the feed has gone back to send that piece again: the node may have it, and a
  // later piece does not say that it is gone.
  if (pass_ && (!furthest_ || *furthest_ < key)) return;
  noted_.insert(key);
  if (noted_.size() > kMaxNoted) start_over();
}

// What has not been acknowledged goes out again, with what has changed since.
void Feed::tell_again() {
  for (auto sent = on_their_way_.rbegin(); sent != on_their_way_.rend(); ++sent) {
    noted_.insert(sent->keys.begin(), sent->keys.end());
    if (sent->pass) pass_ = sent->pass;
  }
  on_their_way_.clear();
  deadline_ = Instant::never();
}

void Feed::arm(Instant now) {
  deadline_ = on_their_way_.empty() ? Instant::never() : now + kAckTimeout * (std::int64_t{1} << timeouts_);
}

void Feed::on_ack(const wire::FeedAck& ack, Instant now) {
  const auto sent = [this](std::uint64_t number) {
    return std::ranges::find(on_their_way_, number, &Sent::number);
  };
  if (const auto it = sent(ack.applied); it != on_their_way_.end()) {
    on_their_way_.erase(on_their_way_.begin(), std::next(it));
    acknowledged_ = ack.applied;
    timeouts_ = 0;
    arm(now);
  }
  // An update before the refused one was lost. If the refused one is not on its way any more, its keys are
  // being sent again already.
  if (ack.refused != 0 && sent(ack.refused) != on_their_way_.end()) tell_again();
}

bool Feed::has_told(const FeedKey& key) const {
  if (noted_.contains(key) || (pass_ && (!furthest_ || *furthest_ < key))) return false;
  return std::ranges::none_of(on_their_way_, [&](const Sent& sent) {
    return sent.pass || std::ranges::find(sent.keys, key) != sent.keys.end();
  });
}

std::optional<wire::FeedUpdate> Feed::next(const FeedSource& source, NodeId node, Instant now) {
  if (deadline_ <= now) {
    timeouts_ = std::min(timeouts_ + 1, kMaxDoublings);
    tell_again();
  }
  const std::size_t window = timeouts_ == 0 ? kWindow : 1;
  if (on_their_way_.size() >= window || (!pass_ && noted_.empty())) return std::nullopt;
  wire::FeedUpdate update;
  update.from = on_their_way_.empty() ? acknowledged_ : on_their_way_.back().number;
  update.to = ++number_;
  update.store_version = source.version();
  Sent sent{update.to, {}, {}};
  if (pass_) {
    sent.pass = pass_;
    add_piece(source, node, *pass_, update);
    if (update.last) pass_.reset();
  }
  add_noted(source, node, update, sent);
  on_their_way_.push_back(std::move(sent));
  if (deadline_ == Instant::never()) arm(now);
  SWARM_CHECK(update.from < update.to, "a feed goes forward", update.from, update.to);
  return update;
}

void Feed::add_piece(const FeedSource& source, NodeId node, Pass& pass, wire::FeedUpdate& update) {
  update.first = !pass.passed;
  if (update.first) update.from = 0;
  auto key = source.after(node, pass.passed);
  for (; key && update.items.size() < kPiece; key = source.after(node, key)) {
    auto item = source.find(node, *key);
    SWARM_CHECK(item, "what the source names is not in it: kind", static_cast<int>(key->kind));
    update.items.push_back(std::move(*item));
    pass.passed = key;
  }
  furthest_ = std::max(furthest_, pass.passed);
  update.last = !key;
}

void Feed::add_noted(const FeedSource& source, NodeId node, wire::FeedUpdate& update, Sent& sent) {
  while (!noted_.empty() && sent.keys.size() < kPiece) {
    const FeedKey key = noted_.extract(noted_.begin()).value();
    if (auto item = source.find(node, key)) {
      update.items.push_back(std::move(*item));
    } else {
      if (!SWARM_MISTAKE("dispatcher.tells-no-removals")) update.removed.push_back(key);
    }
    sent.keys.push_back(key);
  }
}

}  // namespace swarm::dispatcher
