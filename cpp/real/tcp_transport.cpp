#include "real/tcp_transport.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "real/frame.hpp"
#include "real/http/acceptor.hpp"
#include "real/stream/sockets.hpp"

namespace swarm::real {
namespace {

constexpr std::size_t kSoftQueue = 16UL * 1024 * 1024;   // beyond: Raft's oldest frames go
constexpr std::size_t kHardQueue = 128UL * 1024 * 1024;  // beyond: the link goes
constexpr std::size_t kMaxGather = 64;
constexpr std::size_t kMaxStrangers = 1'024;
constexpr std::size_t kReadSize = 64 * 1024;
constexpr int kReadsInARow = 4;  // then other links have their turn
constexpr Duration kHandshake = Duration::seconds(5), kLinger = Duration::seconds(2);

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
    void use(Fd fd);
    void connected();
    void give_up_after(Duration delay, const char* why);
    void on_ready(const Readiness& now);
    void wait_for(Want want) { want == Want::read ? watch->want_read() : watch->want_write(); }
    void read();
    void on_bytes(std::string_view bytes);
    void on_hello(const wire::Hello& theirs);
    void send(std::string bytes);
    void make_room();
    void flush();
    void sent(std::size_t count);
    bool has_sent_all() const { return queue.empty() && !stream->holds_back(); }
    void fail(const std::string& reason);
    void close_softly();
    void shut();

    Impl* owner;  // null once its events are not wanted any more
    std::weak_ptr<Impl> home;
    Reactor& reactor;
    ports::LinkId id;
    std::unique_ptr<ByteStream> stream;
    std::unique_ptr<ReadyWatch> watch;  // of the stream's descriptor
    Timer timer;
    FrameReader reader;
    std::deque<std::string> queue;
    std::size_t queued = 0,
                front_sent = 0;  // bytes of the queue; of its first frame, those that went already
    Address remote;
    bool inbound, is_connected = false, is_open = false, dead = false;
    bool resting = false;  // it has written in this turn: what is said meanwhile goes together
  };

  Impl(Reactor& the_reactor, Emit the_emit, StreamMaker the_maker)
      : reactor(the_reactor), emit(std::move(the_emit)), maker(std::move(the_maker)) {}

  std::shared_ptr<Link> add(const Address& remote, bool inbound) {
    const auto link = std::make_shared<Link>(*this, ++last_link, remote, inbound);
    links[link->id] = link;
    return link;
  }
  void take(Accepted who);

  Reactor& reactor;
  Emit emit;
  StreamMaker maker;
  std::optional<Acceptor> acceptor;
  wire::Hello hello;
  std::map<ports::LinkId, std::shared_ptr<Link>> links;
  std::map<ports::LinkId, std::shared_ptr<Link>> leaving;  // closed here; their last frames are on their way
  std::size_t strangers = 0;  // links from outside that have not said who they are
  ports::LinkId last_link = 0;
};

// ---- a link's beginning

void TcpTransport::Impl::Link::connect(const Address& source) {
  Dialled dialled = dial(remote, source);
  if (dialled.error != 0)
    return reactor.post([self = shared_from_this(), why = dialled.error] {
      self->fail("dial " + self->remote.str() + ": " + std::strerror(why));
    });
  use(std::move(dialled.fd));
  give_up_after(kHandshake, "no answer within 5s");
  watch->want_write();
}

void TcpTransport::Impl::Link::use(Fd fd) {
  const int number = fd.get();
  tune_link(number);
  stream = make_stream(owner->maker, std::move(fd), inbound ? Side::accepted : Side::dialled);
  watch = std::make_unique<ReadyWatch>(
      reactor, number,
      [this] {
        on_ready({true, false, false});
      },
      [this] {
        on_ready({false, true, false});
      });
}

void TcpTransport::Impl::Link::connected() {
  is_connected = true;
  stream->note({false, true, false});
  flush();
  if (!dead) watch->want_read();
}

void TcpTransport::Impl::Link::give_up_after(Duration delay, const char* why) {
  timer.after(delay, [weak = weak_from_this(), why] {
    if (const auto self = weak.lock(); self && !self->dead) self->fail(why);
  });
}

void TcpTransport::Impl::take(Accepted who) {
  const auto link = add(who.from, true);
  ++strangers;
  link->use(std::move(who.fd));
  link->send(encode_frame(hello));
  link->give_up_after(kHandshake, "no hello within 5s");
  link->connected();
}

void TcpTransport::Impl::Link::on_ready(const Readiness& now) {
  const auto self = shared_from_this();
  if (!is_connected) {
    if (const int error = connect_error(stream->fd()); error != 0)
      return fail("dial " + remote.str() + ": " + std::strerror(error));
    return connected();
  }
  stream->note(now);
  read();
  if (!dead) flush();
}

// ---- in

// Waits first and reads then: a quiet link, of which a leader has thousands, needs no buffer.
void TcpTransport::Impl::Link::read() {
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
    if (got.io == Io::reset) return fail(std::strerror(got.error));
    on_bytes({bytes, got.bytes});
    if (dead) return;
  }
  wait_for(got.wants);
}

void TcpTransport::Impl::Link::on_bytes(std::string_view bytes) {
  if (owner == nullptr) return;  // closed here; only its last frames are still on their way out
  reader.add(bytes);
  while (!dead && owner != nullptr) {
    auto next = reader.next();
    if (!next) return fail("bad frame: " + next.error().message);
    if (!*next) return;
    if (auto* greeting = std::get_if<wire::Hello>(&**next)) {
      on_hello(*greeting);
    } else if (!is_open) {
      return fail("bad frame: the first one is no hello");
    } else {
      owner->emit(ports::FrameArrived{id, std::move(std::get<ports::Frame>(**next))});
    }
  }
}

void TcpTransport::Impl::Link::on_hello(const wire::Hello& theirs) {
  if (is_open) return fail("bad frame: a second hello");
  if (theirs.protocol_version != wire::kProtocolVersion)
    return fail("the peer speaks version " + std::to_string(theirs.protocol_version) +
                " of the protocol, this node " + std::to_string(wire::kProtocolVersion));
  if (inbound) --owner->strangers;
  is_open = true;
  timer.cancel();
  owner->emit(ports::LinkOpened{id, ports::principal_of(theirs), remote, inbound});
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
  if (!is_connected || resting || dead || has_sent_all()) return;
  if (!stream->may_write()) return watch->want_write();
  std::array<std::string_view, kMaxGather> pieces;
  std::size_t count = 0;
  for (auto it = queue.begin(); it != queue.end() && count < kMaxGather; ++it) pieces[count++] = *it;
  if (count > 0) pieces[0].remove_prefix(front_sent);
  const Outcome outcome = stream->write(std::span(pieces.data(), count));
  if (outcome.io == Io::reset) return fail(std::strerror(outcome.error));
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
}

// ---- a link's end

void TcpTransport::Impl::Link::fail(const std::string& reason) {
  if (dead) return;
  shut();
  Impl* told = std::exchange(owner, nullptr);
  if (told == nullptr) return;
  if (inbound && !is_open) --told->strangers;
  told->links.erase(id);
  if (is_open || !inbound) {
    // Sending may have failed within a call of the node's: tell later.
    told->reactor.post([transport = told->shared_from_this(), link = id, reason] {
      transport->emit(ports::LinkClosed{link, reason});
    });
  }
}

// What was sent before still goes out, for a moment: a refusal is worth nothing unless it is heard.
void TcpTransport::Impl::Link::close_softly() {
  if (inbound && !is_open) --owner->strangers;
  owner = nullptr;
  if (!is_connected || has_sent_all()) return shut();
  if (const auto at = home.lock()) at->leaving[id] = shared_from_this();
  give_up_after(kLinger, "closed");
}

void TcpTransport::Impl::Link::shut() {
  dead = true;
  timer.cancel();
  watch.reset();
  stream.reset();
  if (const auto at = home.lock()) at->leaving.erase(id);  // the last: it may end with that
}

// ---- the port

TcpTransport::TcpTransport(Reactor& reactor, Emit emit, StreamMaker stream)
    : impl_(std::make_shared<Impl>(reactor, std::move(emit), std::move(stream))) {}

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
      impl_->reactor, std::move(listener), [impl = impl_.get()] { return impl->strangers < kMaxStrangers; },
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
