// Questions to the host's servers, and what comes back.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "net/dns/forwarder.hpp"
#include "net/dns/resolv_conf.hpp"
#include "net/dns/test_packets.hpp"
#include "net/dns/wire.hpp"

namespace swarm::dns {
namespace {

const Address kFirst = Address::v4(192, 0, 2, 1, 53), kSecond = Address::v4(192, 0, 2, 2, 53);

// A reply with this code to the packet that a server got.
std::string reply(std::string_view asked, std::uint16_t code, std::string_view rest = "") {
  return std::string(asked.substr(0, 2)) + u16(static_cast<std::uint16_t>(0x8180 | code)) +
         std::string(asked.substr(4)) + std::string(rest);
}

class Forwarding : public testing::Test {
 protected:
  void forward(ClientQuery client, const std::string& packet = query("example.org"),
               Transport transport = Transport::udp) {
    forwarder.forward(client, packet, transport, now, now + Duration::seconds(10));
  }
  Ask asked() {
    auto effects = forwarder.take_effects();
    EXPECT_EQ(effects.size(), 1U);
    return std::get<Ask>(effects.at(0));
  }
  Tell told() {
    auto effects = forwarder.take_effects();
    EXPECT_EQ(effects.size(), 1U);
    return std::get<Tell>(effects.at(0));
  }
  bool heard(const Ask& ask, const std::string& packet) {
    return forwarder.heard(ask.server.address, ask.transport, packet, now);
  }

  Instant now{1'000};
  Forwarder forwarder{{{kFirst, true}, {kSecond, true}}, Rng(3)};
};

TEST_F(Forwarding, AReplyGoesToItsClientWithTheClientsId) {
  forward(5);
  const Ask ask = asked();
  EXPECT_EQ(ask.server.address, kFirst);
  EXPECT_NE(ask.question, 0x1234) << "an id of its own";
  EXPECT_EQ(get_u16(ask.bytes, 0), ask.question);
  EXPECT_EQ(ask.bytes.substr(2), query("example.org").substr(2)) << "the rest as the client sent it";
  EXPECT_TRUE(heard(ask, reply(ask.bytes, 0, "records")));
  const Tell tell = told();
  EXPECT_EQ(tell.query, 5U);
  EXPECT_EQ(tell.bytes, reply(query("example.org"), 0, "records"));
  EXPECT_EQ(forwarder.under_way(), 0U);
  EXPECT_EQ(forwarder.next_deadline(), Instant::never());
}

TEST_F(Forwarding, APacketThatIsNotTheReplyIsIgnored) {
  forward(5);
  const Ask ask = asked();
  const std::string good = reply(ask.bytes, 0);
  const std::string other_id = u16(static_cast<std::uint16_t>(ask.question + 1)) + good.substr(2);
  EXPECT_FALSE(heard(ask, other_id));
  EXPECT_FALSE(forwarder.heard(kSecond, Transport::udp, good, now)) << "another server";
  EXPECT_FALSE(forwarder.heard(Address::v4(192, 0, 2, 1, 5353), Transport::udp, good, now)) << "another port";
  EXPECT_FALSE(forwarder.heard(kFirst, Transport::tcp, good, now)) << "another transport";
  EXPECT_FALSE(heard(ask, ask.bytes)) << "a query";
  EXPECT_FALSE(heard(ask, good.substr(0, 11)));
  EXPECT_FALSE(heard(ask, reply(u16(ask.question) + query("example.com").substr(2), 0)))
      << "another question";
  EXPECT_FALSE(heard(ask, reply(u16(ask.question) + query("example.org", kTypeAaaa).substr(2), 0)));
  EXPECT_EQ(forwarder.under_way(), 1U);
  EXPECT_TRUE(heard(ask, good));
  EXPECT_FALSE(heard(ask, good)) << "the same again";
}

TEST_F(Forwarding, TheServersCaseOfTheQuestionMayDiffer) {
  forward(5);
  const Ask ask = asked();
  EXPECT_TRUE(heard(ask, reply(u16(ask.question) + query("EXAMPLE.org").substr(2), 0)));
}

TEST_F(Forwarding, NxdomainIsAnAnswerServfailAndRefusedAreNot) {
  forward(5);
  Ask ask = asked();
  EXPECT_TRUE(heard(ask, reply(ask.bytes, 2)));
  const Ask next = asked();
  EXPECT_EQ(next.server.address, kSecond);
  EXPECT_NE(next.question, ask.question);
  EXPECT_FALSE(heard(ask, reply(ask.bytes, 0))) << "the first server is too late";
  EXPECT_TRUE(heard(next, reply(next.bytes, 3)));
  EXPECT_EQ(told().bytes, reply(query("example.org"), 3));
  forward(6);
  ask = asked();
  EXPECT_TRUE(heard(ask, reply(ask.bytes, 5)));
  EXPECT_EQ(asked().server.address, kSecond);
}

TEST_F(Forwarding, WhenAllServersHaveFailedTheClientGetsServfail) {
  forward(5, query("example.org", kTypeA, 1232));
  const Ask first = asked();
  forwarder.failed(first.question, now);
  const Ask second = asked();
  forwarder.failed(second.question, now);
  const Tell tell = told();
  EXPECT_EQ(taken(tell.bytes).code, 2);
  EXPECT_EQ(taken(tell.bytes).id, 0x1234);
  EXPECT_TRUE(taken(tell.bytes).has_opt);
  forwarder.failed(second.question, now);
  EXPECT_TRUE(forwarder.take_effects().empty());
}

TEST_F(Forwarding, AServerThatIsSilentIsLeftAfterFourSeconds) {
  forward(5);
  const Ask first = asked();
  EXPECT_EQ(forwarder.next_deadline(), now + kServerPatience);
  forwarder.tick(now + Duration::millis(3'999));
  EXPECT_TRUE(forwarder.take_effects().empty());
  now = now + kServerPatience;
  forwarder.tick(now);
  EXPECT_EQ(asked().server.address, kSecond);
  now = now + kServerPatience;
  forwarder.tick(now);
  EXPECT_EQ(taken(told().bytes).code, 2);
}

TEST_F(Forwarding, NoQuestionOutlivesItsOwnDeadline) {
  forwarder.forward(5, query("example.org"), Transport::udp, now, now + Duration::seconds(5));
  const Ask first = asked();
  forwarder.tick(now + Duration::seconds(4));
  const Ask second = asked();
  EXPECT_EQ(forwarder.next_deadline(), now + Duration::seconds(5));
  forwarder.tick(now + Duration::seconds(5));
  EXPECT_EQ(taken(told().bytes).code, 2);
}

TEST_F(Forwarding, QuestionsOfOneDeadlineEndInTheirOrder) {
  for (ClientQuery client = 0; client < 20; ++client) forward(client);
  forwarder.take_effects();
  forwarder.tick(now + Duration::seconds(4));
  EXPECT_EQ(forwarder.take_effects().size(), 20U);
  forwarder.tick(now + Duration::seconds(20));
  const auto effects = forwarder.take_effects();
  ASSERT_EQ(effects.size(), 20U);
  for (ClientQuery client = 0; client < 20; ++client)
    EXPECT_EQ(std::get<Tell>(effects[client]).query, client);
}

TEST_F(Forwarding, OneQuestionTooManyIsRefused) {
  std::set<QuestionId> ids;
  for (std::size_t i = 0; i < kMostUnderWay; ++i) {
    forward(i);
    ids.insert(asked().question);
  }
  EXPECT_EQ(ids.size(), kMostUnderWay) << "no id twice";
  forward(9'999);
  const Tell tell = told();
  EXPECT_EQ(tell.query, 9'999U);
  EXPECT_EQ(taken(tell.bytes).code, 5);
  EXPECT_EQ(forwarder.under_way(), kMostUnderWay);
}

TEST_F(Forwarding, AServerThatRefusesWithoutAQuestionIsLeft) {
  forward(5);
  const Ask ask = asked();
  const std::string bare = u16(ask.question) + bytes_of("8181 0000 0000 0000 0000");
  EXPECT_TRUE(heard(ask, bare));
  EXPECT_EQ(asked().server.address, kSecond);
  forward(6);
  const Ask other = asked();
  EXPECT_FALSE(heard(other, u16(other.question) + bytes_of("8180 0000 0000 0000 0000"))) << "no refusal";
}

TEST_F(Forwarding, ByTcpWhereTheClientAskedByTcp) {
  forward(5, query("example.org"), Transport::tcp);
  const Ask ask = asked();
  EXPECT_EQ(ask.transport, Transport::tcp);
  EXPECT_TRUE(heard(ask, reply(ask.bytes, 0)));
}

TEST(ForwardingWithoutServers, IsServfailAtOnce) {
  Forwarder forwarder({}, Rng(1));
  forwarder.forward(1, query("example.org"), Transport::udp, Instant{0}, Instant{9});
  const auto effects = forwarder.take_effects();
  ASSERT_EQ(effects.size(), 1U);
  EXPECT_EQ(taken(std::get<Tell>(effects[0]).bytes).code, 2);
}

}  // namespace
}  // namespace swarm::dns
