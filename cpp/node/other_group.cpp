#include "node/other_group.hpp"

#include <utility>
#include <variant>
#include <vector>  // clang-tidy takes std::erase_if from here

#include "base/id.hpp"
#include "base/time.hpp"
#include "node/lifecycle_times.hpp"
#include "node/permissions.hpp"
#include "ports/transport.hpp"
#include "raft/message.hpp"

namespace swarm::node {
namespace {

constexpr Duration kTellAgain = Duration::seconds(1);
constexpr Duration kForget = Duration::seconds(30);  // after the last word of it

}  // namespace

bool is_of_other_leader(const ports::Frame& frame, Denial denial) {
  if (denial != Denial::stale && denial != Denial::unknown_manager) return false;
  const auto* message = std::get_if<raft::Message>(&frame);
  return message != nullptr &&
         (message->type == raft::MessageType::app || message->type == raft::MessageType::heartbeat ||
          message->type == raft::MessageType::snap);
}

OtherGroup::Contact& OtherGroup::contact(NodeId node, Instant now) {
  std::erase_if(contacts_, [now](const auto& one) { return one.second.last + kForget < now; });
  auto& found = contacts_.try_emplace(node, Contact{now, now, now}).first->second;
  const bool broke_off = found.last + kNoticesLoss < now;
  if (broke_off && !found.is_certain) found.first = now;
  found.last = now;
  return found;
}

bool OtherGroup::on_leader(NodeId node, Instant now) {
  Contact& found = contact(node, now);
  if (now < found.first + kNoticesLoss || now < found.tell_at) return false;
  found.is_certain = true;
  found.tell_at = now + kTellAgain;
  return true;
}

bool OtherGroup::on_told(NodeId node, Instant now) {
  contact(node, now).is_certain = true;
  return take_news(node);
}

bool OtherGroup::take_news(NodeId node) {
  const auto found = contacts_.find(node);
  return found != contacts_.end() && found->second.is_certain && !std::exchange(found->second.is_told, true);
}

NodeId OtherGroup::present(Instant now) const {
  NodeId out;
  Instant last{};
  for (const auto& [node, contact] : contacts_) {
    if (!contact.is_certain || contact.last + kForget < now || contact.last < last) continue;
    out = node;
    last = contact.last;
  }
  return out;
}

}  // namespace swarm::node
