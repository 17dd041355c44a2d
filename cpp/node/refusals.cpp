#include "node/refusals.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "base/address.hpp"
#include "base/time.hpp"
#include "model/node.hpp"
#include "node/links.hpp"
#include "node/permissions.hpp"

namespace swarm::node {
namespace {

constexpr Duration kOneLinePer = Duration::seconds(1);

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
    return sentence(from, message, denial, rule) + (closes ? "; the link is closed" : "") +
           (more != 0 ? " (" + std::to_string(more) + " more since the last such line)" : "");
  });
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
