#include "real/http/http_server.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "ports/http.hpp"
#include "ports/ports.hpp"
#include "real/http/reactor.hpp"
#include "real/http/run_until.hpp"
#include "real/stream/byte_stream.hpp"
#include "real/stream/sockets.hpp"
#include "real/stream/test_slow_stream.hpp"

namespace swarm::real {
namespace {

// A client that speaks bytes.
class RawClient {
 public:
  explicit RawClient(const std::string& path)
      : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size());
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~RawClient() { hang_up(); }
  void say(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  const std::string& heard() {
    char bytes[65536];
    for (ssize_t count; (count = ::read(fd_, bytes, sizeof bytes)) >= 0;) {
      if (count == 0) {
        ended = true;
        break;
      }
      heard_.append(bytes, static_cast<std::size_t>(count));
    }
    return heard_;
  }
  void hang_up() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  bool ended = false;

 private:
  int fd_;
  std::string heard_;
};

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() {
    char folder[] = "/tmp/http_test_XXXXXX";
    folder_ = ::mkdtemp(folder);
    path_ = folder_ + "/s";
    EXPECT_TRUE(server_.listen("unix://" + path_).ok());
  }
  ~HttpServerTest() override {
    server_.close();
    EXPECT_NE(::access(path_.c_str(), F_OK), 0) << "the socket file stayed";
    ::rmdir(folder_.c_str());
  }
  void answer(ports::ApiId id, const std::string& body, std::uint32_t status = 200) {
    server_.begin(id, {status, {{"Content-Type", "text/plain"}}, false});
    server_.piece(id, body);
    server_.end(id);
  }
  bool until(const std::function<bool()>& done) { return run_until(reactor_, done); }

  Reactor reactor_;
  std::vector<std::pair<ports::ApiId, http::Request>> requests_;
  std::vector<ports::ApiId> aborted_;
  HttpServer server_{
      reactor_,
      [this](ports::ApiId id, http::Request request) { requests_.emplace_back(id, std::move(request)); },
      [this](ports::ApiId id) { aborted_.push_back(id); }};
  std::string folder_, path_;
};

TEST_F(HttpServerTest, ASocketIsForItsUserAndItsGroupUnderAnyMask) {
  for (const mode_t mask : {0U, 022U, 0777U}) {
    HttpServer other(
        reactor_, [](ports::ApiId, const http::Request&) {}, [](ports::ApiId) {});
    const mode_t before = ::umask(mask);
    const auto url =
        other.listen("unix://" + folder_ + "/masked", {::getegid(), DoorRules::Tcp::plain, false});
    const mode_t after = ::umask(before);
    ASSERT_TRUE(url.ok());
    EXPECT_EQ(after, mask) << "other threads make files meanwhile";
    struct stat found {};
    ASSERT_EQ(::stat((folder_ + "/masked").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777, 0660U) << mask;
    EXPECT_EQ(found.st_gid, ::getegid());
  }
}

TEST_F(HttpServerTest, AnswersOneRequestAfterTheOtherOnOneConnection) {
  RawClient client(path_);
  client.say(
      "POST /a?b=c HTTP/1.1\r\nHost: x\r\nX-Thing: Y\r\nContent-Length: 2\r\n\r\nhiHEAD /_ping "
      "HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(until([&] { return requests_.size() == 1; }));
  EXPECT_EQ(requests_[0].second.method, "POST");
  EXPECT_EQ(requests_[0].second.target, "/a?b=c");
  EXPECT_EQ(requests_[0].second.header("x-thing"), "Y");
  EXPECT_EQ(requests_[0].second.body, "hi");
  answer(requests_[0].first, "first");
  ASSERT_TRUE(until([&] { return requests_.size() == 2; }));
  EXPECT_EQ(client.heard(), "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nfirst");
  answer(requests_[1].first, "body of a HEAD");
  ASSERT_TRUE(until([&] { return client.heard().find("Content-Length: 14\r\n\r\n") != std::string::npos; }));
  EXPECT_TRUE(client.heard().ends_with("\r\n\r\n")) << "a HEAD's answer has no body";
  EXPECT_FALSE(client.ended);
}

TEST_F(HttpServerTest, AnAnswerInPiecesIsOneBodyWithItsLength) {
  for (const std::size_t size :
       {std::size_t{3}, std::size_t{10'000}}) {  // of a piece: a short answer, a long one
    requests_.clear();
    RawClient client(path_);
    client.say("GET /tasks HTTP/1.1\r\n\r\nHEAD /tasks HTTP/1.1\r\n\r\n");
    std::string body;
    for (std::size_t asked = 1; asked <= 2; ++asked) {
      ASSERT_TRUE(until([&] { return requests_.size() == asked; }));
      const auto id = requests_.back().first;
      server_.begin(id, {200, {}, false});
      for (char letter = 'a'; letter <= 'z'; ++letter) {
        server_.piece(id, std::string(size, letter));
        if (asked == 1) body += std::string(size, letter);
      }
      server_.end(id);
    }
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    ASSERT_TRUE(until([&] { return client.heard().size() >= body.size() + 2 * head.size(); }));
    EXPECT_EQ(client.heard(), head + body + head) << "a HEAD has the length alone";
  }
}

TEST_F(HttpServerTest, FlushesEveryPieceOfAStream) {
  RawClient client(path_);
  client.say("GET /events HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(until([&] { return requests_.size() == 1; }));
  const auto id = requests_[0].first;
  server_.begin(id, {200, {}, true});
  ASSERT_TRUE(until([&] { return client.heard().ends_with("Transfer-Encoding: chunked\r\n\r\n"); }));
  server_.piece(id, "one\n");
  ASSERT_TRUE(until([&] { return client.heard().ends_with("4\r\none\n\r\n"); }));
  server_.end(id);
  ASSERT_TRUE(until([&] { return client.heard().ends_with("0\r\n\r\n"); }));
}

TEST_F(HttpServerTest, AStreamThatIsCutHasNoLastChunk) {
  RawClient client(path_);
  client.say("GET /events HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(until([&] { return requests_.size() == 1; }));
  server_.begin(requests_[0].first, {200, {}, true});
  server_.piece(requests_[0].first, "one\n");
  server_.cut(requests_[0].first);
  ASSERT_TRUE(until([&] { return client.heard(), client.ended; }));
  EXPECT_TRUE(client.heard().ends_with("4\r\none\n\r\n")) << "what was sent is sent";
  EXPECT_TRUE(aborted_.empty());
}

TEST_F(HttpServerTest, TellsThatAClientHasGone) {
  RawClient client(path_);
  client.say("GET /events HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(until([&] { return requests_.size() == 1; }));
  client.hang_up();
  ASSERT_TRUE(until([&] { return aborted_.size() == 1; }));
  EXPECT_EQ(aborted_[0], requests_[0].first);
  answer(aborted_[0], "to nobody");
}

TEST_F(HttpServerTest, DropsAStreamThatNobodyReads) {
  RawClient client(path_);
  client.say("GET /events HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(until([&] { return requests_.size() == 1; }));
  const auto id = requests_[0].first;
  server_.begin(id, {200, {}, true});
  for (int mebibyte = 0; mebibyte < 66; ++mebibyte) server_.piece(id, std::string(1 << 20, 'x'));
  ASSERT_TRUE(until([&] { return aborted_.size() == 1; }));
  EXPECT_EQ(aborted_[0], id);
}

TEST_F(HttpServerTest, TakesNoRequestWhileEarlierAnswersAreUnread) {
  RawClient client(path_);
  client.say("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(until([&] { return requests_.size() == 1; }));
  answer(requests_[0].first, std::string(4 << 20, 'x'));
  RawClient other(path_);  // who comes meanwhile is heard
  other.say("GET /other HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(until([&] { return requests_.size() == 2; }));
  EXPECT_EQ(requests_[1].second.target, "/other");
  ASSERT_TRUE(until([&] { return client.heard().size() > (4 << 20) && requests_.size() == 3; }));
  EXPECT_EQ(requests_[2].second.target, "/2");
}

TEST_F(HttpServerTest, RefusesWhatIsTooLargeOrNoHttpInASentence) {
  const std::map<std::string, std::string> wrong = {
      {"GET / HTTP/1.1\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n", "HTTP/1.1 431 "},
      {"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", "HTTP/1.1 413 "},
      {"hello there\r\n\r\n", "HTTP/1.1 400 "}};
  for (const auto& [bytes, status] : wrong) {
    RawClient client(path_);
    client.say(bytes);
    ASSERT_TRUE(until([&] {
      return client.heard().find("{\"message\":") != std::string::npos && client.ended;
    })) << status;
    EXPECT_TRUE(client.heard().starts_with(status)) << client.heard();
  }
  EXPECT_TRUE(requests_.empty());
}

TEST_F(HttpServerTest, ReadsChunkedBodiesAndSaysContinue) {
  RawClient client(path_);
  client.say("POST / HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
  ASSERT_TRUE(until([&] { return client.heard() == "HTTP/1.1 100 Continue\r\n\r\n"; }));
  client.say("3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n");
  ASSERT_TRUE(until([&] { return requests_.size() == 1; }));
  EXPECT_EQ(requests_[0].second.body, "abcdef");
}

TEST_F(HttpServerTest, ReplacesADeadSocketAndRespectsALiveOne) {
  HttpServer other(
      reactor_, [](ports::ApiId, const http::Request&) {}, [](ports::ApiId) {});
  const auto live = other.listen("unix://" + path_);
  ASSERT_FALSE(live.ok());
  EXPECT_NE(live.error().message.find("another daemon answers there"), std::string::npos);

  const std::string stale = folder_ + "/stale";
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, stale.c_str(), stale.size());
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(fd);  // as after kill -9
  EXPECT_TRUE(other.listen("unix://" + stale).ok());
}

// A client whose stream has a handshake of its own, as TLS has.
TEST_F(HttpServerTest, AnswersOverWhateverItsTcpStreamsAreMadeOf) {
  std::vector<std::pair<ports::ApiId, http::Request>> heard;
  HttpServer other(
      reactor_, [&](ports::ApiId id, http::Request request) { heard.emplace_back(id, std::move(request)); },
      [](ports::ApiId) {});
  const auto url = other.listen("tcp://127.0.0.1:0", {}, opener_of(slow_stream));
  ASSERT_TRUE(url.ok());
  Dialled dialled = dial(*Address::parse(url->substr(6), 0), {});
  SlowStream client(std::move(dialled.fd), Side::dialled);
  std::string words = "POST /a HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'x'),
              answer;
  const auto turn = [&] {
    client.note({true, true, false});
    const Outcome sent = client.write(words);
    words.erase(0, sent.bytes);
    char bytes[4'096];
    const Outcome got = client.read(bytes, sizeof bytes);
    answer.append(bytes, got.bytes);
  };
  ASSERT_TRUE(until([&] { return turn(), heard.size() == 1; }));
  EXPECT_EQ(heard[0].second.body, std::string(100'000, 'x'));
  other.begin(heard[0].first, {200, {}, false});
  other.piece(heard[0].first, std::string(1'000'000, 'y'));
  other.end(heard[0].first);
  ASSERT_TRUE(until([&] { return turn(), answer.size() > 1'000'000; }));
  EXPECT_TRUE(answer.ends_with(std::string(1'000'000, 'y')));
}

TEST_F(HttpServerTest, ListensOnLoopbackOnlyUnlessTold) {
  HttpServer other(
      reactor_, [](ports::ApiId, const http::Request&) {}, [](ports::ApiId) {});
  const auto bound = other.listen("tcp://127.0.0.1:0");
  ASSERT_TRUE(bound.ok());
  EXPECT_FALSE(bound->ends_with(":0"));
  const auto taken = other.listen(*bound);
  ASSERT_FALSE(taken.ok());
  EXPECT_NE(taken.error().message.find("address already in use"), std::string::npos);
  using Tcp = DoorRules::Tcp;
  EXPECT_FALSE(other.listen("tcp://0.0.0.0:0").ok());
  EXPECT_FALSE(other.listen("tcp://0.0.0.0:0", {{}, Tcp::sealed, false}).ok());
  EXPECT_TRUE(other.listen("tcp://0.0.0.0:0", {{}, Tcp::proved, false}).ok());
  EXPECT_TRUE(other.listen("tcp://0.0.0.0:0", {{}, Tcp::plain, true}).ok());
  EXPECT_FALSE(other.listen("ftp://x").ok());
}

}  // namespace
}  // namespace swarm::real
