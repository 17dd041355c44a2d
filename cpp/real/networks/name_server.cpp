#include "real/networks/name_server.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "net/dns/names.hpp"
#include "net/dns/resolv_conf.hpp"
#include "net/dns/server.hpp"
#include "net/dns/wire.hpp"
#include "net/names/name_book.hpp"
#include "net/overlay/feed_table.hpp"
#include "real/http/reactor.hpp"
#include "real/netlink/net_space.hpp"
#include "real/networks/dns_sockets.hpp"
#include "real/networks/dns_task.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {
namespace {

// What a ready socket is, in the 64 bits that epoll keeps: the task's number, the door, the socket's number.
constexpr int kDoorBits = 2, kIdBits = 32;
std::uint64_t token(std::uint32_t task, DnsTask::Door door, std::uint32_t id) {
  return (std::uint64_t{task} << kDoorBits | static_cast<std::uint64_t>(door)) << kIdBits | id;
}
constexpr std::uint64_t kWake = ~std::uint64_t{0};

}  // namespace

class NameServer::Impl {
 public:
  explicit Impl(std::uint64_t seed)
      : rng_(seed),
        poll_(::epoll_create1(EPOLL_CLOEXEC)),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        thread_([this] { run(); }) {}
  ~Impl();

  void change(const overlay::FeedEdits& edits) {
    const std::lock_guard hold(book_mutex_);
    book_.on(edits);
  }
  void post(std::function<void()> work);
  void add(TaskId task, Doors doors, const dns::TaskResolver& resolver, netlink::NetSpace space);
  void remove(TaskId task);

 private:
  void run();
  void watch(int fd, std::uint64_t what, bool writes) const;
  void do_posted();
  void handle(std::uint64_t what, Instant now);
  int patience() const;
  void tick(Instant now);
  void rearm(std::uint32_t number);

  Rng rng_;
  Fd poll_, wake_;
  std::mutex book_mutex_;
  names::NameBook book_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  bool stopping_ = false;
  // ---- the thread's own
  std::map<std::uint32_t, DnsTask> tasks_;
  std::map<TaskId, std::uint32_t> numbers_;
  std::map<std::uint32_t, Instant> armed_;  // of those that have a deadline
  std::set<std::pair<Instant, std::uint32_t>> deadlines_;
  std::uint32_t last_number_ = 0;
  std::size_t asked_ = 0;
  std::thread thread_;
};

NameServer::Impl::~Impl() {
  post([this] { stopping_ = true; });
  thread_.join();
}

void NameServer::Impl::post(std::function<void()> work) {
  {
    const std::lock_guard hold(mutex_);
    posted_.push_back(std::move(work));
  }
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
}

void NameServer::Impl::watch(int fd, std::uint64_t what, bool writes) const {
  epoll_event event{};
  // Edges where bytes wait to be sent, levels for the rest: what a round leaves is heard in the next one.
  event.events = writes ? EPOLLIN | EPOLLOUT | EPOLLET : EPOLLIN;
  event.data.u64 = what;
  if (::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, fd, &event) != 0 && errno == EEXIST)
    ::epoll_ctl(poll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void NameServer::Impl::add(TaskId task, Doors doors, const dns::TaskResolver& resolver,
                           netlink::NetSpace space) {
  remove(task);
  const std::uint32_t number = ++last_number_;
  DnsTask::Tools tools{[this, task](std::string_view packet, dns::Transport transport, bool ndots_set) {
                         const std::lock_guard hold(book_mutex_);
                         dns::Names names = book_.names_of(task);
                         names.ndots_set = ndots_set;
                         return dns::answer(packet, transport, names, rng_);
                       },
                       [this, number](int fd, DnsTask::Door door, std::uint32_t id, bool writes) {
                         watch(fd, token(number, door, id), writes);
                       },
                       rng_, asked_};
  numbers_[task] = number;
  tasks_.try_emplace(number, std::move(doors), resolver, std::move(space), std::move(tools));
}

void NameServer::Impl::remove(TaskId task) {
  const auto number = numbers_.extract(task);
  if (!number) return;
  tasks_.erase(number.mapped());
  rearm(number.mapped());
}

void NameServer::Impl::rearm(std::uint32_t number) {
  const auto task = tasks_.find(number);
  const Instant next = task != tasks_.end() ? task->second.next_deadline() : Instant::never();
  const auto [armed, is_new] = armed_.try_emplace(number, Instant::never());
  deadlines_.erase({armed->second, number});
  armed->second = next;
  if (next != Instant::never()) {
    deadlines_.insert({next, number});
  } else {
    armed_.erase(armed);
  }
}

void NameServer::Impl::do_posted() {
  std::uint64_t count = 0;
  (void)!::read(wake_.get(), &count, sizeof count);
  std::vector<std::function<void()>> work;
  {
    const std::lock_guard hold(mutex_);
    work.swap(posted_);
  }
  for (const auto& one : work) one();
}

void NameServer::Impl::handle(std::uint64_t what, Instant now) {
  if (what == kWake) return do_posted();
  const auto task = tasks_.find(static_cast<std::uint32_t>(what >> (kDoorBits + kIdBits)));
  if (task == tasks_.end()) return;
  const auto door = static_cast<DnsTask::Door>(what >> kIdBits & ((1U << kDoorBits) - 1));
  task->second.ready(door, static_cast<std::uint32_t>(what), now);
  rearm(task->first);
}

int NameServer::Impl::patience() const {
  if (deadlines_.empty()) return -1;
  const auto millis = (deadlines_.begin()->first - steady_now()).ns / 1'000'000 + 1;
  return static_cast<int>(std::clamp<std::int64_t>(millis, 0, 60'000));
}

void NameServer::Impl::tick(Instant now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const std::uint32_t number = deadlines_.begin()->second;
    tasks_.at(number).tick(now);
    rearm(number);
  }
}

void NameServer::Impl::run() {
  watch(wake_.get(), kWake, false);
  while (!stopping_) {
    std::array<epoll_event, 64> came;
    const int count = ::epoll_wait(poll_.get(), came.data(), came.size(), patience());
    const Instant now = steady_now();
    for (int i = 0; i < count; ++i) handle(came[static_cast<std::size_t>(i)].data.u64, now);
    tick(now);
  }
  tasks_.clear();
}

// ---- the front

NameServer::NameServer(std::uint64_t seed) : impl_(std::make_unique<Impl>(seed)) {}
NameServer::~NameServer() = default;

void NameServer::change(const overlay::FeedEdits& edits) { impl_->change(edits); }

Result<NameServer::Doors> NameServer::open_doors(const netlink::NetSpace& space) {
  auto udp = open_door(space, dns::Transport::udp);
  if (!udp) return udp.error();
  auto tcp = open_door(space, dns::Transport::tcp);
  if (!tcp) return tcp.error();
  return Doors{std::move(*udp), std::move(*tcp)};
}

void NameServer::task_up(TaskId task, Doors doors, dns::TaskResolver resolver, netlink::NetSpace space) {
  auto shared = std::make_shared<std::pair<Doors, netlink::NetSpace>>(std::move(doors), std::move(space));
  impl_->post([this, task, shared, resolver = std::move(resolver)] {
    impl_->add(task, std::move(shared->first), resolver, std::move(shared->second));
  });
}

void NameServer::task_gone(TaskId task) {
  impl_->post([this, task] { impl_->remove(task); });
}

}  // namespace swarm::real
