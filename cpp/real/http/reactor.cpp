#include "real/http/reactor.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "base/time.hpp"

namespace swarm::real {
namespace asio = boost::asio;
using Steady = std::chrono::steady_clock;

struct Reactor::Impl {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
};

namespace {

asio::io_context& context_of(Reactor& reactor) { return reactor.impl().context; }

}  // namespace

Instant steady_now() {
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(Steady::now().time_since_epoch()).count()};
}

WallTime wall_now() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count()};
}

Reactor::Reactor() : impl_(std::make_unique<Impl>()) {}
Reactor::~Reactor() = default;
void Reactor::run() {
  impl_->context.restart();
  impl_->context.run();
}
void Reactor::stop() { impl_->context.stop(); }
void Reactor::post(std::function<void()> work) { asio::post(impl_->context, std::move(work)); }

// ---- Timer

struct Timer::State {
  explicit State(asio::io_context& context) : timer(context) {}
  asio::steady_timer timer;
  std::uint64_t generation = 0;
};

Timer::Timer(Reactor& reactor) : state_(std::make_shared<State>(context_of(reactor))) {}
Timer::~Timer() {
  if (state_) cancel();
}
Timer::Timer(Timer&&) noexcept = default;
Timer& Timer::operator=(Timer&& other) noexcept {
  if (this == &other) return *this;
  if (state_) cancel();
  state_ = std::move(other.state_);
  return *this;
}

void Timer::at(Instant when, std::function<void()> callback) {
  const std::uint64_t generation = ++state_->generation;
  state_->timer.expires_at(Steady::time_point(std::chrono::nanoseconds(when.ns)));
  state_->timer.async_wait(
      [state = state_, generation, callback = std::move(callback)](const boost::system::error_code&) {
        if (generation == state->generation) callback();
      });
}

void Timer::cancel() {
  ++state_->generation;
  state_->timer.cancel();
}

// ---- FdWatch

struct FdWatch::State : std::enable_shared_from_this<State> {
  State(asio::io_context& context, int fd, std::function<void()> callback)
      : descriptor(context, fd), readable(std::move(callback)) {}
  void arm() {
    if (armed || paused) return;
    armed = true;
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this()](const boost::system::error_code& error) {
                            self->armed = false;
                            if (error || !self->descriptor.is_open() || self->paused) return;
                            const auto call = self->readable;  // it may destroy its watch
                            call();
                            if (self->descriptor.is_open()) self->arm();
                          });
  }
  asio::posix::stream_descriptor descriptor;
  std::function<void()> readable;
  bool armed = false, paused = false;
};

FdWatch::FdWatch(Reactor& reactor, int fd, std::function<void()> readable)
    : state_(std::make_shared<State>(context_of(reactor), fd, std::move(readable))) {
  state_->arm();
}
FdWatch::~FdWatch() {
  boost::system::error_code ignored;
  if (state_) state_->descriptor.close(ignored);
}
FdWatch::FdWatch(FdWatch&&) noexcept = default;
FdWatch& FdWatch::operator=(FdWatch&& other) noexcept {
  boost::system::error_code ignored;
  if (this == &other) return *this;
  if (state_) state_->descriptor.close(ignored);
  state_ = std::move(other.state_);
  return *this;
}
int FdWatch::fd() const { return state_->descriptor.native_handle(); }
void FdWatch::pause() { state_->paused = true; }
void FdWatch::resume() {
  state_->paused = false;
  state_->arm();
}

// ---- ReadyWatch

struct ReadyWatch::State : std::enable_shared_from_this<State> {
  using Descriptor = asio::posix::stream_descriptor;
  struct Wish {
    Descriptor::wait_type what;
    std::function<void()> word;
    bool open = false;
  };
  State(asio::io_context& context, int fd, std::function<void()> readable, std::function<void()> writable)
      : descriptor(context, fd),
        read{Descriptor::wait_read, std::move(readable)},
        write{Descriptor::wait_write, std::move(writable)} {}
  void ask(Wish& wish) {
    if (std::exchange(wish.open, true)) return;
    descriptor.async_wait(wish.what,
                          [self = shared_from_this(), &wish](const boost::system::error_code& error) {
                            wish.open = false;
                            if (!error && self->descriptor.is_open()) wish.word();
                          });
  }
  Descriptor descriptor;
  Wish read, write;
};

ReadyWatch::ReadyWatch(Reactor& reactor, int fd, std::function<void()> readable,
                       std::function<void()> writable)
    : state_(std::make_shared<State>(context_of(reactor), fd, std::move(readable), std::move(writable))) {}
ReadyWatch::~ReadyWatch() { state_->descriptor.release(); }
void ReadyWatch::want_read() { state_->ask(state_->read); }
void ReadyWatch::want_write() { state_->ask(state_->write); }

}  // namespace swarm::real
