#include "sim/network.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/check.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "ca/policy.hpp"
#include "codec/codec.hpp"
#include "model/certificate.hpp"
#include "model/principal.hpp"
#include "model/wire.hpp"
#include "ports/ports.hpp"
#include "ports/transport.hpp"
#include "raft/message.hpp"
#include "sim/chronicle.hpp"
#include "sim/event_queue.hpp"
#include "sim/link_rules.hpp"
#include "sim/machine_index.hpp"
#include "sim/shared.hpp"
#include "sim/sim_crypto.hpp"

namespace swarm::sim {
namespace {

constexpr std::uint64_t kMillion = 1'000'000;
constexpr Duration kConnectTimeout = Duration::seconds(3);
constexpr Duration kSilenceTimeout = Duration::seconds(10);  // how long TCP would send again

// What a real wire does to every frame.
ports::Frame through_codec(const ports::Frame& frame) {
  if (const auto* message = std::get_if<raft::Message>(&frame)) {
    auto decoded = codec::decode_raft_message(codec::encode(*message));
    SWARM_CHECK(decoded.ok(), "raft frame", decoded.ok() ? "" : decoded.error().message);
    return std::move(*decoded);
  }
  auto decoded = codec::decode_wire_message(codec::encode(std::get<wire::Message>(frame)));
  SWARM_CHECK(decoded.ok(), "frame", std::get<wire::Message>(frame).index(),
              decoded.ok() ? "" : decoded.error().message);
  return std::move(*decoded);
}

}  // namespace

void Network::add_machine(const Address& address) {
  by_ip_[address.ip] = static_cast<MachineIndex>(hosts_.size());
  hosts_.push_back({address, {}, false, {}, {}, {}, {}, nullptr});
}

Result<void> Network::listen(MachineIndex machine, const Address& address) {
  Host& host = hosts_[machine];
  // A clone has its first machine's address, too, behind another one's: what is sent there goes to the first.
  const auto clone = shared_.clones.find(machine);
  const bool as_first = clone != shared_.clones.end() && address.ip == hosts_[clone->second].address.ip;
  if (!address.is_unspecified() && address.ip != host.address.ip && !as_first)
    return plain_error(Code::unavailable,
                       "cannot listen on " + address.str() + ": not an address of this machine");
  if (host.listening)
    return plain_error(Code::unavailable, "cannot listen on " + address.str() + ": the address is in use");
  host.listening = address;
  return {};
}

void Network::stop_listening(MachineIndex machine) { hosts_[machine].listening.reset(); }

Network::Connection* Network::find(ConnectionId id) {
  const auto it = connections_.find(id);
  return it == connections_.end() ? nullptr : &it->second;
}

Duration Network::latency(Rng& rng, MachineIndex from, MachineIndex to) const {
  const auto& net = shared_.options.network;
  const LinkSettings* link = settings(from, to);
  if (link == nullptr) return draw(rng, net.latency_min, net.latency_max);
  const Duration jitter = link->jitter.value_or(Duration{});
  if (!link->latency) return draw(rng, net.latency_min, net.latency_max + jitter);
  return draw(rng, std::max(*link->latency - jitter, Duration{}), *link->latency + jitter);
}

Network::Odds Network::odds(MachineIndex from, MachineIndex to) const {
  const auto& net = shared_.options.network;
  Odds odds{net.loss_per_mille * 1000, net.duplicate_per_mille * 1000, net.reorder_per_mille * 1000};
  if (const LinkSettings* link = settings(from, to); link != nullptr) {
    odds.loss = link->loss_ppm.value_or(odds.loss);
    odds.duplicate = link->duplicate_ppm.value_or(odds.duplicate);
    odds.reorder = link->reorder_ppm.value_or(odds.reorder);
  }
  return odds;
}

Instant Network::arrival(MachineIndex from, End& to) {
  to.last_arrival = std::max(to.last_arrival, shared_.now + latency(rng_, from, to.machine));
  return to.last_arrival;
}

void Network::set_rules(std::vector<LinkRule> rules) {
  rules_.set(std::move(rules));
  for (Held& held : std::exchange(held_, {})) {
    if (!is_cut(held.from, held.to)) {
      deliver(shared_.now, held.from, held.to, held.life, std::move(held.what));
    } else if (const auto* frame = std::get_if<FrameArrives>(&held.what)) {
      became(frame->message, Chronicle::Fate::cut);
    }
  }
}

void Network::set_credentials(MachineIndex machine, const ports::Credentials& credentials,
                              ports::Clock& clock) {
  Host& host = hosts_[machine];
  host.shown = read_certificate(credentials.certificate_pem);
  host.trust = {root_ids(credentials.roots_pem), host.shown ? host.shown->cluster : ClusterId()};
  host.clock = &clock;
}

model::Principal Network::principal_of(const Host& host, const std::optional<model::Certificate>& peer,
                                       const wire::Hello& hello) {
  return ports::principal_of(peer, hello, host.clock == nullptr ? WallTime{} : host.clock->wall());
}

Network::Proved Network::judge(const Host& host, const ca::Trust& trust, bool dialled,
                               const std::optional<model::Certificate>& peer) {
  Proved out;
  if (!trust.roots.empty()) out.peer = peer;
  const WallTime now = host.clock == nullptr ? WallTime{} : host.clock->wall();
  const auto why = ca::judge(out.peer, ca::expected_of(dialled, trust), trust, now);
  if (why) out.distrust = ca::sentence_of(*why);
  return out;
}

bool Network::is_member_of(MachineIndex machine, MachineIndex other) const {
  const Host& host = hosts_[machine];
  const WallTime now = host.clock == nullptr ? WallTime{} : host.clock->wall();
  return !ca::judge(hosts_[other].shown, ca::Expected::member, host.trust, now);
}

ports::LinkId Network::open_as(MachineIndex machine, const Address& to, const wire::Hello& hello,
                               const std::optional<model::Certificate>& shown) {
  const ConnectionId id = ++last_;
  Connection& connection = connections_[id];
  connection.ends[0].machine = machine;
  connection.ends[0].there = true;
  connection.hello = hello;
  connection.shown = shown;
  connection.trust = hosts_[machine].trust;
  connection.from = hosts_[machine].address;
  connection.from.port = static_cast<std::uint16_t>(32'768 + id % 28'000);
  connection.to = to;
  hosts_[machine].connections.insert(id);
  const auto target = by_ip_.find(to.ip);
  if (target == by_ip_.end()) {
    connection.ends[1].machine = machine;
    shared_.queue.push(arrival(machine, connection.ends[0]), machine, 0,
                       CloseArrives{id, 0, "no route to host"});
    return link_id(id, 0);
  }
  connection.ends[1].machine = target->second;
  if (!is_cut(machine, target->second))
    deliver(arrival(machine, connection.ends[1]), machine, target->second, 0, ConnectArrives{id});
  shared_.queue.push(shared_.now + kConnectTimeout, machine, 0, LinkTimeout{id, 0, true});
  return link_id(id, 0);
}

std::optional<ports::Event> Network::arrived(const ConnectArrives& event) {
  Connection* connection = find(event.connection);
  if (connection == nullptr) return std::nullopt;
  End& opener = connection->ends[0];
  End& end = connection->ends[1];
  const Host& host = hosts_[end.machine];
  if (host.silent || !opener.there) return std::nullopt;
  if (!host.listening || host.listening->port != connection->to.port) {
    tell_closed(event.connection, *connection, 0, "connection refused");
    return std::nullopt;
  }
  const Proved proved = judge(host, host.trust, false, connection->shown);
  if (proved.distrust != nullptr) {
    tell_closed(event.connection, *connection, 0, std::string("refused: ") + proved.distrust);
    return std::nullopt;
  }
  end.there = true;
  hosts_[end.machine].connections.insert(event.connection);
  if (!is_cut(end.machine, opener.machine))
    deliver(arrival(end.machine, opener), end.machine, opener.machine, 0,
            AcceptArrives{event.connection, host.identity, host.shown});
  return ports::LinkOpened{link_id(event.connection, 1), principal_of(host, proved.peer, connection->hello),
                           connection->from, true};
}

std::optional<ports::Event> Network::arrived(const AcceptArrives& event) {
  Connection* connection = find(event.connection);
  if (connection == nullptr || !connection->ends[0].there || connection->open) return std::nullopt;
  const Proved proved = judge(hosts_[connection->ends[0].machine], connection->trust, true, event.shown);
  if (proved.distrust != nullptr) return hang_up(event.connection, *connection, proved.distrust);
  connection->open = true;
  for (auto& frame : std::exchange(connection->waiting, {}))
    transmit(event.connection, *connection, 1, std::move(frame));
  return ports::LinkOpened{link_id(event.connection, 0),
                           principal_of(hosts_[connection->ends[0].machine], proved.peer, event.hello),
                           connection->to, false};
}

// The opener does not believe the node that answered.
std::optional<ports::Event> Network::hang_up(ConnectionId id, Connection& connection, const char* why) {
  tell_closed(id, connection, 1, std::string("refused: ") + why);
  drop_end(id, connection, 0);
  return ports::LinkClosed{link_id(id, 0), why};
}

bool Network::has_end(MachineIndex machine, ports::LinkId link) const {
  const auto it = connections_.find(link / 2);
  if (it == connections_.end()) return false;
  const End& end = it->second.ends[link % 2];
  return end.there && end.machine == machine;
}

void Network::send(MachineIndex machine, ports::LinkId link, ports::Frame frame) {
  Connection* connection = find(link / 2);
  const int side = static_cast<int>(link % 2);
  if (connection == nullptr || !connection->ends[side].there || connection->ends[side].machine != machine)
    return;
  if (ears_.said) ears_.said(machine, link, connection->ends[1 - side].machine, frame);
  if (side == 0 && !connection->open) {
    connection->waiting.push_back(std::move(frame));
    return;
  }
  transmit(link / 2, *connection, 1 - side, std::move(frame));
}

void Network::transmit(ConnectionId id, Connection& connection, int to_side, ports::Frame frame) {
  End& from = connection.ends[1 - to_side];
  End& to = connection.ends[to_side];
  Chronicle* const chronicle = shared_.chronicle.get();
  const std::uint64_t message =
      chronicle == nullptr ? 0 : chronicle->sent(shared_.now, from.machine, to.machine, frame);
  if (is_cut(from.machine, to.machine)) {
    became(message, Chronicle::Fate::cut);
    return suspect(id, from, 1 - to_side);
  }
  const Odds chance = odds(from.machine, to.machine);
  if (chance.loss != 0 && rng_.chance(chance.loss, kMillion)) return became(message, Chronicle::Fate::lost);
  if (shared_.options.codec) frame = through_codec(frame);
  const auto side = static_cast<std::uint8_t>(to_side);
  if (chance.duplicate != 0 && rng_.chance(chance.duplicate, kMillion))
    deliver(arrival(from.machine, to), from.machine, to.machine, 0,
            FrameArrives{id, side, frame, chronicle == nullptr ? 0 : chronicle->doubled(message)});
  if (chance.reorder != 0 && rng_.chance(chance.reorder, kMillion)) {
    const std::int64_t times = rng_.between(1, 20);
    const Duration late = latency(rng_, from.machine, to.machine) * times;
    return deliver(shared_.now + late, from.machine, to.machine, 0,
                   FrameArrives{id, side, std::move(frame), message});
  }
  deliver(arrival(from.machine, to), from.machine, to.machine, 0,
          FrameArrives{id, side, std::move(frame), message});
}

std::optional<ports::Event> Network::arrived(FrameArrives&& event) {
  Connection* connection = find(event.connection);
  if (connection == nullptr) {
    became(event.message, Chronicle::Fate::dead);
    return std::nullopt;
  }
  const int side = event.side;
  End& to = connection->ends[side];
  became(event.message, to.there ? Chronicle::Fate::arrived : Chronicle::Fate::dead);
  if (!to.there) {
    if (hosts_[to.machine].silent) {
      suspect(event.connection, connection->ends[1 - side], 1 - side);
    } else {
      tell_closed(event.connection, *connection, 1 - side, "connection reset");
    }
    return std::nullopt;
  }
  if (ears_.heard) ears_.heard(to.machine, connection->ends[1 - side].machine, event.frame);
  return ports::FrameArrived{link_id(event.connection, side), std::move(event.frame)};
}

void Network::became(std::uint64_t message, Chronicle::Fate fate) {
  if (shared_.chronicle) shared_.chronicle->became(message, shared_.now, fate);
}

// Nothing gets through from this end: give it up if that lasts.
void Network::suspect(ConnectionId id, End& end, int side) {
  if (!end.there || end.suspicious) return;
  end.suspicious = true;
  shared_.queue.push(shared_.now + kSilenceTimeout, end.machine, 0,
                     LinkTimeout{id, static_cast<std::uint8_t>(side), false});
}

std::optional<ports::Event> Network::arrived(const LinkTimeout& event) {
  Connection* connection = find(event.connection);
  if (connection == nullptr || !connection->ends[event.side].there) return std::nullopt;
  End& end = connection->ends[event.side];
  const End& other = connection->ends[1 - event.side];
  if (event.opening) {
    if (connection->open) return std::nullopt;
  } else {
    end.suspicious = false;
    if (!hosts_[other.machine].silent && !is_cut(end.machine, other.machine)) return std::nullopt;
  }
  tell_closed(event.connection, *connection, 1 - event.side, "the peer gave up on a silent link");
  drop_end(event.connection, *connection, event.side);
  return ports::LinkClosed{link_id(event.connection, event.side), "connection timed out"};
}

// Lets the end `side` hear that the other one is gone, when it can.
void Network::tell_closed(ConnectionId id, Connection& connection, int side, const std::string& reason) {
  End& end = connection.ends[side];
  const MachineIndex from = connection.ends[1 - side].machine;
  if (!end.there || is_cut(from, end.machine)) return;
  deliver(arrival(from, end), from, end.machine, 0,
          CloseArrives{id, static_cast<std::uint8_t>(side), reason});
}

void Network::drop_end(ConnectionId id, Connection& connection, int side) {
  connection.ends[side].there = false;
  hosts_[connection.ends[side].machine].connections.erase(id);
  if (connection.ends[1 - side].there) {
    // A link from a machine to itself is listed once.
    if (connection.ends[0].machine == connection.ends[1].machine)
      hosts_[connection.ends[side].machine].connections.insert(id);
    return;
  }
  connections_.erase(id);
}

void Network::close(MachineIndex machine, ports::LinkId link) {
  Connection* connection = find(link / 2);
  const int side = static_cast<int>(link % 2);
  if (connection == nullptr || !connection->ends[side].there || connection->ends[side].machine != machine)
    return;
  tell_closed(link / 2, *connection, 1 - side, "closed by the peer");
  drop_end(link / 2, *connection, side);
}

std::optional<ports::Event> Network::arrived(const CloseArrives& event) {
  Connection* connection = find(event.connection);
  if (connection == nullptr || !connection->ends[event.side].there) return std::nullopt;
  drop_end(event.connection, *connection, event.side);
  return ports::LinkClosed{link_id(event.connection, event.side), event.reason};
}

void Network::machine_ended(MachineIndex machine, bool silent) {
  Host& host = hosts_[machine];
  host.silent = silent;
  host.listening.reset();
  host.identity = {};
  host.shown.reset();
  host.trust = {};
  const std::set<ConnectionId> connections = host.connections;
  for (const ConnectionId id : connections) {
    for (int side = 0; side < 2; ++side) {
      Connection* connection = find(id);
      if (connection == nullptr || !connection->ends[side].there || connection->ends[side].machine != machine)
        continue;
      if (!silent) tell_closed(id, *connection, 1 - side, "connection reset by peer");
      drop_end(id, *connection, side);
    }
  }
}

}  // namespace swarm::sim
