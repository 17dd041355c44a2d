#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/address.hpp"
#include "real/stream/byte_stream.hpp"
#include "real/stream/fd.hpp"
#include "real/stream/plain_stream.hpp"
#include "real/stream/sockets.hpp"
#include "real/stream/test_slow_stream.hpp"
#include "real/stream/test_stream_conformance.hpp"

namespace swarm::real {
namespace {

INSTANTIATE_TEST_SUITE_P(Streams, StreamTest,
                         testing::Values(Made{"Plain", {}}, Made{"WithAHandshake", slow_stream}),
                         [](const auto& made) { return made.param.name; });

TEST(PlainStream, TellsAResetAfterTheEndFromOneBefore) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  PlainStream stream{Fd(ends[0])};
  Fd other(ends[1]);
  other.reset();
  EXPECT_EQ(stream.write("x", 1).io, Io::reset);
  EXPECT_TRUE(stream.ended_first());
}

TEST(Sockets, SayWhyTheyCannot) {
  const Address here = Address::v4(127, 0, 0, 1, 0);
  const Fd taken = listen_on(here);
  EXPECT_FALSE(listen_on(own_address(taken.get())).valid());
  EXPECT_EQ(errno, EADDRINUSE);
  EXPECT_EQ(dial(here, Address::v4(192, 0, 2, 1)).error, EADDRNOTAVAIL)
      << "from an address of another machine";
  const Accepted none = accept_from(taken.get());
  EXPECT_FALSE(none.fd.valid());
  EXPECT_EQ(none.error, 0) << "that no one waits is no error";
}

}  // namespace
}  // namespace swarm::real
