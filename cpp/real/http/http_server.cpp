#include "real/http/http_server.hpp"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cerrno>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "real/http/asio_reactor.hpp"
#include "real/http/http_connection.hpp"

namespace swarm::real {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;

Error cannot_listen(const std::string& url, const std::string& why, std::string hint = {}) {
  return plain_error(Code::failed_precondition,
                     "cannot listen on " + url + ": " + why + (hint.empty() ? "" : "; " + hint));
}

// Go's words, as Docker's users know them.
std::string reason(int number) {
  switch (number) {
    case EADDRINUSE:
      return "address already in use";
    case EADDRNOTAVAIL:
      return "cannot assign requested address";
    case EACCES:
      return "permission denied";
    default:
      return std::strerror(number);
  }
}

// A full backlog is an answer too: somebody is there, only slow.
bool somebody_answers(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const bool answers =
      ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN;
  ::close(fd);
  return answers;
}

// The rest is for tasks, links and the disk, which clients shall not take from them.
std::size_t three_quarters_of_all_descriptors() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur / 4 * 3 : 768;
}

}  // namespace

struct HttpServer::Impl : std::enable_shared_from_this<HttpServer::Impl> {
  Impl(Reactor& the_reactor, OnRequest request, OnAbort abort)
      : reactor(the_reactor), on_request(std::move(request)), on_abort(std::move(abort)) {
    owner.arrived = [this](HttpConnection& from, http::Request wish) {
      const ports::ApiId id = ++last_id;
      answering[id] = from.shared_from_this();
      // Later: the connection learns the request's name before an answer can come.
      reactor.post([self = shared_from_this(), id, wish = std::move(wish)]() mutable {
        if (!self->answering.contains(id)) return;  // gone before it was heard
        self->begun = id;
        self->on_request(id, std::move(wish));
      });
      return id;
    };
    owner.aborted = [this](ports::ApiId id) {
      answering.erase(id);
      if (id <= begun) on_abort(id);
    };
    owner.answered = [this](ports::ApiId id) { answering.erase(id); };
    owner.gone = [this](HttpConnection& which) { connections.erase(&which); };
  }

  void accept(const std::shared_ptr<Acceptor>& acceptor) {
    if (connections.size() >= most_connections) return accept_later(acceptor);
    acceptor->async_accept(
        [self = shared_from_this(), acceptor](const error_code& error, HttpConnection::Socket socket) {
          if (!acceptor->is_open()) return;
          if (error) return self->accept_later(acceptor);
          const auto connection = std::make_shared<HttpConnection>(std::move(socket), self->owner);
          self->connections[connection.get()] = connection;
          connection->start();
          self->accept(acceptor);
        });
  }

  // Out of descriptors: breathe, then go on. Who comes meanwhile waits in the kernel's queue.
  void accept_later(const std::shared_ptr<Acceptor>& acceptor) {
    auto pause = std::make_shared<Timer>(reactor);
    pause->after(Duration::millis(100), [self = shared_from_this(), acceptor, pause] {
      if (acceptor->is_open()) self->accept(acceptor);
    });
  }

  template <class Endpoint>
  Result<std::shared_ptr<Acceptor>> bind(const std::string& url, const Endpoint& endpoint) {
    auto acceptor = std::make_shared<Acceptor>(context_of(reactor));
    error_code error;
    acceptor->open(endpoint.protocol(), error);
    if (!error) acceptor->set_option(Acceptor::reuse_address(true), error);
    if (!error) acceptor->bind(endpoint, error);
    if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
    if (error) return cannot_listen(url, reason(error.value()));
    acceptors.push_back(acceptor);
    accept(acceptor);
    return acceptor;
  }

  Result<std::string> listen_unix(const std::string& url, const std::string& path) {
    if (path.empty()) return cannot_listen(url, "the path is missing");
    if (path.size() >= sizeof(sockaddr_un::sun_path))
      return cannot_listen(url, "the path is longer than 107 bytes", "choose a shorter one with -H");
    struct stat found {};
    if (::lstat(path.c_str(), &found) == 0) {
      if (!S_ISSOCK(found.st_mode)) return cannot_listen(url, "a file that is not a socket is there");
      if (somebody_answers(path)) return cannot_listen(url, "another daemon answers there");
      ::unlink(path.c_str());
    }
    const mode_t before = ::umask(0117);  // for its owner and group, as dockerd's
    auto bound = bind(url, asio::local::stream_protocol::endpoint(path));
    ::umask(before);
    if (!bound) return bound.error();
    socket_files.push_back(path);
    return url;
  }

  Result<std::string> listen_tcp(const std::string& url, const std::string& text, bool insecure) {
    const auto address =
        Address::parse(text.starts_with("localhost:") ? "127.0.0.1" + text.substr(9) : text, 2375);
    if (!address) return cannot_listen(url, "this is not an IP address and a port");
    if (!address->is_loopback() && !insecure)
      return cannot_listen(url, "without TLS anybody could command this daemon",
                           "use an address in 127.0.0.0/8, or --insecure-no-tls");
    auto bound = bind(url, asio::ip::tcp::endpoint(asio::ip::make_address(address->host()), address->port));
    if (!bound) return bound.error();
    const auto generic = (*bound)->local_endpoint();
    asio::ip::tcp::endpoint real;
    real.resize(generic.size());
    std::memcpy(real.data(), generic.data(), generic.size());
    Address result = *address;
    result.port = real.port();
    return "tcp://" + result.str();
  }

  void close() {
    for (const auto& acceptor : std::exchange(acceptors, {})) {
      error_code ignored;
      acceptor->close(ignored);
    }
    for (const std::string& path : std::exchange(socket_files, {})) ::unlink(path.c_str());
    for (const auto& [_, connection] : std::exchange(connections, {})) connection->close();
    answering.clear();
  }

  Reactor& reactor;
  OnRequest on_request;
  OnAbort on_abort;
  HttpConnection::Owner owner;
  std::vector<std::shared_ptr<Acceptor>> acceptors;
  std::vector<std::string> socket_files;
  std::map<HttpConnection*, std::shared_ptr<HttpConnection>> connections;
  std::map<ports::ApiId, std::shared_ptr<HttpConnection>> answering;
  const std::size_t most_connections = three_quarters_of_all_descriptors();
  ports::ApiId last_id = 0;
  ports::ApiId begun = 0;  // the last request that was handed up
};

HttpServer::HttpServer(Reactor& reactor, OnRequest on_request, OnAbort on_abort)
    : impl_(std::make_shared<Impl>(reactor, std::move(on_request), std::move(on_abort))) {}
HttpServer::~HttpServer() { close(); }
void HttpServer::close() { impl_->close(); }

Result<std::string> HttpServer::listen(const std::string& url, bool insecure) {
  if (url.starts_with("unix://")) return impl_->listen_unix(url, url.substr(7));
  if (url.starts_with("tcp://")) return impl_->listen_tcp(url, url.substr(6), insecure);
  return cannot_listen(url, "the scheme is not known", "write unix:///PATH or tcp://ADDRESS:PORT");
}

bool HttpServer::is_local(ports::ApiId id) const {
  const auto it = impl_->answering.find(id);
  return it != impl_->answering.end() && it->second->is_local();
}

void HttpServer::begin(ports::ApiId id, http::ResponseHead head) {
  if (const auto it = impl_->answering.find(id); it != impl_->answering.end())
    it->second->begin(std::move(head));
}
void HttpServer::piece(ports::ApiId id, std::string bytes) {
  if (const auto it = impl_->answering.find(id); it != impl_->answering.end())
    it->second->piece(std::move(bytes));
}
void HttpServer::end(ports::ApiId id) {
  const auto it = impl_->answering.find(id);
  if (it == impl_->answering.end()) return;
  const auto connection = it->second;  // end() takes it out of the map
  connection->end();
}
void HttpServer::cut(ports::ApiId id) {
  const auto it = impl_->answering.find(id);
  if (it == impl_->answering.end()) return;
  const auto connection = it->second;
  connection->cut();
}

}  // namespace swarm::real
