// A connection by itself: every call returns its news.
#include "real/mesh/conn.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "base/address.hpp"
#include "real/mesh/flow.hpp"
#include "real/mesh/poller.hpp"
#include "real/stream/fd.hpp"
#include "real/stream/sockets.hpp"

namespace swarm::real::relay {
namespace {

using News = Conn::News;

const Address kHere = Address::v4(127, 0, 0, 1, 0);

// Both ends of a TCP connection: a reset is one only there.
struct Tcp {
  Tcp() {
    const Fd listener = listen_on(kHere);
    Dialled dialled = dial(own_address(listener.get()), {});
    pollfd ready{listener.get(), POLLIN, 0};
    ::poll(&ready, 1, 10'000);
    one = std::move(dialled.fd);
    other = accept_from(listener.get()).fd;
  }
  Fd one, other;
};

void say(const Fd& end, const std::string& words) {
  ::send(end.get(), words.data(), words.size(), MSG_NOSIGNAL);
}
std::string hear(const Fd& end) {
  pollfd ready{end.get(), POLLIN, 0};
  ::poll(&ready, 1, 10'000);
  char bytes[100];
  const auto count = ::recv(end.get(), bytes, sizeof bytes, 0);
  return {bytes, count > 0 ? static_cast<std::size_t>(count) : 0};
}
void reset(Fd& end) { PlainStream(std::move(end)).reset(); }

class ConnTest : public testing::Test {
 protected:
  // The task has taken the connection; nothing has been said.
  void open() {
    const News news = conn_.dial_task(own_address(listener_.get()), {});
    pollfd ready{listener_.get(), POLLIN, 0};
    ::poll(&ready, 1, 10'000);
    task_ = accept_from(listener_.get()).fd;
    ASSERT_TRUE(task_.valid());
    if (news == News::opened) return;
    conn_.note(Topic::Kind::task, {false, true, false});
    ASSERT_EQ(conn_.step(), News::opened);
  }
  // The connection's last word, after both ends were noted as ready often enough.
  News settle() {
    News news = News::none;
    for (int i = 0; i < 10 && (news == News::none || news == News::more); ++i) {
      conn_.note(Topic::Kind::client, {true, true, false});
      conn_.note(Topic::Kind::task, {true, true, false});
      news = conn_.step();
    }
    return news;
  }
  Tcp client_;
  Fd listener_ = listen_on(kHere), task_;
  Poller poller_;
  std::unique_ptr<char[]> scratch_{new char[kScratch]};
  Conn conn_{{poller_, scratch_.get()}, 1, std::move(client_.other), {}};
};

TEST_F(ConnTest, ADialThatFailsAtOnceIsNewsAndAnotherMaySucceed) {
  const Address address = own_address(listener_.get());
  listener_.reset();
  News news = conn_.dial_task(address, {});
  if (news == News::none) {
    conn_.note(Topic::Kind::task, {true, true, true});
    news = conn_.step();
  }
  EXPECT_EQ(news, News::dial_failed);
  listener_ = listen_on(kHere);
  say(client_.one, "ping");
  open();
  EXPECT_EQ(settle(), News::none);
  EXPECT_EQ(hear(task_), "ping");
}

TEST_F(ConnTest, IsOverWhenBothEndsHaveSaidAll) {
  open();
  say(client_.one, "ping");
  ::shutdown(client_.one.get(), SHUT_WR);
  EXPECT_EQ(settle(), News::none);
  EXPECT_EQ(hear(task_), "ping");
  say(task_, "pong");
  ::shutdown(task_.get(), SHUT_WR);
  EXPECT_EQ(settle(), News::over);
  EXPECT_EQ(hear(client_.one), "pong");
}

TEST_F(ConnTest, ATaskThatGoesWithoutAWordIsUnusedAndTheNextIsToldAll) {
  open();
  say(client_.one, "ping");
  EXPECT_EQ(settle(), News::none);
  EXPECT_FALSE(conn_.told());
  reset(task_);
  EXPECT_EQ(settle(), News::unused);
  EXPECT_TRUE(conn_.told());
  open();
  EXPECT_EQ(settle(), News::none);
  EXPECT_EQ(hear(task_), "ping");
}

// Bytes wait in both directions, and neither end takes any: no event will ever come.
TEST_F(ConnTest, IsOverWhenBothEndsAreBrokenAtOnce) {
  open();
  say(client_.one, "ping");
  say(task_, "pong");
  reset(client_.one);
  reset(task_);
  EXPECT_EQ(settle(), News::over);
}

TEST_F(ConnTest, IsOverWhenATaskThatHasSaidAllTakesNoMore) {
  open();
  say(task_, "bye");
  task_.reset();
  EXPECT_EQ(settle(), News::none) << "it may still read";
  EXPECT_EQ(hear(client_.one), "bye");
  say(client_.one, "but");  // the kernel answers for the task: nothing reads here
  EXPECT_EQ(settle(), News::none);
  say(client_.one, "wait");
  EXPECT_EQ(settle(), News::over);
}

TEST_F(ConnTest, RefusedItIsOver) {
  EXPECT_EQ(conn_.refuse(), News::over);
  EXPECT_TRUE(conn_.is_over());
  EXPECT_EQ(hear(client_.one), "");
}

}  // namespace
}  // namespace swarm::real::relay
