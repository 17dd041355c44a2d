#include "real/tls/handshake_pool.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "real/http/reactor.hpp"
#include "real/stream/byte_stream.hpp"
#include "real/tls/tls_stream.hpp"

namespace swarm::real {
namespace {

constexpr const char* kMadeRoom = "its TLS handshake made room for those of others";

}  // namespace

class HandshakePool::Worker {
 public:
  Worker(Duration patience, std::size_t most)
      : patience_(patience),
        most_(most),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        thread_([this] { run(); }) {}
  ~Worker() {
    {
      const std::lock_guard hold(mutex_);
      stopping_ = true;
    }
    wake();
    thread_.join();
  }
  Worker(const Worker&) = delete;

  void take(std::unique_ptr<TlsStream> stream, Done done) {
    std::optional<Hand> surplus;
    {
      const std::lock_guard hold(mutex_);
      arrived_.push_back({std::move(stream), std::move(done), steady_now() + patience_});
      surplus = take_surplus();
    }
    if (surplus) surplus->done(nullptr, kMadeRoom);
    wake();
  }

 private:
  struct Hand {
    std::unique_ptr<TlsStream> stream;
    Done done;
    Instant deadline;
    Want wants = Want::read;
    bool ready = true;  // for what it wants
    bool gone = false;  // the peer has closed its end
  };

  // They come faster than this thread shakes hands. The oldest that was accepted goes.
  std::optional<Hand> take_surplus() {
    if (arrived_.size() <= 2 * most_) return std::nullopt;
    const auto is_accepted = [](const Hand& hand) { return hand.stream->is_accepted(); };
    const auto oldest = std::find_if(arrived_.begin(), arrived_.end(), is_accepted);
    if (oldest == arrived_.end()) return std::nullopt;
    Hand surplus = std::move(*oldest);
    arrived_.erase(oldest);
    return surplus;
  }

  void wake() { ::eventfd_write(wake_.get(), 1); }

  void run() {
    while (take_arrivals()) {
      drop_oldest();
      wait();
      std::erase_if(hands_, [this](Hand& hand) { return step(hand); });
    }
  }

  bool take_arrivals() {
    const std::lock_guard hold(mutex_);
    for (Hand& hand : arrived_) {
      hand.stream->note({true, true, false});
      hands_.push_back(std::move(hand));
    }
    fresh_ = !std::exchange(arrived_, {}).empty();
    return !stopping_;
  }

  // They lie in the order in which they came. What has just come is tried before it may go.
  void drop_oldest() {
    const auto waits = [](const Hand& hand) { return hand.stream->is_accepted() && !hand.ready; };
    auto waiting = static_cast<std::size_t>(std::count_if(hands_.begin(), hands_.end(), waits));
    std::erase_if(hands_, [&](Hand& hand) {
      if (waiting <= most_ || !waits(hand)) return false;
      --waiting;
      hand.done(nullptr, kMadeRoom);
      return true;
    });
  }

  // Until a socket is ready, a stream arrives, or the patience with one is over. What has just arrived is not
  // waited for.
  void wait() {
    ready_.assign(1, {wake_.get(), POLLIN, 0});
    Instant until = Instant::never();
    for (const Hand& hand : hands_) {
      ready_.push_back({hand.stream->fd(),
                        static_cast<short>(POLLRDHUP | (hand.wants == Want::read ? POLLIN : POLLOUT)), 0});
      until = std::min(until, hand.deadline);
    }
    int patience = -1;
    if (fresh_) {
      patience = 0;
    } else if (until != Instant::never()) {
      patience = static_cast<int>(std::max<std::int64_t>((until - steady_now()).ns / 1'000'000 + 1, 0));
    }
    ::poll(ready_.data(), ready_.size(), patience);
    eventfd_t count = 0;
    ::eventfd_read(wake_.get(), &count);
    for (std::size_t i = 0; i < hands_.size(); ++i) {
      const short now = ready_[i + 1].revents;
      if (now == 0) continue;
      hands_[i].ready = true;
      hands_[i].gone = hands_[i].stream->is_accepted() && (now & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
      hands_[i].stream->note({(now & (POLLIN | POLLHUP | POLLERR)) != 0, (now & POLLOUT) != 0, false});
    }
  }

  // Returns true if it is over. A peer that has gone costs no arithmetic.
  bool step(Hand& hand) {
    if (hand.gone) {
      hand.done(nullptr, "the peer closed the connection within its TLS handshake");
      return true;
    }
    Outcome now{.io = Io::blocked, .wants = hand.wants};
    if (std::exchange(hand.ready, false)) now = hand.stream->shake();
    if (now.io == Io::blocked) {
      hand.wants = now.wants;
      if (steady_now() < hand.deadline) return false;
      hand.done(nullptr, "no TLS handshake within " + to_string(patience_));
    } else if (now.io == Io::moved) {
      hand.done(std::move(hand.stream), {});
    } else {
      hand.done(nullptr, hand.stream->why(now));
    }
    return true;
  }

  const Duration patience_;
  const std::size_t most_;
  const Fd wake_;
  std::mutex mutex_;
  std::vector<Hand> arrived_;
  bool stopping_ = false;
  // ---- of the thread
  bool fresh_ = false;
  std::vector<Hand> hands_;
  std::vector<pollfd> ready_;
  std::thread thread_;  // the last: it needs all the others
};

HandshakePool::HandshakePool(int threads, Duration patience, std::size_t most)
    : threads_(static_cast<std::size_t>(threads)), patience_(patience), most_(most) {}
HandshakePool::~HandshakePool() = default;

void HandshakePool::shake(std::unique_ptr<TlsStream> stream, Done done) {
  if (workers_.size() < threads_) workers_.push_back(std::make_unique<Worker>(patience_, most_));
  workers_[next_++ % workers_.size()]->take(std::move(stream), std::move(done));
}

}  // namespace swarm::real
