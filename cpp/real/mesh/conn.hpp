// Conn: one client's connection on its way through this node, and the bytes in both directions.
//
//   local    client's socket  <->  task's socket
//   origin   client's socket  <->  stream to the task's node
//   owner    stream from the client's node  <->  task's socket
//
// What one end does reaches the other unchanged: the end of one direction while the other goes on, a reset,
// and that nobody reads. There is no time in here: an idle connection stays. NOT here: which task (the
// machine), when a dial has taken too long (the relay).
#pragma once

#include <cstdint>

#include "net/mesh/machine.hpp"
#include "real/mesh/link.hpp"

namespace swarm::real::relay {

class Conn;

class ConnOwner {
 public:
  virtual ~ConnOwner() = default;
  virtual void on_over(Conn& conn) = 0;
  virtual void on_dialled(Conn& conn, bool ok) = 0;
  // By the backend, before a byte came back: try another. `told`: something was sent to it.
  virtual void on_unused_reset(Conn& conn, bool told) = 0;
  virtual void wants_turn(Conn& conn) = 0;  // there is more; others first
  virtual void watch(int fd, Watcher& watcher) = 0;
  virtual char* scratch() = 0;  // kScratch bytes for one call
};
inline constexpr std::size_t kScratch = 128 * 1024;
inline constexpr std::size_t kMostTold = 16 * 1024;

class Conn final : public StreamUser {
 public:
  // From a client, or (invalid `client`) from another node's stream.
  Conn(ConnOwner& owner, mesh::ConnId id, Fd client, const Address& from);

  mesh::ConnId id() const { return id_; }
  const Address& client() const { return from_; }
  bool waiting() const { return state_ == State::waiting; }
  bool dialling() const { return state_ == State::dialling; }
  bool over() const { return state_ == State::over; }
  bool from_peer() const { return owner_mode_; }

  void set_stream(Link& link, std::uint32_t stream);  // the other node's, of a Conn without a client
  // on_dialled follows, perhaps at once.
  void dial_task(const Address& task, const Address& source);
  void dial_peer(Link& link, TaskId task, std::uint32_t target);
  void give_up_dial();  // it took too long
  void refuse();        // no task takes it
  void tell_opened();   // to the other node, where there is one
  void turn();
  void end();  // everything closes now, with resets

  std::uint64_t attempt = 0;  // the relay's: which dial a deadline means
  bool turn_wanted = false;

  // ---- the stream's end
  void on_opened(bool ok) override;
  void on_data(const char* bytes, std::size_t count) override;
  void on_finish() override;
  void on_reset(bool by_task) override;
  void on_credit(std::size_t count) override;
  void on_room() override { turn(); }

 private:
  enum class State : std::uint8_t { waiting, dialling, open, over };
  struct End final : Watcher {
    explicit End(Conn& its_conn) : conn(its_conn) {}
    void on_ready(std::uint32_t events) override {
      socket.note(events);
      conn.on_ready(*this);
    }
    Conn& conn;
    Socket socket;
    bool watched = false;
  };
  struct Flow {
    Buffer pending;
    std::uint64_t moved = 0;
    bool eof = false;        // the source has said all
    bool passed_on = false;  // ... and the sink knows
    bool broken = false;     // the source is reset: so is the sink, after what is pending
    bool sink_dead = false;  // nothing gets through any more
  };
  void on_ready(End& end);
  void watch(End& end);
  void open();
  bool unused() const;
  void keep(const char* bytes, std::size_t count);
  void try_another();
  void turn_local();
  bool move(Socket& from, Socket& to, Flow& flow, const Flow& back);
  void turn_stream();
  bool send_stream(Socket& from);
  void drain(Socket& to);
  void give_credit(std::size_t count);
  void leave_link();
  void finish(bool reset);

  ConnOwner& owner_;
  mesh::ConnId id_;
  Address from_;
  State state_ = State::waiting;
  bool owner_mode_;
  End front_, back_;  // the client; the task
  Flow up_, down_;    // local: to the task, to the client. With a stream: to it, from it
  Buffer told_;       // the one piece that the task was told, while it has not said anything
  Link* link_ = nullptr;
  std::uint32_t stream_ = 0;
  std::size_t credit_ = kWindow, consumed_ = 0;
};

}  // namespace swarm::real::relay
