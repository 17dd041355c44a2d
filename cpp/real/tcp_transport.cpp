#include "real/tcp_transport.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/address.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "model/certificate.hpp"
#include "model/node.hpp"
#include "model/wire.hpp"
#include "ports/ports.hpp"
#include "ports/refusal.hpp"
#include "ports/transport.hpp"
#include "real/frame.hpp"
#include "real/http/acceptor.hpp"
#include "real/http/reactor.hpp"
#include "real/intake.hpp"
#include "real/stream/byte_stream.hpp"
#include "real/stream/fd.hpp"
#include "real/stream/sockets.hpp"

namespace swarm::real {
namespace {

constexpr std::size_t kSoftQueue = 16UL * 1024 * 1024;   // beyond: Raft's oldest frames go
constexpr std::size_t kHardQueue = 128UL * 1024 * 1024;  // beyond: the link goes
constexpr std::size_t kStrangersQueue = 64UL * 1024;     // of a stranger's answers: the same
// Of a worker's: the worker is not read until they went. A manager is always read: two that do not read each
// other would never end.
constexpr std::size_t kWorkersQueue = 4UL * 1024 * 1024;
constexpr std::size_t kMaxGather = 64;
constexpr std::size_t kMaxStrangers = 1'024;
constexpr std::size_t kReadSize = 64 * 1024;
constexpr int kReadsInARow = 4;  // then other links have their turn
constexpr Duration kHandshake = Duration::seconds(5), kLinger = Duration::seconds(2);
constexpr Duration kStrangersStay = Duration::seconds(30);  // long enough to join, not to live here

// Go's words, as Docker's users know them: "listen tcp 127.0.1.1:2377: bind: address already in use".
Error cannot_listen(const Address& address, int error) {
  const std::string start = "listen tcp " + address.str() + ": bind: ";
  if (error == EADDRINUSE)
    return {Code::failed_precondition, start + "address already in use",
            "another daemon listens there; give this one an address of its own with --address"};
  if (error == EADDRNOTAVAIL)
    return {Code::failed_precondition, start + "cannot assign requested address",
            "the address must be one of this machine's own"};
  return plain_error(Code::failed_precondition, start + std::strerror(error));
}

}  // namespace

struct TcpTransport::Impl : std::enable_shared_from_this<TcpTransport::Impl> {
  struct Link : std::enable_shared_from_this<Link> {
    Link(Impl& transport, ports::LinkId number, const Address& peer, bool from_outside)
        : owner(&transport),
          home(transport.weak_from_this()),
          reactor(transport.reactor),
          id(number),
          timer(reactor),
          remote(peer),
          inbound(from_outside) {}

    void connect(const Address& source);
    void on_connect();
    void open_stream(Fd connected);
    void use(std::unique_ptr<ByteStream> opened);
    void watch_over(int fd);
    void give_up_after(Duration delay, const char* why);
    void on_ready(const Readiness& now);
    void wait_for(Want want) { want == Want::read ? watch->want_read() : watch->want_write(); }
    void read();
    bool pass_on();
    void pass_on(AnyFrame frame, std::size_t bytes);
    PeerKind kind() const;
    bool must_drain() const { return inbound && kind() == PeerKind::worker && queued > kWorkersQueue; }
    void on_hello(const wire::Hello& theirs);
    void send(std::string bytes);
    void make_room();
    void flush();
    void sent(std::size_t count);
    bool has_sent_all() const { return queue.empty() && !stream->holds_back(); }
    void is_no_stranger() { owner->strangers.erase(id); }
    void fail(const std::string& reason);
    void close_softly();
    void shut();

    Impl* owner;  // null once its events are not wanted any more
    std::weak_ptr<Impl> home;
    Reactor& reactor;
    ports::LinkId id;
    Fd dialled;                          // until it is connected
    std::unique_ptr<ByteStream> stream;  // from then on, once its hands are shaken
    std::unique_ptr<ReadyWatch> watch;   // of either's descriptor
    Timer timer;
    FrameReader reader;
    Intake::Used used;
    std::deque<std::string> queue;
    std::size_t queued = 0,
                front_sent = 0;  // bytes of the queue; of its first frame, those that went already
    Address remote;
    bool inbound, is_open = false, dead = false;
    bool drains = false;   // it is not read until its answers went
    bool resting = false;  // it has written in this turn: what is said meanwhile goes together
  };

  Impl(Reactor& the_reactor, Emit the_emit, StreamOpener the_opener, TakeCredentials the_taker)
      : reactor(the_reactor),
        emit(std::move(the_emit)),
        opener(std::move(the_opener)),
        take_credentials(std::move(the_taker)) {}

  std::shared_ptr<Link> add(const Address& remote, bool inbound) {
    const auto link = std::make_shared<Link>(*this, ++last_link, remote, inbound);
    links[link->id] = link;
    return link;
  }
  void take(Accepted who);
  void drop_a_stranger();
  void end_round_later();
  void end_round();

  Reactor& reactor;
  Emit emit;
  StreamOpener opener;
  TakeCredentials take_credentials;
  std::optional<Acceptor> acceptor;
  wire::Hello hello;
  std::map<ports::LinkId, std::shared_ptr<Link>> links;
  std::map<ports::LinkId, std::shared_ptr<Link>> leaving;  // closed here; their last frames are on their way
  std::set<ports::LinkId>
      strangers;  // links from outside whose node is not known, or not proved; oldest first
  ports::LinkId last_link = 0;
  Intake intake;
  bool round_ends = false;  // that is posted
};

// ---- a link's beginning

void TcpTransport::Impl::Link::connect(const Address& source) {
  Dialled made = dial(remote, source);
  if (made.error != 0)
    return reactor.post([self = shared_from_this(), why = made.error] {
      self->fail("dial " + self->remote.str() + ": " + std::strerror(why));
    });
  tune_link(made.fd.get());
  dialled = std::move(made.fd);
  watch_over(dialled.get());
  give_up_after(kHandshake, "no answer within 5s");
  watch->want_write();
}

void TcpTransport::Impl::Link::watch_over(int fd) {
  watch = std::make_unique<ReadyWatch>(
      reactor, fd,
      [this] {
        on_ready({true, false, false});
      },
      [this] {
        on_ready({false, true, false});
      });
}

void TcpTransport::Impl::Link::on_connect() {
  if (const int error = connect_error(dialled.get()); error != 0)
    return fail("dial " + remote.str() + ": " + std::strerror(error));
  watch.reset();
  open_stream(std::move(dialled));
}

void TcpTransport::Impl::Link::open_stream(Fd connected) {
  const auto side = inbound ? Side::accepted : Side::dialled;
  owner->opener(std::move(connected), side,
                [weak = weak_from_this()](std::unique_ptr<ByteStream> opened, const std::string& why) {
                  const auto self = weak.lock();
                  if (self == nullptr || self->dead) return;
                  opened != nullptr ? self->use(std::move(opened)) : self->fail(why);
                });
}

// Something may have come already that the descriptor does not announce.
void TcpTransport::Impl::Link::use(std::unique_ptr<ByteStream> opened) {
  stream = std::move(opened);
  watch_over(stream->fd());
  stream->note({true, true, false});
  flush();
  if (!dead) read();
}

void TcpTransport::Impl::Link::give_up_after(Duration delay, const char* why) {
  timer.after(delay, [weak = weak_from_this(), why] {
    if (const auto self = weak.lock(); self && !self->dead) self->fail(why);
  });
}

void TcpTransport::Impl::take(Accepted who) {
  const auto link = add(who.from, true);
  strangers.insert(link->id);
  if (strangers.size() > kMaxStrangers) drop_a_stranger();
  tune_link(who.fd.get());
  link->send(encode_frame(hello));
  link->give_up_after(kHandshake, "no hello within 5s");
  link->open_stream(std::move(who.fd));
}

// The oldest of those that have said nothing; else the oldest. A program that opens connections takes no
// place from a node that wants to come in.
void TcpTransport::Impl::drop_a_stranger() {
  const auto is_silent = [this](ports::LinkId id) { return !links.at(id)->is_open; };
  auto which = std::find_if(strangers.begin(), std::prev(strangers.end()), is_silent);
  if (which == std::prev(strangers.end())) which = strangers.begin();
  const auto link = links.at(*which);
  link->fail("too many peers without a certificate: the oldest of them had to go");
}

void TcpTransport::Impl::Link::on_ready(const Readiness& now) {
  const auto self = shared_from_this();
  if (stream == nullptr) return on_connect();
  stream->note(now);
  read();
  if (!dead) flush();
}

// ---- in

// Waits first and reads then: a quiet link, of which a leader has thousands, needs no buffer. A link whose
// share is used up is neither read nor waited for.
void TcpTransport::Impl::Link::read() {
  if (!pass_on()) return;
  Outcome got{.io = Io::blocked};
  for (int i = 0; stream->may_read(); ++i) {
    if (i == kReadsInARow)
      return reactor.post([self = shared_from_this()] {
        if (!self->dead) self->read();
      });
    char bytes[kReadSize];
    got = stream->read(bytes, kReadSize);
    if (got.io == Io::blocked) break;
    if (got.io == Io::ended) return fail("closed by the peer");
    if (got.io == Io::reset) return fail(stream->why(got));
    if (owner == nullptr) continue;  // closed here; only its last frames are still on their way out
    reader.add({bytes, got.bytes});
    if (!pass_on()) return;
  }
  wait_for(got.wants);
}

// Passes on the frames that came. Returns false if the link is not to be read now.
bool TcpTransport::Impl::Link::pass_on() {
  while (!dead && owner != nullptr) {
    if (drains = must_drain(); drains) return false;
    if (!owner->intake.may_pass(kind(), used)) {
      owner->intake.wait(kind(), id, used);
      return false;
    }
    const std::size_t before = reader.size();
    auto next = reader.next();
    if (!next) {
      fail("bad frame: " + next.error().message);
    } else if (auto& frame = *next; !frame) {
      return true;
    } else {
      pass_on(std::move(*frame), before - reader.size());
    }
  }
  return !dead;
}

void TcpTransport::Impl::Link::pass_on(AnyFrame frame, std::size_t bytes) {
  owner->intake.passed(kind(), used, bytes);
  owner->end_round_later();
  if (auto* greeting = std::get_if<wire::Hello>(&frame)) return on_hello(*greeting);
  if (!is_open) return fail("bad frame: the first one is no hello");
  owner->emit(ports::FrameArrived{id, std::move(std::get<ports::Frame>(frame))});
}

PeerKind TcpTransport::Impl::Link::kind() const {
  const model::Certificate* proved = stream->peer();
  if (proved == nullptr) return inbound ? PeerKind::stranger : PeerKind::worker;
  return proved->role == model::NodeRole::manager ? PeerKind::manager : PeerKind::worker;
}

void TcpTransport::Impl::Link::on_hello(const wire::Hello& theirs) {
  if (is_open) return fail("bad frame: a second hello");
  if (theirs.protocol_version != wire::kProtocolVersion)
    return fail("the peer speaks version " + std::to_string(theirs.protocol_version) +
                " of the protocol, this node " + std::to_string(wire::kProtocolVersion));
  is_open = true;
  const model::Certificate* proved = stream->peer();
  if (proved != nullptr) {
    reader.trust();
    is_no_stranger();
    timer.cancel();
  } else if (inbound) {
    give_up_after(kStrangersStay, "a peer without a certificate stays for 30s only");
  } else {
    timer.cancel();
  }
  const auto peer = proved != nullptr ? std::optional(*proved) : std::nullopt;
  owner->emit(ports::LinkOpened{id, ports::principal_of(peer, theirs, wall_now()), remote, inbound});
}

// ---- out

void TcpTransport::Impl::Link::send(std::string bytes) {
  if (dead) return;
  if (bytes.size() > kMaxFrame)
    return fail("a frame of " + std::to_string(bytes.size()) + " bytes cannot be sent");
  queued += bytes.size();
  queue.push_back(std::move(bytes));
  if (queued > kSoftQueue) make_room();
  if (queued > kHardQueue) return fail("the peer does not read");
  if (queued > kStrangersQueue && stream != nullptr && kind() == PeerKind::stranger)
    return fail("a peer without a certificate does not read its answers");
  flush();
}

// A frame of which a part has gone stays: the peer waits for the rest.
void TcpTransport::Impl::Link::make_room() {
  std::deque<std::string> kept;
  for (std::string& bytes : queue) {
    const bool begun = kept.empty() && front_sent > 0;
    if (queued > kSoftQueue && !begun && kind_of(bytes) == FrameKind::raft) {
      queued -= bytes.size();
    } else {
      kept.push_back(std::move(bytes));
    }
  }
  queue = std::move(kept);
}

// What is said first in a turn goes at once, and all the rest of it together.
void TcpTransport::Impl::Link::flush() {
  if (stream == nullptr || resting || dead || has_sent_all()) return;
  if (!stream->may_write()) return watch->want_write();
  std::array<std::string_view, kMaxGather> pieces;
  std::size_t count = 0;
  for (auto it = queue.begin(); it != queue.end() && count < kMaxGather; ++it) pieces[count++] = *it;
  if (count > 0) pieces[0].remove_prefix(front_sent);
  const Outcome outcome = stream->write(std::span(pieces.data(), count));
  if (outcome.io == Io::reset) return fail(stream->why(outcome));
  if (outcome.io == Io::blocked) return wait_for(outcome.wants);
  sent(outcome.bytes);
  resting = true;
  reactor.post([self = shared_from_this()] {
    self->resting = false;
    if (self->dead) return;
    if (self->owner == nullptr && self->has_sent_all()) return self->shut();
    self->flush();
  });
}

void TcpTransport::Impl::Link::sent(std::size_t count) {
  queued -= count;
  count += front_sent;
  for (; !queue.empty() && count >= queue.front().size(); queue.pop_front()) count -= queue.front().size();
  front_sent = count;
  if (!drains || must_drain()) return;
  drains = false;
  reactor.post([self = shared_from_this()] {
    if (!self->dead) self->read();
  });
}

// ---- rounds (intake.hpp)

// The first frame of a round has woken the node, or is about to: what is posted after its turn comes when the
// node has taken the round.
void TcpTransport::Impl::end_round_later() {
  if (std::exchange(round_ends, true)) return;
  reactor.post([weak = weak_from_this()] {
    if (const auto self = weak.lock())
      self->reactor.post([weak] {
        if (const auto alive = weak.lock()) alive->end_round();
      });
  });
}

void TcpTransport::Impl::end_round() {
  round_ends = false;
  intake.next_round([this](ports::LinkId id) {
    const auto it = links.find(id);
    if (it == links.end()) return;
    const auto link = it->second;  // it may fail
    link->used.waits = false;
    link->read();
  });
}

// ---- a link's end

void TcpTransport::Impl::Link::fail(const std::string& reason) {
  if (dead) return;
  shut();
  if (owner != nullptr) is_no_stranger();
  Impl* told = std::exchange(owner, nullptr);
  if (told == nullptr) return;
  told->links.erase(id);
  const bool known = is_open || !inbound;
  if (!known && !ports::refusal_in(reason)) return;
  // Sending may have failed within a call of the node's: tell later.
  told->reactor.post([transport = told->shared_from_this(), link = id,
                      why = known ? reason : remote.host() + ": " + reason] {
    transport->emit(ports::LinkClosed{link, why});
  });
}

// What was sent before still goes out, for a moment: a refusal is worth nothing unless it is heard.
void TcpTransport::Impl::Link::close_softly() {
  is_no_stranger();
  owner = nullptr;
  if (stream == nullptr || has_sent_all()) return shut();
  if (const auto at = home.lock()) at->leaving[id] = shared_from_this();
  give_up_after(kLinger, "closed");
}

void TcpTransport::Impl::Link::shut() {
  dead = true;
  timer.cancel();
  watch.reset();
  dialled.reset();
  stream.reset();
  if (const auto at = home.lock()) at->leaving.erase(id);  // the last: it may end with that
}

// ---- the port

TcpTransport::TcpTransport(Reactor& reactor, Emit emit, StreamOpener opener, TakeCredentials take)
    : impl_(std::make_shared<Impl>(reactor, std::move(emit), std::move(opener), std::move(take))) {}

TcpTransport::~TcpTransport() {
  impl_->acceptor.reset();
  impl_->links.merge(impl_->leaving);
  for (const auto& [_, link] : std::exchange(impl_->links, {})) {
    link->owner = nullptr;
    link->shut();
  }
}

Result<void> TcpTransport::listen(const Address& address) {
  impl_->acceptor.reset();
  Fd listener = listen_on(address, Any::both);
  if (!listener.valid()) return cannot_listen(address, errno);
  impl_->acceptor.emplace(
      impl_->reactor, std::move(listener), [] { return true; },
      [impl = impl_.get()](Accepted who) { impl->take(std::move(who)); });
  return {};
}

void TcpTransport::stop_listening() { impl_->acceptor.reset(); }

ports::LinkId TcpTransport::open(const Address& to, const Address& source, const wire::Hello& hello) {
  const auto link = impl_->add(to, false);
  link->send(encode_frame(hello));
  link->connect(source);
  return link->id;
}

Result<void> TcpTransport::set_credentials(const ports::Credentials& credentials) {
  return impl_->take_credentials ? impl_->take_credentials(credentials) : Result<void>();
}

void TcpTransport::set_identity(const wire::Hello& hello) { impl_->hello = hello; }

void TcpTransport::send(ports::LinkId link, ports::Frame frame) {
  const auto it = impl_->links.find(link);
  if (it == impl_->links.end()) return;
  const auto kept = it->second;  // a failing send takes it out of the map
  kept->send(encode_frame(frame));
}

void TcpTransport::close(ports::LinkId link) {
  const auto it = impl_->links.find(link);
  if (it == impl_->links.end()) return;
  const auto kept = it->second;
  impl_->links.erase(it);
  kept->close_softly();
}

}  // namespace swarm::real
