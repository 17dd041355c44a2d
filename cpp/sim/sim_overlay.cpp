#include "sim/sim_overlay.hpp"

#include <cstdint>

#include "base/id.hpp"
#include "model/wire.hpp"
#include "net/overlay/feed_table.hpp"
#include "ports/ports.hpp"
#include "sim/event_queue.hpp"
#include "sim/shared.hpp"

namespace swarm::sim {

void SimOverlay::join(NodeId self) { keeper_.set_self(self); }

void SimOverlay::leave() {
  take(rows_.leave());
  keeper_.leave();
}

void SimOverlay::set_life(std::uint32_t life) {
  leave();
  life_ = life;
}

void SimOverlay::change(std::uint64_t number, const wire::OverlayChange& change) {
  take(rows_.on(change));
  shared_.queue.push(shared_.now, machine_, life_, Deliver{ports::OverlayChanged{number}});
}

void SimOverlay::take(const overlay::FeedEdits& edits) {
  keeper_.on(rows_.table_change(edits));
  keeper_.take_difference();
}

}  // namespace swarm::sim
