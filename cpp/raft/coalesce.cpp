#include "raft/coalesce.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include "raft/message.hpp"
#include "raft/storage.hpp"

namespace swarm::raft {
namespace {

// The last entry that the follower has when it has taken `append`.
Index last_index(const Message& append) { return append.index + append.entries.size(); }
Term last_term(const Message& append) {
  return append.entries.empty() ? append.log_term : append.entries.back().term;
}

bool same_link(const Message& a, const Message& b) {
  return a.type == b.type && a.from == b.from && a.term == b.term;
}

bool continues(const Message& earlier, const Message& later) {
  return later.type == MessageType::app && same_link(earlier, later) && later.index == last_index(earlier) &&
         later.log_term == last_term(earlier);
}

// A refusal is an answer of its own: the leader goes back by it.
bool says_more(const Message& earlier, const Message& later) {
  return later.type == MessageType::app_resp && same_link(earlier, later) && !earlier.reject &&
         !later.reject && later.index >= earlier.index;
}

void append_to(Message& earlier, Message&& later) {
  std::move(later.entries.begin(), later.entries.end(), std::back_inserter(earlier.entries));
  earlier.commit = std::max(earlier.commit, later.commit);
}

// What was sent last to each peer, and how large its entries are.
struct Last {
  std::size_t place = 0;
  std::uint64_t size = 0;
};

// Most rounds send each peer one message, or nothing.
bool is_one_for_each(const std::vector<Message>& messages) {
  if (messages.size() > 8) return false;
  for (auto it = messages.begin(); it != messages.end(); ++it)
    if (std::any_of(messages.begin(), it, [&](const Message& earlier) { return earlier.to == it->to; }))
      return false;
  return true;
}

}  // namespace

std::vector<Message> coalesced(std::vector<Message> messages, std::uint64_t max_size) {
  if (is_one_for_each(messages)) return messages;
  std::vector<Message> out;
  std::map<PeerId, Last> last;
  for (Message& message : messages) {
    const std::uint64_t size = entries_size(message.entries);
    const auto [found, is_first] = last.try_emplace(message.to);
    if (!is_first) {
      Message& earlier = out[found->second.place];
      if (continues(earlier, message) && found->second.size + size <= max_size) {
        found->second.size += size;
        append_to(earlier, std::move(message));
        continue;
      }
      if (says_more(earlier, message)) {
        earlier = std::move(message);
        continue;
      }
    }
    found->second = {out.size(), size};
    out.push_back(std::move(message));
  }
  return out;
}

}  // namespace swarm::raft
