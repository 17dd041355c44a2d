#include "real/http/http_server.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "ports/http.hpp"
#include "ports/ports.hpp"
#include "real/http/acceptor.hpp"
#include "real/http/http_connection.hpp"
#include "real/http/reactor.hpp"
#include "real/stream/byte_stream.hpp"
#include "real/stream/fd.hpp"
#include "real/stream/sockets.hpp"

namespace swarm::real {
namespace {

Error cannot_listen(const std::string& url, const std::string& why, const std::string& hint = {}) {
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

// A file of mode 0600 at first: the kernel takes it from the socket. Its group comes before the group's
// right.
Fd listen_at(const sockaddr_un& address, std::optional<gid_t> group) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.valid() && ::fchmod(fd.get(), 0600) == 0 &&
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    const char* path = address.sun_path;
    if ((!group || ::lchown(path, static_cast<uid_t>(-1), *group) == 0) &&
        ::fchmodat(AT_FDCWD, path, 0660, AT_SYMLINK_NOFOLLOW) == 0 && ::listen(fd.get(), SOMAXCONN) == 0)
      return fd;
    const int why = errno;
    ::unlink(path);
    errno = why;
  }
  const int why = errno;
  fd.reset();
  errno = why;
  return fd;
}

std::string hint_of(int number, std::optional<gid_t> group) {
  if (number != EPERM || !group) return {};
  return "only root can give it to group " + std::to_string(*group) + ", which this user is not in";
}

sockaddr_un name_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

// A full backlog counts as an answer: a daemon is there, only slow.
bool somebody_answers(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const sockaddr_un address = name_of(path);
  const bool answers =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN;
  ::close(fd);
  return answers;
}

// The rest is for tasks, links and the disk: clients must not use it up.
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

  void listen(Fd listener, bool local, StreamOpener opener) {
    if (!opener) opener = opener_of({});
    acceptors.push_back(std::make_unique<Acceptor>(
        reactor, std::move(listener), [this] { return connections.size() + opening < most_connections; },
        [this, local, opener = std::move(opener)](Accepted who) {
          ++opening;
          opener(std::move(who.fd), Side::accepted,
                 [weak = weak_from_this(), local](std::unique_ptr<ByteStream> stream, const std::string&) {
                   const auto self = weak.lock();
                   if (!self) return;
                   --self->opening;
                   if (stream != nullptr && !self->is_closed) self->begin(std::move(stream), local);
                 });
        }));
  }

  void begin(std::unique_ptr<ByteStream> stream, bool local) {
    const auto connection = std::make_shared<HttpConnection>(reactor, std::move(stream), local, owner);
    connections[connection.get()] = connection;
    connection->start();
  }

  Result<std::string> listen_unix(const std::string& url, const std::string& path,
                                  std::optional<gid_t> group) {
    if (path.empty()) return cannot_listen(url, "the path is missing");
    if (path.size() >= sizeof(sockaddr_un::sun_path))
      return cannot_listen(url, "the path is longer than 107 bytes", "choose a shorter one with -H");
    struct stat found {};
    if (::lstat(path.c_str(), &found) == 0) {
      if (!S_ISSOCK(found.st_mode)) return cannot_listen(url, "a file that is not a socket is there");
      if (somebody_answers(path)) return cannot_listen(url, "another daemon answers there");
      ::unlink(path.c_str());
    }
    Fd listener = listen_at(name_of(path), group);
    const int error = errno;
    if (!listener.valid()) return cannot_listen(url, reason(error), hint_of(error, group));
    listen(std::move(listener), true, {});
    socket_files.push_back(path);
    return url;
  }

  Result<std::string> listen_tcp(const std::string& url, const std::string& text, const DoorRules& rules,
                                 StreamOpener opener) {
    const std::uint16_t port = rules.tcp == DoorRules::Tcp::plain ? 2375 : 2376;
    const auto address =
        Address::parse(text.starts_with("localhost:") ? "127.0.0.1" + text.substr(9) : text, port);
    if (!address) return cannot_listen(url, "this is not an IP address and a port");
    if (!address->is_loopback() && rules.tcp != DoorRules::Tcp::proved && !rules.insecure)
      return cannot_listen(
          url,
          rules.tcp == DoorRules::Tcp::plain
              ? "without TLS anybody could command this daemon"
              : "clients prove nothing without --tlsverify, and anybody could command this "
                "daemon",
          "let clients prove who they are (--tlsverify --tlscacert CA --tlscert CERT --tlskey "
          "KEY), or use an address in 127.0.0.0/8; --insecure-open-api lets anybody in");
    Fd listener = listen_on(*address, Any::both);
    if (!listener.valid()) return cannot_listen(url, reason(errno));
    Address result = *address;
    result.port = own_address(listener.get()).port;
    listen(std::move(listener), false, std::move(opener));
    return "tcp://" + result.str();
  }

  void close() {
    is_closed = true;
    acceptors.clear();
    for (const std::string& path : std::exchange(socket_files, {})) ::unlink(path.c_str());
    for (const auto& [_, connection] : std::exchange(connections, {})) connection->close();
    answering.clear();
  }

  Reactor& reactor;
  OnRequest on_request;
  OnAbort on_abort;
  HttpConnection::Owner owner;
  std::vector<std::unique_ptr<Acceptor>> acceptors;
  std::vector<std::string> socket_files;
  std::map<HttpConnection*, std::shared_ptr<HttpConnection>> connections;
  std::map<ports::ApiId, std::shared_ptr<HttpConnection>> answering;
  std::size_t opening = 0;  // hands are being shaken
  bool is_closed = false;
  const std::size_t most_connections = three_quarters_of_all_descriptors();
  ports::ApiId last_id = 0;
  ports::ApiId begun = 0;  // the last request that was handed up
};

HttpServer::HttpServer(Reactor& reactor, OnRequest on_request, OnAbort on_abort)
    : impl_(std::make_shared<Impl>(reactor, std::move(on_request), std::move(on_abort))) {}
HttpServer::~HttpServer() { close(); }
void HttpServer::close() { impl_->close(); }

Result<std::string> HttpServer::listen(const std::string& url, const DoorRules& rules, StreamOpener tcp) {
  if (url.starts_with("unix://")) return impl_->listen_unix(url, url.substr(7), rules.group);
  if (url.starts_with("tcp://")) return impl_->listen_tcp(url, url.substr(6), rules, std::move(tcp));
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
