#include "real/mesh/rounds.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/overloaded.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "net/mesh/balancer.hpp"
#include "real/faults_pace.hpp"
#include "real/http/reactor.hpp"
#include "real/l4_relay.hpp"
#include "real/mesh/conn.hpp"
#include "real/mesh/facts.hpp"
#include "real/mesh/flow.hpp"
#include "real/mesh/link.hpp"
#include "real/mesh/poller.hpp"
#include "real/netlink/net_space.hpp"
#include "real/stream/byte_stream.hpp"
#include "real/stream/sockets.hpp"

namespace swarm::real::relay {
namespace {

constexpr Duration kDialTimeout = Duration::seconds(1);
constexpr Duration kListenAgain = Duration::seconds(1);
constexpr int kReadsPerRound = 8;

}  // namespace

Rounds::Rounds(L4Relay::Options options, L4Relay::Problems problems, Facts& facts)
    : options_(std::move(options)),
      tell_(std::move(problems)),
      facts_(facts),
      scratch_(new char[kScratch]),
      listeners_(poller_, options_.address, options_.publish_door),
      links_(poller_, options_.address, options_.link_stream, options_.seed) {
  poller_.add_readable(facts_.wake_fd(), {Topic::Kind::wake, 0});
}

void Rounds::run() {
  while (round()) continue;
  close_all();
}

bool Rounds::is_slow() const { return faults_.pace > kTruePace; }

// ---- the round

bool Rounds::round() {
  const Instant next = next_due();
  const bool woken = note_events(patience(next));
  const Instant begun = is_slow() ? steady_now() : Instant{};
  if (woken) follow_facts();
  if (next != Instant::never()) run_due();
  take_arrivals();
  read_links();
  step_conns();
  decide();
  step_conns();  // those that the decision opened at once
  flush_links();
  if (is_slow() && begun != Instant{}) be_slow(begun, faults_.pace);
  return !woken || facts_.with([](const auto& known) { return !known.changes.stopping; });
}

Instant Rounds::next_due() const {
  Instant next = std::min({listen_again_, listeners_.next_due(), links_.next_due()});
  if (!dials_.empty()) next = std::min(next, dials_.front().gives_up);
  if (!retries_.empty()) next = std::min(next, retries_.front().first);
  return next;
}

int Rounds::patience(Instant next) const {
  if (!due_.empty() || !events_.empty() || !readable_.empty() || links_.any_speaking()) return 0;
  if (next == Instant::never()) return -1;
  const std::int64_t left = (next - steady_now()).ns;
  return left <= 0 ? 0 : static_cast<int>(std::min<std::int64_t>(left / 1'000'000 + 1, 60'000));
}

// Before anything is done: what is made in this round cannot be taken for what an event was about.
bool Rounds::note_events(int patience) {
  bool woken = false;
  for (const auto& [topic, now] : poller_.wait(patience)) {
    switch (topic.kind) {
      case Topic::Kind::wake:
        woken = true;
        break;
      case Topic::Kind::listener:
        arrivals_.push_back(topic.id);
        break;
      case Topic::Kind::link:
        if (Link* link = links_.find(topic.id)) {
          link->note(now);
          if (now.writable) link->speak();
          readable_.push_back(topic.id);
        }
        break;
      case Topic::Kind::client:
      case Topic::Kind::task:
        if (Conn* conn = find(topic.id)) {
          conn->note(topic.kind, now);
          want_step(*conn);
        }
        break;
    }
  }
  return woken;
}

void Rounds::follow_facts() {
  facts_.woken();
  facts_changed_ = true;
  Greeting self;
  RemovedNodes removed_nodes;
  const auto changes = facts_.with([&](Facts::Guarded& known) {
    self = known.self;
    removed_nodes = known.removed_nodes;
    if (known.changes.faults) faults_ = known.faults;
    return std::exchange(known.changes, {known.changes.stopping, false, false, false});
  });
  if (changes.membership) {
    close_all();
    links_.set_self(self);
    if (!self.node.empty() && options_.data_port != 0) listen_for_nodes();
  }
  if (changes.removed_nodes)
    for (const LinkId id : links_.set_removed_nodes(std::move(removed_nodes))) lose(*links_.find(id));
  if (!changes.faults) return;
  links_.set_faults(faults_.on_link);
  readable_ = links_.all();  // what a deaf one has not read is announced no more
}

void Rounds::run_due() {
  const Instant now = steady_now();
  links_.wake_delayed(now);
  for (; !dials_.empty() && dials_.front().gives_up <= now; dials_.pop_front())
    if (Conn* conn = find(dials_.front().conn);
        conn != nullptr && conn->dialling() && conn->attempt == dials_.front().attempt)
      take(*conn, conn->give_up_dial());
  for (; !retries_.empty() && retries_.front().first <= now; retries_.pop_front())
    events_.push_back(mesh::Retry{retries_.front().second});
  for (const LinkId id : links_.take_late_strangers(now)) lose(*links_.find(id));
  listeners_.wake(now);
  if (listen_again_ > now) return;
  listen_again_ = Instant::never();
  if (!nodes_problem_.empty()) listen_for_nodes();
  events_.push_back(mesh::RetryListening{});
}

void Rounds::take_arrivals() {
  for (const std::uint64_t id : std::exchange(arrivals_, {}))
    for (auto& [peer, port] : listeners_.accept(id, steady_now())) {
      if (!port) {
        links_.add_stranger(std::move(peer.fd), peer.from, steady_now() + options_.greeting_patience);
        continue;
      }
      tune(peer.fd.get());
      events_.push_back(mesh::Accepted{add_conn(std::move(peer.fd), peer.from).id(), *port});
    }
  for (const LinkId id : links_.take_surplus_strangers()) lose(*links_.find(id));
}

void Rounds::read_links() {
  in_hand_.swap(readable_);
  for (const LinkId id : in_hand_)
    if (Link* link = links_.find(id)) read(*link);
  in_hand_.clear();
}

void Rounds::step_conns() {
  in_hand_.swap(due_);
  for (const mesh::ConnId id : in_hand_)
    if (Conn* conn = find(id)) {
      conn->is_due = false;
      take(*conn, conn->step());
    }
  in_hand_.clear();
}

void Rounds::flush_links() {
  links_.take_speaking(in_hand_);
  for (const LinkId id : in_hand_) {
    Link* link = links_.find(id);
    if (link == nullptr) continue;
    link->listed = false;
    if (link->flush().io == Io::reset) {
      lose(*link);
      continue;
    }
    for (const mesh::ConnId conn : link->take_waiting())
      if (Conn* waiting = find(conn)) want_step(*waiting);
  }
  in_hand_.clear();
}

// ---- the balancer

// Under the mutex: a fact that comes later finds no dial on its way that it forbids.
void Rounds::decide() {
  if (const bool asked = std::exchange(facts_changed_, false); events_.empty() && !asked) return;
  auto problems = facts_.with([this](Facts::Guarded& known) {
    mesh::Balancer& balancer = known.balancer;
    while (true) {
      for (const auto& event : std::exchange(events_, {})) balancer.handle(event);
      const auto effects = balancer.take_effects();
      if (effects.empty()) return balancer.problems();
      for (const auto& effect : effects) carry_out(balancer, effect);
    }
  });
  report(std::move(problems));
}

void Rounds::carry_out(mesh::Balancer& balancer, const mesh::Effect& effect) {
  const auto with_conn = [this](mesh::ConnId id, auto&& work) {
    if (Conn* conn = find(id)) {
      work(*conn);
    } else {
      events_.push_back(mesh::Closed{id});
    }
  };
  std::visit(
      Overloaded{
          [&](const mesh::ListenOn& on) { balancer.listening(on.port, listeners_.listen(on.port)); },
          [&](const mesh::StopListening& off) { listeners_.drop(off.port); },
          [&](const mesh::DialLocal& local) {
            with_conn(local.conn, [&](Conn& conn) { dial(conn, local); });
          },
          [&](const mesh::DialPeer& peer) { with_conn(peer.conn, [&](Conn& conn) { dial(conn, peer); }); },
          [&](const mesh::Wait& wait) {
            with_conn(wait.conn, [&](const Conn& conn) {
              retries_.emplace_back(steady_now() + mesh::kRetryPause, conn.id());
            });
          },
          [&](const mesh::Refuse& no) {
            with_conn(no.conn, [&](Conn& conn) { take(conn, conn.refuse()); });
          }},
      effect);
}

void Rounds::dial(Conn& conn, const mesh::DialLocal& effect) {
  Address to = effect.to;
  to.port = static_cast<std::uint16_t>(options_.bindable_port(to.port));
  ++conn.attempt;
  const auto space = options_.space_of ? options_.space_of(effect.task) : nullptr;
  if (space != nullptr) return dial_in(*space, conn, to);
  if (options_.space_of && !to.is_loopback()) return events_.push_back(mesh::DialDone{conn.id(), false});
  take(conn, conn.dial_task(to, options_.address));
}

// The socket belongs to the task's namespace, and is used here.
void Rounds::dial_in(const netlink::NetSpace& space, Conn& conn, const Address& to) {
  Conn::News news = Conn::News::none;
  const auto entered = space.run_in([&]() -> Result<void> {
    news = conn.dial_task(to, {});
    return {};
  });
  if (!entered) return events_.push_back(mesh::DialDone{conn.id(), false});
  take(conn, news);
}

void Rounds::dial(Conn& conn, const mesh::DialPeer& effect) {
  Link* link = links_.to(effect.node);
  if (link == nullptr) return events_.push_back(mesh::DialDone{conn.id(), false});
  conn.dial_peer(*link, effect.task, effect.target);
  dials_.push_back({steady_now() + kDialTimeout, conn.id(), ++conn.attempt});
}

void Rounds::report(std::vector<std::string> problems) {
  if (!nodes_problem_.empty()) problems.insert(problems.begin(), nodes_problem_);
  if (!problems.empty() && listen_again_ == Instant::never()) listen_again_ = steady_now() + kListenAgain;
  if (problems == reported_) return;
  reported_ = problems;
  tell_(std::move(problems));
}

// ---- connections

Conn* Rounds::find(mesh::ConnId id) {
  const auto it = conns_.find(id);
  return it == conns_.end() ? nullptr : it->second.get();
}

Conn& Rounds::add_conn(Fd client, const Address& from) {
  const mesh::ConnId id = ++last_conn_;
  const Conn::Tools tools{poller_, scratch_.get()};
  return *(conns_[id] = std::make_unique<Conn>(tools, id, std::move(client), from));
}

void Rounds::want_step(Conn& conn) {
  if (!std::exchange(conn.is_due, true)) due_.push_back(conn.id());
}

// `conn` is gone afterwards if that is the news.
void Rounds::take(Conn& conn, News news) {
  const mesh::ConnId id = conn.id();
  switch (news) {
    case News::none:
      return;
    case News::more:
      return want_step(conn);
    case News::opened:
      events_.push_back(mesh::DialDone{id, true});
      return want_step(conn);
    case News::dial_failed:
      return events_.push_back(mesh::DialDone{id, false});
    case News::unused:
      return events_.push_back(mesh::ResetUnused{id, conn.told()});
    case News::over:
      events_.push_back(mesh::Closed{id});
      conns_.erase(id);
  }
}

// ---- links

void Rounds::read(Link& link) {
  for (int i = 0; i < kReadsPerRound; ++i) {
    const Outcome got = link.read();
    if (got.io == Io::blocked) break;
    if (got.io != Io::moved) return lose(link);
    while (const auto frame = link.next()) on_frame(link, *frame);
    if (link.corrupt()) return lose(link);
  }
  link.rest();
  if (link.may_read()) readable_.push_back(link.id());  // others first
}

void Rounds::on_frame(Link& link, const Frame& frame) {
  if (frame.type == FrameType::open) {
    const OpenStream wish = read_open(frame.payload);
    Conn& conn = add_conn(Fd(), wish.client);
    link.bind(frame.stream, conn.id());
    conn.accept_stream(link, frame.stream);
    return events_.push_back(mesh::StreamArrived{conn.id(), wish.task, wish.target});
  }
  const auto id = link.conn_of(frame.stream);  // none: it ended meanwhile
  Conn* conn = id ? find(*id) : nullptr;
  if (conn != nullptr) take(*conn, conn->on_frame(frame));
}

void Rounds::lose(Link& link) {
  const auto conns = link.conns();
  for (const mesh::ConnId id : conns)
    if (Conn* conn = find(id)) take(*conn, conn->on_link_lost());
  links_.erase(link.id());
}

void Rounds::listen_for_nodes() { nodes_problem_ = listeners_.listen_for_nodes(options_.data_port); }

// Listeners of published ports come and go with the table.
void Rounds::close_all() {
  listeners_.drop_nodes();
  nodes_problem_.clear();
  for (const auto& [id, conn] : conns_) {
    conn->end();
    events_.push_back(mesh::Closed{id});
  }
  conns_.clear();
  links_.clear();
}

}  // namespace swarm::real::relay
