#include "node/refusals.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>  // clang-tidy takes std::erase_if from here

#include "base/address.hpp"
#include "base/time.hpp"
#include "model/node.hpp"
#include "node/links.hpp"
#include "node/permissions.hpp"
#include "ports/refusal.hpp"

namespace swarm::node {
namespace {

constexpr Duration kOneLinePer = Duration::seconds(1);
constexpr Duration kOneLineOfLinksPer = Duration::seconds(10);
constexpr std::size_t kMostSaidOfLinks = 256;

std::string and_more(std::uint64_t count) {
  return count == 0 ? "" : " (" + std::to_string(count) + " more since the last such line)";
}

std::string sentence_of_link(const std::string& host, const ports::Refusal& refusal) {
  const std::string it = ": it " + std::string(refusal.what);
  return refusal.by_peer ? host + " refuses this node's certificate" + it
                         : "the certificate of " + host + " is refused" + it;
}

}  // namespace

void Refusals::note(const Speaker& from, const char* message, Denial denial, bool closes, const char* rule) {
  ++core_.meters.denied[static_cast<std::size_t>(denial)];
  if (!row_of(denial).logged) return;
  core_.trace("frame.denied", [&] { return "link=" + std::to_string(from.link); });
  if (core_.now < quiet_until_) {
    ++unsaid_;
    return;
  }
  quiet_until_ = core_.now + kOneLinePer;
  const std::uint64_t more = std::exchange(unsaid_, 0);
  core_.trace("warning.denied", [&] {
    return sentence(from, message, denial, rule) + (closes ? "; the link is closed" : "") + and_more(more);
  });
}

void Refusals::note_link(const std::string& host, const ports::Refusal& refusal) {
  const std::pair what(host, std::string(refusal.what));
  if (said_of_links_.contains(what)) return;
  if (core_.now < links_quiet_until_) {
    ++links_unsaid_;
    return;
  }
  links_quiet_until_ = core_.now + kOneLineOfLinksPer;
  if (said_of_links_.size() >= kMostSaidOfLinks) said_of_links_.clear();
  said_of_links_.insert(what);
  const std::uint64_t more = std::exchange(links_unsaid_, 0);
  core_.trace("warning.certificate", [&] { return sentence_of_link(host, refusal) + and_more(more); });
}

void Refusals::forget_links(const Address& remote) {
  const std::string host = remote.host();
  std::erase_if(said_of_links_, [&](const auto& one) { return one.first == host; });
}

std::string Refusals::sentence(const Speaker& from, const char* message, Denial denial,
                               const char* rule) const {
  const Address* remote = core_.links.remote(from.link);
  std::string line = std::string(message) + " from " + (remote != nullptr ? remote->str() : "?");
  if (!from.who.node.empty())
    line += " (" + std::string(model::to_string(from.who.role)) + " " + from.who.node.str() + ")";
  line += std::string(" was refused: ") + row_of(denial).sentence;
  return rule == nullptr ? line : line + ": " + rule;
}

}  // namespace swarm::node
