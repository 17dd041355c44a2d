// StreamTest: what every stream must do. Each kind instantiates it beside its own tests: plain and slow ones
// in stream_test.cpp, TLS in tls/.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "real/stream/byte_stream.hpp"
#include "real/stream/sockets.hpp"

namespace swarm::real {

struct Made {
  const char* name;
  StreamMaker maker;
};

class StreamTest : public testing::TestWithParam<Made> {
 protected:
  StreamTest() {
    const Address any = Address::v4(127, 0, 0, 1, 0);
    const Fd listener = listen_on(any);
    Dialled dialled = dial(own_address(listener.get()), {});
    pollfd ready{listener.get(), POLLIN, 0};
    ::poll(&ready, 1, 10'000);
    Accepted accepted = accept_from(listener.get());
    EXPECT_EQ(accepted.from, own_address(dialled.fd.get()));
    one_ = make_stream(GetParam().maker, std::move(dialled.fd), Side::dialled);
    other_ = make_stream(GetParam().maker, std::move(accepted.fd), Side::accepted);
  }
  // Until either can go on; notes what for.
  void await() {
    pollfd ready[2] = {{one_->fd(), POLLIN, 0}, {other_->fd(), POLLIN, 0}};
    for (int i = 0; i < 2; ++i) {
      const ByteStream& stream = i == 0 ? *one_ : *other_;
      if (wants_write_ || stream.holds_back()) ready[i].events |= POLLOUT;
    }
    ASSERT_GT(::poll(ready, 2, 10'000), 0) << "nothing happens any more";
    for (int i = 0; i < 2; ++i)
      (i == 0 ? *one_ : *other_)
          .note({(ready[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0, (ready[i].revents & POLLOUT) != 0,
                 false});
  }
  // Sends `bytes` from one to the other until they have come; what came.
  std::string carry(ByteStream& from, ByteStream& to, std::string_view bytes) {
    std::string came;
    char piece[8 * 1024];
    while (true) {
      const std::size_t before = came.size() + bytes.size();
      if (from.may_write() && (!bytes.empty() || from.holds_back())) {
        const Outcome sent = from.write(bytes);
        EXPECT_NE(sent.io, Io::reset);
        bytes.remove_prefix(sent.bytes);
        total_ += sent.bytes;
      }
      if (to.may_read()) {
        const Outcome got = to.read(piece, sizeof piece);
        EXPECT_TRUE(got.io == Io::moved || got.io == Io::blocked);
        came.append(piece, got.bytes);
      }
      if (came.size() == total_ && bytes.empty()) break;
      wants_write_ = !bytes.empty();
      if (before == came.size() + bytes.size()) await();
      if (HasFatalFailure()) break;
    }
    total_ = 0;
    return came;
  }
  std::unique_ptr<ByteStream> one_, other_;
  bool wants_write_ = true;
  std::size_t total_ = 0;
};

TEST_P(StreamTest, CarriesMoreThanTheKernelHoldsBothWays) {
  std::string much(8UL * 1024 * 1024, '\0');
  for (std::size_t i = 0; i < much.size(); ++i) much[i] = static_cast<char>(i * 2654435761U >> 24);
  await();
  EXPECT_TRUE(carry(*one_, *other_, much) == much);
  EXPECT_TRUE(carry(*other_, *one_, much) == much);
}

TEST_P(StreamTest, GathersPiecesInTheirOrder) {
  await();
  ASSERT_EQ(carry(*one_, *other_, "hello"), "hello");
  const std::string_view pieces[] = {"one ", "", "two ", "three"};
  const Outcome sent = one_->write(pieces);
  ASSERT_EQ(sent.io, Io::moved);
  EXPECT_EQ(sent.bytes, 13U);
  total_ = sent.bytes;
  EXPECT_EQ(carry(*one_, *other_, "!"), "one two three!");
}

TEST_P(StreamTest, SaysThatNothingIsThereAndThenWhatIs) {
  await();
  ASSERT_EQ(carry(*one_, *other_, "x"), "x");
  ASSERT_EQ(carry(*other_, *one_, "x"), "x");
  other_->note({true, false, false});
  char byte = 0;
  EXPECT_EQ(other_->read(&byte, 1).io, Io::blocked);
  EXPECT_FALSE(other_->may_read());
  EXPECT_EQ(carry(*one_, *other_, "y"), "y");
}

TEST_P(StreamTest, AnEndIsAnEndAndTheOtherDirectionGoesOn) {
  await();
  ASSERT_EQ(carry(*one_, *other_, "last words"), "last words");
  ASSERT_EQ(one_->shut_writing().io, Io::moved);
  char byte = 0;
  Outcome got{.io = Io::blocked};
  while (got.io == Io::blocked && !HasFatalFailure()) {
    await();
    got = other_->read(&byte, 1);
  }
  EXPECT_EQ(got.io, Io::ended);
  EXPECT_EQ(carry(*other_, *one_, "and mine"), "and mine");
}

TEST_P(StreamTest, AResetIsAReset) {
  await();
  ASSERT_EQ(carry(*one_, *other_, "x"), "x");
  one_->reset();
  char byte = 0;
  pollfd ready{other_->fd(), POLLIN, 0};
  ::poll(&ready, 1, 10'000);
  other_->note({true, true, true});
  const Outcome got = other_->read(&byte, 1);
  EXPECT_EQ(got.io, Io::reset);
  EXPECT_EQ(got.error, ECONNRESET);
}

}  // namespace swarm::real
