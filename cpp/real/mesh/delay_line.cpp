#include "real/mesh/delay_line.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/time.hpp"

namespace swarm::real::relay {
namespace {

constexpr Duration kSendAgain = Duration::millis(200);  // as Linux; twice as long each time
constexpr int kMostTries = 20;                          // two days: until the fault ends
constexpr std::uint64_t kMillion = 1'000'000;

}  // namespace

void DelayLine::change(const LinkFault& fault, Instant now) {
  fault_ = fault;
  Instant last;
  for (Piece& piece : pieces_) {
    piece.due = std::max(last, std::min(piece.due, now + delay()));
    last = piece.due;
  }
}

std::size_t DelayLine::due(std::size_t waiting, Instant now) {
  if (waiting > seen_) {
    Instant at = now + delay();
    if (!pieces_.empty()) at = std::max(at, pieces_.back().due);
    pieces_.push_back({at, waiting - seen_});
    seen_ = waiting;
  }
  if (fault_.mute) return 0;
  std::size_t count = 0;
  for (auto piece = pieces_.begin(); piece != pieces_.end() && piece->due <= now; ++piece)
    count += piece->size;
  return count;
}

void DelayLine::gone(std::size_t count) {
  seen_ -= count;
  while (count > 0) {
    Piece& first = pieces_.front();
    const std::size_t part = std::min(count, first.size);
    first.size -= part;
    count -= part;
    if (first.size == 0) pieces_.pop_front();
  }
}

Instant DelayLine::next() const {
  return fault_.mute || pieces_.empty() ? Instant::never() : pieces_.front().due;
}

Duration DelayLine::delay() {
  const std::int64_t least = fault_.latency.ns > 0 ? -fault_.jitter.ns : 0;
  const std::int64_t moved = fault_.jitter.ns == 0 ? 0 : chance_.between(least, fault_.jitter.ns);
  Duration late{std::max<std::int64_t>(0, fault_.latency.ns + moved)};
  Duration again = kSendAgain;
  for (int tries = 0; tries < kMostTries; ++tries) {
    if (!chance_.chance(static_cast<std::uint64_t>(fault_.loss), kMillion)) break;
    late = late + again;
    again = again * 2;
  }
  return late;
}

}  // namespace swarm::real::relay
