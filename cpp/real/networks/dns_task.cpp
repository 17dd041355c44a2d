#include "real/networks/dns_task.hpp"

#include <sys/socket.h>
#include <sys/types.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "net/dns/forwarder.hpp"
#include "net/dns/resolv_conf.hpp"
#include "net/dns/server.hpp"
#include "net/dns/tcp_frames.hpp"
#include "net/dns/wire.hpp"
#include "real/netlink/net_space.hpp"
#include "real/networks/dns_sockets.hpp"
#include "real/networks/name_server.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {
namespace {

constexpr std::size_t kLongest = 65'536;
// A client over TCP is read in pieces, and so many in a round: a few hundred questions.
constexpr std::size_t kPiece = 4'096, kPieces = 2;
constexpr std::size_t kMostUnsent = 2 * kLongest;  // of a client over TCP that does not read
// How long an answer of other servers is waited for, all of them together; a resolver asks again after 5 s.
constexpr Duration kPatience = Duration::seconds(10);

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

DnsTask::DnsTask(NameServer::Doors doors, dns::TaskResolver resolver, netlink::NetSpace space, Tools tools)
    : doors_(std::move(doors)),
      ndots_set_(resolver.ndots_set),
      space_(std::move(space)),
      tools_(std::move(tools)),
      forwarder_(std::move(resolver.upstreams), Rng(tools_.rng.next())) {
  tools_.watch(doors_.udp.get(), Door::udp, 0, false);
  tools_.watch(doors_.tcp.get(), Door::tcp, 0, false);
}

DnsTask::~DnsTask() { tools_.asked -= questions_.size(); }

void DnsTask::ready(Door door, std::uint32_t id, Instant now) {
  now_ = now;
  switch (door) {
    case Door::udp:
      hear_packets(now);
      break;
    case Door::tcp:
      accept_clients(now);
      break;
    case Door::client:
      hear_client(id, now);
      break;
    case Door::server:
      hear_server(id, now);
      break;
  }
  carry_out();
}

void DnsTask::tick(Instant now) {
  now_ = now;
  std::erase_if(clients_, [now](const auto& one) { return one.second.until <= now; });
  for (auto& [id, question] : questions_)
    if (question.until <= now) question.fd.reset();
  forwarder_.tick(now);
  carry_out();
}

Instant DnsTask::next_deadline() const {
  Instant next = forwarder_.next_deadline();
  for (const auto& [id, client] : clients_) next = std::min(next, client.until);
  for (const auto& [id, question] : questions_) next = std::min(next, question.until);
  return next;
}

// ---- what the task asks

void DnsTask::hear_packets(Instant now) {
  char packet[kLongest];
  for (std::size_t i = 0; i < NameServer::kPackets; ++i) {
    Asker asker;
    const ssize_t size =
        ::recvfrom(doors_.udp.get(), packet, sizeof packet, 0, asker.from.get(), &asker.from.size);
    if (size < 0) return;
    answer({packet, static_cast<std::size_t>(size)}, asker, now);
  }
}

void DnsTask::accept_clients(Instant now) {
  for (std::size_t i = 0; i < NameServer::kMostClients; ++i) {
    Fd fd(::accept4(doors_.tcp.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd.valid()) return;
    if (clients_.size() >= NameServer::kMostClients) continue;  // closed: the resolver tries again
    const std::uint32_t id = ++last_id_;
    tools_.watch(fd.get(), Door::client, id, true);
    clients_.emplace(id, Client{std::move(fd), {}, {}, now + NameServer::kClientPatience});
  }
}

void DnsTask::hear_client(std::uint32_t id, Instant now) {
  const auto it = clients_.find(id);
  if (it == clients_.end()) return;
  Client& client = it->second;
  char bytes[kPiece];
  bool ended = !flush(client);
  for (std::size_t i = 0; !ended; ++i) {
    if (i == kPieces) return tools_.watch(client.fd.get(), Door::client, id, true);  // the rest: next round
    const ssize_t size = ::recv(client.fd.get(), bytes, sizeof bytes, 0);
    if (size < 0 && would_block()) return;
    ended = size <= 0;
    if (ended) break;
    client.heard.add({bytes, static_cast<std::size_t>(size)});
    while (const auto question = client.heard.next()) {
      client.until = now + NameServer::kClientPatience;
      answer(*question, {dns::Transport::tcp, {}, id}, now);
      if (!clients_.contains(id)) return;
    }
  }
  clients_.erase(it);
}

void DnsTask::answer(std::string_view packet, const Asker& asker, Instant now) {
  const auto verdict = tools_.answer(packet, asker.transport, ndots_set_);
  if (const auto* said = std::get_if<dns::Reply>(&verdict)) return reply(asker, said->bytes);
  if (!std::holds_alternative<dns::Forward>(verdict)) return;
  askers_[++last_query_] = asker;
  forwarder_.forward(last_query_, packet, asker.transport, now, now + kPatience);
}

void DnsTask::reply(const Asker& asker, std::string_view bytes) {
  if (asker.transport == dns::Transport::tcp) return send_to_client(asker.client, dns::framed(bytes));
  // An answer that the task's socket has no room for is lost, as on any wire.
  (void)!::sendto(doors_.udp.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL, asker.from.get(),
                  asker.from.size);
}

void DnsTask::send_to_client(std::uint32_t id, std::string_view bytes) {
  const auto it = clients_.find(id);
  if (it == clients_.end()) return;
  it->second.unsent += bytes;
  if (!flush(it->second) || it->second.unsent.size() > kMostUnsent) clients_.erase(it);
}

bool DnsTask::flush(Client& client) {
  while (!client.unsent.empty()) {
    const ssize_t sent = ::send(client.fd.get(), client.unsent.data(), client.unsent.size(), MSG_NOSIGNAL);
    if (sent < 0) return would_block();
    client.unsent.erase(0, static_cast<std::size_t>(sent));
  }
  return true;
}

// ---- what it does not know

void DnsTask::carry_out() {
  for (auto effects = forwarder_.take_effects(); !effects.empty(); effects = forwarder_.take_effects())
    for (const auto& effect : effects) {
      if (const auto* question = std::get_if<dns::Ask>(&effect)) {
        ask(*question);
        continue;
      }
      const auto& told = std::get<dns::Tell>(effect);
      if (const auto asker = askers_.extract(told.query)) reply(asker.mapped(), told.bytes);
    }
  // Sockets of questions that are over, by an answer or by time.
  for (auto it = questions_.begin(); it != questions_.end();) {
    const auto next = std::next(it);
    if (!it->second.fd.valid()) forget_question(it->first);
    it = next;
  }
}

void DnsTask::ask(const dns::Ask& ask) {
  // A question that goes to the next server has a new id: the socket of the old one is of no use.
  const bool is_full = tools_.asked >= NameServer::kMostAsked || questions_.size() >= NameServer::kMostOfTask;
  Fd fd = is_full ? Fd()
                  : dial_server(ask.server.address, ask.transport, ask.server.from_host ? nullptr : &space_);
  if (!fd.valid()) return forwarder_.failed(ask.question, now_);
  const std::uint32_t id = ++last_id_;
  ++tools_.asked;
  Question question{
      std::move(fd), ask.server.address, ask.transport, ask.question, {}, {}, now_ + dns::kServerPatience};
  question.unsent = ask.transport == dns::Transport::tcp ? dns::framed(ask.bytes) : ask.bytes;
  const auto& kept = questions_.emplace(id, std::move(question)).first->second;
  tools_.watch(kept.fd.get(), Door::server, id, true);
}

void DnsTask::forget_question(std::uint32_t id) {
  if (questions_.erase(id) == 1) --tools_.asked;
}

void DnsTask::hear_server(std::uint32_t id, Instant now) {
  const auto it = questions_.find(id);
  if (it == questions_.end()) return;
  Question& question = it->second;
  if (!question.unsent.empty()) {
    const ssize_t sent =
        ::send(question.fd.get(), question.unsent.data(), question.unsent.size(), MSG_NOSIGNAL);
    if (sent > 0) question.unsent.erase(0, static_cast<std::size_t>(sent));
    if (sent < 0 && !would_block()) {
      forwarder_.failed(question.id, now);
      question.fd.reset();
      return;
    }
  }
  if (!read_answer(question, id, now)) question.fd.reset();
}

bool DnsTask::read_answer(Question& question, std::uint32_t id, Instant now) {
  char bytes[kLongest];
  for (std::size_t i = 0; i < NameServer::kPackets; ++i) {
    const ssize_t size = ::recv(question.fd.get(), bytes, sizeof bytes, 0);
    if (size < 0 && would_block()) return true;
    if (size < 0 || (size == 0 && question.transport == dns::Transport::tcp)) {
      forwarder_.failed(question.id, now);
      return false;
    }
    const std::string_view heard(bytes, static_cast<std::size_t>(size));
    if (question.transport == dns::Transport::udp) {
      if (forwarder_.heard(question.server, question.transport, heard, now)) return false;
      continue;
    }
    question.heard.add(heard);
    while (const auto answer = question.heard.next())
      if (forwarder_.heard(question.server, question.transport, *answer, now)) return false;
  }
  tools_.watch(question.fd.get(), Door::server, id, true);  // the rest: next round
  return true;
}

}  // namespace swarm::real
