// Flow: the bytes of one direction of a connection, from its source to its sink, and what waits in between.
//
// A source is a socket, or (null) a stream, whose bytes are pushed as they come. A sink is a socket or a
// stream. step() moves what it can and returns what came of it; the owner decides what that means for the
// connection:
//
//   moved     its share for one turn; there may be more
//   blocked   until the source or the sink is ready for more
//   ended     the source has sent all, and all of it has gone out: pass_end() tells the sink
//   reset     the source is broken, and all that it sent before has gone out
//   refused   the sink is broken; what did not get through is pending: go_deaf() drops it
//
// Invariants: bytes go out in the order in which they came; nothing is read while something is pending;
// step() returns ended and reset again until the owner has acted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "real/mesh/buffer.hpp"
#include "real/mesh/stream_end.hpp"
#include "real/stream/plain_stream.hpp"

namespace swarm::real::relay {

inline constexpr std::size_t kScratch = 128 * 1024;
inline constexpr std::size_t kMostKept = 16 * 1024;

// Where a flow's bytes go.
class Sink {
 public:
  Sink() = default;
  explicit Sink(PlainStream& socket) : socket_(&socket) {}
  explicit Sink(StreamEnd& stream) : stream_(&stream) {}

  bool takes() const { return socket_ != nullptr ? socket_->may_write() : stream_->room() > 0; }
  // Where the next bytes are to be read to: the scratch buffer, or the link's own. A socket is given bytes
  // while it takes none, too (they are pending then), so that the source's end is seen.
  std::pair<char*, std::size_t> space(char* scratch);
  // Bytes that are in space() already.
  Outcome put(const char* bytes, std::size_t count);
  Outcome write(std::string_view bytes);
  void end();
  void await_room() {
    if (stream_ != nullptr) stream_->await_room();
  }

 private:
  PlainStream* socket_ = nullptr;
  StreamEnd* stream_ = nullptr;
};

class Flow {
 public:
  enum class Step : std::uint8_t { moved, blocked, ended, reset, refused };

  Flow() = default;
  Flow(PlainStream* from, Sink to) : from_(from), to_(to) {}

  Step step(char* scratch);
  Step push(std::string_view bytes);
  void source_ended() {
    if (state_ == State::flowing) state_ = State::ending;
  }
  void source_reset() { state_ = State::breaking; }
  void pass_end();  // after ended
  void go_deaf();   // after refused

  bool is_over() const { return state_ == State::ended; }
  bool is_deaf() const { return state_ == State::deaf; }
  bool is_broken() const { return state_ == State::breaking; }
  // Returns true if the source has sent all, and is not broken.
  bool has_ended() const { return state_ == State::ending || state_ == State::ended; }
  // Returns true if the source has sent something, be it only its end.
  bool has_spoken() const { return came_ > 0 || has_ended(); }
  std::size_t waiting() const { return pending_.size(); }
  // Bytes that have left since the last call: passed on, or dropped.
  std::size_t take_gone() { return std::exchange(gone_, 0); }

  // ---- for a flow that may have to begin again with another sink: the first piece is kept, while it is all
  // there is. A second piece drops it: of two the sink may have read one and acted on it.
  void keep_first() { keeps_ = true; }
  void keep_no_more() {
    if (std::exchange(keeps_, false)) kept_.drop();
  }
  bool kept_all() const { return kept_.size() == passed_; }
  bool has_passed() const { return passed_ > 0; }
  // Becomes a flow to another sink, which is given all that came. An end is read again. kept_all() must be
  // true.
  void begin_again(PlainStream* from, Sink to);

 private:
  enum class State : std::uint8_t {
    flowing,
    ending,    // the source has sent all; the sink does not know yet
    ended,     // the sink knows
    breaking,  // the source is reset
    deaf       // the sink takes nothing any more
  };
  Step drain();
  Step carry(char* scratch);
  Step give(const char* bytes, std::size_t count, bool in_space);
  void passed(const char* bytes, std::size_t count);

  PlainStream* from_ = nullptr;
  Sink to_;
  Buffer pending_;
  State state_ = State::flowing;
  std::uint64_t came_ = 0, passed_ = 0;
  std::size_t gone_ = 0;
  bool keeps_ = false;
  Buffer kept_;
};

}  // namespace swarm::real::relay
