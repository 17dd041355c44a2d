// One direction of a connection, between two pairs of sockets: what is put into one comes out of the other.
#include "real/mesh/flow.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstddef>
#include <memory>
#include <string>

namespace swarm::real::relay {
namespace {

using Step = Flow::Step;

// The far end is for the test to speak by; the near one is the flow's.
struct Pair {
  Pair() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    far = Fd(ends[0]);
    near = PlainStream(Fd(ends[1]));
    near.note({true, true, false});
  }
  void say(const std::string& words) {
    EXPECT_EQ(::send(far.get(), words.data(), words.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(words.size()));
    near.note({true, false, false});
  }
  std::string heard() {
    std::string out(1'000'000, '\0');
    const auto count = ::recv(far.get(), out.data(), out.size(), 0);
    ended = count == 0;
    out.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return out;
  }
  Fd far;
  PlainStream near;
  bool ended = false;
};

class FlowTest : public testing::Test {
 protected:
  Step step() { return flow_.step(scratch_.get()); }
  // Until the kernel takes no more.
  void fill(Pair& sink) {
    const std::string much(64 * 1024, 'x');
    while (sink.near.may_write()) sink.near.write(much.data(), much.size());
  }
  Pair source_, sink_, next_;
  std::unique_ptr<char[]> scratch_{new char[kScratch]};
  Flow flow_{&source_.near, Sink(sink_.near)};
};

TEST_F(FlowTest, MovesWhatThereIsAndWaitsForMore) {
  source_.say("hello");
  EXPECT_EQ(step(), Step::blocked);
  EXPECT_EQ(sink_.heard(), "hello");
  EXPECT_TRUE(flow_.has_spoken());
  EXPECT_EQ(flow_.take_gone(), 5U);
  EXPECT_EQ(flow_.take_gone(), 0U);
}

TEST_F(FlowTest, AnEndIsPassedOnAfterWhatWasSaidBefore) {
  fill(sink_);
  source_.say("last words");
  source_.far.reset();
  source_.near.note({true, false, true});
  EXPECT_EQ(step(), Step::blocked) << "the sink takes nothing";
  EXPECT_EQ(flow_.waiting(), 10U);
  while (!sink_.heard().empty()) continue;
  sink_.near.note({false, true, false});
  EXPECT_EQ(step(), Step::ended);
  EXPECT_EQ(step(), Step::ended) << "until the owner acts";
  EXPECT_EQ(sink_.heard(), "last words");
  flow_.pass_end();
  EXPECT_TRUE(flow_.is_over());
  sink_.heard();
  EXPECT_TRUE(sink_.ended);
  EXPECT_EQ(step(), Step::blocked);
}

TEST_F(FlowTest, AResetComesAfterWhatWasSaidBefore) {
  flow_ = Flow(nullptr, Sink(sink_.near));
  fill(sink_);
  EXPECT_EQ(flow_.push("before"), Step::moved);
  flow_.source_reset();
  EXPECT_EQ(step(), Step::blocked);
  while (!sink_.heard().empty()) continue;
  sink_.near.note({false, true, false});
  EXPECT_EQ(step(), Step::reset);
  EXPECT_EQ(sink_.heard(), "before");
}

TEST_F(FlowTest, WhatASinkRefusesIsDroppedOnlyWhenTheOwnerSaysSo) {
  sink_.far.reset();
  source_.say("ping");
  EXPECT_EQ(step(), Step::refused);
  EXPECT_EQ(flow_.waiting(), 4U);
  flow_.go_deaf();
  EXPECT_EQ(flow_.waiting(), 0U);
  EXPECT_EQ(flow_.take_gone(), 4U) << "and counted as gone";
  source_.say("pong");
  EXPECT_EQ(step(), Step::blocked) << "and reads no more";
}

TEST_F(FlowTest, TheFirstPieceAndTheEndAreSaidAgainToAnotherSink) {
  flow_.keep_first();
  source_.say("ping");
  EXPECT_EQ(step(), Step::blocked);
  EXPECT_TRUE(flow_.kept_all());
  ::shutdown(source_.far.get(), SHUT_WR);
  source_.near.note({true, false, false});
  EXPECT_EQ(step(), Step::ended);
  flow_.begin_again(&source_.near, Sink(next_.near));
  EXPECT_FALSE(flow_.has_passed());
  EXPECT_EQ(step(), Step::ended);
  EXPECT_EQ(next_.heard(), "ping");
}

TEST_F(FlowTest, OfTwoPiecesNoneIsKept) {
  flow_.keep_first();
  source_.say("one");
  step();
  source_.say("two");
  step();
  EXPECT_FALSE(flow_.kept_all());
}

TEST_F(FlowTest, APieceThatIsTooLargeIsNotKept) {
  flow_.keep_first();
  source_.say(std::string(kMostKept + 1, 'x'));
  step();
  EXPECT_TRUE(flow_.has_passed());
  EXPECT_FALSE(flow_.kept_all());
}

}  // namespace
}  // namespace swarm::real::relay
