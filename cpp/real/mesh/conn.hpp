// Conn: one client's connection on its way through this node, and the bytes in both directions.
//
//   local    client's socket  <->  task's socket
//   origin   client's socket  <->  stream to the task's node
//   owner    stream from the client's node  <->  task's socket
//
// Half-close, reset and back-pressure pass unchanged from one end to the other. No timeouts: an idle
// connection stays. Every call returns its news, for the round that made the call (l4_relay.cpp); a Conn
// calls nothing back. NOT here: which task (net/mesh), when a dial has taken too long (the round), how one
// direction moves (flow.hpp).
#pragma once

#include <cstdint>

#include "net/mesh/balancer.hpp"
#include "real/mesh/flow.hpp"
#include "real/mesh/poller.hpp"

namespace swarm::real::relay {

class Conn {
 public:
  enum class News : std::uint8_t {
    none,
    more,         // step() has more to do; others first
    opened,       // the dial succeeded
    dial_failed,  // it waits for another dial
    unused,       // the task closed before it sent a byte: waits for another dial. See told()
    over          // its sockets are closed, its stream is left: to be let go
  };
  // Of the relay: where sockets are watched, and kScratch bytes for the time of one call.
  struct Tools {
    Poller& poller;
    char* scratch;
  };
  // From a client, or (invalid `client`) from another node's stream.
  Conn(const Tools& tools, mesh::ConnId id, Fd client, const Address& from);
  Conn(Conn&&) = delete;  // its flows point into it

  mesh::ConnId id() const { return id_; }
  bool dialling() const { return state_ == State::dialling; }
  bool is_over() const { return state_ == State::over; }
  // Returns true if the task that was `unused` had been given something.
  bool told() const { return told_; }

  // ---- what the balancer decided
  News dial_task(const Address& task, const Address& source);
  void dial_peer(Link& link, TaskId task, std::uint32_t target);
  News give_up_dial();  // it took too long
  News refuse();        // no task takes it

  // ---- what happened
  void accept_stream(Link& link, std::uint32_t stream);  // of the other node, for a Conn without a client
  void note(Topic::Kind end, const Readiness& now) {
    (end == Topic::Kind::client ? front_ : back_).socket.note(now);
  }
  News on_frame(const Frame& frame);
  News on_link_lost() { return on_reset(false); }
  News step();  // moves bytes, after anything that happened
  News end();   // everything closes now, with resets

  std::uint64_t attempt = 0;  // the round's: which dial a deadline means
  bool is_due = false;        // the round's: step() is to be called

 private:
  enum class State : std::uint8_t { waiting, dialling, open, over };
  struct End {
    PlainStream socket;
    bool watched = false;
  };
  bool is_owner() const { return !has_client_; }
  bool is_local() const { return has_client_ && back_.socket.is_open(); }
  PlainStream& task_or_client() { return has_client_ ? front_.socket : back_.socket; }
  void watch(End& end, Topic::Kind kind);
  void watch_all();
  News open();
  News finish_dial();
  News fail_dial();
  News settle(Flow& flow, Flow::Step step);
  News on_refused(Flow& flow);
  News on_data(std::string_view bytes);
  News on_reset(bool by_task);
  bool unused() const;
  News try_another();
  News finish(bool reset);

  Tools tools_;
  mesh::ConnId id_;
  Address from_;
  State state_ = State::waiting;
  bool has_client_;
  bool told_ = false;
  End front_, back_;  // the client; the task
  StreamEnd stream_;  // to the other node
  Flow up_, down_;    // local: to the task, to the client. With a stream: into it, out of it
};

}  // namespace swarm::real::relay
