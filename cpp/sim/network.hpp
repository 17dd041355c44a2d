// Network: all links of a world. Frames of one link and direction arrive in order unless a fault says
// otherwise; on a cut they vanish and the link stays open, until one end gives up because of silence, as TCP
// does.
//
// A link has an end at each machine. An end goes when its machine closes it, crashes (the peer hears at once)
// or loses its power (the peer hears nothing); a frame to an end that is gone comes back as a reset. Link
// ids: connection * 2 + side; side 0 opened it. Both ends show certificates, which are values, and judge each
// other's by the rules of ca/policy when the link opens.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ca/policy.hpp"
#include "sim/link_rules.hpp"
#include "sim/shared.hpp"

namespace swarm::sim {

class Network {
 public:
  Network(Shared& shared, Rng rng) : shared_(shared), rng_(rng) {}

  // For checkers: what a machine says, and what reaches another machine's daemon.
  struct Ears {
    std::function<void(MachineIndex from, ports::LinkId link, MachineIndex to, const ports::Frame&)> said;
    std::function<void(MachineIndex to, MachineIndex from, const ports::Frame&)> heard;
  };
  void overhear(Ears ears) { ears_ = std::move(ears); }

  void add_machine(const Address& address);
  void reseed(Rng rng) { rng_ = rng; }

  // ---- what machines ask for (through SimTransport)
  Result<void> listen(MachineIndex machine, const Address& address);
  void stop_listening(MachineIndex machine);
  void set_identity(MachineIndex machine, const wire::Hello& hello) { hosts_[machine].identity = hello; }
  void set_credentials(MachineIndex machine, const ports::Credentials& credentials, ports::Clock& clock);
  ports::LinkId open(MachineIndex machine, const Address& to, const wire::Hello& hello) {
    return open_as(machine, to, hello, hosts_[machine].shown);
  }
  // With a certificate of the caller's: as one who has stolen its key.
  ports::LinkId open_as(MachineIndex machine, const Address& to, const wire::Hello& hello,
                        const std::optional<model::Certificate>& shown);
  void send(MachineIndex machine, ports::LinkId link, ports::Frame frame);
  void close(MachineIndex machine, ports::LinkId link);

  // Returns true while the machine's end of the link is there.
  bool has_end(MachineIndex machine, ports::LinkId link) const;
  // Returns true if `machine` takes the other one for a node of its swarm, by the certificate that this
  // shows.
  bool is_member_of(MachineIndex machine, MachineIndex other) const;

  // ---- machines come and go
  void machine_ended(MachineIndex machine, bool silent);
  void machine_started(MachineIndex machine) { hosts_[machine].silent = false; }
  bool is_silent(MachineIndex machine) const { return hosts_[machine].silent; }  // it has no power

  // ---- faults
  void cut(MachineIndex from, MachineIndex to) { cuts_.insert({from, to}); }
  void mend(MachineIndex from, MachineIndex to) { cuts_.erase({from, to}); }
  void heal() { cuts_.clear(); }
  void set_rules(std::vector<LinkRule> rules);  // what is no longer held arrives in one burst
  bool is_cut(MachineIndex from, MachineIndex to) const {
    return (!cuts_.empty() && cuts_.contains({from, to})) ||
           (!rules_.empty() && rules_.is(LinkRule::What::cut, from, to));
  }
  // Returns true if nothing gets through now: the link is cut, or held.
  bool is_blocked(MachineIndex from, MachineIndex to) const {
    return is_cut(from, to) || (!rules_.empty() && rules_.is(LinkRule::What::hold, from, to));
  }
  // Null: as the world's network is.
  const LinkSettings* settings(MachineIndex from, MachineIndex to) const {
    return rules_.empty() ? nullptr : rules_.settings(from, to);
  }
  Duration latency(Rng& rng, MachineIndex from, MachineIndex to) const;
  // Delivers something to a machine's daemon, or holds it on its way. If the link is cut when the hold ends,
  // it is lost.
  void deliver(Instant at, MachineIndex from, MachineIndex to, std::uint32_t life, Happening what) {
    if (!rules_.empty() && rules_.is(LinkRule::What::hold, from, to)) {
      const auto* frame = std::get_if<FrameArrives>(&what);
      if (shared_.chronicle && frame != nullptr) shared_.chronicle->held(frame->message);
      held_.push_back({from, to, life, std::move(what)});
    } else {
      shared_.queue.push(at, to, life, std::move(what));
    }
  }

  // ---- what arrives; an event for the machine, or nothing
  std::optional<ports::Event> arrived(const ConnectArrives& event);
  std::optional<ports::Event> arrived(const AcceptArrives& event);
  std::optional<ports::Event> arrived(FrameArrives&& event);
  std::optional<ports::Event> arrived(const CloseArrives& event);
  std::optional<ports::Event> arrived(const LinkTimeout& event);

 private:
  struct Host {
    Address address;
    std::optional<Address> listening;
    bool silent = false;
    wire::Hello identity;
    std::set<ConnectionId> connections;
    std::optional<model::Certificate> shown;
    ca::Trust trust;
    ports::Clock* clock = nullptr;
  };
  struct End {
    MachineIndex machine = 0;
    bool there = false;
    bool suspicious = false;  // a timeout is on its way
    Instant last_arrival;     // of what is on its way to this end
  };
  struct Connection {
    End ends[2];
    bool open = false;  // as its opener sees it
    wire::Hello hello;  // the opener's, as its certificate and whom it believes
    std::optional<model::Certificate> shown;
    ca::Trust trust;
    Address from, to;
    std::vector<ports::Frame> waiting;
  };
  // What the peer of `host` has proved to it; or why the handshake fails.
  struct Proved {
    std::optional<model::Certificate> peer;
    const char* distrust = nullptr;
  };
  static Proved judge(const Host& host, const ca::Trust& trust, bool dialled,
                      const std::optional<model::Certificate>& peer);
  static model::Principal principal_of(const Host& host, const std::optional<model::Certificate>& peer,
                                       const wire::Hello& hello);
  std::optional<ports::Event> hang_up(ConnectionId id, Connection& connection, const char* why);
  static ports::LinkId link_id(ConnectionId connection, int side) { return connection * 2 + side; }
  struct Held {
    MachineIndex from = 0, to = 0;
    std::uint32_t life = 0;
    Happening what;
  };
  struct Odds {  // in a million
    std::uint32_t loss = 0, duplicate = 0, reorder = 0;
  };
  Odds odds(MachineIndex from, MachineIndex to) const;
  Instant arrival(MachineIndex from, End& to);
  void transmit(ConnectionId id, Connection& connection, int to_side, ports::Frame frame);
  void became(std::uint64_t message, Chronicle::Fate fate);
  void suspect(ConnectionId id, End& end, int side);
  void tell_closed(ConnectionId id, Connection& connection, int side, const std::string& reason);
  void drop_end(ConnectionId id, Connection& connection, int side);
  Connection* find(ConnectionId id);

  Shared& shared_;
  Rng rng_;
  std::vector<Host> hosts_;
  std::map<std::array<std::uint8_t, 16>, MachineIndex> by_ip_;
  std::map<ConnectionId, Connection> connections_;
  ConnectionId last_ = 0;
  std::set<std::pair<MachineIndex, MachineIndex>> cuts_;
  LinkRules rules_;
  std::vector<Held> held_;
  Ears ears_;
};

// One machine's view of the network.
class SimTransport final : public ports::Transport {
 public:
  SimTransport(Network& network, MachineIndex machine, ports::Clock& clock)
      : network_(network), machine_(machine), clock_(clock) {}
  Result<void> listen(const Address& address) override { return network_.listen(machine_, address); }
  void stop_listening() override { network_.stop_listening(machine_); }
  ports::LinkId open(const Address& to, const Address&, const wire::Hello& hello) override {
    return network_.open(machine_, to, hello);
  }
  Result<void> set_credentials(const ports::Credentials& credentials) override {
    network_.set_credentials(machine_, credentials, clock_);
    return {};
  }
  void set_identity(const wire::Hello& hello) override { network_.set_identity(machine_, hello); }
  void send(ports::LinkId link, ports::Frame frame) override {
    network_.send(machine_, link, std::move(frame));
  }
  void close(ports::LinkId link) override { network_.close(machine_, link); }

 private:
  Network& network_;
  MachineIndex machine_;
  ports::Clock& clock_;
};

}  // namespace swarm::sim
