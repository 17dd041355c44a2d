// DnsTask: the name server of one task: its two doors, its clients over TCP, its questions to other servers.
// Everything here belongs to the name server's thread, and nothing waits.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/address.hpp"
#include "base/id.hpp"
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

class DnsTask {
 public:
  // A socket of the task's, by what it is: the name server's poll names it so.
  enum class Door : std::uint8_t { udp, tcp, client, server };
  struct Tools {
    // By the names that the task sees at that moment.
    std::function<dns::Verdict(std::string_view packet, dns::Transport, bool ndots_set)> answer;
    // Once more: what is left unread is heard of again.
    std::function<void(int fd, Door, std::uint32_t id, bool writes)> watch;
    Rng& rng;
    std::size_t& asked;  // sockets to other servers, of all tasks
  };
  DnsTask(NameServer::Doors doors, dns::TaskResolver resolver, netlink::NetSpace space, Tools tools);
  ~DnsTask();
  DnsTask(const DnsTask&) = delete;
  DnsTask& operator=(const DnsTask&) = delete;

  void ready(Door door, std::uint32_t id, Instant now);
  void tick(Instant now);
  Instant next_deadline() const;

 private:
  struct Client {
    Fd fd;
    dns::TcpFrames heard;
    std::string unsent;
    Instant until;
  };
  struct Asker {  // who waits for an answer of another server
    dns::Transport transport = dns::Transport::udp;
    SocketAddress from;        // UDP
    std::uint32_t client = 0;  // TCP
  };
  struct Question {
    Fd fd;
    Address server;
    dns::Transport transport = dns::Transport::udp;
    dns::QuestionId id = 0;
    std::string unsent;  // until it is connected
    dns::TcpFrames heard;
    Instant until;  // the forwarder asks another server then
  };

  void hear_packets(Instant now);
  void accept_clients(Instant now);
  void hear_client(std::uint32_t id, Instant now);
  void hear_server(std::uint32_t id, Instant now);
  // Returns false if the socket has ended.
  bool read_answer(Question& question, std::uint32_t id, Instant now);
  void answer(std::string_view packet, const Asker& asker, Instant now);
  void reply(const Asker& asker, std::string_view bytes);
  void send_to_client(std::uint32_t id, std::string_view bytes);
  bool flush(Client& client);
  void carry_out();
  void ask(const dns::Ask& ask);
  void forget_question(std::uint32_t id);

  NameServer::Doors doors_;
  bool ndots_set_;
  netlink::NetSpace space_;
  Tools tools_;
  dns::Forwarder forwarder_;
  std::map<std::uint32_t, Client> clients_;
  std::map<std::uint32_t, Question> questions_;
  std::map<dns::ClientQuery, Asker> askers_;
  std::uint32_t last_id_ = 0;
  dns::ClientQuery last_query_ = 0;
  Instant now_{};
};

}  // namespace swarm::real
