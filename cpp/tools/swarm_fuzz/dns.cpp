// dns: packets of tasks at the name server, packets of the host's servers at its forwarder, and resolv.conf.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/check.hpp"
#include "base/id.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "net/dns/address_bag.hpp"
#include "net/dns/answer_writer.hpp"
#include "net/dns/forwarder.hpp"
#include "net/dns/names.hpp"
#include "net/dns/network_names.hpp"
#include "net/dns/resolv_conf.hpp"
#include "net/dns/server.hpp"
#include "net/dns/tcp_frames.hpp"
#include "net/dns/wire.hpp"
#include "tools/swarm_fuzz/targets.hpp"

namespace swarm::fuzz {
namespace {

dns::Ip v4(std::uint8_t third, std::uint8_t last) { return Address::v4(10, 0, third, last).ip; }

// The network "net": web with a VIP and a task, and many (dnsrr) with more tasks than a packet holds.
dns::Names small_swarm() {
  auto net = std::make_shared<dns::NetworkNames>("net");
  net->set(dns::ServiceRow{ServiceId(1), "web", {"www"}, {v4(1, 2)}});
  net->set(dns::ServiceRow{ServiceId(2), "many", {}, {}});
  net->set(dns::TaskRow{TaskId(1), ServiceId(1), "web.1.abc", {"host"}, {v4(1, 3)}});
  for (std::uint8_t i = 1; i < 100; ++i)
    net->set(dns::TaskRow{TaskId(i + 1U), ServiceId(2), "many." + std::to_string(i), {}, {v4(2, i)}});
  return {{std::move(net)}};
}
const dns::Names& swarm_of_two() {
  static const dns::Names kNames = small_swarm();
  return kNames;
}

// The answer says whose it is, and is a response no longer than the client can take.
void check_reply(std::string_view packet, dns::Transport transport, const std::string& bytes) {
  const dns::Read read = dns::read_query(packet);
  const auto* query = std::get_if<dns::Query>(&read);
  const std::size_t limit = query == nullptr ? dns::kHeaderBytes : dns::limit_of(*query, transport);
  SWARM_CHECK(bytes.size() >= dns::kHeaderBytes && bytes.size() <= limit, bytes.size(), limit);
  SWARM_CHECK(dns::get_u16(bytes, 0) == dns::get_u16(packet, 0), dns::get_u16(bytes, 0));
  SWARM_CHECK((dns::get_u16(bytes, 2) & dns::kResponse) != 0, dns::get_u16(bytes, 2));
  if (query != nullptr) SWARM_CHECK(dns::question_of(bytes) == query->question, bytes.size());
}

void run_query(std::string_view packet, dns::Transport transport) {
  Rng rng(packet.size());
  const dns::Verdict verdict = dns::answer(packet, transport, swarm_of_two(), rng);
  if (const auto* reply = std::get_if<dns::Reply>(&verdict)) check_reply(packet, transport, reply->bytes);
  if (!std::holds_alternative<dns::Forward>(verdict)) return;
  const dns::Read read = dns::read_query(packet);
  SWARM_CHECK(std::holds_alternative<dns::Query>(read), packet.size(), "is forwarded and is no query");
}

// The bytes come in pieces of seven, as they may from a socket; all messages and the rest are the bytes.
void run_stream(std::string_view input) {
  dns::TcpFrames frames;
  std::string again;
  for (std::size_t at = 0; at < input.size(); at += 7) {
    frames.add(input.substr(at, 7));
    while (const auto message = frames.next()) {
      run_query(*message, dns::Transport::tcp);
      again += dns::framed(*message);
    }
  }
  SWARM_CHECK(input.starts_with(again), again.size());
}

const Address kServer = Address::v4(192, 0, 2, 1, 53);

std::string example_query() {
  return std::string(
      "\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07"
      "example\0\0\x01\0\x01",
      25);
}

// Whatever a server says to the question, its client is told once.
void run_server_reply(std::string_view input) {
  dns::Forwarder forwarder({{kServer, true}, {kServer, true}}, Rng(1));
  forwarder.forward(1, example_query(), dns::Transport::udp, Instant{0}, Instant{0} + Duration::seconds(60));
  std::size_t told = 0;
  for (int round = 0; round < 3; ++round) {
    for (const auto& effect : forwarder.take_effects()) {
      if (std::holds_alternative<dns::Tell>(effect)) ++told;
      const auto* ask = std::get_if<dns::Ask>(&effect);
      if (ask == nullptr) continue;
      const std::string reply = ask->bytes.substr(0, 2).append(input);
      if (!forwarder.heard(kServer, dns::Transport::udp, reply, Instant{0}))
        forwarder.tick(forwarder.next_deadline());
    }
  }
  SWARM_CHECK(told == 1 && forwarder.under_way() == 0, told, forwarder.under_way());
}

// What is made of the host's file is read as the server of tasks alone.
void run_resolv_conf(std::string_view input) {
  const auto task = dns::task_resolver(dns::parse_resolv_conf(input), {}, "/etc/resolv.conf");
  SWARM_CHECK(task.upstreams.size() <= dns::kMostUpstreams, task.upstreams.size());
  const auto servers = dns::parse_resolv_conf(task.resolv_conf).nameservers;
  SWARM_CHECK(servers.size() == 1 && servers[0].host() == dns::kServerOfTasks, task.resolv_conf);
}

// The first byte says what the others are.
void run_dns(std::string_view input) {
  if (input.empty()) return;
  const std::string_view rest = input.substr(1);
  switch (input.front()) {
    case 't':
      return run_stream(rest);
    case 's':
      return run_server_reply(rest);
    case 'r':
      return run_resolv_conf(rest);
    default:
      return run_query(rest, dns::Transport::udp);
  }
}

std::string query(std::string_view name, std::uint8_t type, std::string_view rest = "") {
  const std::string head("\x12\x34\x01\0\0\x01\0\0\0\0\0", 11);
  return head + (rest.empty() ? '\0' : '\1') + dns::encoded(name) + '\0' + static_cast<char>(type) +
         std::string("\0\x01", 2) + std::string(rest);
}

std::vector<std::string> dns_seeds() {
  const std::string opt("\0\0\x29\x04\xd0\0\0\x80\0\0\0", 11);
  const std::string v6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa";
  return {"u" + query("web", dns::kTypeA),
          "u" + query("tasks.many.net", dns::kTypeA, opt),
          "u" + query("many", dns::kTypeAaaa, opt),
          "u" + query("3.1.0.10.in-addr.arpa", dns::kTypePtr),
          "u" + query(v6, dns::kTypePtr),
          "u" + query("example.org", 16),
          "t" + dns::framed(query("many", dns::kTypeA)) + dns::framed(query("web.1.abc", 255)),
          "s" + std::string("\x81\x80", 2) + example_query().substr(4) + "records",
          "s" + std::string("\x81\x82", 2) + example_query().substr(4),
          "rnameserver 192.0.2.1\nsearch a.example\noptions ndots:2 edns0\nsortlist x\nnameserver fd00::1\n"};
}

}  // namespace

const Target kDns{"dns", "packets of tasks at their name server, those of the host's servers, resolv.conf",
                  run_dns, dns_seeds};

}  // namespace swarm::fuzz
