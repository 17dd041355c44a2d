// Reactor: the one thread of a daemon on which sockets, timers, tasks' pipes and the node itself live.
//
// Everything but post() and stop() belongs to the thread that calls run(), or, before that, to the thread
// that prepares the call. Made of Asio, which is in reactor.cpp alone. NOT here: bytes (real/stream).
#pragma once

#include <functional>
#include <memory>

#include "base/time.hpp"

namespace swarm::real {

class Reactor {
 public:
  Reactor();
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  void run();   // until stop()
  void stop();  // from any thread
  // Runs `work` on the reactor's thread, after what was posted before. From any thread.
  void post(std::function<void()> work);

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

// The monotonic clock that Timer understands.
Instant steady_now();
WallTime wall_now();

// One shot at a time. After cancel(), at() or destruction the earlier callback is not called any more.
class Timer {
 public:
  explicit Timer(Reactor& reactor);
  ~Timer();
  Timer(Timer&&) noexcept;
  Timer& operator=(Timer&&) noexcept;
  void at(Instant when, std::function<void()> callback);
  void after(Duration delay, std::function<void()> callback) {
    at(steady_now() + delay, std::move(callback));
  }
  void cancel();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// Owns a descriptor and calls back whenever it can be read (or has ended), until it is destroyed.
class FdWatch {
 public:
  FdWatch(Reactor& reactor, int fd, std::function<void()> readable);
  ~FdWatch();
  FdWatch(FdWatch&&) noexcept;
  FdWatch& operator=(FdWatch&&) noexcept;
  int fd() const;
  // No callbacks until resume().
  void pause();
  void resume();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// Calls back when a descriptor that another object owns is ready: once for each wish. Destroy it before the
// descriptor is closed; after that no callback comes.
class ReadyWatch {
 public:
  ReadyWatch(Reactor& reactor, int fd, std::function<void()> readable, std::function<void()> writable);
  ~ReadyWatch();
  ReadyWatch(const ReadyWatch&) = delete;
  ReadyWatch& operator=(const ReadyWatch&) = delete;
  // A second call while the wish is open changes nothing.
  void want_read();
  void want_write();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace swarm::real
