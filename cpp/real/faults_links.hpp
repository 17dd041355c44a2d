// FaultyTransport: links between nodes that are cut, held, slow or lossy, as faults say. It stands before the
// daemon's own Transport.
//
// Each end applies a fault to what it *sends*; it applies a cut also to what it receives, so that nothing
// which is on its way gets through. On a cut link no connection opens, and none is seen to close: a dial is
// not answered, as in a network that drops packets. Without a fault a frame costs one look at a flag. Lives
// on the reactor's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "faults/fault.hpp"
#include "ports/ports.hpp"
#include "real/http/reactor.hpp"
#include "real/mesh/delay_line.hpp"

namespace swarm::real {

// What is wrong on the way to a peer. Ratios are parts per million.
struct LinkTrouble {
  bool cut_out = false, cut_in = false, hold = false;
  Duration latency, jitter;
  std::int64_t loss = 0, duplicate = 0, reorder = 0;
  bool is_net() const { return latency.ns + jitter.ns + loss + duplicate + reorder > 0; }
  bool is_cut() const { return cut_out || cut_in; }
  // On a link of the mesh, which carries bytes. What is cut waits there too: TCP sends it again.
  relay::LinkFault on_stream() const { return {cut_out || hold, cut_in, latency, jitter, loss}; }
};

// The rules of this moment: of faults whose names are addresses ("127.0.1.2"), or "*".
class LinkRules {
 public:
  void set(Address own, const std::vector<faults::Fault>& all);
  bool empty() const { return rules_.empty(); }
  LinkTrouble to(const Address& peer) const;

 private:
  struct Rule {
    faults::Kind kind;
    faults::Names from, to;
    bool both = true;
    std::optional<Duration> latency, jitter;
    std::optional<std::int64_t> loss, duplicate, reorder;
  };
  static bool is_in(const faults::Names& end, const faults::Names& opposite, const std::string& who);
  void add(const faults::Fault& fault);

  std::string own_;
  std::vector<Rule> rules_;
};

class FaultyTransport final : public ports::Transport {
 public:
  using Emit = std::function<void(ports::Event)>;
  FaultyTransport(Reactor& reactor, Emit emit, std::uint64_t seed)
      : emit_(std::move(emit)), rng_(seed), due_(reactor), dials_(reactor) {}

  void put_before(ports::Transport& inner) { inner_ = &inner; }
  void hear(ports::Event event);  // all events of the inner one
  void set(Address own, const std::vector<faults::Fault>& all);
  const LinkRules& rules() const { return rules_; }

  Result<void> listen(const Address& address) override { return inner_->listen(address); }
  void stop_listening() override { inner_->stop_listening(); }
  void set_identity(const wire::Hello& hello) override { inner_->set_identity(hello); }
  Result<void> set_credentials(const ports::Credentials& credentials) override {
    return inner_->set_credentials(credentials);
  }
  ports::LinkId open(const Address& to, const Address& source, const wire::Hello& hello) override;
  void send(ports::LinkId link, ports::Frame frame) override;
  void close(ports::LinkId link) override;

 private:
  struct OnItsWay {
    ports::LinkId link = 0;
    ports::Frame frame;
  };
  struct Silent {  // a dial that is not answered, or a close that is not seen yet
    ports::LinkId link = 0;
    Address peer;
    Instant until;
    std::string reason;
  };
  LinkTrouble trouble(ports::LinkId link) const;
  void post_later(ports::LinkId link, ports::Frame frame, const LinkTrouble& net);
  void send_due();
  void stay_silent(ports::LinkId link, const Address& peer, std::string reason);
  void end_silence();
  void forget(ports::LinkId link);

  Emit emit_;
  Rng rng_;
  ports::Transport* inner_ = nullptr;
  LinkRules rules_;
  std::map<ports::LinkId, Address> peers_;  // of every link; ports are not looked at
  std::map<ports::LinkId, std::deque<ports::Frame>> held_;
  std::multimap<Instant, OnItsWay> on_their_way_;
  std::map<ports::LinkId, Instant> last_due_;
  std::vector<Silent> silent_;
  Timer due_, dials_;
  ports::LinkId last_phantom_ = 0;
};

}  // namespace swarm::real
