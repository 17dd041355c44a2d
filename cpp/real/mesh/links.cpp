#include "real/mesh/links.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "real/mesh/delay_line.hpp"
#include "real/mesh/link.hpp"
#include "real/mesh/poller.hpp"
#include "real/stream/byte_stream.hpp"
#include "real/stream/fd.hpp"
#include "real/stream/sockets.hpp"

namespace swarm::real::relay {
namespace {

constexpr std::size_t kMostStrangers = 1'024;

}  // namespace

Link* Links::find(LinkId id) {
  const auto it = links_.find(id);
  return it == links_.end() ? nullptr : it->second.get();
}

std::vector<LinkId> Links::all() const {
  std::vector<LinkId> out;
  for (const auto& [id, link] : links_) out.push_back(id);
  return out;
}

Link& Links::add(Fd fd, const Address& remote, Side side) {
  const LinkId id = ++last_;
  auto link =
      std::make_unique<Link>(id, make_stream(maker_, std::move(fd), side), remote, side, self_, speaking_);
  if (fault_of_) link->set_fault(fault_of_(remote), chance_);
  link->set_removed_nodes(removed_nodes_);
  poller_.add(link->fd(), {Topic::Kind::link, id});
  return *(links_[id] = std::move(link));
}

Link* Links::to(const Address& node) {
  if (const auto it = by_node_.find(node); it != by_node_.end()) return find(it->second);
  Dialled dialled = dial(node, own_);
  if (dialled.error != 0) return nullptr;
  Link& link = add(std::move(dialled.fd), node, Side::dialled);
  by_node_[node] = link.id();
  return &link;
}

void Links::add_stranger(Fd fd, const Address& from, Instant patience_ends) {
  strangers_.emplace_back(patience_ends, add(std::move(fd), from, Side::accepted).id());
}

void Links::erase(LinkId id) {
  std::erase_if(by_node_, [id](const auto& one) { return one.second == id; });
  links_.erase(id);
}

void Links::clear() {
  by_node_.clear();
  speaking_.clear();
  strangers_.clear();
  links_.clear();
}

std::vector<LinkId> Links::take_late_strangers(Instant now) {
  std::vector<LinkId> out;
  for (; !strangers_.empty() && strangers_.front().first <= now; strangers_.pop_front())
    if (const Link* link = find(strangers_.front().second); link != nullptr && !link->greeted())
      out.push_back(link->id());
  return out;
}

std::vector<LinkId> Links::take_surplus_strangers() {
  std::vector<LinkId> out;
  for (; strangers_.size() > kMostStrangers; strangers_.pop_front())
    if (const Link* link = find(strangers_.front().second); link != nullptr && !link->greeted())
      out.push_back(link->id());
  return out;
}

std::vector<LinkId> Links::set_removed_nodes(RemovedNodes removed) {
  removed_nodes_ = std::move(removed);
  std::vector<LinkId> out;
  for (const auto& [id, link] : links_)
    if (removed_nodes_->contains(link->peer())) out.push_back(id);
  return out;
}

// What has waited goes on, unless it is to wait on.
void Links::set_faults(FaultOf fault_of) {
  fault_of_ = std::move(fault_of);
  for (const auto& [id, link] : links_) {
    link->set_fault(fault_of_ ? fault_of_(link->remote()) : LinkFault{}, chance_);
    link->speak();
  }
}

void Links::wake_delayed(Instant now) {
  if (!fault_of_) return;
  for (const auto& [id, link] : links_)
    if (link->next_due() <= now) link->speak();
}

Instant Links::next_due() const {
  Instant next = strangers_.empty() ? Instant::never() : strangers_.front().first;
  if (!fault_of_) return next;
  for (const auto& [id, link] : links_) next = std::min(next, link->next_due());
  return next;
}

}  // namespace swarm::real::relay
