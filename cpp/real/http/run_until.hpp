// For tests: turns the reactor until something has come true, or patience has ended.
#pragma once

#include <functional>

#include "real/http/reactor.hpp"

namespace swarm::real {

inline bool run_until(Reactor& reactor, const std::function<bool()>& done,
                      Duration patience = Duration::seconds(20)) {
  const Instant give_up = steady_now() + patience;
  Timer look(reactor);
  const std::function<void()> check = [&] {
    if (done() || steady_now() > give_up) return reactor.stop();
    look.after(Duration::millis(1), check);
  };
  reactor.post(check);
  reactor.run();
  return done();
}

}  // namespace swarm::real
