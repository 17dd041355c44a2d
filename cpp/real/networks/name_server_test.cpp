// The name server of tasks, in namespaces of its own: the test plays the tasks, and the servers that are
// asked for other names.
#include "real/networks/name_server.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "model/wire.hpp"
#include "net/dns/forwarder.hpp"
#include "net/dns/resolv_conf.hpp"
#include "net/dns/tcp_frames.hpp"
#include "net/dns/test_packets.hpp"
#include "net/overlay/feed_table.hpp"
#include "real/http/reactor.hpp"
#include "real/netlink/net_space.hpp"
#include "real/networks/dns_sockets.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {
namespace {

using Words = std::vector<std::string>;

constexpr int kNxDomain = 3;
const Address kDoor = *Address::parse("127.0.0.11:53", kDnsPort);

// Blocking, with a bound on every wait.
Fd socket_in(const netlink::NetSpace& space, int type) {
  Fd fd;
  (void)space.run_in([&]() -> Result<void> {
    fd = Fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    return {};
  });
  const timeval patience{10, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  return fd;
}
Fd client_in(const netlink::NetSpace& space, int type) {
  Fd fd = socket_in(space, type);
  const auto to = SocketAddress::of(kDoor);
  if (::connect(fd.get(), to.get(), to.size) != 0) fd.reset();
  return fd;
}
bool say(const Fd& fd, std::string_view bytes) {
  return ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}
// "" at the end, and when nothing comes.
std::string hear(const Fd& fd) {
  std::string out(65'536, '\0');
  const auto size = ::recv(fd.get(), out.data(), out.size(), 0);
  out.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return out;
}
std::string hear_frame(const Fd& fd) {
  dns::TcpFrames frames;
  for (std::string piece = hear(fd); !piece.empty(); piece = hear(fd)) {
    frames.add(piece);
    if (auto whole = frames.next()) return *whole;
  }
  return {};
}

// Another server: what it is asked, and its answer.
struct OtherServer {
  OtherServer(const netlink::NetSpace& space, const char* address, int type = SOCK_DGRAM)
      : at(*Address::parse(address, kDnsPort)), fd(socket_in(space, type)) {
    const auto bound = SocketAddress::of(at);
    EXPECT_EQ(::bind(fd.get(), bound.get(), bound.size), 0);
    EXPECT_TRUE(type == SOCK_DGRAM || ::listen(fd.get(), 8) == 0);
  }
  static std::string no_such_name(std::string question) {
    question[2] = static_cast<char>(0x81);
    question[3] = static_cast<char>(0x80 | kNxDomain);
    return question;
  }
  bool answer_one() const {
    SocketAddress from;
    std::string question(512, '\0');
    const auto size = ::recvfrom(fd.get(), question.data(), question.size(), 0, from.get(), &from.size);
    if (size <= 0) return false;
    question.resize(static_cast<std::size_t>(size));
    const std::string bytes = no_such_name(question);
    return ::sendto(fd.get(), bytes.data(), bytes.size(), 0, from.get(), from.size) > 0;
  }
  bool answer_one_over_tcp() const {
    const Fd client(::accept4(fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
    return client.valid() && say(client, dns::framed(no_such_name(hear_frame(client))));
  }
  Address at;
  Fd fd;
};

class NameServerTest : public testing::Test {
 protected:
  void SetUp() override {
    for (auto* space : {&here_, &there_}) {
      auto made = netlink::NetSpace::make();
      if (!made) GTEST_SKIP() << made.error().message;
      *space = std::move(*made);
    }
    wire::OverlayChange change;
    change.networks = {{NetworkId(1), "net", 4097, {"10.0.1.0/24"}}};
    change.services = {web("10.0.1.2/24")};
    for (const std::uint64_t id : {10, 11}) change.tasks.push_back(task(id));
    tell(change);
  }
  static wire::OverlayService web(const std::string& address) {
    return {ServiceId(4), "web", {{NetworkId(1), address, {}}}};
  }
  static wire::OverlayTask task(std::uint64_t id) {
    wire::OverlayTask out;
    out.task = TaskId(id);
    out.service = ServiceId(4);
    out.name = "web." + std::to_string(id);
    out.stage = wire::OverlayStage::serving;
    out.places = {{NetworkId(1), "10.0.1." + std::to_string(id) + "/24", 0}};
    return out;
  }
  void tell(const wire::OverlayChange& change) { names_->change(rows_.on(change)); }
  void up(std::uint64_t id, const netlink::NetSpace& space, const std::vector<Address>& servers = {}) {
    auto doors = NameServer::open_doors(space);
    ASSERT_TRUE(doors.ok()) << doors.error().message;
    dns::TaskResolver resolver;
    for (const Address& server : servers) resolver.upstreams.push_back({server, false});
    names_->task_up(TaskId(id), std::move(*doors), std::move(resolver), std::move(*space.share()));
  }
  // The addresses that "web" leads to.
  static Words ask(const netlink::NetSpace& space, const char* name = "web") {
    const Fd client = client_in(space, SOCK_DGRAM);
    if (!say(client, dns::query(name))) return {"no door"};
    const std::string answer = hear(client);
    return answer.empty() ? Words{"no answer"} : dns::taken(answer).data;
  }
  static Words ask_over_tcp(const netlink::NetSpace& space) {
    const Fd client = client_in(space, SOCK_STREAM);
    if (!say(client, dns::framed(dns::query("web")))) return {"no door"};
    const std::string answer = hear_frame(client);
    return answer.empty() ? Words{"no answer"} : dns::taken(answer).data;
  }
  static int code(const std::string& answer) { return answer.empty() ? -1 : dns::taken(answer).code; }

  netlink::NetSpace here_, there_;
  overlay::FeedTable rows_;
  std::unique_ptr<NameServer> names_ = std::make_unique<NameServer>(1);
  const Words web_{"10.0.1.2"};
};

TEST_F(NameServerTest, AnswersOverUdpAndTcp) {
  up(10, here_);
  EXPECT_EQ(ask(here_), web_);
  EXPECT_EQ(ask_over_tcp(here_), web_);
  EXPECT_EQ(ask(here_, "tasks.web").size(), 2U);
}

TEST_F(NameServerTest, AChangeIsInForceWhenItReturns) {
  up(10, here_);
  for (int i = 20; i < 60; ++i) {
    wire::OverlayChange change;
    change.services = {web("10.0.1." + std::to_string(i) + "/24")};
    tell(change);
    ASSERT_EQ(ask(here_), Words{"10.0.1." + std::to_string(i)});
  }
}

TEST_F(NameServerTest, OtherNamesGoToAnotherServerOverTheSameTransport) {
  const OtherServer udp(here_, "127.0.0.3:53"), tcp(here_, "127.0.0.3:53", SOCK_STREAM);
  up(10, here_, {udp.at});
  const Fd client = client_in(here_, SOCK_DGRAM);
  ASSERT_TRUE(say(client, dns::query("example.com")));
  ASSERT_TRUE(udp.answer_one());
  const auto answer = dns::taken(hear(client));
  EXPECT_EQ(answer.code, kNxDomain);
  EXPECT_EQ(answer.id, 0x1234) << "the client's";
  const Fd stream = client_in(here_, SOCK_STREAM);
  ASSERT_TRUE(say(stream, dns::framed(dns::query("example.com"))));
  ASSERT_TRUE(tcp.answer_one_over_tcp());
  EXPECT_EQ(code(hear_frame(stream)), kNxDomain);
}

TEST_F(NameServerTest, AClosedPortIsPassedOverAtOnceAndSilenceAfterAWhile) {
  const OtherServer silent(here_, "127.0.0.4:53"), last(here_, "127.0.0.5:53");
  up(10, here_, {*Address::parse("127.0.0.3:53", kDnsPort), silent.at, last.at});
  const Instant begun = steady_now();
  const Fd client = client_in(here_, SOCK_DGRAM);
  ASSERT_TRUE(say(client, dns::query("example.com")));
  EXPECT_FALSE(hear(silent.fd).empty()) << "it is asked";
  EXPECT_LT(steady_now() - begun, dns::kServerPatience);
  ASSERT_TRUE(last.answer_one());
  EXPECT_GE(steady_now() - begun, dns::kServerPatience);
  EXPECT_EQ(code(hear(client)), kNxDomain);
}

TEST_F(NameServerTest, MorePacketsThanARoundTakesHoldNoOtherTaskUp) {
  up(10, here_);
  up(11, there_);
  const Fd client = client_in(here_, SOCK_DGRAM);
  for (std::size_t i = 0; i < 20 * NameServer::kPackets; ++i) say(client, dns::query("web"));
  EXPECT_EQ(ask(there_), web_);
  EXPECT_EQ(ask(here_), web_) << "and are heard to the end";
}

// Always more questions on the socket than were read: a round must end all the same.
TEST_F(NameServerTest, AClientThatNeverStopsAskingHoldsNoOtherTaskUp) {
  up(10, here_);
  up(11, there_);
  const Fd client = client_in(here_, SOCK_STREAM);
  std::string many;
  for (int i = 0; i < 500; ++i) many += dns::framed(dns::query("web"));
  std::atomic<bool> over = false;
  std::thread asks([&] {
    while (!over && say(client, many)) continue;
  });
  std::thread reads([&] {
    while (!hear(client).empty()) continue;
  });
  for (int i = 0; i < 20 && !HasFailure(); ++i) {
    const Instant begun = steady_now();
    EXPECT_EQ(ask(there_), web_);
    EXPECT_LT(steady_now() - begun, Duration::seconds(2));
  }
  over = true;
  asks.join();
  ::shutdown(client.get(), SHUT_RDWR);
  reads.join();
}

TEST_F(NameServerTest, MoreClientsThanATaskMayHaveAreClosedAndNoOtherTaskIsHeldUp) {
  up(10, here_);
  up(11, there_);
  std::vector<Fd> idle;
  for (std::size_t i = 0; i < NameServer::kMostClients; ++i) idle.push_back(client_in(here_, SOCK_STREAM));
  EXPECT_EQ(ask_over_tcp(here_), Words{"no answer"}) << "it is closed";
  EXPECT_EQ(ask(here_), web_);
  EXPECT_EQ(ask_over_tcp(there_), web_);
  ASSERT_TRUE(say(idle.front(), dns::framed(dns::query("web"))));
  EXPECT_EQ(dns::taken(hear_frame(idle.front())).data, web_) << "the first ones are served";
}

TEST_F(NameServerTest, MalformedPacketsHarmNothing) {
  up(10, here_);
  const std::string good = dns::query("web");
  std::vector<std::string> bad{"", "x", std::string(12, '\xff'), std::string(60'000, '\0')};
  for (std::size_t size = 0; size < good.size(); ++size) bad.push_back(good.substr(0, size));
  const Fd packets = client_in(here_, SOCK_DGRAM);
  for (const std::string& one : bad) say(packets, one);
  const Fd stream = client_in(here_, SOCK_STREAM);
  for (const std::string& one : bad) say(stream, dns::framed(one));
  EXPECT_EQ(ask(here_), web_);
  EXPECT_EQ(ask_over_tcp(here_), web_);
}

TEST_F(NameServerTest, ATaskThatIsGoneHasNoDoors) {
  up(10, here_);
  up(11, there_);
  const Fd client = client_in(here_, SOCK_STREAM);
  EXPECT_EQ(ask_over_tcp(here_), web_);
  names_->task_gone(TaskId(10));
  EXPECT_EQ(hear(client), "") << "the end, in time";
  // Its clients go a moment before its doors do.
  auto free = NameServer::open_doors(here_);
  for (int i = 0; i < 2'000 && !free; ++i) {
    ::poll(nullptr, 0, 1);
    free = NameServer::open_doors(here_);
  }
  ASSERT_TRUE(free.ok()) << free.error().message;
  free = Error{};
  EXPECT_FALSE(client_in(here_, SOCK_STREAM).valid());
  EXPECT_EQ(ask(there_), web_);
  up(10, here_);
  EXPECT_EQ(ask(here_), web_) << "they are free for the next one";
}

TEST_F(NameServerTest, DoorsThatAreTakenAreRefusedWithASentence) {
  up(10, here_);
  const auto again = NameServer::open_doors(here_);
  ASSERT_FALSE(again.ok());
  EXPECT_NE(again.error().message.find("cannot take 127.0.0.11:53"), std::string::npos);
}

}  // namespace
}  // namespace swarm::real
