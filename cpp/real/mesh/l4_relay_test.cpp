// Two relays on loopback, tasks that are threads, clients with plain sockets. Each story runs four times
// where it matters: to a task of the same node, to another node's, and to another node's by links that are no
// plain sockets.
#include "real/l4_relay.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/id.hpp"
#include "base/time.hpp"
#include "model/mesh.hpp"
#include "model/port.hpp"
#include "real/http/reactor.hpp"
#include "real/mesh/delay_line.hpp"
#include "real/mesh/link.hpp"
#include "real/stream/byte_stream.hpp"
#include "real/stream/fd.hpp"
#include "real/stream/sockets.hpp"
#include "real/stream/test_slow_stream.hpp"
#include "real/tls/test_certificates.hpp"
#include "real/tls/tls_door.hpp"

namespace swarm::real {
namespace {

constexpr std::uint16_t kData = 17'946;
constexpr std::uint32_t kPublished = 18'080, kTarget = 18'081;
const ClusterId kCluster(5);
const ServiceId kService(6);

Address node_address(int node) { return Address::v4(127, 0, 9, static_cast<std::uint8_t>(10 + node)); }
Address at(Address address, std::uint32_t port) {
  address.port = static_cast<std::uint16_t>(port);
  return address;
}

// Blocking, with a bound on every wait.
class Plain {
 public:
  explicit Plain(Fd fd) : fd_(std::move(fd)) { make_blocking(); }
  explicit Plain(const Address& to) {
    Dialled dialled = dial(to, {});
    fd_ = std::move(dialled.fd);
    pollfd ready{fd_.get(), POLLOUT, 0};
    connected_ = dialled.error == 0 && ::poll(&ready, 1, 10'000) == 1 && connect_error(fd_.get()) == 0;
    make_blocking();
  }
  bool connected() const { return connected_; }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  // Up to `most` bytes, or to the end. `why`: 0 at the end, else errno.
  std::string receive(std::size_t most = ~std::size_t{0}) {
    std::string out, piece(64 * 1024, '\0');
    why = -1;
    while (out.size() < most) {
      const auto count = ::recv(fd_.get(), piece.data(), std::min(piece.size(), most - out.size()), 0);
      if (count > 0) out.append(piece, 0, static_cast<std::size_t>(count));
      if (count == 0) why = 0;
      if (count < 0) why = errno;
      if (count <= 0) break;
    }
    return out;
  }
  void finish() { ::shutdown(fd_.get(), SHUT_WR); }
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    fd_ = Fd();
  }
  // Until something lies there unread.
  void await() {
    pollfd ready{fd_.get(), POLLIN, 0};
    ::poll(&ready, 1, 10'000);
  }
  void reset_unread() {
    await();
    fd_ = Fd();
  }
  int why = -1;

 private:
  void make_blocking() {
    const int flags = ::fcntl(fd_.get(), F_GETFL);
    ::fcntl(fd_.get(), F_SETFL, flags & ~O_NONBLOCK);
    const timeval patience{10, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }
  Fd fd_;
  bool connected_ = true;
};

// A task: a listening socket, a thread for each connection.
class FakeTask {
 public:
  using Talk = std::function<void(Plain&)>;
  FakeTask(const Address& address, Talk talk) : talk_(std::move(talk)), listener_(listen_on(address)) {
    EXPECT_TRUE(listener_.valid()) << address.str();
    const int flags = ::fcntl(listener_.get(), F_GETFL);
    ::fcntl(listener_.get(), F_SETFL, flags & ~O_NONBLOCK);
    thread_ = std::thread([this] {
      while (true) {
        Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!fd.valid()) return;
        ++connections;
        talks_.emplace_back([this, client = std::make_shared<Plain>(std::move(fd))] { talk_(*client); });
      }
    });
  }
  ~FakeTask() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
    for (auto& talk : talks_) talk.join();
  }
  std::atomic<int> connections = 0;

 private:
  Talk talk_;
  Fd listener_;
  std::thread thread_;
  std::vector<std::thread> talks_;
};

void echo(Plain& client) { client.send(client.receive(4)); }

struct TestNode {
  explicit TestNode(int number, Duration greeting_patience = Duration::seconds(10), StreamMaker stream = {})
      : id(static_cast<std::uint64_t>(number)), address(node_address(number)) {
    L4Relay::Options options;
    options.address = address;
    options.data_port = kData;
    options.greeting_patience = greeting_patience;
    options.link_stream = std::move(stream);
    options.bindable_port = [](std::uint32_t port) { return port; };
    relay = std::make_unique<L4Relay>(std::move(options), [this](std::vector<std::string> now) {
      const std::lock_guard hold(lock);
      problems = std::move(now);
      changed.notify_all();
    });
    relay->join(kCluster, id);
  }
  bool has_problem(bool wanted) {
    std::unique_lock hold(lock);
    return changed.wait_for(hold, std::chrono::seconds(10), [&] { return problems.empty() != wanted; });
  }
  // Its relay's thread does nothing until this is over.
  std::unique_lock<std::mutex> held_up() {
    std::unique_lock hold(lock);
    const Fd taken = listen_on(at(address, kPublished + 2));
    relay->task_up({TaskId(99), address, {}, {{model::tcp_port(kPublished + 2), kTarget}}});
    ::poll(nullptr, 0, 50);
    return hold;
  }
  // Listening begins a moment after the table came.
  Plain client() const {
    for (int i = 0;; ++i) {
      Plain made(at(address, kPublished));
      if (made.connected() || i == 2'000) return made;
      ::poll(nullptr, 0, 1);
    }
  }
  NodeId id;
  Address address;
  std::mutex lock;
  std::condition_variable changed;
  std::vector<std::string> problems;
  std::unique_ptr<L4Relay> relay;
};

enum class Where : std::uint8_t { same_node, another_node, another_node_by_slow_links, another_node_by_tls };

// What links of a node are made of once it has shown a certificate of the tests' root.
StreamMaker tls_links(int number) {
  static TestRoot root;
  static std::map<int, TlsDoor> doors;
  TlsDoor& door = doors.try_emplace(number, wall_now).first->second;
  EXPECT_TRUE(door.set(root.worker(static_cast<std::uint64_t>(number))).ok());
  return door.data();
}

class L4RelayTest : public testing::TestWithParam<Where> {
 protected:
  static bool of_another_node() { return GetParam() != Where::same_node; }
  static StreamMaker links(int number) {
    if (GetParam() == Where::another_node_by_tls) return tls_links(number);
    return GetParam() == Where::another_node_by_slow_links ? slow_stream : StreamMaker();
  }
  // The client's node is the first; tasks are on the second when the story is told of another node.
  TestNode& home() { return of_another_node() ? second_ : first_; }
  static Address task_address(std::uint64_t task) {
    return Address::v4(127, 20, 9, static_cast<std::uint8_t>(task));
  }
  void runs(std::uint64_t task) { home().relay->task_up({TaskId(task), task_address(task), {kTarget}, {}}); }
  void publish(const std::vector<std::uint64_t>& tasks) {
    auto backends = std::make_shared<std::vector<model::MeshBackend>>();
    for (const auto task : tasks)
      backends->push_back({TaskId(task), kService, home().id, at(home().address, kData)});
    auto table = std::make_shared<model::ForwardingTable>();
    table->routes.push_back({{model::tcp_port(kPublished), kTarget}, kService, backends});
    first_.relay->set_table(table);
  }
  std::unique_ptr<FakeTask> task(std::uint64_t number, FakeTask::Talk talk) {
    auto made = std::make_unique<FakeTask>(at(task_address(number), kTarget), std::move(talk));
    runs(number);
    return made;
  }
  Plain client() const { return first_.client(); }
  TestNode first_{1, Duration::seconds(10), links(1)}, second_{2, Duration::seconds(10), links(2)};
};

TEST_P(L4RelayTest, ARequestComesBackFromEachTaskInTurn) {
  const auto one = task(1, echo), two = task(2, echo);
  publish({1, 2});
  for (int i = 0; i < 6; ++i) {
    Plain user = client();
    ASSERT_TRUE(user.send("ping"));
    EXPECT_EQ(user.receive(), "ping");
    EXPECT_EQ(user.why, 0) << "and its end comes, too";
  }
  EXPECT_EQ(one->connections, 3);
  EXPECT_EQ(two->connections, 3);
}

TEST_P(L4RelayTest, TheEndOfOneDirectionLeavesTheOtherOpen) {
  const auto one = task(1, [](Plain& user) {
    const std::string all = user.receive();  // until the client has said all
    user.send("got " + std::to_string(all.size()));
  });
  publish({1});
  Plain user = client();
  ASSERT_TRUE(user.send(std::string(300'000, 'x')));
  user.finish();
  EXPECT_EQ(user.receive(), "got 300000");
  EXPECT_EQ(user.why, 0);
}

TEST_P(L4RelayTest, AResetOfTheTaskIsAResetForTheClient) {
  const auto one = task(1, [](Plain& user) {
    user.receive(4);
    user.reset();
  });
  publish({1});
  Plain user = client();
  user.send("ping");
  EXPECT_EQ(user.receive(), "");
  EXPECT_EQ(user.why, ECONNRESET);
}

TEST_P(L4RelayTest, AResetOfTheClientIsAResetForTheTask) {
  std::atomic<int> why = -1;
  {
    const auto one = task(1, [&](Plain& user) {
      user.send("pong");
      user.receive(4);
      user.receive();
      why = user.why;
    });
    publish({1});
    Plain user = client();
    user.send("ping");
    EXPECT_EQ(user.receive(4), "pong");
    user.reset();
  }
  EXPECT_EQ(why, ECONNRESET);
}

TEST_P(L4RelayTest, ManyBytesComeWholeInBothDirections) {
  constexpr std::size_t kSize = 48UL * 1024 * 1024;
  std::string bytes(kSize, '\0');
  for (std::size_t i = 0; i < kSize; ++i) bytes[i] = static_cast<char>(i * 2654435761U >> 24);
  const auto one = task(1, [](Plain& user) { user.send(user.receive()); });
  publish({1});
  Plain user = client();
  ASSERT_TRUE(user.send(bytes));
  user.finish();
  EXPECT_TRUE(user.receive() == bytes);
}

TEST_P(L4RelayTest, OneWhoDoesNotReadStallsNobodyElse) {
  std::atomic<bool> over = false;
  const auto one = task(1, [&](Plain& user) {
    if (user.receive(4) != "much") return (void)user.send("pong");
    while (!over && user.send(std::string(64 * 1024, 'x'))) continue;
  });
  publish({1});
  {
    std::vector<Plain> idle;
    for (int i = 0; i < 3; ++i) {
      idle.push_back(client());
      idle.back().send("much");
    }
    for (int i = 0; i < 20; ++i) {
      Plain user = client();
      user.send("ping");
      EXPECT_EQ(user.receive(), "pong");
    }
    // Before the task is told to end: how much it had sent by then is chance.
    EXPECT_GT(idle[0].receive(5'000'000).size(), 4'000'000U) << "what waited is still there";
    over = true;
    for (Plain& one_of_them : idle) one_of_them.reset();
  }
}

TEST_P(L4RelayTest, WhoeverIsDeadIsFollowedByOneWhoLives) {
  const auto one = task(1, echo);
  runs(2);  // so the table says; no task listens there
  publish({1, 2});
  for (int i = 0; i < 10; ++i) {
    Plain user = client();
    user.send("ping");
    EXPECT_EQ(user.receive(), "ping");
  }
}

TEST_P(L4RelayTest, WhoFollowsTheDeadHearsThatTheClientHasSaidAll) {
  const auto dying = task(1, [](Plain& user) {
    user.receive();
    user.reset();
  });
  const auto living = task(2, [](Plain& user) {
    user.receive();
    user.send("bye");
  });
  publish({1, 2});
  for (int i = 0; i < 2; ++i) {
    Plain user = client();
    user.finish();
    EXPECT_EQ(user.receive(), "bye");
  }
  EXPECT_GT(dying->connections, 0);
}

// What a process has not read when it dies, the kernel resets; what it has read, it may have acted on.
TEST_P(L4RelayTest, ARequestThatADyingTaskLeftUnreadIsToldToAnother) {
  const auto dying = task(1, [](Plain& user) { user.reset_unread(); });
  const auto living = task(2, echo);
  publish({1, 2});
  for (int i = 0; i < 4; ++i) {
    Plain user = client();
    user.send("ping");
    EXPECT_EQ(user.receive(), "ping");
  }
  EXPECT_GT(dying->connections, 0);
}

TEST_P(L4RelayTest, ARequestThatADyingTaskHasReadIsToldToNobodyElse) {
  std::atomic<int> heard = 0;
  const auto dies = [&](Plain& user) {
    user.receive(4);
    ++heard;
    user.finish();
  };
  const auto one = task(1, dies), two = task(2, dies);
  publish({1, 2});
  Plain user = client();
  user.send("ping");
  EXPECT_EQ(user.receive(), "");
  EXPECT_EQ(user.why, 0);
  EXPECT_EQ(heard, 1);
}

// While the relay is elsewhere: then it finds more to say, the answer and the reset all at once.
TEST_P(L4RelayTest, AnAnswerBeforeTheResetIsTheAnswer) {
  std::promise<void> told, answer, answered;
  std::atomic<int> asked = 0;
  const auto says_no = [&](Plain& user) {
    if (++asked > 1) return;
    user.await();
    told.set_value();
    answer.get_future().wait();
    user.send("no");
    user.reset_unread();
    answered.set_value();
  };
  const auto one = task(1, says_no), two = task(2, says_no);
  publish({1, 2});
  Plain user = client();
  user.send("ping");
  told.get_future().wait();
  {
    const auto elsewhere = home().held_up();
    user.send("ping");
    answer.set_value();
    answered.get_future().wait();
  }
  EXPECT_EQ(user.receive(2), "no");
  EXPECT_EQ(asked, 1);
}

// The first may have been acted on by then.
TEST_P(L4RelayTest, OfTwoPiecesNoneIsToldTwice) {
  std::atomic<int> heard = 0;
  const auto dies = [&](Plain& user) {
    user.receive(4);
    ++heard;
    user.reset_unread();
  };
  const auto one = task(1, dies), two = task(2, dies);
  publish({1, 2});
  Plain user = client();
  user.send("pay1");
  while (heard == 0) ::poll(nullptr, 0, 1);
  user.send("pay2");
  EXPECT_EQ(user.receive(), "");
  EXPECT_EQ(user.why, ECONNRESET);
  EXPECT_EQ(heard, 1);
}

TEST_P(L4RelayTest, ATaskThatListensLateIsWaitedFor) {
  runs(1);
  publish({1});
  Plain user = client();
  user.send("ping");
  ::poll(nullptr, 0, 50);
  const FakeTask late(at(task_address(1), kTarget), echo);
  EXPECT_EQ(user.receive(), "ping");
}

TEST_P(L4RelayTest, ATaskThatIsToStopKeepsItsConnectionsAndGetsNoNewOnes) {
  const auto one = task(1, [](Plain& user) {
    user.send(user.receive(4));
    user.send(user.receive(4));
  });
  publish({1});
  Plain old = client();
  old.send("ping");
  EXPECT_EQ(old.receive(4), "ping");
  home().relay->task_stopping(TaskId(1));
  Plain late = client();
  late.send("ping");
  EXPECT_EQ(late.receive(), "");
  EXPECT_EQ(one->connections, 1);
  old.send("more");
  EXPECT_EQ(old.receive(), "more");
}

TEST_P(L4RelayTest, HundredsAtOnceShareOneLink) {
  const auto one = task(1, echo);
  publish({1});
  std::vector<Plain> users;
  for (int i = 0; i < 300; ++i) users.push_back(client());
  for (int i = 0; i < 300; ++i) users[static_cast<std::size_t>(i)].send(std::to_string(1'000 + i));
  for (int i = 0; i < 300; ++i)
    EXPECT_EQ(users[static_cast<std::size_t>(i)].receive(), std::to_string(1'000 + i));
}

// Faults on the links of both nodes; what is said to a task of the same node goes over none.
class FaultyLinks : public L4RelayTest {
 protected:
  void break_by(relay::LinkFault fault) {
    for (TestNode* node : {&first_, &second_})
      node->relay->set_faults({[fault](const Address&) { return fault; }});
  }
  void mend() {
    for (TestNode* node : {&first_, &second_}) node->relay->set_faults({});
  }
  // How long a request takes.
  Duration asked(Plain& user) {
    const Instant begun = steady_now();
    EXPECT_TRUE(user.send("ping"));
    EXPECT_EQ(user.receive(4), "ping");
    return steady_now() - begun;
  }
  std::atomic<int> heard_ = 0;
  std::unique_ptr<FakeTask> parrot_ = task(1, [this](Plain& user) {
    for (std::string said = user.receive(4); !said.empty(); said = user.receive(4)) {
      ++heard_;
      user.send(said);
    }
  });
};

TEST_P(FaultyLinks, BytesAreLateInBothDirections) {
  publish({1});
  Plain user = client();
  asked(user);
  break_by({.latency = Duration::millis(40), .jitter = Duration::millis(10)});
  const Duration late = asked(user);
  mend();
  EXPECT_EQ(late.ns >= Duration::millis(60).ns, of_another_node()) << late.ns;
  EXPECT_LT(asked(user).ns, Duration::millis(60).ns);
}

TEST_P(FaultyLinks, WhatIsLostIsSentAgain) {
  publish({1});
  Plain user = client();
  asked(user);
  break_by({.loss = 300'000});
  bool was_late = false;
  for (int i = 0; i < 50 && !was_late; ++i) was_late = asked(user).ns >= Duration::millis(200).ns;
  mend();
  EXPECT_EQ(was_late, of_another_node());
}

TEST_P(FaultyLinks, HeldBytesComeInOneBurstWhenItEnds) {
  publish({1});
  Plain user = client();
  asked(user);
  break_by({.mute = true});
  ASSERT_TRUE(user.send("pingpongpuff"));
  if (of_another_node()) {
    ::poll(nullptr, 0, 50);
    EXPECT_EQ(heard_, 1);
  }
  mend();
  EXPECT_EQ(user.receive(12), "pingpongpuff");
}

TEST_P(FaultyLinks, WhatADeafNodeHasNotReadIsReadWhenItHearsAgain) {
  publish({1});
  Plain user = client();
  asked(user);
  break_by({.deaf = true});
  ASSERT_TRUE(user.send("pingpong"));
  if (of_another_node()) {
    ::poll(nullptr, 0, 50);
    EXPECT_EQ(heard_, 1);
  }
  mend();
  EXPECT_EQ(user.receive(8), "pingpong");
}

TEST_P(FaultyLinks, ManyBytesComeWholeAndInOrder) {
  publish({1});
  Plain user = client();
  asked(user);
  break_by({.latency = Duration::millis(3), .jitter = Duration::millis(3), .loss = 2'000});
  std::string bytes(512UL * 1024, '\0'), back;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 2654435761U >> 24);
  std::thread reader([&] { back = user.receive(bytes.size()); });
  EXPECT_TRUE(user.send(bytes));
  reader.join();
  EXPECT_TRUE(back == bytes);
}

std::string words(const testing::TestParamInfo<Where>& told) {
  const char* const all[] = {"OfTheSameNode", "OfAnotherNode", "OfAnotherNodeBySlowLinks",
                             "OfAnotherNodeByTls"};
  return all[static_cast<std::size_t>(told.param)];
}
const auto kEverywhere = testing::Values(Where::same_node, Where::another_node,
                                         Where::another_node_by_slow_links, Where::another_node_by_tls);
INSTANTIATE_TEST_SUITE_P(Tasks, FaultyLinks, kEverywhere, words);

TEST(L4RelayAlone, AThrottledNodesRelayTakesLonger) {
  constexpr std::size_t kMuch = 2UL * 1024 * 1024;
  TestNode node(2);
  const Address address = Address::v4(127, 20, 9, 77);
  FakeTask echoes(at(address, kTarget), [](Plain& user) { user.send(user.receive(kMuch)); });
  node.relay->task_up({TaskId(1), address, {kTarget}, {}});
  auto backends = std::make_shared<std::vector<model::MeshBackend>>();
  backends->push_back({TaskId(1), kService, node.id, at(node.address, kData)});
  auto table = std::make_shared<model::ForwardingTable>();
  table->routes.push_back({{model::tcp_port(kPublished), kTarget}, kService, backends});
  node.relay->set_table(table);
  const auto carry = [&] {
    Plain user = node.client();
    const Instant begun = steady_now();
    user.send(std::string(kMuch, 'x'));
    EXPECT_EQ(user.receive().size(), kMuch);
    return (steady_now() - begun).ns;
  };
  const auto swift = std::min(carry(), carry());
  node.relay->set_faults({{}, 300'000'000'000});
  EXPECT_GT(carry(), 3 * swift);
}

INSTANTIATE_TEST_SUITE_P(Tasks, L4RelayTest, kEverywhere, words);

TEST(L4RelayAlone, APortOfAnotherProgramIsAProblemUntilItIsFree) {
  TestNode node(3);
  Fd taken = listen_on(at(node.address, kPublished));
  auto table = std::make_shared<model::ForwardingTable>();
  table->routes.push_back({{model::tcp_port(kPublished), kTarget},
                           kService,
                           std::make_shared<std::vector<model::MeshBackend>>()});
  node.relay->set_table(table);
  ASSERT_TRUE(node.has_problem(true));
  EXPECT_NE(node.problems.front().find("127.0.9.13:18080: the port is in use"), std::string::npos);
  taken = Fd();
  EXPECT_TRUE(node.has_problem(false)) << "tried again by itself";
}

TEST(L4RelayAlone, ALinkThatBreaksIsNotGivenToTheNextTry) {
  const Address other = at(node_address(6), kData);
  const std::string greeting = relay::write_greeting({kCluster, NodeId(6)});
  const std::string opened("\2\0\0\0\0\0\0\1\0\0\0\0", 12), data("\4\0\0\0\0\0\0\1\0\0\0\4pong", 16);
  std::atomic<int> links = 0;
  FakeTask peer(other, [&](Plain& link) {
    link.receive(greeting.size() + relay::kFrameHead);
    if (++links == 1) return link.reset();
    link.send(greeting + opened + data);
    link.receive();
  });
  TestNode node(5);
  auto backends = std::make_shared<std::vector<model::MeshBackend>>();
  for (const std::uint64_t task : {1, 2, 3}) backends->push_back({TaskId(task), kService, NodeId(6), other});
  auto table = std::make_shared<model::ForwardingTable>();
  table->routes.push_back({{model::tcp_port(kPublished), kTarget}, kService, backends});
  node.relay->set_table(table);
  Plain user = node.client();
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(user.receive(4), "pong");
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(700)) << "at once";
}

// Its client has nothing more to say, and the other node gives credit only for what it got: only the link
// can wake it.
// Long: two other nodes are played by hand, frame by frame.
TEST(L4RelayAlone, WhatIsToldToAnotherWaitsForRoomOnItsLink) {
  constexpr int kFilling = 48, kTold = kFilling + 1;  // each a window: more than kernel and link take
  const Address full = at(node_address(8), kData), dying = at(node_address(9), kData);
  const auto frame = [](relay::FrameType type, int stream) {
    return std::string{static_cast<char>(type), 0, 0, 0, 0, 0, 0, static_cast<char>(stream), 0, 0, 0, 0};
  };
  const std::size_t greeting = relay::write_greeting({}).size(), open = relay::kFrameHead + 38;
  std::promise<void> filled, opened;
  std::promise<std::string> told;
  FakeTask busy(full, [&](Plain& link) {
    std::string words = relay::write_greeting({kCluster, NodeId(8)});
    for (int i = 1; i <= kFilling; ++i) words += frame(relay::FrameType::opened, i);
    link.receive(greeting + kFilling * open);
    link.send(words);
    opened.get_future().wait();
    link.send(frame(relay::FrameType::opened, kTold));
    ::poll(nullptr, 0, 100);
    std::string payload;
    for (bool heard = false; !heard;) {
      const std::string head = link.receive(relay::kFrameHead);
      if (head.size() < relay::kFrameHead) break;
      payload = link.receive(get_u32(head, 8));
      heard = head[0] == static_cast<char>(relay::FrameType::data) && head[7] == kTold;
    }
    told.set_value(payload);
  });
  FakeTask dies(dying, [&](Plain& link) {
    link.receive(greeting + open);
    link.send(relay::write_greeting({kCluster, NodeId(9)}) + frame(relay::FrameType::opened, 1));
    link.receive(relay::kFrameHead + 4);
    filled.get_future().wait();
    link.send(frame(relay::FrameType::reset, 1));
    ::poll(nullptr, 0, 100);
    opened.set_value();
    link.receive();
  });
  TestNode node(7);
  const model::MeshBackend at_busy{TaskId(1), kService, NodeId(8), full};
  const model::MeshBackend at_dying{TaskId(2), kService, NodeId(9), dying};
  const auto backends = [](std::vector<model::MeshBackend> all) {
    return std::make_shared<std::vector<model::MeshBackend>>(std::move(all));
  };
  auto table = std::make_shared<model::ForwardingTable>();
  table->routes.push_back({{model::tcp_port(kPublished), kTarget}, kService, backends({at_busy})});
  table->routes.push_back(
      {{model::tcp_port(kPublished + 1), kTarget}, kService, backends({at_busy, at_dying})});
  node.relay->set_table(table);
  std::vector<Plain> users;
  for (int i = 0; i < kFilling; ++i) users.push_back(node.client());
  std::vector<std::thread> fillers;
  for (Plain& user : users) {
    if (fillers.size() == kFilling - 8) ::poll(nullptr, 0, 200);  // the kernel has all it takes; now the link
    fillers.emplace_back([&] { user.send(std::string(relay::kWindow, 'x')); });
  }
  Plain last(at(node.address, kPublished + 1));
  last.send("ping");
  ::poll(nullptr, 0, 200);
  filled.set_value();
  for (auto& filler : fillers) filler.join();
  last.receive(1);
  EXPECT_EQ(told.get_future().get(), "ping");
}

// Over TLS a node greets by the name that it has proved.
TEST(L4RelayAlone, ANodeThatGreetsByAnothersNameIsShownTheDoor) {
  TestNode node(4, Duration::seconds(10), tls_links(4));
  // Node 9 greets by this name. Returns true if its link is there still, long after it was greeted.
  const auto stays = [&](std::uint64_t name) {
    Dialled dialled;
    for (int i = 0; i < 2'000 && !dialled.fd.valid(); ++i) {
      dialled = dial(at(node.address, kData), {});
      pollfd ready{dialled.fd.get(), POLLOUT, 0};
      ::poll(&ready, 1, 10'000);
      if (connect_error(dialled.fd.get()) != 0) dialled = {};
      ::poll(nullptr, 0, 1);
    }
    const auto stream = tls_links(9)(std::move(dialled.fd), Side::dialled);
    std::string words = relay::write_greeting({kCluster, NodeId(name)});
    const std::size_t greeting = words.size();
    std::size_t came = 0;
    for (int left = 10'000; left > 0; --left) {
      char bytes[100];
      stream->note({true, true, false});
      words.erase(0, stream->write(words).bytes);
      const Outcome got = stream->read(bytes, sizeof bytes);
      if (got.io == Io::ended || got.io == Io::reset) return false;
      came += got.bytes;
      if (words.empty() && came >= greeting) left = std::min(left, 300);
      ::poll(nullptr, 0, 1);
    }
    return true;
  };
  EXPECT_FALSE(stays(8));
  EXPECT_TRUE(stays(9));
}

TEST(L4RelayAlone, AStrangerAtTheDataPortIsShownTheDoor) {
  TestNode node(4, Duration::millis(300));
  const auto knock = [&](const std::string& words) {
    Plain stranger(at(node.address, kData));
    for (int i = 0; !stranger.connected() && i < 2'000; ++i) {
      ::poll(nullptr, 0, 1);
      stranger = Plain(at(node.address, kData));
    }
    stranger.send(words);
    stranger.receive();
    return stranger.why;
  };
  EXPECT_NE(knock("GET / HTTP/1.1\r\nHost: somebody who took this for the web server\r\n\r\n"), EAGAIN);
  EXPECT_NE(knock(relay::write_greeting({ClusterId(99), NodeId(1)})), EAGAIN) << "of another swarm";
  EXPECT_NE(knock("swarmesh"), EAGAIN) << "and never says the rest";
}

}  // namespace
}  // namespace swarm::real
