#include "real/mesh/listeners.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "model/port.hpp"
#include "real/mesh/poller.hpp"
#include "real/stream/fd.hpp"
#include "real/stream/passed_fds.hpp"
#include "real/stream/sockets.hpp"

namespace swarm::real::relay {
namespace {

constexpr int kAcceptsPerRound = 64;
constexpr Duration kBreathe = Duration::millis(100);
constexpr std::size_t kLargestAnswer = 1024;
const std::string kNotAtHost = "this machine does not answer for ";
constexpr std::string_view kRefused = "error: ";

std::string cannot_listen(const Address& address, int error) {
  const std::string start = "cannot listen on " + address.str() + ": ";
  if (error == EADDRINUSE)
    return start + "the port is in use by another program; this node does not answer there";
  if (error == EACCES) return start + "ports below 1024 need root or net.ipv4.ip_unprivileged_port_start";
  return start + std::strerror(error);
}

}  // namespace

std::string Listeners::listen(const Key& key, Address at) {
  if (!listeners_.contains(key)) {
    Fd fd = listen_on(at);
    if (!fd.valid()) return cannot_listen(at, errno);
    add(key, std::move(fd));
  }
  const bool wants_host = key && !publish_door_.empty() && listeners_.count(key) == 1;
  return wants_host ? listen_at_host(key, at) : std::string();
}

void Listeners::add(const Key& key, Fd fd) {
  Listener made;
  made.fd = std::move(fd);
  made.id = ++last_;
  poller_.add_readable(made.fd.get(), {Topic::Kind::listener, made.id});
  listeners_.emplace(key, std::move(made));
}

std::string Listeners::listen_at_host(const Key& key, const Address& at) {
  const Fd door = connect_seqpacket(publish_door_);
  const std::string request = "publish " + at.host() + " " + std::to_string(at.port);
  std::optional<PassedMessage> answer;
  if (door.valid() && send_with_fds(door.get(), request, {}))
    answer = receive_with_fds(door.get(), kLargestAnswer);
  if (!answer) return kNotAtHost + at.str() + ": the hub does not answer";
  const std::size_t words = answer->text.starts_with(kRefused) ? kRefused.size() : 0;
  if (answer->fds.empty()) return kNotAtHost + at.str() + ": " + answer->text.substr(words);
  add(key, std::move(answer->fds.front()));
  return {};
}

std::string Listeners::listen(const model::PortKey& port) {
  Address at = own_;
  at.port = static_cast<std::uint16_t>(port.port);
  return listen(Key(port), at);
}

std::string Listeners::listen_for_nodes(std::uint16_t port) {
  Address at = own_;
  at.port = port;
  const std::string problem = listen(Key(), at);
  return problem.empty() ? problem : problem + " (other nodes' traffic to tasks here)";
}

void Listeners::drop(const model::PortKey& port) { listeners_.erase(port); }
void Listeners::drop_nodes() { listeners_.erase(std::nullopt); }

std::vector<Listeners::Arrival> Listeners::accept(std::uint64_t id, Instant now) {
  std::vector<Arrival> out;
  const auto it = std::ranges::find_if(listeners_, [id](const auto& one) { return one.second.id == id; });
  if (it == listeners_.end()) return out;
  auto& [key, listener] = *it;
  for (int i = 0; i < kAcceptsPerRound; ++i) {
    Accepted peer = accept_from(listener.fd.get());
    if (peer.fd.valid()) {
      out.push_back({std::move(peer), key});
      continue;
    }
    if (is_out_of_means(peer.error)) {
      poller_.remove(listener.fd.get());
      listener.rests_until = now + kBreathe;
    }
    break;
  }
  return out;
}

Instant Listeners::next_due() const {
  Instant next = Instant::never();
  for (const auto& [key, listener] : listeners_) next = std::min(next, listener.rests_until);
  return next;
}

void Listeners::wake(Instant now) {
  for (auto& [key, listener] : listeners_) {
    if (listener.rests_until > now) continue;
    listener.rests_until = Instant::never();
    poller_.add_readable(listener.fd.get(), {Topic::Kind::listener, listener.id});
  }
}

}  // namespace swarm::real::relay
