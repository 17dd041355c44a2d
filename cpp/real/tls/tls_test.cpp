#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/check.hpp"
#include "base/id.hpp"
#include "base/time.hpp"
#include "ca/policy.hpp"
#include "model/node.hpp"
#include "ports/ports.hpp"
#include "ports/transport.hpp"
#include "real/http/reactor.hpp"
#include "real/http/run_until.hpp"
#include "real/stream/byte_stream.hpp"
#include "real/stream/fd.hpp"
#include "real/stream/sockets.hpp"
#include "real/stream/test_stream_conformance.hpp"
#include "real/tls/handshake_pool.hpp"
#include "real/tls/test_certificates.hpp"
#include "real/tls/tls_context.hpp"
#include "real/tls/tls_stream.hpp"

namespace swarm::real {
namespace {

// ---- a stream is a stream

std::unique_ptr<ByteStream> tls_stream(Fd fd, Side side) {
  static TestRoot root;
  static const auto manager = context_of(root.manager()), worker = context_of(root.worker());
  return std::make_unique<TlsStream>(std::move(fd), side, side == Side::accepted ? manager : worker);
}

INSTANTIATE_TEST_SUITE_P(Streams, StreamTest, testing::Values(Made{"Tls", tls_stream}),
                         [](const auto& made) { return made.param.name; });

// ---- two ends in one thread

struct Ends {
  Ends(const std::shared_ptr<TlsContext>& dialling, const std::shared_ptr<TlsContext>& accepting) {
    const Fd listener = listen_on(Address::v4(127, 0, 0, 1, 0));
    connect(listener, dialling, accepting);
  }
  Ends(const Fd& listener, const std::shared_ptr<TlsContext>& dialling,
       const std::shared_ptr<TlsContext>& accepting) {
    connect(listener, dialling, accepting);
  }
  void connect(const Fd& listener, const std::shared_ptr<TlsContext>& dialling,
               const std::shared_ptr<TlsContext>& accepting) {
    Dialled dialled = dial(own_address(listener.get()), {});
    pollfd ready{listener.get(), POLLIN, 0};
    ::poll(&ready, 1, 10'000);
    client = std::make_unique<TlsStream>(std::move(dialled.fd), Side::dialled, dialling);
    server = std::make_unique<TlsStream>(accept_from(listener.get()).fd, Side::accepted, accepting);
  }
  // Until `done` says so; both ends note every readiness.
  template <class Done>
  bool until(Done done) {
    for (int i = 0; i < 2'000; ++i) {
      for (TlsStream* end : {client.get(), server.get()}) end->note({true, true, false});
      if (done()) return true;
      ::poll(nullptr, 0, 1);
    }
    return false;
  }
  // What the handshake came to at both ends: neither is blocked any more.
  std::pair<Outcome, Outcome> shake() {
    Outcome at_client{.io = Io::blocked}, at_server{.io = Io::blocked};
    until([&] {
      if (at_client.io == Io::blocked) at_client = client->shake();
      if (at_server.io == Io::blocked) at_server = server->shake();
      return at_client.io != Io::blocked && at_server.io != Io::blocked;
    });
    return {at_client, at_server};
  }
  // What the end reads next: bytes, or an outcome in words.
  std::string read(TlsStream& end) {
    char bytes[100];
    Outcome got{.io = Io::blocked};
    until([&] {
      got = end.read(bytes, sizeof bytes);
      return got.io != Io::blocked;
    });
    if (got.io == Io::moved) return {bytes, got.bytes};
    return got.io == Io::ended ? "ended" : end.why(got);
  }
  std::unique_ptr<TlsStream> client, server;
};

void expect_shaken(Ends& ends) {
  const auto [client, server] = ends.shake();
  EXPECT_EQ(client.io, Io::moved) << ends.client->why(client);
  EXPECT_EQ(server.io, Io::moved) << ends.server->why(server);
}

class Tls : public testing::Test {
 protected:
  TestRoot root_;
  const std::shared_ptr<TlsContext> manager_ = context_of(root_.manager()),
                                    worker_ = context_of(root_.worker());
};

TEST_F(Tls, EachEndKnowsWhoTheOtherIs) {
  Ends ends(worker_, manager_);
  expect_shaken(ends);
  ASSERT_NE(ends.server->peer(), nullptr);
  EXPECT_EQ(ends.server->peer()->node, NodeId(2));
  EXPECT_EQ(ends.server->peer()->role, model::NodeRole::worker);
  EXPECT_EQ(ends.server->peer()->cluster, root_.cluster());
  ASSERT_NE(ends.client->peer(), nullptr);
  EXPECT_EQ(ends.client->peer()->node, NodeId(1));
  EXPECT_EQ(ends.client->peer()->role, model::NodeRole::manager);
}

TEST_F(Tls, AStrangerIsServedForManagementAndNotBetweenNodes) {
  const auto stranger = context_of(root_.joiner());
  Ends ends(stranger, manager_);
  expect_shaken(ends);
  EXPECT_EQ(ends.server->peer(), nullptr);
  EXPECT_EQ(ends.client->peer()->node, NodeId(1)) << "the joiner knows whom it gives its token to";
  Ends data(context_of(root_.joiner(), TlsContext::Use::data),
            context_of(root_.worker(), TlsContext::Use::data));
  const auto [client, server] = data.shake();
  EXPECT_EQ(server.io, Io::reset);
  EXPECT_EQ(data.server->why(server), "the peer shows no certificate");
}

TEST_F(Tls, WhoKnowsNoRootTakesNobodyForAnything) {
  Ends ends(context_of({}), manager_);
  expect_shaken(ends);
  EXPECT_EQ(ends.client->peer(), nullptr);
}

TEST_F(Tls, AnotherRootIsRefusedByEitherEnd) {
  TestRoot other;  // the same swarm's name, by a root that someone made
  Ends as_client(context_of(other.worker()), manager_);
  const auto [client, server] = as_client.shake();
  EXPECT_EQ(client.io, Io::reset);
  EXPECT_EQ(as_client.client->why(client), "the peer's certificate is of another root");
  ports::Credentials forged = other.worker();
  forged.roots_pem = root_.pair().cert_pem;  // it believes the server
  Ends as_stranger(context_of(forged), manager_);
  const Outcome refused = as_stranger.shake().second;
  EXPECT_EQ(refused.io, Io::reset);
  EXPECT_EQ(as_stranger.server->why(refused), "the peer's certificate is of another root");
  EXPECT_EQ(as_stranger.read(*as_stranger.client), "refused: the peer's certificate is of another root");
}

TEST_F(Tls, AWorkerIsNotTakenForAManager) {
  Ends ends(worker_, context_of(root_.worker(3)));
  const Outcome refused = ends.shake().first;
  EXPECT_EQ(refused.io, Io::reset);
  EXPECT_EQ(ends.client->why(refused), "the peer is no manager: its certificate says so");
}

TEST_F(Tls, AnExpiredCertificateIsRefusedAndAManagersOfTomorrowToo) {
  const WallTime long_ago = wall_now() + Duration::seconds(-365LL * 24 * 3600);
  Ends expired(context_of(root_.node(NodeId(2), model::NodeRole::worker, long_ago)), manager_);
  const Outcome late = expired.shake().second;
  EXPECT_EQ(expired.server->why(late), "the peer's certificate has expired");
  const WallTime tomorrow = wall_now() + Duration::seconds(24LL * 3600);
  Ends early(worker_, context_of(root_.node(NodeId(2), model::NodeRole::manager, tomorrow)));
  const Outcome soon = early.shake().first;
  EXPECT_NE(early.client->why(soon).find("not valid yet"), std::string::npos);
  Ends renews(context_of(root_.node(NodeId(2), model::NodeRole::worker, tomorrow)), manager_);
  EXPECT_EQ(renews.shake().second.io, Io::moved) << "it may renew it";
}

TEST_F(Tls, ACertificateOfTheRootThatNamesNoNodeIsRefused) {
  ports::Credentials bare = root_.worker();
  // The root itself, shown as a node's: the one other certificate that its key has signed.
  bare.certificate_pem = root_.pair().cert_pem;
  bare.key_pem = root_.pair().key_pem;
  const auto made = TlsContext::make(bare, TlsContext::Use::management, wall_now);
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().message.find("names no node"), std::string::npos);
}

TEST_F(Tls, CredentialsThatCannotBeUsedAreRefusedInASentence) {
  ports::Credentials wrong = root_.worker();
  wrong.key_pem = root_.worker().key_pem;
  EXPECT_NE(TlsContext::make(wrong, TlsContext::Use::management, wall_now)
                .error()
                .message.find("the key is another one's"),
            std::string::npos);
  wrong.key_pem = "no key";
  EXPECT_FALSE(TlsContext::make(wrong, TlsContext::Use::management, wall_now).ok());
  wrong = root_.worker();
  wrong.roots_pem = "no root";
  EXPECT_FALSE(TlsContext::make(wrong, TlsContext::Use::management, wall_now).ok());
}

// ---- resumption

class Resumption : public Tls {
 protected:
  // One connection: a byte goes to the client, and the ticket with it. Returns true if it was resumed.
  bool meet(const std::shared_ptr<TlsContext>& client, const std::shared_ptr<TlsContext>& server) {
    Ends ends(listener_, client, server);
    expect_shaken(ends);
    ends.server->write("x");
    EXPECT_EQ(ends.read(*ends.client), "x");
    EXPECT_EQ(ends.server->resumed(), ends.client->resumed());
    EXPECT_NE(ends.server->peer(), nullptr) << "a resumed session knows its peer, too";
    return ends.server->resumed();
  }
  const Fd listener_ = listen_on(Address::v4(127, 0, 0, 1, 0));
};

TEST_F(Resumption, ASecondConnectionGoesOnWhereTheFirstEnded) {
  EXPECT_FALSE(meet(worker_, manager_));
  EXPECT_TRUE(meet(worker_, manager_));
  EXPECT_TRUE(meet(worker_, manager_)) << "a resumed connection brings the next ticket";
}

TEST_F(Resumption, EveryManagerOpensTheTicketsOfEveryOther) {
  EXPECT_FALSE(meet(worker_, manager_));
  EXPECT_TRUE(meet(worker_, context_of(root_.manager(9))));
}

TEST_F(Resumption, ATicketOfAnotherKeyMakesAFullHandshake) {
  EXPECT_FALSE(meet(worker_, manager_));
  ports::Credentials rotated = root_.manager();
  rotated.ticket_key = "another";
  EXPECT_FALSE(meet(worker_, context_of(rotated)));
}

TEST_F(Resumption, ANewCertificateBeginsAnew) {
  EXPECT_FALSE(meet(worker_, manager_));
  EXPECT_FALSE(meet(context_of(root_.worker()), manager_));
}

// The chain is not looked at again, but what the certificate says is.
TEST_F(Resumption, ACertificateThatHasExpiredMeanwhileIsRefused) {
  std::int64_t later = 0;
  auto made = TlsContext::make(root_.manager(), TlsContext::Use::management,
                               [&] { return wall_now() + Duration::seconds(later); });
  ASSERT_TRUE(made.ok());
  EXPECT_FALSE(meet(worker_, *made));
  later = 365LL * 24 * 3600;
  Ends ends(listener_, worker_, *made);
  const Outcome refused = ends.shake().second;
  EXPECT_TRUE(ends.server->resumed());
  EXPECT_EQ(ends.server->why(refused), "the peer's certificate has expired");
}

// ---- ends

TEST_F(Tls, BytesThatWereCutOffAreNoEnd) {
  Ends ends(worker_, manager_);
  expect_shaken(ends);
  ends.server->write("whole");
  EXPECT_EQ(ends.read(*ends.client), "whole");
  ::shutdown(ends.server->fd(), SHUT_WR);  // without TLS's own goodbye
  EXPECT_EQ(ends.read(*ends.client), "the connection was cut off");
}

TEST_F(Tls, AnEndThatWasSaidIsOne) {
  Ends ends(worker_, manager_);
  expect_shaken(ends);
  ends.server->write("last words");
  ends.server.reset();
  char bytes[100];
  std::string came;
  Outcome got{.io = Io::blocked};
  for (int i = 0; i < 2'000 && got.io != Io::ended && got.io != Io::reset; ++i) {
    ends.client->note({true, true, false});
    got = ends.client->read(bytes, sizeof bytes);
    came.append(bytes, got.bytes);
    if (got.io == Io::blocked) ::poll(nullptr, 0, 1);
  }
  EXPECT_EQ(came, "last words");
  EXPECT_EQ(got.io, Io::ended);
}

// Two ends with a relay in the middle, which passes on what they say.
struct Between {
  Between(const std::shared_ptr<TlsContext>& dialling, const std::shared_ptr<TlsContext>& accepting) {
    int client[2], server[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, client), 0);
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, server), 0);
    near_client = Fd(client[1]);
    near_server = Fd(server[1]);
    dialled = std::make_unique<TlsStream>(Fd(client[0]), Side::dialled, dialling);
    accepted = std::make_unique<TlsStream>(Fd(server[0]), Side::accepted, accepting);
    Outcome one{.io = Io::blocked}, other{.io = Io::blocked};
    for (int i = 0; i < 20 && (one.io != Io::moved || other.io != Io::moved); ++i) {
      for (TlsStream* end : {dialled.get(), accepted.get()}) end->note({true, true, false});
      pass(near_server, hear(near_client));
      pass(near_client, hear(near_server));
      one = dialled->shake();
      other = accepted->shake();
    }
    EXPECT_EQ(other.io, Io::moved);
  }
  static std::string hear(const Fd& from) {
    char bytes[20'000];
    const ssize_t count = ::recv(from.get(), bytes, sizeof bytes, 0);
    return {bytes, static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
  }
  static void pass(const Fd& to, std::string_view bytes) {
    if (!bytes.empty()) {
      EXPECT_EQ(::send(to.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    }
  }
  Fd near_client, near_server;
  std::unique_ptr<TlsStream> dialled, accepted;
};

TEST_F(Tls, ARecordThatWasChangedOnItsWayIsSeen) {
  Between between(worker_, manager_);
  between.dialled->write(std::string(1'000, 'x'));
  std::string record = Between::hear(between.near_client);
  record[record.size() / 2] ^= 1;
  Between::pass(between.near_server, record);
  between.accepted->note({true, true, false});
  char bytes[2'000];
  const Outcome got = between.accepted->read(bytes, sizeof bytes);
  EXPECT_EQ(got.io, Io::reset);
  EXPECT_EQ(got.bytes, 0U);
  EXPECT_EQ(between.accepted->read(bytes, sizeof bytes).io, Io::reset) << "and it stays so";
}

TEST_F(Tls, HalfARecordIsNothingToRead) {
  Between between(worker_, manager_);
  between.dialled->write(std::string(1'000, 'x'));
  const std::string record = Between::hear(between.near_client);
  char bytes[2'000];
  Between::pass(between.near_server, std::string_view(record).substr(0, 500));
  between.accepted->note({true, true, false});
  EXPECT_EQ(between.accepted->read(bytes, sizeof bytes).io, Io::blocked);
  EXPECT_FALSE(between.accepted->may_read()) << "else its owner never sleeps";
  Between::pass(between.near_server, std::string_view(record).substr(500));
  between.accepted->note({true, true, false});
  EXPECT_EQ(between.accepted->read(bytes, sizeof bytes).bytes, 1'000U);
}

TEST_F(Tls, AReadOpensAllRecordsThatHaveCome) {
  Between between(worker_, manager_);
  for (const char letter : {'a', 'b', 'c'}) between.dialled->write(std::string(1'000, letter));
  const std::string records = Between::hear(between.near_client);
  Between::pass(between.near_server, std::string_view(records).substr(0, records.size() - 1));
  std::vector<char> bytes(100'000);
  between.accepted->note({true, true, false});
  EXPECT_EQ(between.accepted->read(bytes.data(), bytes.size()).bytes, 2'000U);
  EXPECT_FALSE(between.accepted->may_read()) << "the third is not whole";
  Between::pass(between.near_server, std::string_view(records).substr(records.size() - 1));
  between.accepted->note({true, true, false});
  EXPECT_EQ(between.accepted->read(bytes.data(), bytes.size()).bytes, 1'000U);
  EXPECT_EQ(bytes.front(), 'c');
}

TEST_F(Tls, PiecesOfAllSizesComeInTheirOrder) {
  Ends ends(worker_, manager_);
  expect_shaken(ends);
  const std::string long_one(20'000, 'l'), longest(30'000, 'm');
  const std::vector<std::string_view> pieces = {"a", long_one, "", "b", longest, "c"};
  std::string wanted, came;
  for (const std::string_view piece : pieces) wanted += piece;
  EXPECT_EQ(ends.client->write(pieces).bytes, wanted.size());
  std::vector<char> bytes(100'000);
  EXPECT_TRUE(ends.until([&] {
    if (ends.client->holds_back()) ends.client->write("");
    came.append(bytes.data(), ends.server->read(bytes.data(), bytes.size()).bytes);
    return came.size() >= wanted.size();
  }));
  EXPECT_EQ(came, wanted);
}

// They receive into the same memory.
TEST_F(Tls, StreamsOfOneThreadKeepWhatTheirReadersHadNoRoomFor) {
  Between one(worker_, manager_), other(worker_, manager_);
  std::string wanted;
  for (const char letter : {'a', 'b', 'c'}) {
    one.dialled->write(std::string(250, letter));
    other.dialled->write(std::string(250, static_cast<char>(letter - 'a' + 'A')));
    wanted += std::string(250, letter);
  }
  for (Between* each : {&one, &other}) {
    Between::pass(each->near_server, Between::hear(each->near_client));
    each->accepted->note({true, true, false});
  }
  std::string at_one, at_other;
  char bytes[100];
  for (int i = 0; i < 20; ++i)
    for (auto [end, came] : {std::pair(&one, &at_one), std::pair(&other, &at_other)})
      if (end->accepted->may_read()) came->append(bytes, end->accepted->read(bytes, sizeof bytes).bytes);
  EXPECT_EQ(at_one, wanted);
  for (char& letter : wanted) letter = static_cast<char>(letter - 'a' + 'A');
  EXPECT_EQ(at_other, wanted);
}

TEST_F(Tls, WhatIsNoTlsIsRefused) {
  Ends ends(worker_, manager_);
  ::send(ends.client->fd(), "GET / HTTP/1.1\r\n\r\n", 18, 0);
  Outcome now{.io = Io::blocked};
  ends.until([&] { return (now = ends.server->shake()).io != Io::blocked; });
  EXPECT_EQ(now.io, Io::reset);
}

// ---- the pool

struct Pooled {
  std::unique_ptr<TlsStream> stream;
  std::string why;
};

class Pool : public Tls {
 protected:
  void shake(Fd fd, Side side, const std::shared_ptr<TlsContext>& context, HandshakePool& pool) {
    pool.shake(std::make_unique<TlsStream>(std::move(fd), side, context),
               [this](std::unique_ptr<TlsStream> made, std::string why) {
                 auto kept = std::make_shared<Pooled>(Pooled{std::move(made), std::move(why)});
                 reactor_.post([this, kept] { done_.push_back(std::move(*kept)); });
               });
  }
  Reactor reactor_;
  std::vector<Pooled> done_;
};

TEST_F(Pool, ShakesManyHandsAtOnceAndGivesTheStreamsBack) {
  constexpr std::size_t kPairs = 50;
  HandshakePool pool(2, Duration::seconds(30));
  for (std::size_t i = 0; i < kPairs; ++i) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    shake(Fd(ends[0]), Side::dialled, worker_, pool);
    shake(Fd(ends[1]), Side::accepted, manager_, pool);
  }
  ASSERT_TRUE(run_until(reactor_, [&] { return done_.size() == 2 * kPairs; }));
  for (const Pooled& one : done_) {
    EXPECT_EQ(one.why, "");
    ASSERT_NE(one.stream, nullptr);
    EXPECT_NE(one.stream->peer(), nullptr);
  }
}

TEST_F(Pool, AStreamWhosePeerSaysNothingComesBackInTime) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  const Fd silent(ends[0]);
  HandshakePool pool(2, Duration::millis(300));
  shake(Fd(ends[1]), Side::accepted, manager_, pool);
  ASSERT_TRUE(run_until(reactor_, [&] { return done_.size() == 1; }));
  EXPECT_EQ(done_[0].stream, nullptr);
  EXPECT_EQ(done_[0].why, "no TLS handshake within 300ms");
}

// A program that opens connections and says nothing takes no place from one that does.
TEST_F(Pool, TheOldestOfTooManyThatSayNothingGoAndOneThatSpeaksIsServed) {
  constexpr std::size_t kMost = 10, kSilent = 30;
  HandshakePool pool(1, Duration::seconds(30), kMost);
  std::vector<Fd> silent;
  for (std::size_t i = 0; i < kSilent; ++i) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    silent.emplace_back(ends[0]);
    shake(Fd(ends[1]), Side::accepted, manager_, pool);
  }
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  shake(Fd(ends[0]), Side::dialled, worker_, pool);
  shake(Fd(ends[1]), Side::accepted, manager_, pool);
  const auto is_served = [](const Pooled& one) { return one.stream != nullptr; };
  ASSERT_TRUE(run_until(reactor_, [&] { return std::count_if(done_.begin(), done_.end(), is_served) == 2; }));
  std::size_t served = 0, gone = 0;
  for (const Pooled& one : done_) {
    served += one.stream != nullptr ? 1 : 0;
    gone += one.why == "its TLS handshake made room for those of others" ? 1 : 0;
  }
  EXPECT_EQ(served, 2u);
  EXPECT_GE(gone, kSilent - kMost);
}

TEST_F(Pool, APeerThatHasGoneCostsNoHandshake) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  ::close(ends[0]);
  HandshakePool pool(1, Duration::seconds(30));
  shake(Fd(ends[1]), Side::accepted, manager_, pool);
  ASSERT_TRUE(run_until(reactor_, [&] { return done_.size() == 1; }));
  EXPECT_EQ(done_[0].why, "the peer closed the connection within its TLS handshake");
}

// ---- the API's door

class ApiDoor : public Tls {
 protected:
  // Files of one authority: its own certificate, and a client's.
  static TlsContext::ApiCredentials of(TestRoot& root, bool verifies) {
    const ports::Credentials own = root.manager(1);
    return {own.certificate_pem, own.key_pem, verifies ? root.pair().cert_pem : ""};
  }
  static std::string refusal(const TlsContext::ApiCredentials& credentials) {
    const auto made = TlsContext::make_for_api(credentials);
    return made ? "" : made.error().message;
  }
};

TEST_F(ApiDoor, FilesThatDoNotBelongTogetherAreRefusedInASentence) {
  TestRoot root, other;
  auto credentials = of(root, true);
  EXPECT_EQ(refusal(credentials), "");
  credentials.key_pem = other.manager(1).key_pem;
  EXPECT_EQ(refusal(credentials), "the key is not that of the certificate");
  credentials.key_pem = "?";
  EXPECT_EQ(refusal(credentials), "the key cannot be read: it is no PEM, or it has a password");
  credentials = of(root, true);
  credentials.client_roots_pem = "?";
  EXPECT_EQ(refusal(credentials), "the clients' certificate authority cannot be read: it is no PEM");
  credentials.certificate_pem = "";
  EXPECT_EQ(refusal(credentials), "the certificate cannot be read: it is no PEM");
}

// ---- certificates

TEST(Certificates, SayWhatWasSignedAndNothingElse) {
  TestRoot root;
  const auto issued =
      ca::to_issue(NodeId(7), model::NodeRole::manager, root.cluster(), TestRoot::kLife, wall_now());
  const auto own = root.crypto().make_request();
  const auto pem = root.crypto().issue(root.pair(), own.request_pem, issued);
  ASSERT_TRUE(pem.ok());
  auto expected = issued;
  expected.issuer = root.crypto().root_id(root.pair().cert_pem);
  EXPECT_EQ(expected.issuer.size(), 40U);
  EXPECT_EQ(root.crypto().read_certificate(*pem), expected);
  EXPECT_EQ(root.crypto().read_certificate(root.pair().cert_pem), std::nullopt);
  EXPECT_EQ(root.crypto().read_certificate("nothing"), std::nullopt);
}

TEST(Certificates, ARequestThatProvesNoKeyIsRefused) {
  TestRoot root;
  const auto says =
      ca::to_issue(NodeId(7), model::NodeRole::worker, root.cluster(), TestRoot::kLife, wall_now());
  EXPECT_FALSE(root.crypto().issue(root.pair(), "nothing", says).ok());
  const auto changed = [&](std::string request) {
    request[request.size() - 60] ^= 1;  // in its signature
    return request;
  };
  EXPECT_FALSE(
      root.crypto().issue(root.pair(), changed(root.crypto().make_request().request_pem), says).ok());
}

// ---- from one root to another

// A node's certificate of the next root, with the cross-signed one behind it.
class NextRoot : public testing::Test {
 protected:
  ports::Credentials node(std::uint64_t id, model::NodeRole role, std::string believes) {
    const auto own = old_.crypto().make_request();
    auto pem = old_.crypto().issue(
        next_, own.request_pem, ca::to_issue(NodeId(id), role, old_.cluster(), TestRoot::kLife, wall_now()));
    const auto cross = old_.crypto().cross_sign(old_.pair(), next_.cert_pem);
    SWARM_CHECK(pem.ok() && cross.ok(), "no certificate");
    return {*pem + *cross, own.key_pem, std::move(believes), "one key of the whole swarm"};
  }
  TestRoot old_;
  ports::Crypto::KeyPair next_ = old_.crypto().make_root_ca(wall_now());
};

TEST_F(NextRoot, IsBelievedByNodesOfTheOldOneAndTheOtherWayRound) {
  using enum model::NodeRole;
  const auto at_old = context_of(node(1, manager, old_.pair().cert_pem));
  Ends old_worker(context_of(old_.worker()), at_old);
  expect_shaken(old_worker);
  EXPECT_EQ(old_worker.client->peer()->node, NodeId(1));
  Ends next_worker(context_of(node(2, worker, old_.pair().cert_pem)), context_of(old_.manager()));
  expect_shaken(next_worker);
  EXPECT_EQ(next_worker.server->peer()->node, NodeId(2));
  Ends both(context_of(node(2, worker, next_.cert_pem)), at_old);
  expect_shaken(both);
  Ends over(context_of(node(2, worker, next_.cert_pem)), context_of(node(1, manager, next_.cert_pem)));
  expect_shaken(over);
}

TEST_F(NextRoot, IsResumedWhileTheOldOneIsBelieved) {
  using enum model::NodeRole;
  const auto dialling = context_of(node(2, worker, old_.pair().cert_pem));
  const auto accepting = context_of(node(1, manager, old_.pair().cert_pem));
  const Fd listener = listen_on(Address::v4(127, 0, 0, 1, 0));
  {
    Ends first(listener, dialling, accepting);
    expect_shaken(first);
    first.server->write("ticket");
    EXPECT_EQ(first.read(*first.client), "ticket");
  }
  Ends second(listener, dialling, accepting);
  expect_shaken(second);
  EXPECT_TRUE(second.server->resumed());
  EXPECT_EQ(second.server->peer()->node, NodeId(2));
}

// While nodes change over: one manager believes the root before, too, and the other no longer does.
class ChangingOver : public NextRoot {
 protected:
  ChangingOver()
      : both_(context_of(node(1, model::NodeRole::manager, next_.cert_pem + old_.pair().cert_pem))),
        next_only_(context_of(node(3, model::NodeRole::manager, next_.cert_pem))) {}
  void take_ticket(const std::shared_ptr<TlsContext>& client, const std::shared_ptr<TlsContext>& server) {
    Ends first(listener_, client, server);
    expect_shaken(first);
    first.server->write("ticket");
    EXPECT_EQ(first.read(*first.client), "ticket");
  }
  const std::shared_ptr<TlsContext> both_, next_only_;
  const Fd listener_ = listen_on(Address::v4(127, 0, 0, 1, 0));
};

TEST_F(ChangingOver, ManagersThatDifferByAnOldRootOpenEachOthersTickets) {
  const auto worker = context_of(node(2, model::NodeRole::worker, next_.cert_pem));
  take_ticket(worker, both_);
  for (const auto& other : {next_only_, both_}) {
    Ends ends(listener_, worker, other);
    expect_shaken(ends);
    EXPECT_TRUE(ends.server->resumed());
    EXPECT_EQ(ends.server->peer()->node, NodeId(2));
    ends.server->write("ticket");
    EXPECT_EQ(ends.read(*ends.client), "ticket");
  }
}

TEST_F(ChangingOver, ATicketDoesNotBringAPeerOfTheOldRootPastAManagerThatBelievesTheNextAlone) {
  const auto old_worker = context_of(old_.worker());
  take_ticket(old_worker, both_);
  {
    Ends again(listener_, old_worker, both_);
    expect_shaken(again);
    EXPECT_TRUE(again.server->resumed());
    again.server->write("ticket");  // of a session that was resumed: it says by which root, too
    EXPECT_EQ(again.read(*again.client), "ticket");
  }
  Ends ends(listener_, old_worker, next_only_);
  EXPECT_EQ(ends.shake().second.io, Io::reset);
  EXPECT_FALSE(ends.server->resumed());
}

TEST_F(NextRoot, AloneIsAStrangersToTheOldOne) {
  ports::Credentials bare = node(2, model::NodeRole::worker, old_.pair().cert_pem);
  bare.certificate_pem.resize(bare.certificate_pem.find("-----END") + 26);  // without the cross-signed one
  Ends ends(context_of(bare), context_of(old_.manager()));
  const Outcome refused = ends.shake().second;
  EXPECT_EQ(refused.io, Io::reset);
}

TEST_F(NextRoot, ACertificateSaysByWhomItIsCrossSigned) {
  const auto says =
      old_.crypto().read_certificate(node(2, model::NodeRole::worker, old_.pair().cert_pem).certificate_pem);
  ASSERT_TRUE(says.has_value());
  EXPECT_EQ(says->issuer, old_.crypto().root_id(next_.cert_pem));
  EXPECT_EQ(says->cross_signed_by, old_.crypto().root_id(old_.pair().cert_pem));
  const auto cross = old_.crypto().cross_sign(old_.pair(), next_.cert_pem);
  ASSERT_TRUE(cross.ok());
  EXPECT_EQ(old_.crypto().root_id(*cross), says->issuer);
  EXPECT_EQ(old_.crypto().issuer_of(*cross).public_key_der,
            old_.crypto().issuer_of(next_.cert_pem).public_key_der);
}

TEST_F(NextRoot, AUsersRootMustBeOneWithItsKey) {
  OpensslCrypto& crypto = old_.crypto();
  const auto why = [&](const std::string& cert, const std::string& key, WallTime now) {
    const auto root = crypto.read_root(cert, key, now);
    return root ? std::string() : root.error().message;
  };
  const std::string leaf = old_.worker().certificate_pem;
  EXPECT_EQ(why(next_.cert_pem, next_.key_pem, wall_now()), "");
  EXPECT_EQ(crypto.read_root("\n" + next_.cert_pem, next_.key_pem, wall_now())->cert_pem, next_.cert_pem);
  EXPECT_EQ(why("nonsense", next_.key_pem, wall_now()), "could not parse the desired CA certificate");
  EXPECT_EQ(why(next_.cert_pem + old_.pair().cert_pem, next_.key_pem, wall_now()),
            "the desired CA certificate cannot contain multiple certificates");
  EXPECT_EQ(why(next_.cert_pem, old_.pair().key_pem, wall_now()),
            "the desired CA certificate and key do not match");
  EXPECT_EQ(why(leaf, old_.worker().key_pem, wall_now()), "the desired CA certificate and key do not match");
  const Duration years = Duration::seconds(19LL * 365 * 24 * 3600 + 10);
  EXPECT_EQ(why(next_.cert_pem, next_.key_pem, wall_now() + years), "CA certificate expires too soon");
  const ports::Credentials own = old_.worker();
  EXPECT_TRUE(
      why(own.certificate_pem, own.key_pem, wall_now()).starts_with("the desired CA certificate is no root"));
}

}  // namespace
}  // namespace swarm::real
