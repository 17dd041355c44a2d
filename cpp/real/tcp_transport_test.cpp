#include "real/tcp_transport.hpp"

#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "real/frame.hpp"
#include "real/http/run_until.hpp"
#include "real/stream/test_slow_stream.hpp"

namespace swarm::real {
namespace {

struct Peer {
  Peer(Reactor& reactor, StreamMaker stream)
      : transport(
            reactor, [this](ports::Event event) { events.push_back(std::move(event)); }, std::move(stream)) {}
  template <class T>
  const T* last() const {
    for (auto it = events.rbegin(); it != events.rend(); ++it)
      if (const T* found = std::get_if<T>(&*it)) return found;
    return nullptr;
  }
  std::vector<ports::Event> events;
  TcpTransport transport;
};

struct Streams {
  const char* name;
  StreamMaker maker;
  std::size_t
      much;  // bytes that such a stream carries in the two seconds after a close, on a busy machine too
};

// Every story is told of plain sockets, and of streams that do more (as TLS does).
class TcpTransportTest : public testing::TestWithParam<Streams> {
 protected:
  TcpTransportTest() {
    hello_.node = NodeId(7);
    hello_.role = model::NodeRole::manager;
    server_.transport.set_identity(hello_);
    for (address_.port = 20'000; !server_.transport.listen(address_).ok(); ++address_.port) {
    }
  }
  bool until(const std::function<bool()>& done) { return run_until(reactor_, done); }

  Reactor reactor_;
  Peer server_{reactor_, GetParam().maker}, client_{reactor_, GetParam().maker};
  wire::Hello hello_;
  Address address_ = Address::v4(127, 0, 9, 1);
  const Address source_ = Address::v4(127, 0, 9, 2);
};

TEST_P(TcpTransportTest, CarriesFramesInOrderFromTheSourceItWasGiven) {
  wire::Hello mine;
  mine.node = NodeId(8);
  const auto link = client_.transport.open(address_, source_, mine);
  client_.transport.send(link, ports::Frame(wire::Message(wire::Heartbeat{1})));  // before it is open
  ASSERT_TRUE(
      until([&] { return client_.last<ports::LinkOpened>() && server_.last<ports::FrameArrived>(); }));
  EXPECT_EQ(client_.last<ports::LinkOpened>()->peer, ports::principal_of(hello_));
  EXPECT_EQ(client_.last<ports::LinkOpened>()->remote, address_);
  const auto& inbound = *server_.last<ports::LinkOpened>();
  EXPECT_TRUE(inbound.inbound);
  EXPECT_EQ(inbound.peer.node, NodeId(8));
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

INSTANTIATE_TEST_SUITE_P(Over, TcpTransportTest,
                         testing::Values(Streams{"PlainStreams", {}, 8UL << 20},
                                         Streams{"SlowStreams", slow_stream, 1UL << 19}),
                         [](const auto& told) { return told.param.name; });

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
