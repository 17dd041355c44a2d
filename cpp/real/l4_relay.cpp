#include "real/l4_relay.hpp"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "real/faults_pace.hpp"
#include "real/mesh/conn.hpp"

namespace swarm::real {

using namespace relay;  // NOLINT: this file is where its parts meet

namespace {

constexpr int kMaxEvents = 256, kAcceptsPerRound = 64;
constexpr Duration kDialTimeout = Duration::seconds(1);
constexpr Duration kListenAgain = Duration::seconds(1);
constexpr Duration kBreathe = Duration::millis(100);  // out of descriptors

// Two per connection: what a shell gives by default is soon used up.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string cannot_listen(const Address& address, int error) {
  const std::string start = "cannot listen on " + address.str() + ": ";
  if (error == EADDRINUSE)
    return start + "the port is in use by another program; this node does not answer there";
  if (error == EACCES) return start + "ports below 1024 need root or net.ipv4.ip_unprivileged_port_start";
  return start + std::strerror(error);
}

}  // namespace

class L4Relay::Impl final : public ConnOwner, public LinkOwner {
 public:
  Impl(Options options, Problems problems)
      : options_(std::move(options)),
        tell_(std::move(problems)),
        chance_(options_.seed),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        scratch_(new char[kScratch]) {
    raise_descriptor_limit();
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
    thread_ = std::thread([this] { run(); });
  }
  ~Impl() override {
    tell([this](mesh::Machine&) { stopping_ = true; });
    thread_.join();
  }

  // A fact from the node's thread; in force when this returns.
  template <class Fact>
  void tell(Fact&& fact) {
    {
      const std::lock_guard hold(lock_);
      fact(machine_);
    }
    const std::uint64_t one = 1;
    (void)!::write(wake_.get(), &one, sizeof one);
  }
  void member(ClusterId cluster, NodeId self) {
    tell([&](mesh::Machine& machine) {
      wanted_ = {cluster, self};
      ++membership_;
      machine.set_self(self);
    });
  }
  void set_faults(Faults faults) {
    tell([&](mesh::Machine&) {
      wanted_faults_ = std::move(faults);
      faults_changed_ = true;
    });
  }
  void no_member() {
    tell([&](mesh::Machine& machine) {
      wanted_ = {};
      ++membership_;
      machine.leave();
    });
  }

 private:
  // A listening socket: the published port's, or (no port) the one for other nodes.
  struct Listener final : Watcher {
    Listener(Impl& its_relay, mesh::PortKey its_port, Fd its_fd)
        : relay(its_relay), port(its_port), fd(std::move(its_fd)) {}
    void on_ready(std::uint32_t) override { relay.accept(*this); }
    Impl& relay;
    mesh::PortKey port;
    Fd fd;
  };
  struct Due {
    Instant at;
    mesh::ConnId conn = 0;
    std::uint64_t attempt = 0;  // 0: the machine wants to try again
  };

  // ---- the round
  void run() {
    while (round()) continue;
    close_all();
    bury();
  }
  bool round();
  int patience() const;
  void run_due();
  void write_due();
  void follow_membership();
  void follow_faults();
  bool slow() const { return faults_.pace > kTruePace; }
  template <class Work>
  void decide(Work&& work);  // asks the machine, under the lock, and carries out what it wants
  void carry_out();
  void perform(const mesh::Effect& effect);
  void report_problems();
  void bury() {
    dead_conns_.clear();
    dead_links_.clear();
    dead_listeners_.clear();
  }
  void close_all();

  // ---- listeners
  void listen(mesh::PortKey port);
  void listen_for_peers();
  void add_listener(mesh::PortKey port, Fd fd);
  void drop_listener(mesh::PortKey port);
  void accept(Listener& listener);

  // ---- connections and links
  Conn* find(mesh::ConnId id) {
    const auto it = conns_.find(id);
    return it == conns_.end() ? nullptr : it->second.get();
  }
  Conn& add_conn(Fd client, const Address& from);
  Link* link_to(const Address& node);
  Link& add_link(Fd fd, const Address& remote, bool opener);
  void on_over(Conn& conn) override;
  void on_dialled(Conn& conn, bool ok) override;
  void on_unused_reset(Conn& conn, bool told) override;
  void wants_turn(Conn& conn) override {
    if (!std::exchange(conn.turn_wanted, true)) turns_.push_back(conn.id());
  }
  void watch(int fd, Watcher& watcher) override;
  char* scratch() override { return scratch_.get(); }
  void on_stream(Link& link, std::uint32_t stream, const OpenStream& wish) override;
  void on_link_lost(Link& link) override;
  void wants_flush(Link& link) override {
    link.flush_wanted = true;
    flushes_.push_back(&link);
  }

  Options options_;
  Problems tell_;
  Rng chance_;
  Fd epoll_, wake_;
  std::unique_ptr<char[]> scratch_;
  std::thread thread_;

  std::mutex lock_;  // of what the node's thread touches, too:
  mesh::Machine machine_;
  Greeting wanted_;
  std::uint64_t membership_ = 0;
  bool stopping_ = false;
  Faults wanted_faults_;
  bool faults_changed_ = false;

  // ---- of the relay's thread alone
  Faults faults_;
  Greeting self_;
  std::uint64_t seen_membership_ = 0;
  bool deciding_ = false;
  std::vector<mesh::ConnId> dialled_;  // open since the machine was asked last
  std::vector<mesh::ConnId> closed_;   // while the machine was being asked
  std::map<mesh::PortKey, std::unique_ptr<Listener>> listeners_;
  std::unordered_map<mesh::ConnId, std::unique_ptr<Conn>> conns_;
  std::vector<std::unique_ptr<Link>> links_;
  std::map<Address, Link*> links_to_;
  std::vector<mesh::ConnId> turns_;
  std::vector<Link*> flushes_;
  std::deque<Due> dials_, retries_;                  // each in the order of time
  std::deque<std::pair<Instant, Link*>> strangers_;  // who came and may not have said who they are; likewise
  Instant listen_again_ = Instant::never();
  std::vector<std::pair<Instant, Listener*>> resting_;
  std::string peers_problem_;
  std::vector<std::string> told_;
  std::vector<std::unique_ptr<Conn>> dead_conns_;
  std::vector<std::unique_ptr<Link>> dead_links_;
  std::vector<std::unique_ptr<Listener>> dead_listeners_;
  mesh::ConnId last_conn_ = 0;
};

// ---- the round

int L4Relay::Impl::patience() const {
  if (!turns_.empty() || !flushes_.empty()) return 0;
  Instant next = listen_again_;
  if (!dials_.empty()) next = std::min(next, dials_.front().at);
  if (!retries_.empty()) next = std::min(next, retries_.front().at);
  if (!strangers_.empty()) next = std::min(next, strangers_.front().first);
  for (const auto& [at, listener] : resting_) next = std::min(next, at);
  if (faults_.on_link)
    for (const auto& link : links_) next = std::min(next, link->next_due());
  if (next == Instant::never()) return -1;
  const std::int64_t left = (next - steady_now()).ns;
  return left <= 0 ? 0 : static_cast<int>(std::min<std::int64_t>(left / 1'000'000 + 1, 60'000));
}

bool L4Relay::Impl::round() {
  epoll_event events[kMaxEvents];
  const int count = ::epoll_wait(epoll_.get(), events, kMaxEvents, patience());
  const Instant begun = slow() ? steady_now() : Instant{};
  bool woken = false;
  for (int i = 0; i < count; ++i) {
    if (events[i].data.ptr == nullptr) {
      woken = true;
    } else {
      static_cast<Watcher*>(events[i].data.ptr)->on_ready(events[i].events);
    }
  }
  if (woken) {
    std::uint64_t number = 0;
    (void)!::read(wake_.get(), &number, sizeof number);
    follow_membership();
    follow_faults();
    decide([](mesh::Machine&) {});
  }
  run_due();
  for (const mesh::ConnId id : std::exchange(turns_, {}))
    if (Conn* conn = find(id)) {
      conn->turn_wanted = false;
      conn->turn();
    }
  for (Link* link : std::exchange(flushes_, {})) {
    link->flush_wanted = false;
    link->turn();
  }
  bury();
  if (slow() && begun != Instant{}) be_slow(begun, faults_.pace);
  const std::lock_guard hold(lock_);
  return !stopping_;
}

void L4Relay::Impl::run_due() {
  if (faults_.on_link) write_due();
  if (dials_.empty() && retries_.empty() && strangers_.empty() && listen_again_ == Instant::never() &&
      resting_.empty())
    return;
  const Instant now = steady_now();
  while (!dials_.empty() && dials_.front().at <= now) {
    const Due due = dials_.front();
    dials_.pop_front();
    Conn* conn = find(due.conn);
    if (conn != nullptr && conn->dialling() && conn->attempt == due.attempt) conn->give_up_dial();
  }
  while (!retries_.empty() && retries_.front().at <= now) {
    const mesh::ConnId id = retries_.front().conn;
    retries_.pop_front();
    decide([id](mesh::Machine& machine) { machine.retry(id); });
  }
  while (!strangers_.empty() && strangers_.front().first <= now) {
    Link* link = strangers_.front().second;
    strangers_.pop_front();
    if (!link->greeted()) link->fail();
  }
  if (listen_again_ <= now) {
    listen_again_ = Instant::never();
    if (!peers_problem_.empty() && options_.no_peers.empty()) listen_for_peers();
    decide([](mesh::Machine& machine) { machine.retry_listening(); });
  }
  for (auto& [at, listener] : resting_)
    if (at <= now) {
      at = Instant::never();
      watch(listener->fd.get(), *listener);
    }
  std::erase_if(resting_, [](const auto& one) { return one.first == Instant::never(); });
}

// What a fault has delayed, and may go now.
void L4Relay::Impl::write_due() {
  const Instant now = steady_now();
  for (const auto& link : links_)
    if (link->next_due() <= now && !link->flush_wanted) wants_flush(*link);
}

// ---- the machine

template <class Work>
void L4Relay::Impl::decide(Work&& work) {
  {
    const std::lock_guard hold(lock_);
    deciding_ = true;
    work(machine_);
    carry_out();
    for (const mesh::ConnId id : std::exchange(closed_, {})) machine_.closed(id);
    deciding_ = false;
  }
  report_problems();
  for (const mesh::ConnId id : std::exchange(dialled_, {}))
    if (Conn* conn = find(id)) {
      conn->tell_opened();
      conn->turn();
    }
}

void L4Relay::Impl::carry_out() {
  for (auto effects = machine_.take_effects(); !effects.empty(); effects = machine_.take_effects())
    for (const auto& effect : effects) perform(effect);
}

void L4Relay::Impl::perform(const mesh::Effect& effect) {
  if (const auto* on = std::get_if<mesh::ListenOn>(&effect)) return listen(on->port);
  if (const auto* off = std::get_if<mesh::StopListening>(&effect)) return drop_listener(off->port);
  const mesh::ConnId id = std::visit(
      [](const auto& one) -> mesh::ConnId {
        if constexpr (requires { one.conn; }) return one.conn;
        return 0;
      },
      effect);
  Conn* conn = find(id);
  if (conn == nullptr) return machine_.closed(id);
  if (const auto* local = std::get_if<mesh::DialLocal>(&effect)) {
    Address to = local->to;
    to.port = static_cast<std::uint16_t>(options_.bindable_port(to.port));
    ++conn->attempt;
    conn->dial_task(to, options_.address);
  } else if (const auto* peer = std::get_if<mesh::DialPeer>(&effect)) {
    Link* link = link_to(peer->node);
    if (link == nullptr) return machine_.dial_done(id, false);
    conn->dial_peer(*link, peer->task, peer->target);
    dials_.push_back({steady_now() + kDialTimeout, id, ++conn->attempt});
  } else if (std::holds_alternative<mesh::Wait>(effect)) {
    retries_.push_back({steady_now() + mesh::kRetryPause, id, 0});
  } else {
    conn->refuse();
  }
}

void L4Relay::Impl::report_problems() {
  std::vector<std::string> now;
  {
    const std::lock_guard hold(lock_);
    if (!machine_.has_problems() && peers_problem_.empty() && told_.empty()) return;
    now = machine_.problems();
  }
  if (!peers_problem_.empty()) now.insert(now.begin(), peers_problem_);
  if (!now.empty() && listen_again_ == Instant::never()) listen_again_ = steady_now() + kListenAgain;
  if (now == told_) return;
  told_ = now;
  tell_(std::move(now));
}

// Called within decide(), or outside of it: the machine must not be locked twice.
void L4Relay::Impl::on_dialled(Conn& conn, bool ok) {
  const mesh::ConnId id = conn.id();
  if (ok) dialled_.push_back(id);
  if (deciding_) return machine_.dial_done(id, ok);
  decide([&](mesh::Machine& machine) { machine.dial_done(id, ok); });
}

void L4Relay::Impl::on_unused_reset(Conn& conn, bool told) {
  decide([told, id = conn.id()](mesh::Machine& machine) { machine.reset_unused(id, told); });
}

void L4Relay::Impl::on_over(Conn& conn) {
  const auto it = conns_.find(conn.id());
  if (it == conns_.end()) return;
  dead_conns_.push_back(std::move(it->second));
  conns_.erase(it);
  if (deciding_) return closed_.push_back(conn.id());
  const std::lock_guard hold(lock_);
  machine_.closed(conn.id());
}

// ---- membership

void L4Relay::Impl::follow_membership() {
  {
    const std::lock_guard hold(lock_);
    if (membership_ == seen_membership_) return;
    seen_membership_ = membership_;
    self_ = wanted_;
  }
  close_all();
  if (self_.node.empty() || options_.data_port == 0) return;
  if (options_.no_peers.empty()) {
    listen_for_peers();
  } else {
    peers_problem_ = options_.no_peers;
  }
}

// What has waited goes on, unless it is to wait on.
void L4Relay::Impl::follow_faults() {
  {
    const std::lock_guard hold(lock_);
    if (!std::exchange(faults_changed_, false)) return;
    faults_ = wanted_faults_;
  }
  for (const auto& link : links_) {
    link->set_fault(faults_.on_link ? faults_.on_link(link->remote()) : LinkFault{}, chance_);
    if (!link->dead() && !link->flush_wanted) wants_flush(*link);
  }
}

// Listeners of published ports come and go with the table.
void L4Relay::Impl::close_all() {
  drop_listener({});
  peers_problem_.clear();
  std::vector<Conn*> conns;
  for (const auto& [id, conn] : conns_) conns.push_back(conn.get());
  for (Conn* conn : conns) conn->end();
  for (const auto& link : std::vector<Link*>([this] {
         std::vector<Link*> all;
         for (const auto& one : links_) all.push_back(one.get());
         return all;
       }()))
    link->fail();
}

// ---- listeners

void L4Relay::Impl::listen(mesh::PortKey port) {
  if (listeners_.contains(port)) return machine_.listening(port, {});
  Address at = options_.address;
  at.port = static_cast<std::uint16_t>(port.port);
  Fd fd = listen_on(at);
  const int error = errno;
  machine_.listening(port, fd.valid() ? std::string() : cannot_listen(at, error));
  if (fd.valid()) add_listener(port, std::move(fd));
}

void L4Relay::Impl::listen_for_peers() {
  Address at = options_.address;
  at.port = options_.data_port;
  Fd fd = listen_on(at);
  peers_problem_ = fd.valid() ? "" : cannot_listen(at, errno) + " (other nodes' traffic to tasks here)";
  if (fd.valid()) add_listener({}, std::move(fd));
}

void L4Relay::Impl::add_listener(mesh::PortKey port, Fd fd) {
  auto listener = std::make_unique<Listener>(*this, port, std::move(fd));
  watch(listener->fd.get(), *listener);
  listeners_[port] = std::move(listener);
}

void L4Relay::Impl::drop_listener(mesh::PortKey port) {
  const auto it = listeners_.find(port);
  if (it == listeners_.end()) return;
  std::erase_if(resting_, [&](const auto& one) { return one.second == it->second.get(); });
  it->second->fd = Fd();
  dead_listeners_.push_back(std::move(it->second));
  listeners_.erase(it);
}

void L4Relay::Impl::watch(int fd, Watcher& watcher) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  if (dynamic_cast<Listener*>(&watcher) != nullptr) event.events = EPOLLIN;  // what is left comes again
  event.data.ptr = &watcher;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
}

void L4Relay::Impl::accept(Listener& listener) {
  for (int i = 0; i < kAcceptsPerRound && listener.fd.valid(); ++i) {
    Fd fd(::accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd.valid()) {
      if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM) return;
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener.fd.get(), nullptr);
      resting_.emplace_back(steady_now() + kBreathe, &listener);
      return;
    }
    const Address from = peer_of(fd.get());
    if (listener.port == mesh::PortKey{}) {
      Link& link = add_link(std::move(fd), from, false);
      strangers_.emplace_back(steady_now() + options_.greeting_patience, &link);
      watch(link.fd(), link);
      continue;
    }
    tune(fd.get());
    const mesh::ConnId id = add_conn(std::move(fd), from).id();
    decide([&](mesh::Machine& machine) { machine.accepted(id, listener.port); });
  }
}

// ---- connections and links

Conn& L4Relay::Impl::add_conn(Fd client, const Address& from) {
  const mesh::ConnId id = ++last_conn_;
  return *(conns_[id] = std::make_unique<Conn>(*this, id, std::move(client), from));
}

Link& L4Relay::Impl::add_link(Fd fd, const Address& remote, bool opener) {
  links_.push_back(std::make_unique<Link>(*this, std::move(fd), remote, opener, self_));
  if (faults_.on_link) links_.back()->set_fault(faults_.on_link(remote), chance_);
  return *links_.back();
}

Link* L4Relay::Impl::link_to(const Address& node) {
  if (const auto it = links_to_.find(node); it != links_to_.end()) return it->second;
  Dialled dialled = dial(node, options_.address);
  if (dialled.refused) return nullptr;
  Link& link = add_link(std::move(dialled.fd), node, true);
  links_to_[node] = &link;
  watch(link.fd(), link);
  return &link;
}

void L4Relay::Impl::on_stream(Link& link, std::uint32_t stream, const OpenStream& wish) {
  Conn& conn = add_conn(Fd(), wish.client);
  conn.set_stream(link, stream);
  link.take_stream(stream, conn);
  decide([&, id = conn.id()](mesh::Machine& machine) { machine.stream_arrived(id, wish.task, wish.target); });
}

void L4Relay::Impl::on_link_lost(Link& link) {
  std::erase_if(links_to_, [&](const auto& one) { return one.second == &link; });
  std::erase(flushes_, &link);
  std::erase_if(strangers_, [&](const auto& one) { return one.second == &link; });
  for (auto& one : links_)
    if (one.get() == &link) dead_links_.push_back(std::move(one));
  std::erase(links_, nullptr);
}

// ---- the port

L4Relay::L4Relay(Options options, Problems problems)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(problems))) {}
L4Relay::~L4Relay() = default;

void L4Relay::join(ClusterId cluster, NodeId self) { impl_->member(cluster, self); }
void L4Relay::leave() { impl_->no_member(); }
void L4Relay::set_faults(Faults faults) { impl_->set_faults(std::move(faults)); }
void L4Relay::set_table(std::shared_ptr<const model::ForwardingTable> table) {
  impl_->tell([&](mesh::Machine& machine) { machine.set_table(std::move(table)); });
}
void L4Relay::task_up(const model::MeshTask& task) {
  impl_->tell([&](mesh::Machine& machine) { machine.task_up(task); });
}
void L4Relay::task_stopping(TaskId task) {
  impl_->tell([&](mesh::Machine& machine) { machine.task_stopping(task); });
}
void L4Relay::task_gone(TaskId task) {
  impl_->tell([&](mesh::Machine& machine) { machine.task_gone(task); });
}

}  // namespace swarm::real
