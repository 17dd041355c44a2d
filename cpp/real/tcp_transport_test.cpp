#include "real/tcp_transport.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <span>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "model/node.hpp"
#include "model/principal.hpp"
#include "model/wire.hpp"
#include "ports/ports.hpp"
#include "ports/transport.hpp"
#include "real/frame.hpp"
#include "real/http/reactor.hpp"
#include "real/http/run_until.hpp"
#include "real/intake.hpp"
#include "real/stream/byte_stream.hpp"
#include "real/stream/fd.hpp"
#include "real/stream/sockets.hpp"
#include "real/stream/test_slow_stream.hpp"
#include "real/tls/test_certificates.hpp"
#include "real/tls/tls_door.hpp"

namespace swarm::real {
namespace {

struct Streams {
  const char* name;
  StreamMaker maker;
  std::size_t
      much;  // bytes that such a stream carries in the two seconds after a close, on a busy machine too
  bool tls = false;
};

// A stream of tests, whose other end has proved to be a node without TLS.
class Vouched final : public ByteStream {
 public:
  Vouched(std::unique_ptr<ByteStream> under, Side side) : under_(std::move(under)) {
    const bool server = side == Side::dialled;
    proved_.cluster = ClusterId(5);
    proved_.node = NodeId(server ? 7 : 8);
    proved_.role = server ? model::NodeRole::manager : model::NodeRole::worker;
  }
  int fd() const override { return under_->fd(); }
  void note(const Readiness& now) override { under_->note(now); }
  bool may_read() const override { return under_->may_read(); }
  bool may_write() const override { return under_->may_write(); }
  bool holds_back() const override { return under_->holds_back(); }
  Outcome read(char* to, std::size_t most) override { return under_->read(to, most); }
  Outcome write(std::span<const std::string_view> pieces) override { return under_->write(pieces); }
  Outcome shut_writing() override { return under_->shut_writing(); }
  void reset() override { under_->reset(); }
  const model::Certificate* peer() const override { return &proved_; }

 private:
  std::unique_ptr<ByteStream> under_;
  model::Certificate proved_;
};

StreamMaker vouched(const StreamMaker& maker) {
  return [maker](Fd fd, Side side) {
    return std::make_unique<Vouched>(make_stream(maker, std::move(fd), side), side);
  };
}

struct Peer {
  Peer(Reactor& reactor, const Streams& streams, const ports::Credentials& credentials)
      : door(wall_now),
        transport(
            reactor,
            [this](ports::Event event) {
              events.push_back(std::move(event));
              if (on_event) on_event();
            },
            streams.tls ? door.management(reactor) : opener_of(vouched(streams.maker)),
            [this](const ports::Credentials& own) { return door.set(own); }) {
    EXPECT_TRUE(transport.set_credentials(credentials).ok());
  }
  template <class T>
  const T* last() const {
    for (auto it = events.rbegin(); it != events.rend(); ++it)
      if (const T* found = std::get_if<T>(&*it)) return found;
    return nullptr;
  }
  std::vector<ports::Event> events;
  std::function<void()> on_event;
  TlsDoor door;
  TcpTransport transport;
};

// Every story is told of plain sockets, and of streams that do more (as TLS does).
class TcpTransportTest : public testing::TestWithParam<Streams> {
 protected:
  TcpTransportTest() {
    hello_.raft_id = 77;
    server_.transport.set_identity(hello_);
    for (address_.port = 20'000; !server_.transport.listen(address_).ok(); ++address_.port) {
    }
  }
  bool until(const std::function<bool()>& done) { return run_until(reactor_, done); }

  Reactor reactor_;
  TestRoot root_;
  Peer server_{reactor_, GetParam(), root_.manager(7)}, client_{reactor_, GetParam(), root_.worker(8)};
  wire::Hello hello_;
  Address address_ = Address::v4(127, 0, 9, 1);
  const Address source_ = Address::v4(127, 0, 9, 2);
};

TEST_P(TcpTransportTest, CarriesFramesInOrderFromTheSourceItWasGiven) {
  const wire::Hello mine;
  const auto link = client_.transport.open(address_, source_, mine);
  client_.transport.send(link, ports::Frame(wire::Message(wire::Heartbeat{1})));  // before it is open
  ASSERT_TRUE(
      until([&] { return client_.last<ports::LinkOpened>() && server_.last<ports::FrameArrived>(); }));
  const auto without_times = [](model::Principal peer) {
    peer.valid_from = {};
    peer.renews = false;
    return peer;
  };
  EXPECT_EQ(without_times(client_.last<ports::LinkOpened>()->peer),
            (model::Principal{ClusterId(5), NodeId(7), model::NodeRole::manager, 77}));
  EXPECT_EQ(client_.last<ports::LinkOpened>()->remote, address_);
  const auto& inbound = *server_.last<ports::LinkOpened>();
  EXPECT_TRUE(inbound.inbound);
  EXPECT_EQ(without_times(inbound.peer),
            (model::Principal{ClusterId(5), NodeId(8), model::NodeRole::worker, 0}));
  EXPECT_EQ(inbound.remote.host(), "127.0.9.2");

  for (std::uint64_t i = 2; i <= 500; ++i)
    client_.transport.send(link, ports::Frame(wire::Message(wire::Heartbeat{i})));
  ASSERT_TRUE(until([&] { return server_.events.size() == 501; }));
  std::uint64_t expected = 1;
  for (const auto& event : server_.events) {
    const auto* frame = std::get_if<ports::FrameArrived>(&event);
    if (frame == nullptr) continue;
    EXPECT_EQ(std::get<wire::Heartbeat>(std::get<wire::Message>(frame->frame)).session, expected++);
  }
}

TEST_P(TcpTransportTest, TellsAtOnceThatTheOtherSideHasClosed) {
  const auto link = client_.transport.open(address_, source_, {});
  ASSERT_TRUE(until([&] { return server_.last<ports::LinkOpened>() && client_.last<ports::LinkOpened>(); }));
  const auto theirs = server_.last<ports::LinkOpened>()->link;
  // What was said before closing is heard.
  server_.transport.send(theirs, ports::Frame(wire::Message(wire::SessionRefused{})));
  server_.transport.close(theirs);
  ASSERT_TRUE(until([&] { return client_.last<ports::LinkClosed>(); }));
  EXPECT_TRUE(client_.last<ports::FrameArrived>());
  EXPECT_EQ(client_.last<ports::LinkClosed>()->link, link);
  EXPECT_FALSE(server_.last<ports::LinkClosed>()) << "whoever closes is not told";
}

TEST_P(TcpTransportTest, RefusesAnotherVersionOfTheProtocol) {
  wire::Hello strange;
  strange.protocol_version = 99;
  client_.transport.open(address_, source_, strange);
  ASSERT_TRUE(until([&] { return client_.last<ports::LinkClosed>(); }));
  EXPECT_FALSE(server_.last<ports::LinkOpened>());
}

TEST_P(TcpTransportTest, ReportsWhatCannotBeReachedOrListenedOn) {
  Address nobody = address_;
  nobody.port = 1;
  client_.transport.open(nobody, source_, {});
  ASSERT_TRUE(until([&] { return client_.last<ports::LinkClosed>(); }));
  EXPECT_NE(client_.last<ports::LinkClosed>()->reason.find("refused"), std::string::npos);
  const auto taken = client_.transport.listen(address_);
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().message, "listen tcp " + address_.str() + ": bind: address already in use");
  EXPECT_NE(client_.transport.listen(Address::v4(192, 0, 2, 1, 99)).error().message.find("cannot assign"),
            std::string::npos);
}

// More than the kernel takes at once, in both directions.
TEST_P(TcpTransportTest, ManyLargeFramesComeWholeAndInOrder) {
  const auto link = client_.transport.open(address_, source_, {});
  ASSERT_TRUE(until([&] { return server_.last<ports::LinkOpened>() && client_.last<ports::LinkOpened>(); }));
  const auto theirs = server_.last<ports::LinkOpened>()->link;
  constexpr std::uint64_t kFrames = 40;
  for (std::uint64_t i = 0; i < kFrames; ++i) {
    wire::SnapshotChunk chunk;
    chunk.data = std::string(300'000 + i, static_cast<char>(i));
    client_.transport.send(link, ports::Frame(wire::Message(chunk)));
    server_.transport.send(theirs, ports::Frame(wire::Message(chunk)));
  }
  for (Peer* peer : {&server_, &client_}) {
    ASSERT_TRUE(until([&] { return peer->events.size() == kFrames + 1; }));
    for (std::uint64_t i = 0; i < kFrames; ++i) {
      const auto& frame = std::get<ports::FrameArrived>(peer->events[i + 1]).frame;
      EXPECT_EQ(std::get<wire::SnapshotChunk>(std::get<wire::Message>(frame)).data,
                std::string(300'000 + i, static_cast<char>(i)));
    }
  }
}

// What is still on its way goes out, for a moment; and then all of it is gone.
TEST_P(TcpTransportTest, WhatWasSaidBeforeClosingIsHeardHoweverMuch) {
  client_.transport.open(address_, source_, {});
  ASSERT_TRUE(until([&] { return server_.last<ports::LinkOpened>() && client_.last<ports::LinkOpened>(); }));
  const auto theirs = server_.last<ports::LinkOpened>()->link;
  wire::SnapshotChunk chunk;
  chunk.data = std::string(GetParam().much, 'x');
  server_.transport.send(theirs, ports::Frame(wire::Message(chunk)));
  server_.transport.close(theirs);
  ASSERT_TRUE(until([&] { return client_.last<ports::LinkClosed>(); }));
  EXPECT_TRUE(client_.last<ports::FrameArrived>());
}

// 1,500 sockets that say nothing used to keep new links waiting for four seconds.
TEST_P(TcpTransportTest, SilentConnectionsKeepNoNodeOut) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  std::vector<Fd> silent;
  for (int i = 0; i < 1'500; ++i) {
    silent.push_back(dial(address_, source_).fd);
    ASSERT_TRUE(silent.back().valid());
    if (i % 100 == 0) until([] { return true; });
  }
  const Instant begun = steady_now();
  client_.transport.open(address_, source_, {});
  ASSERT_TRUE(until([&] { return client_.last<ports::LinkOpened>() != nullptr; }));
  EXPECT_LT((steady_now() - begun).ns, Duration::seconds(2).ns);
}

// The node takes what came in turns: each finds one link's share, or two that met, and the rest waits
// outside.
TEST_P(TcpTransportTest, AFloodOnOneLinkReachesTheNodeByItsShareInATurn) {
  constexpr std::size_t kFrames = 10'000;
  // It floods on a thread of its own, until all of it lies in the kernel and the server may read it at once.
  Reactor elsewhere;
  Peer flooder(elsewhere, GetParam(), root_.worker(8));
  std::thread thread([&] { elsewhere.run(); });
  ports::LinkId link = 0;
  elsewhere.post([&] { link = flooder.transport.open(address_, source_, {}); });
  ASSERT_TRUE(until([&] { return server_.last<ports::LinkOpened>() != nullptr; }));
  std::promise<void> sent;
  elsewhere.post([&] {
    for (std::uint64_t i = 0; i < kFrames; ++i)
      flooder.transport.send(link, ports::Frame(wire::Message(wire::Heartbeat{i})));
  });
  std::size_t left = kFrames / 10;  // turns in which the flooder sends
  const std::function<void()> wait = [&] { --left == 0 ? sent.set_value() : elsewhere.post(wait); };
  elsewhere.post(wait);
  sent.get_future().wait();
  std::size_t turns = 0, seen = server_.events.size(), most = 0;
  bool is_posted = false;
  server_.on_event = [&] {
    if (std::exchange(is_posted, true)) return;
    reactor_.post([&] {
      is_posted = false;
      ++turns;
      most = std::max(most, server_.events.size() - seen);
      seen = server_.events.size();
    });
  };
  ASSERT_TRUE(until([&] { return server_.events.size() == kFrames + 1; })) << "none is lost";
  const std::size_t share = Intake::kShares[static_cast<std::size_t>(PeerKind::worker)].frames;
  EXPECT_LE(most, 2 * share);
  EXPECT_GE(turns, kFrames / (2 * share));
  server_.on_event = nullptr;
  elsewhere.stop();
  thread.join();
}

// More than the kernel's buffers hold, so that the client must have read most of it.
TEST_P(TcpTransportTest, AWorkerIsReadAgainOnceItsAnswersWent) {
  if (GetParam().much < 8UL << 20) GTEST_SKIP() << "forty megabytes take such a stream minutes";
  const auto link = client_.transport.open(address_, source_, {});
  ASSERT_TRUE(until([&] { return server_.last<ports::LinkOpened>() && client_.last<ports::LinkOpened>(); }));
  const auto theirs = server_.last<ports::LinkOpened>()->link;
  wire::SnapshotChunk chunk;
  chunk.data = std::string(1UL << 20, 'x');
  constexpr std::size_t kChunks = 40;
  std::size_t read_by_then = 0;
  server_.on_event = [&] { read_by_then = client_.events.size(); };
  for (std::size_t i = 0; i < kChunks; ++i)
    server_.transport.send(theirs, ports::Frame(wire::Message(chunk)));
  client_.transport.send(link, ports::Frame(wire::Message(wire::Heartbeat{1})));
  ASSERT_TRUE(
      until([&] { return server_.last<ports::FrameArrived>() && client_.events.size() == kChunks + 1; }));
  EXPECT_GT(read_by_then, kChunks / 2) << "it was heard while its answers waited for it";
  server_.on_event = nullptr;
}

INSTANTIATE_TEST_SUITE_P(Over, TcpTransportTest,
                         testing::Values(Streams{"PlainStreams", {}, 8UL << 20},
                                         Streams{"SlowStreams", slow_stream, 1UL << 19},
                                         Streams{"Tls", {}, 8UL << 20, true}),
                         [](const auto& told) { return told.param.name; });

// ---- what only TLS can do

struct TlsTransport : testing::Test {
  TlsTransport() {
    for (address_.port = 20'000; !server_.transport.listen(address_).ok(); ++address_.port) {
    }
  }
  std::string closed_because(Peer& client) {
    client.transport.open(address_, source_, {});
    EXPECT_TRUE(run_until(reactor_, [&] { return client.last<ports::LinkClosed>() != nullptr; }));
    return client.last<ports::LinkClosed>()->reason;
  }
  Reactor reactor_;
  TestRoot root_;
  const Streams tls_{"Tls", {}, 0, true};
  Peer server_{reactor_, tls_, root_.manager()};
  Address address_ = Address::v4(127, 0, 9, 1);
  const Address source_ = Address::v4(127, 0, 9, 2);
};

TEST_F(TlsTransport, APeerWithoutACertificateIsAStrangerWhateverItClaims) {
  Peer joiner(reactor_, tls_, root_.joiner());
  wire::Hello claim;
  claim.raft_id = 77;
  joiner.transport.open(address_, source_, claim);
  ASSERT_TRUE(run_until(reactor_, [&] { return server_.last<ports::LinkOpened>() != nullptr; }));
  EXPECT_EQ(server_.last<ports::LinkOpened>()->peer, model::Principal{});
}

TEST_F(TlsTransport, AStrangerMaySayLittleOnly) {
  Peer joiner(reactor_, tls_, root_.joiner());
  const auto link = joiner.transport.open(address_, source_, {});
  wire::JoinRequest large;
  large.token = std::string(kMaxStrangersFrame, 'x');
  joiner.transport.send(link, ports::Frame(wire::Message(large)));
  ASSERT_TRUE(run_until(reactor_, [&] { return server_.last<ports::LinkClosed>() != nullptr; }));
  EXPECT_NE(server_.last<ports::LinkClosed>()->reason.find("bad frame"), std::string::npos);
  EXPECT_FALSE(server_.last<ports::FrameArrived>());
}

TEST_F(TlsTransport, AStrangerThatDoesNotReadItsAnswersLosesItsLink) {
  Peer joiner(reactor_, tls_, root_.joiner());
  joiner.transport.open(address_, source_, {});
  ASSERT_TRUE(run_until(reactor_, [&] { return server_.last<ports::LinkOpened>() != nullptr; }));
  const auto theirs = server_.last<ports::LinkOpened>()->link;
  wire::RootReply reply;
  reply.root_cert_pem = std::string(1'024, 'x');
  for (int i = 0; i < 32; ++i) server_.transport.send(theirs, ports::Frame(wire::Message(reply)));
  ASSERT_TRUE(run_until(reactor_, [&] { return joiner.events.size() == 33; })) << "some kilobytes are fine";
  for (int i = 0; i < 1'000; ++i) server_.transport.send(theirs, ports::Frame(wire::Message(reply)));
  ASSERT_TRUE(run_until(reactor_, [&] { return server_.last<ports::LinkClosed>() != nullptr; }));
  EXPECT_EQ(server_.last<ports::LinkClosed>()->reason,
            "a peer without a certificate does not read its answers");
}

TEST_F(TlsTransport, ANodeOfAnotherRootGetsNoLink) {
  TestRoot other;
  Peer stranger(reactor_, tls_, other.worker());
  EXPECT_EQ(closed_because(stranger), "the peer's certificate is of another root");
  EXPECT_FALSE(server_.last<ports::LinkOpened>());
}

TEST_F(TlsTransport, WhoSpeaksNoTlsGetsNoLink) {
  Peer plain(reactor_, Streams{"Plain", {}, 0}, {});
  closed_because(plain);
  EXPECT_FALSE(server_.last<ports::LinkOpened>());
}

TEST_F(TlsTransport, NewCredentialsCountForTheNextLink) {
  Peer client(reactor_, tls_, root_.worker(8));
  client.transport.open(address_, source_, {});
  ASSERT_TRUE(run_until(reactor_, [&] { return server_.last<ports::LinkOpened>() != nullptr; }));
  EXPECT_EQ(server_.last<ports::LinkOpened>()->peer.role, model::NodeRole::worker);
  server_.events.clear();
  ASSERT_TRUE(client.transport.set_credentials(root_.manager(8)).ok());
  client.transport.open(address_, source_, {});
  ASSERT_TRUE(run_until(reactor_, [&] { return server_.last<ports::LinkOpened>() != nullptr; }));
  EXPECT_EQ(server_.last<ports::LinkOpened>()->peer.role, model::NodeRole::manager);
}

TEST(FrameReader, TakesFramesFromBytesHoweverTheyAreCut) {
  wire::Hello hello;
  hello.raft_id = 5;
  const std::string bytes =
      encode_frame(hello) + encode_frame(ports::Frame(wire::Message(wire::Heartbeat{3})));
  FrameReader reader;
  int frames = 0;
  for (const char c : bytes) {
    reader.add({&c, 1});
    const auto next = reader.next();
    ASSERT_TRUE(next.ok());
    frames += next->has_value();
  }
  EXPECT_EQ(frames, 2);
}

TEST(FrameReader, RefusesWhatIsNoFrame) {
  for (const std::uint32_t length : {0U, 0xffffffffU}) {
    std::string bytes;
    put_u32(bytes, length);
    FrameReader reader;
    reader.add(bytes + "xyz");
    EXPECT_FALSE(reader.next().ok());
  }
  std::string unknown;
  put_u32(unknown, 2);
  FrameReader reader;
  reader.add(unknown + "\x09z");
  EXPECT_FALSE(reader.next().ok());
}

}  // namespace
}  // namespace swarm::real
