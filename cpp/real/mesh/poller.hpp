// Poller: an epoll set whose events name what they are about by a value, and never by a pointer: an event
// about something that has gone meanwhile finds nothing.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

#include "real/stream/byte_stream.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real::relay {

// What an event is about. `id`: of a connection, a link, a listener.
struct Topic {
  enum class Kind : std::uint8_t { wake, listener, link, client, task };
  Kind kind = Kind::wake;
  std::uint64_t id = 0;
};

class Poller {
 public:
  struct Event {
    Topic topic;
    Readiness now;
  };
  Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}

  // One event for each time that it becomes ready for more.
  void add(int fd, const Topic& topic) { add(fd, topic, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET); }
  // Events for as long as it can be read.
  void add_readable(int fd, const Topic& topic) { add(fd, topic, EPOLLIN); }
  void remove(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

  // Valid until the next call. `patience` in milliseconds; negative: for ever.
  std::span<const Event> wait(int patience) {
    std::array<epoll_event, kMost> came;
    const int count = ::epoll_wait(epoll_.get(), came.data(), kMost, patience);
    std::size_t size = 0;
    for (int i = 0; i < count; ++i) events_[size++] = read(came[static_cast<std::size_t>(i)]);
    return {events_.data(), size};
  }

 private:
  static constexpr int kMost = 256;
  static constexpr int kKindBits = 3;

  void add(int fd, const Topic& topic, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = topic.id << kKindBits | static_cast<std::uint64_t>(topic.kind);
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  }
  static Event read(const epoll_event& event) {
    const bool broken = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
    const bool hung_up = broken || (event.events & EPOLLRDHUP) != 0;
    return {{static_cast<Topic::Kind>(event.data.u64 & ((1U << kKindBits) - 1)), event.data.u64 >> kKindBits},
            {hung_up || (event.events & EPOLLIN) != 0, broken || (event.events & EPOLLOUT) != 0, hung_up}};
  }

  Fd epoll_;
  std::array<Event, kMost> events_;
};

}  // namespace swarm::real::relay
