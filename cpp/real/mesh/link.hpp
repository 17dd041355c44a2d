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
// waits at its own end, and never on the link. Lives on the relay's thread. NOT here: who gets a connection.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/id.hpp"
#include "real/mesh/buffer.hpp"
#include "real/mesh/delay_line.hpp"
#include "real/mesh/socket.hpp"

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
std::string write_greeting(const Greeting& greeting);

struct OpenStream {
  TaskId task;
  std::uint32_t target = 0;
  Address client;
};

class Link;

// One end of a stream: a connection of this node.
class StreamUser {
 public:
  virtual ~StreamUser() = default;
  virtual void on_opened(bool ok) = 0;
  virtual void on_data(const char* bytes, std::size_t count) = 0;
  virtual void on_finish() = 0;
  virtual void on_reset(bool by_task) = 0;  // false: the link is gone
  virtual void on_credit(std::size_t count) = 0;
  virtual void on_room() = 0;  // the link takes more again
};

class LinkOwner {
 public:
  virtual ~LinkOwner() = default;
  virtual void on_stream(Link& link, std::uint32_t stream, const OpenStream& wish) = 0;
  virtual void on_link_lost(Link& link) = 0;
  virtual void wants_flush(Link& link) = 0;  // soon: at the end of the round
};

class Link final : public Watcher {
 public:
  Link(LinkOwner& owner, Fd fd, const Address& remote, bool opener, const Greeting& own);
  void on_ready(std::uint32_t events) override;

  // ---- streams
  std::uint32_t open_stream(StreamUser& user, const OpenStream& wish);
  void take_stream(std::uint32_t stream, StreamUser& user) { users_[stream] = &user; }
  void forget(std::uint32_t stream);
  void send(FrameType type, std::uint32_t stream);
  void send_credit(std::uint32_t stream, std::size_t count);
  // Reads from `from` straight into the link: as Socket::read.
  std::ptrdiff_t send_from(Socket& from, std::uint32_t stream, std::size_t most);
  const char* newest(std::size_t count) const { return out_.data() + out_.size() - count; }  // sent just now
  std::size_t send_bytes(const char* bytes, std::size_t most, std::uint32_t stream);         // how many
  bool has_room() const { return out_.size() < kHighWater; }
  void call_back(std::uint32_t stream) { waiting_.insert(stream); }  // once there is room

  // What is left to read and to write, when the owner was asked for a flush.
  void turn() {
    read();
    flush();
  }
  // What waits because of a fault goes on when there is none. Whoever calls asks for a turn then.
  void set_fault(const LinkFault& fault, Rng& chance);
  // When it asks for the next; never, while the socket takes nothing: that says so itself.
  Instant next_due() const {
    return delay_ == nullptr || !connected_ || !socket_.can_write ? Instant::never() : delay_->next();
  }
  void fail();
  int fd() const { return socket_.fd.get(); }
  const Address& remote() const { return remote_; }
  bool opener() const { return opener_; }
  bool dead() const { return dead_; }
  bool greeted() const { return greeted_; }

  bool flush_wanted = false;  // the owner's mark

 private:
  static constexpr std::size_t kHighWater = 1024 * 1024;
  void flush();
  std::size_t may_go();  // of what is to be written: now
  void read();
  bool parse();
  bool take_greeting();
  bool take_frame(FrameType type, std::uint32_t stream, const char* payload, std::size_t length);
  char* begin_frame(FrameType type, std::uint32_t stream, std::size_t length);

  LinkOwner& owner_;
  Socket socket_;
  Address remote_;
  bool opener_, connected_ = false, greeted_ = false, dead_ = false;
  Greeting own_;
  Buffer in_, out_;
  std::unique_ptr<DelayLine> delay_;  // while there is a fault
  std::map<std::uint32_t, StreamUser*> users_;
  std::set<std::uint32_t> waiting_;
  std::uint32_t last_stream_ = 0;
};

}  // namespace swarm::real::relay
