#include "real/intake.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "ports/transport.hpp"

namespace swarm::real {

bool Intake::may_pass(PeerKind kind, Used& link) const {
  if (link.waits || is_used_up(kind)) return false;
  if (link.round != round_) return true;
  return link.frames < share_of(kind).frames && link.bytes < share_of(kind).bytes;
}

void Intake::passed(PeerKind kind, Used& link, std::size_t bytes) {
  if (std::exchange(link.round, round_) != round_) link.frames = link.bytes = 0;
  ++link.frames;
  link.bytes += bytes;
  ++passed_[static_cast<std::size_t>(kind)];
}

void Intake::wait(PeerKind kind, ports::LinkId id, Used& link) {
  if (!std::exchange(link.waits, true)) waiting_[static_cast<std::size_t>(kind)].push_back(id);
}

bool Intake::any_waits() const {
  return std::ranges::any_of(waiting_, [](const auto& line) { return !line.empty(); });
}

}  // namespace swarm::real
