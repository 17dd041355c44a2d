// Link: one TCP connection between two nodes' data ports, with many streams on it.
//
// Greeting, both ways: "swarmesh", version (4), cluster id (16), node id (16). Then frames: kind (1), zero
// (3), stream (4), length (4), payload; numbers big-endian. Streams are opened by the end that opened the
// link:
//
//   open     task id (16), target port (4), the client's address (16) and port (2)   opener -> owner
//   opened, refused                                                                  owner -> opener
//   data, finish (no more data this way), reset                                      both ways
//   credit   count (4): so many bytes more may be sent                               both ways
//
// A stream may send kWindow bytes that the other end has not passed on yet: what a slow reader leaves unread
// waits at its own end, and never on the link. A link knows a stream's connection by number only; read(),
// next() and flush() return their outcome, and none calls back. NOT here: which task gets a connection, what
// a frame does (conn.hpp).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "net/mesh/balancer.hpp"
#include "real/mesh/buffer.hpp"
#include "real/mesh/delay_line.hpp"
#include "real/stream/byte_stream.hpp"

namespace swarm::real::relay {

inline constexpr std::uint32_t kMeshVersion = 1;
inline constexpr std::size_t kWindow = 512 * 1024;
inline constexpr std::size_t kMaxData = 64 * 1024;
inline constexpr std::size_t kFrameHead = 12;

enum class FrameType : std::uint8_t { open = 1, opened, refused, data, finish, reset, credit };

struct Greeting {
  ClusterId cluster;
  NodeId node;
};
// From the swarm: a node that is named here gets no link. Never null.
using RemovedNodes = std::shared_ptr<const std::set<NodeId>>;
std::string write_greeting(const Greeting& greeting);

struct OpenStream {
  TaskId task;
  std::uint32_t target = 0;
  Address client;
};

struct Frame {
  FrameType type = FrameType::open;
  std::uint32_t stream = 0;
  std::string_view payload;
};
OpenStream read_open(std::string_view payload);

using LinkId = std::uint64_t;

class Link {
 public:
  // `speaking`: the links that have something to send are listed there, once each, until they are flushed.
  Link(LinkId id, std::unique_ptr<ByteStream> bytes, const Address& remote, Side side, const Greeting& own,
       std::vector<LinkId>& speaking);

  LinkId id() const { return id_; }
  const Address& remote() const { return remote_; }
  bool greeted() const { return greeted_; }
  NodeId peer() const { return peer_; }  // empty before it has greeted
  // It looks at `removed` when the peer greets.
  void set_removed_nodes(const RemovedNodes& removed) { removed_nodes_ = &removed; }
  int fd() const { return bytes_->fd(); }
  void note(const Readiness& now) { bytes_->note(now); }

  // ---- in. A link is lost when a call returns `ended` or `reset`, or when it is corrupt().
  bool may_read() const { return bytes_->may_read() && !is_deaf(); }
  Outcome read();  // one piece; then next() until there is none
  // The payload is valid until the next call.
  std::optional<Frame> next();
  bool corrupt() const { return corrupt_; }
  void rest() { in_.let_go(); }  // until it can be read again, it needs no buffer

  // ---- out. Frames wait for flush(), at the end of the round.
  void send(FrameType type, std::uint32_t stream);
  void send_credit(std::uint32_t stream, std::size_t count);
  void send_data(std::uint32_t stream, std::string_view bytes);
  // Where up to `most` bytes of data may be read to; put_data sends the first `count` of them.
  char* data_space(std::size_t most) { return out_.room(kFrameHead + most) + kFrameHead; }
  void put_data(std::uint32_t stream, std::size_t count);
  bool has_room() const { return out_.size() < kHighWater; }
  void await_room(std::uint32_t stream) { waiting_.insert(stream); }
  Outcome flush();
  // The connections that waited for room, once there is some.
  std::vector<mesh::ConnId> take_waiting();
  void speak();

  // ---- streams
  std::uint32_t open_stream(mesh::ConnId conn, const OpenStream& wish);
  void bind(std::uint32_t stream, mesh::ConnId conn) { streams_[stream] = conn; }
  void unbind(std::uint32_t stream);
  std::optional<mesh::ConnId> conn_of(std::uint32_t stream) const;
  std::vector<mesh::ConnId> conns() const;

  // ---- faults. What waits because of one goes on when there is none; flush() then.
  void set_fault(const LinkFault& fault, Rng& chance);
  // When it is to be flushed next. Never while the socket takes nothing: then the poller reports when it
  // does.
  Instant next_due() const {
    return delay_ == nullptr || !connected_ || !bytes_->may_write() ? Instant::never() : delay_->next();
  }

  bool listed = false;  // in `speaking`

 private:
  static constexpr std::size_t kHighWater = 1024 * 1024;
  bool is_deaf() const { return delay_ != nullptr && delay_->deaf(); }
  std::size_t may_go();  // of what is to be written: now
  Outcome connect();
  bool take_greeting();
  bool allows(const Frame& frame) const;
  char* begin_frame(FrameType type, std::uint32_t stream, std::size_t length);

  LinkId id_;
  std::unique_ptr<ByteStream> bytes_;
  Address remote_;
  Side side_;
  Greeting own_;
  NodeId peer_;
  const RemovedNodes* removed_nodes_ = nullptr;
  std::vector<LinkId>& speaking_;
  bool connected_ = false, greeted_ = false, corrupt_ = false;
  Buffer in_, out_;
  std::size_t taken_ = 0;             // of in_: the frame that next() gave last
  std::unique_ptr<DelayLine> delay_;  // while there is a fault
  std::unordered_map<std::uint32_t, mesh::ConnId> streams_;
  std::set<std::uint32_t> waiting_;
  std::uint32_t last_stream_ = 0;
};

}  // namespace swarm::real::relay
