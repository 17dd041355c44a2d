#include "real/tcp_transport.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "real/frame.hpp"
#include "real/http/asio_reactor.hpp"

namespace swarm::real {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kSoftQueue = 16UL * 1024 * 1024;   // beyond: Raft's oldest frames go
constexpr std::size_t kHardQueue = 128UL * 1024 * 1024;  // beyond: the link goes
constexpr std::size_t kMaxGather = 64;
constexpr std::size_t kMaxStrangers = 1'024;
constexpr std::size_t kReadSize = 64 * 1024;
constexpr std::chrono::seconds kHandshake{5}, kLinger{2};

tcp::endpoint endpoint_of(const Address& address) {
  if (address.is_v4())
    return {asio::ip::address_v4({address.ip[12], address.ip[13], address.ip[14], address.ip[15]}),
            address.port};
  return {asio::ip::address_v6(address.ip), address.port};
}

Address address_of(const tcp::endpoint& endpoint) {
  if (endpoint.address().is_v4()) {
    const auto b = endpoint.address().to_v4().to_bytes();
    return Address::v4(b[0], b[1], b[2], b[3], endpoint.port());
  }
  Address out;
  out.ip = endpoint.address().to_v6().to_bytes();
  out.port = endpoint.port();
  return out;
}

// Go's words, as Docker's users know them: "listen tcp 127.0.1.1:2377: bind: address already in use".
Error cannot_listen(const Address& address, const error_code& error) {
  const std::string start = "listen tcp " + address.str() + ": bind: ";
  if (error.value() == EADDRINUSE)
    return {Code::failed_precondition, start + "address already in use",
            "another daemon listens there; give this one an address of its own with --address"};
  if (error.value() == EADDRNOTAVAIL)
    return {Code::failed_precondition, start + "cannot assign requested address",
            "the address must be one of this machine's own"};
  return plain_error(Code::failed_precondition, start + std::strerror(error.value()));
}

// A dead peer's machine answers nothing: noticed within about ten seconds. Silence of a live one is the
// node's to judge.
void tune(tcp::socket& socket) {
  error_code ignored;
  socket.non_blocking(true, ignored);
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  const int fd = socket.native_handle();
  const int idle = 5, interval = 2, count = 3, user_timeout_ms = 10'000;
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof user_timeout_ms);
}

}  // namespace

struct TcpTransport::Impl : std::enable_shared_from_this<TcpTransport::Impl> {
  struct Link : std::enable_shared_from_this<Link> {
    Link(Impl& transport, ports::LinkId number, tcp::socket its_socket)
        : owner(&transport), id(number), socket(std::move(its_socket)), timer(socket.get_executor()) {}

    void connect(const Address& source);
    void connected();
    void give_up_after(std::chrono::seconds delay, const char* why);
    void read();
    void on_bytes(std::string_view bytes);
    void on_hello(const wire::Hello& theirs);
    void send(std::string bytes);
    void make_room();
    void flush();
    void fail(const std::string& reason);
    void close_softly();
    void shut();

    Impl* owner;  // null once nobody wants to hear of this link any more
    ports::LinkId id;
    tcp::socket socket;
    asio::steady_timer timer;
    FrameReader reader;
    std::deque<std::string> queue;
    std::size_t queued = 0;
    Address remote;
    bool inbound = false, is_connected = false, is_open = false, writing = false, dead = false;
  };

  Impl(Reactor& the_reactor, Emit the_emit) : reactor(the_reactor), emit(std::move(the_emit)) {}

  std::shared_ptr<Link> add(tcp::socket socket) {
    const auto link = std::make_shared<Link>(*this, ++last_link, std::move(socket));
    links[link->id] = link;
    return link;
  }
  void accept(const std::shared_ptr<tcp::acceptor>& from);
  void accept_later(const std::shared_ptr<tcp::acceptor>& from);
  void stop() {
    error_code ignored;
    if (acceptor) acceptor->close(ignored);
    acceptor.reset();
  }

  Reactor& reactor;
  Emit emit;
  std::shared_ptr<tcp::acceptor> acceptor;
  wire::Hello hello;
  std::map<ports::LinkId, std::shared_ptr<Link>> links;
  std::size_t strangers = 0;  // links from outside that have not said who they are
  ports::LinkId last_link = 0;
};

// ---- a link's beginning

void TcpTransport::Impl::Link::connect(const Address& source) {
  const tcp::endpoint to = endpoint_of(remote);
  error_code error;
  socket.open(to.protocol(), error);
  // A plain connect to 127.0.x.y leaves from 127.0.0.1: peers would take that for this node's address.
  if (!error && !source.is_unspecified() && source.is_v4() == remote.is_v4()) {
    const int one = 1;
    ::setsockopt(socket.native_handle(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    Address from = source;
    from.port = 0;
    socket.bind(endpoint_of(from), error);
  }
  if (error) {
    const std::string why = error.message();
    return owner->reactor.post(
        [self = shared_from_this(), why] { self->fail("dial " + self->remote.str() + ": " + why); });
  }
  give_up_after(kHandshake, "no answer within 5s");
  socket.async_connect(to, [self = shared_from_this()](const error_code& failure) {
    if (self->dead) return;
    if (failure) return self->fail("dial " + self->remote.str() + ": " + failure.message());
    self->connected();
  });
}

void TcpTransport::Impl::Link::connected() {
  is_connected = true;
  tune(socket);
  flush();
  read();
}

void TcpTransport::Impl::Link::give_up_after(std::chrono::seconds delay, const char* why) {
  timer.expires_after(delay);
  timer.async_wait([self = shared_from_this(), why](const error_code& cancelled) {
    if (!cancelled && !self->dead) self->fail(why);
  });
}

void TcpTransport::Impl::accept(const std::shared_ptr<tcp::acceptor>& from) {
  if (strangers >= kMaxStrangers) return accept_later(from);
  from->async_accept([self = shared_from_this(), from](const error_code& error, tcp::socket socket) {
    if (!from->is_open()) return;
    if (error) return self->accept_later(from);
    error_code gone;
    const tcp::endpoint peer = socket.remote_endpoint(gone);
    if (!gone) {
      const auto link = self->add(std::move(socket));
      link->inbound = true;
      ++self->strangers;
      link->remote = address_of(peer);
      link->send(encode_frame(self->hello));
      link->give_up_after(kHandshake, "no hello within 5s");
      link->connected();
    }
    self->accept(from);
  });
}

// Out of descriptors, or of patience with strangers: breathe, then go on.
void TcpTransport::Impl::accept_later(const std::shared_ptr<tcp::acceptor>& from) {
  auto pause = std::make_shared<Timer>(reactor);
  pause->after(Duration::millis(100), [self = shared_from_this(), from, pause] {
    if (from->is_open()) self->accept(from);
  });
}

// ---- in

// Waits first and reads then: a quiet link, of which a leader has thousands, needs no buffer.
void TcpTransport::Impl::Link::read() {
  socket.async_wait(asio::socket_base::wait_read, [self = shared_from_this()](error_code error) {
    if (self->dead) return;
    char bytes[kReadSize];
    const std::size_t count = error ? 0 : self->socket.read_some(asio::buffer(bytes), error);
    if (error == asio::error::would_block) return self->read();
    if (error) return self->fail(error == asio::error::eof ? "closed by the peer" : error.message());
    self->on_bytes({bytes, count});
    if (!self->dead) self->read();
  });
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

void TcpTransport::Impl::Link::make_room() {
  std::deque<std::string> kept;
  for (std::string& bytes : queue) {
    if (queued > kSoftQueue && kind_of(bytes) == FrameKind::raft) {
      queued -= bytes.size();
    } else {
      kept.push_back(std::move(bytes));
    }
  }
  queue = std::move(kept);
}

void TcpTransport::Impl::Link::flush() {
  if (!is_connected || writing || dead || queue.empty()) return;
  auto batch = std::make_shared<std::vector<std::string>>();
  std::vector<asio::const_buffer> buffers;
  while (!queue.empty() && batch->size() < kMaxGather) {
    batch->push_back(std::move(queue.front()));
    queue.pop_front();
  }
  for (const std::string& bytes : *batch) buffers.push_back(asio::buffer(bytes));
  writing = true;
  asio::async_write(socket, buffers,
                    [self = shared_from_this(), batch](const error_code& error, std::size_t sent) {
                      self->writing = false;
                      if (self->dead) return;
                      if (error) return self->fail(error.message());
                      self->queued -= sent;
                      if (self->owner == nullptr && self->queue.empty()) return self->shut();
                      self->flush();
                    });
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
  if (!is_connected || (queue.empty() && !writing)) return shut();
  give_up_after(kLinger, "closed");
}

void TcpTransport::Impl::Link::shut() {
  dead = true;
  error_code ignored;
  timer.cancel();
  socket.close(ignored);
}

// ---- the port

TcpTransport::TcpTransport(Reactor& reactor, Emit emit)
    : impl_(std::make_shared<Impl>(reactor, std::move(emit))) {}

TcpTransport::~TcpTransport() {
  impl_->stop();
  for (const auto& [_, link] : std::exchange(impl_->links, {})) {
    link->owner = nullptr;
    link->shut();
  }
}

Result<void> TcpTransport::listen(const Address& address) {
  impl_->stop();
  const tcp::endpoint endpoint = endpoint_of(address);
  auto acceptor = std::make_shared<tcp::acceptor>(context_of(impl_->reactor));
  error_code error;
  acceptor->open(endpoint.protocol(), error);
  if (!error) acceptor->set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
  if (error) return cannot_listen(address, error);
  impl_->acceptor = acceptor;
  impl_->accept(acceptor);
  return {};
}

void TcpTransport::stop_listening() { impl_->stop(); }

ports::LinkId TcpTransport::open(const Address& to, const Address& source, const wire::Hello& hello) {
  const auto link = impl_->add(tcp::socket(context_of(impl_->reactor)));
  link->remote = to;
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
