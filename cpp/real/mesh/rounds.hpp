// Rounds: what the relay's own thread does, round after round (real/l4_relay.hpp says how). Everything here
// belongs to that thread, except that a decision is made under the mutex of the facts.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "real/l4_relay.hpp"
#include "real/mesh/conn.hpp"
#include "real/mesh/facts.hpp"
#include "real/mesh/links.hpp"
#include "real/mesh/listeners.hpp"

namespace swarm::real::relay {

class Rounds {
 public:
  Rounds(L4Relay::Options options, L4Relay::Problems problems, Facts& facts);
  void run();  // until the facts say stop

 private:
  using News = Conn::News;
  struct Dial {
    Instant gives_up;
    mesh::ConnId conn = 0;
    std::uint64_t attempt = 0;
  };

  // ---- the round, in its order
  bool round();
  Instant next_due() const;
  int patience(Instant next) const;
  bool note_events(int patience);
  void follow_facts();
  void run_due();
  void take_arrivals();
  void read_links();
  void step_conns();
  void decide();
  void flush_links();

  // ---- what the balancer wants
  void carry_out(mesh::Balancer& balancer, const mesh::Effect& effect);
  void dial(Conn& conn, const mesh::DialLocal& effect);
  void dial_in(const netlink::NetSpace& space, Conn& conn, const Address& to);
  void dial(Conn& conn, const mesh::DialPeer& effect);
  void report(std::vector<std::string> problems);

  // ---- connections and links
  Conn* find(mesh::ConnId id);
  Conn& add_conn(Fd client, const Address& from);
  void take(Conn& conn, News news);
  void want_step(Conn& conn);
  void read(Link& link);
  void on_frame(Link& link, const Frame& frame);
  void lose(Link& link);
  void listen_for_nodes();
  void close_all();
  bool is_slow() const;

  const L4Relay::Options options_;
  const L4Relay::Problems tell_;
  Facts& facts_;
  L4Relay::Faults faults_;
  Poller poller_;
  const std::unique_ptr<char[]> scratch_;
  Listeners listeners_;
  Links links_;
  std::unordered_map<mesh::ConnId, std::unique_ptr<Conn>> conns_;
  mesh::ConnId last_conn_ = 0;

  std::vector<mesh::Event> events_;                 // since the balancer was asked last
  bool facts_changed_ = false;                      // likewise
  std::vector<std::uint64_t> arrivals_, readable_;  // of this round: listeners, links
  std::vector<mesh::ConnId> due_;                   // connections to step
  std::vector<std::uint64_t> in_hand_;  // what one part of the round works on; empty between parts
  std::deque<Dial> dials_;              // each in the order of time
  std::deque<std::pair<Instant, mesh::ConnId>> retries_;
  Instant listen_again_ = Instant::never();
  std::string nodes_problem_;
  std::vector<std::string> reported_;
};

}  // namespace swarm::real::relay
