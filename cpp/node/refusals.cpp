#include "node/refusals.hpp"

#include <utility>

namespace swarm::node {
namespace {

constexpr Duration kOneLinePer = Duration::seconds(1);

}  // namespace

void Refusals::note(ports::LinkId link, const model::Principal& who, const char* message, Denial denial) {
  ++core_.meters.denied[static_cast<std::size_t>(denial)];
  if (!row_of(denial).logged) return;
  core_.trace("frame.denied", [&] { return "link=" + std::to_string(link); });
  if (core_.now < quiet_until_) {
    ++unsaid_;
    return;
  }
  quiet_until_ = core_.now + kOneLinePer;
  say(link, who, message, denial);
}

void Refusals::say(ports::LinkId link, const model::Principal& who, const char* message, Denial denial) {
  const std::uint64_t more = std::exchange(unsaid_, 0);
  core_.trace("warning.denied", [&] {
    const Address* remote = core_.links.remote(link);
    std::string line = std::string(message) + " from " + (remote != nullptr ? remote->str() : "?");
    if (!who.node.empty())
      line += " (" + std::string(model::to_string(who.role)) + " " + who.node.str() + ")";
    line += std::string(" was refused: ") + row_of(denial).sentence;
    if (row_of(denial).closes) line += "; the link is closed";
    if (more != 0) line += " (" + std::to_string(more) + " more since the last such line)";
    return line;
  });
}

}  // namespace swarm::node
