// ByteStream: one end of a connection that carries bytes both ways, without waiting for anything. It is the
// one layer under the transport between nodes, the mesh's links and the HTTP door: plain sockets
// (plain_stream.hpp), or TLS (real/tls).
//
// Every call returns what came of it, and none calls back. The owner watches the descriptor, passes what it
// is ready for to note(), and asks again:
//
//   moved     some bytes went (`bytes`)
//   blocked   none now; ask again when the descriptor is ready for what the call `wants`. A TLS stream may
//             have to read before it can write, and the other way round
//   ended     read only: the other end has sent all
//   reset     the connection is broken (`error`: errno's number); nothing more gets through that way
//
// A stream may keep bytes of its own. may_read() stays true while it has some that the descriptor will not
// announce again: read until it is false, or ask again later without an event. holds_back() is true while it
// has taken bytes that it could not pass on: write again, nothing if there is nothing, when the descriptor is
// ready. NOT here: listening and dialling (sockets.hpp), what the bytes mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "model/certificate.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {

enum class Io : std::uint8_t { moved, blocked, ended, reset };
enum class Want : std::uint8_t { read, write };

struct Outcome {
  Io io = Io::moved;
  Want wants = Want::read;
  int error = 0;
  std::size_t bytes = 0;
};

// What a descriptor is ready for. `hung_up`: the other end has closed, and no event will say so again.
struct Readiness {
  bool readable = false, writable = false, hung_up = false;
};

class ByteStream {
 public:
  virtual ~ByteStream() = default;

  virtual int fd() const = 0;
  virtual void note(const Readiness& now) = 0;
  // Returns true unless the last such call was blocked and nothing was noted since.
  virtual bool may_read() const = 0;
  virtual bool may_write() const = 0;
  virtual bool holds_back() const { return false; }

  virtual Outcome read(char* to, std::size_t most) = 0;
  // In their order; `bytes` counts through all of them.
  virtual Outcome write(std::span<const std::string_view> pieces) = 0;
  Outcome write(std::string_view piece) { return write({&piece, 1}); }
  // Tells the other end that no more comes; it may go on.
  virtual Outcome shut_writing() = 0;
  // Closes at once, so that the other end sees a reset. Destruction closes in peace.
  virtual void reset() = 0;

  // In words: why it is reset.
  virtual std::string why(const Outcome& outcome) const;
  // The node that the other end has proved to be; null when it has proved none.
  virtual const model::Certificate* peer() const { return nullptr; }
};

// Which end of the connection this is: TLS begins by it.
enum class Side : std::uint8_t { dialled, accepted };
// Makes the stream over a connected, or connecting, non-blocking socket. Empty: a plain one (make_stream).
using StreamMaker = std::function<std::unique_ptr<ByteStream>(Fd, Side)>;
std::unique_ptr<ByteStream> make_stream(const StreamMaker& maker, Fd fd, Side side);

// Opens a stream over a connected socket, and calls back on its owner's thread when it can carry bytes, or at
// once. `why`: it cannot, and there is no stream.
using StreamOpened = std::function<void(std::unique_ptr<ByteStream>, std::string why)>;
using StreamOpener = std::function<void(Fd, Side, StreamOpened)>;
StreamOpener opener_of(StreamMaker maker);

}  // namespace swarm::real
