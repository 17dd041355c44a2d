#include "real/http/acceptor.hpp"

#include <functional>
#include <memory>
#include <utility>

#include "base/time.hpp"
#include "real/http/reactor.hpp"
#include "real/stream/sockets.hpp"

namespace swarm::real {
namespace {

constexpr int kAtOnce = 16;  // then other descriptors have their turn
constexpr Duration kRest = Duration::millis(100);

}  // namespace

struct Acceptor::State : std::enable_shared_from_this<State> {
  State(Reactor& reactor, std::function<bool()> room, std::function<void(Accepted)> taker)
      : has_room(std::move(room)), take(std::move(taker)), pause(reactor) {}

  void accept() {
    for (int i = 0; i < kAtOnce && watch; ++i) {
      if (!has_room()) return rest();
      Accepted peer = accept_from(watch->fd());
      if (peer.error != 0) return rest();
      if (!peer.fd.valid()) return;
      take(std::move(peer));
    }
  }
  void rest() {
    watch->pause();
    pause.after(kRest, [this] { watch->resume(); });
  }

  std::function<bool()> has_room;
  std::function<void(Accepted)> take;
  Timer pause;
  std::unique_ptr<FdWatch> watch;
};

Acceptor::Acceptor(Reactor& reactor, Fd listener, std::function<bool()> has_room,
                   std::function<void(Accepted)> take)
    : state_(std::make_shared<State>(reactor, std::move(has_room), std::move(take))) {
  state_->watch = std::make_unique<FdWatch>(reactor, listener.release(), [weak = state_->weak_from_this()] {
    if (const auto self = weak.lock()) self->accept();
  });
}

Acceptor::~Acceptor() {
  state_->pause.cancel();
  state_->watch.reset();
}

int Acceptor::fd() const { return state_->watch->fd(); }

}  // namespace swarm::real
