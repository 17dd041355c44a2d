// DelayLine: holds back or delays the bytes that one end of a link sends, as a fault says.
//
// It knows how many bytes wait, not which. Each piece of them gets its moment when it is first seen here, no
// earlier than that of the piece before: a stream keeps its order. A piece that is lost is sent again after
// 200 ms, then 400, ..., as TCP does; a stream does not show doubled or overtaken packets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "base/rng.hpp"
#include "base/time.hpp"

namespace swarm::real::relay {

// What is wrong on the way to another node. `loss`: parts per million.
struct LinkFault {
  bool mute = false, deaf = false;  // nothing goes out; nothing is read. Bytes wait for as long
  Duration latency{}, jitter{};
  std::int64_t loss = 0;
  bool any() const { return mute || deaf || is_late(); }
  bool is_late() const { return latency.ns + jitter.ns + loss > 0; }
};

class DelayLine {
 public:
  DelayLine(const LinkFault& fault, Rng& chance) : fault_(fault), chance_(chance) {}

  // Waiting bytes go no later than if they were sent now: a loss that is over holds nothing back.
  void change(const LinkFault& fault, Instant now);
  bool deaf() const { return fault_.deaf; }
  // Of `waiting` bytes, in their order, those that may go out now.
  std::size_t due(std::size_t waiting, Instant now);
  void gone(std::size_t count);
  Instant next() const;  // when more may go out

 private:
  struct Piece {
    Instant due;
    std::size_t size = 0;
  };
  Duration delay();

  LinkFault fault_;
  Rng& chance_;
  std::deque<Piece> pieces_;
  std::size_t seen_ = 0;  // bytes of all pieces
};

}  // namespace swarm::real::relay
