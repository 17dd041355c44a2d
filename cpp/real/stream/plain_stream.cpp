#include "real/stream/plain_stream.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "real/stream/byte_stream.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {
namespace {

constexpr std::size_t kMostPieces = 64;  // for one call of the kernel

}  // namespace

std::unique_ptr<ByteStream> make_stream(const StreamMaker& maker, Fd fd, Side side) {
  if (maker) return maker(std::move(fd), side);
  return std::make_unique<PlainStream>(std::move(fd));
}

StreamOpener opener_of(StreamMaker maker) {
  return [maker = std::move(maker)](Fd fd, Side side, const StreamOpened& opened) {
    opened(make_stream(maker, std::move(fd), side), {});
  };
}

std::string ByteStream::why(const Outcome& outcome) const { return std::strerror(outcome.error); }

void PlainStream::note(const Readiness& now) {
  hung_up_ |= now.hung_up;
  may_read_ |= now.readable || now.hung_up;
  may_write_ |= now.writable;
}

Outcome PlainStream::read(char* to, std::size_t most) {
  while (true) {
    const auto count = ::recv(fd_.get(), to, most, 0);
    // A short read has emptied the socket: what comes later is announced again.
    if (count > 0 && static_cast<std::size_t>(count) < most && !hung_up_) may_read_ = false;
    if (count > 0) return {.bytes = static_cast<std::size_t>(count)};
    if (count == 0) return {.io = Io::ended};
    if (errno == EINTR) continue;
    may_read_ = false;
    return blocked_or_reset(Want::read);
  }
}

Outcome PlainStream::write(const char* from, std::size_t count) {
  while (true) {
    const auto sent = ::send(fd_.get(), from, count, MSG_NOSIGNAL);
    if (sent >= 0 && static_cast<std::size_t>(sent) < count) may_write_ = false;
    if (sent >= 0) return {.bytes = static_cast<std::size_t>(sent)};
    if (errno == EINTR) continue;
    may_write_ = false;
    return blocked_or_reset(Want::write);
  }
}

Outcome PlainStream::write(std::span<const std::string_view> pieces) {
  if (pieces.empty()) return {};
  if (pieces.size() == 1) return write(pieces[0].data(), pieces[0].size());
  std::array<iovec, kMostPieces> parts{};
  const std::size_t count = std::min(pieces.size(), kMostPieces);
  std::size_t wanted = 0;
  for (std::size_t i = 0; i < count; ++i) {
    parts[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
    wanted += pieces[i].size();
  }
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = count;
  while (true) {
    const auto sent = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
    if (sent >= 0 && static_cast<std::size_t>(sent) < wanted) may_write_ = false;
    if (sent >= 0) return {.bytes = static_cast<std::size_t>(sent)};
    if (errno == EINTR) continue;
    may_write_ = false;
    return blocked_or_reset(Want::write);
  }
}

// Linux: a reset that comes after the end is EPIPE, any other ECONNRESET.
Outcome PlainStream::blocked_or_reset(Want want) {
  const int why = errno;
  if (why == EAGAIN) return {.io = Io::blocked, .wants = want};
  if (why == EPIPE) ended_first_ = true;
  return {.io = Io::reset, .error = why};
}

bool PlainStream::has_more() const {
  char first = 0;
  return ::recv(fd_.get(), &first, 1, MSG_PEEK) > 0;
}

Outcome PlainStream::shut_writing() {
  if (::shutdown(fd_.get(), SHUT_WR) == 0) return {};
  return {.io = Io::reset, .error = errno};
}

void PlainStream::reset() {
  if (!fd_.valid()) return;
  const linger at_once{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  fd_.reset();
}

}  // namespace swarm::real
