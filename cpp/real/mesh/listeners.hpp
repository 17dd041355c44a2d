// Listeners: where the relay accepts: at the published ports, and at the data port for other nodes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "model/port.hpp"
#include "real/mesh/poller.hpp"
#include "real/stream/sockets.hpp"

namespace swarm::real::relay {

class Listeners {
 public:
  // `own`: of the node; unspecified: all of this machine. `publish_door`: the hub is asked there for a second
  // listener of each published port, one of the host, where that does not reach the node (real/hub); empty:
  // no program.
  Listeners(Poller& poller, const Address& own, std::string publish_door = {})
      : poller_(poller), own_(own), publish_door_(std::move(publish_door)) {}

  // Each returns a problem in words; empty: it listens.
  std::string listen(const model::PortKey& port);
  std::string listen_for_nodes(std::uint16_t port);
  void drop(const model::PortKey& port);
  void drop_nodes();

  struct Arrival {
    Accepted peer;
    std::optional<model::PortKey> port;  // none: another node
  };
  // What has arrived at the listener that an event named; the rest comes with the next event.
  std::vector<Arrival> accept(std::uint64_t id, Instant now);

  // When to call wake(): a listener that ran out of descriptors is to be watched again.
  Instant next_due() const;
  void wake(Instant now);

 private:
  struct Listener {
    std::uint64_t id = 0;
    Fd fd;
    Instant rests_until = Instant::never();
  };
  // None: other nodes'.
  using Key = std::optional<model::PortKey>;
  std::string listen(const Key& key, Address at);
  std::string listen_at_host(const Key& key, const Address& at);
  void add(const Key& key, Fd fd);
  void drop(const Key& key) { listeners_.erase(key); }

  Poller& poller_;
  Address own_;
  std::string publish_door_;
  std::multimap<Key, Listener> listeners_;
  std::uint64_t last_ = 0;
};

}  // namespace swarm::real::relay
