// Packets in, answers out, byte for byte where it matters.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/id.hpp"
#include "base/rng.hpp"
#include "net/dns/address_bag.hpp"
#include "net/dns/answer_writer.hpp"
#include "net/dns/names.hpp"
#include "net/dns/network_names.hpp"
#include "net/dns/server.hpp"
#include "net/dns/test_packets.hpp"
#include "net/dns/wire.hpp"

namespace swarm::dns {
namespace {

using Texts = std::vector<std::string>;

// The network "net": web (a VIP, three tasks), db (dnsrr, two tasks with IPv6, too), many (dnsrr, 6,000
// tasks).
class Server : public testing::Test {
 protected:
  Server() {
    net->set(ServiceRow{ServiceId(1), "web", {"www"}, {ip("10.0.1.2")}});
    net->set(ServiceRow{ServiceId(2), "db", {}, {}});
    net->set(ServiceRow{ServiceId(3), "many", {}, {}});
    add_task(1, "web.1.abc", {ip("10.0.1.3")});
    add_task(1, "web.2.def", {ip("10.0.1.4")});
    add_task(1, "web.3.ghi", {ip("10.0.1.5")});
    add_task(2, "db.1.abc", {ip("10.0.1.6"), ip("fd00::6")});
    add_task(2, "db.2.def", {ip("10.0.1.7"), ip("fd00::7")});
  }
  void add_task(int service, const std::string& name, const std::vector<Ip>& addresses) {
    ++tasks;
    net->set(TaskRow{TaskId(tasks), ServiceId(static_cast<Uint128>(service)), name, {}, addresses});
  }
  void add_many(int count) {
    for (int i = 0; i < count; ++i)
      add_task(
          3, "many." + std::to_string(i),
          {Address::v4(10, 1, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i & 255)).ip});
  }
  std::string bytes(std::string_view packet, Transport transport = Transport::udp) {
    const Verdict verdict = answer(packet, transport, names, rng);
    if (std::holds_alternative<Forward>(verdict)) return "forward";
    if (std::holds_alternative<Drop>(verdict)) return "drop";
    return std::get<Reply>(verdict).bytes;
  }
  Taken ask(std::string_view name, std::uint16_t type, std::optional<std::uint16_t> udp_size = std::nullopt) {
    return taken(bytes(query(name, type, udp_size)));
  }

  std::shared_ptr<NetworkNames> net = std::make_shared<NetworkNames>("net");
  Names names{{net}};
  Rng rng{1};
  Uint128 tasks = 0;
};

TEST_F(Server, AnswersAQueryOfGlibcByteForByte) {
  EXPECT_EQ(to_hex(bytes(bytes_of("150a 0100 0001 0000 0000 0000 03576562 00 0001 0001"))),
            to_hex(bytes_of("150a 8180 0001 0001 0000 0000 03576562 00 0001 0001"
                            "c00c 0001 0001 00000258 0004 0a000102")));
}

TEST_F(Server, AnswersAaaaWithoutIpv6EmptyAndAtOnce) {
  EXPECT_EQ(to_hex(bytes(bytes_of("9a0c 0100 0001 0000 0000 0000 03576562 00 001c 0001"))),
            to_hex(bytes_of("9a0c 8180 0001 0000 0000 0000 03576562 00 001c 0001")));
}

TEST_F(Server, AnswersDigWithAnOptRecordOfItsOwn) {
  EXPECT_EQ(to_hex(bytes(bytes_of("8f31 0120 0001 0000 0000 0001 03776562 00 0001 0001"
                                  "00 0029 04d0 00 00 8000 000c 000a 0008 d1c2a3b4e5f60718"))),
            to_hex(bytes_of("8f31 8180 0001 0001 0000 0001 03776562 00 0001 0001"
                            "c00c 0001 0001 00000258 0004 0a000102"
                            "00 0029 1000 00 00 8000 0000")));
}

TEST_F(Server, AnswersAReverseNameByteForByte) {
  // 3.1.0.10.in-addr.arpa PTR: web.1.abc.net
  EXPECT_EQ(to_hex(bytes(bytes_of("0001 0100 0001 0000 0000 0000"
                                  "0133 0131 0130 023130 07696e2d61646472 0461727061 00 000c 0001"))),
            to_hex(bytes_of("0001 8180 0001 0001 0000 0000"
                            "0133 0131 0130 023130 07696e2d61646472 0461727061 00 000c 0001"
                            "c00c 000c 0001 00000258 000f 03776562 0131 03616263 036e6574 00")));
}

TEST_F(Server, KnowsTheNamesOfServicesAndTasks) {
  EXPECT_EQ(ask("web", kTypeA).data, Texts{"10.0.1.2"});
  EXPECT_EQ(ask("www", kTypeA).data, Texts{"10.0.1.2"});
  EXPECT_EQ(ask("WEB.Net", kTypeA).data, Texts{"10.0.1.2"});
  EXPECT_EQ(ask("web.2.def", kTypeA).data, Texts{"10.0.1.4"});
  EXPECT_EQ(ask("db.1.abc", kTypeAaaa).data, Texts{"fd00::6"});
  auto all = ask("db", kTypeAaaa).data;
  std::ranges::sort(all);
  EXPECT_EQ(all, (Texts{"fd00::6", "fd00::7"}));
}

TEST_F(Server, OtherTypesOfKnownNamesAreEmpty) {
  for (const std::uint16_t type : {12, 15, 16, 33, 65, 255}) {
    const Taken empty = ask("web", type);
    EXPECT_EQ(empty.code, 0) << type;
    EXPECT_TRUE(empty.data.empty()) << type;
  }
  EXPECT_EQ(ask("3.1.0.10.in-addr.arpa", kTypeA).code, 0);
}

TEST_F(Server, ForwardsWhatTheSwarmDoesNotKnow) {
  for (const char* name : {"example.org", "nginx", "web.other", "", "9.9.0.10.in-addr.arpa"})
    EXPECT_EQ(bytes(query(name)), "forward") << name;
  EXPECT_EQ(bytes(query("2.1.0.10.in-addr.arpa", kTypePtr)), "forward") << "a VIP has no reverse name";
  EXPECT_EQ(bytes(header() + question("web", 16, 3)), "forward") << "class CH";
  EXPECT_EQ(bytes(header() + std::string("\x07web.net", 8) + '\0' + u16(kTypeA) + u16(kClassIn)), "forward")
      << "one label with a dot inside";
}

TEST_F(Server, WhereNothingMayBeForwardedTheAnswerIsServfail) {
  names.may_forward = false;
  const Taken refused = ask("example.org", kTypeA);
  EXPECT_EQ(refused.code, 2);
  EXPECT_EQ(refused.question, question("example.org", kTypeA));
  EXPECT_EQ(ask("web", kTypeA).data, Texts{"10.0.1.2"});
}

TEST_F(Server, WithNdotsSetANameOfOneLabelStaysHere) {
  names.ndots_set = true;
  EXPECT_EQ(ask("nginx", kTypeA).code, 0);
  EXPECT_EQ(ask("nginx", kTypeAaaa).code, 0);
  EXPECT_EQ(bytes(query("nginx", 15)), "forward");
  EXPECT_EQ(bytes(query("nginx.example")), "forward");
}

TEST_F(Server, TheOrderOfManyAddressesIsDrawn) {
  std::map<std::string, int> first;
  for (int i = 0; i < 3'000; ++i) {
    auto all = ask("tasks.web", kTypeA).data;
    ++first[all.at(0)];
    std::ranges::sort(all);
    ASSERT_EQ(all, (Texts{"10.0.1.3", "10.0.1.4", "10.0.1.5"}));
  }
  for (const auto& [address, count] : first) EXPECT_NEAR(count, 1'000, 150) << address;
  Rng one(9), other(9);
  EXPECT_EQ(std::get<Reply>(answer(query("tasks.web"), Transport::udp, names, one)).bytes,
            std::get<Reply>(answer(query("tasks.web"), Transport::udp, names, other)).bytes);
}

TEST_F(Server, AnAnswerThatIsTooLongIsCutAndSaysSo) {
  add_many(6'000);
  const std::string plain = bytes(query("tasks.many"));
  EXPECT_LE(plain.size(), 512U);
  EXPECT_TRUE(taken(plain).truncated());
  EXPECT_EQ(taken(plain).data.size(), 30U);
  const std::string small = bytes(query("many", kTypeA, 100));
  EXPECT_LE(small.size(), 512U) << "less than 512 counts as 512";
  EXPECT_EQ(taken(small).data.size(), 29U);
  EXPECT_TRUE(taken(small).has_opt);
  const std::string wide = bytes(query("many", kTypeA, 4'096));
  EXPECT_LE(wide.size(), 4'096U);
  EXPECT_GT(wide.size(), 4'096U - 16);
  EXPECT_LE(bytes(query("many", kTypeA, 65'535)).size(), kMostUdpBody);
  const std::string tcp = bytes(query("many", kTypeA, 4'096), Transport::tcp);
  EXPECT_LE(tcp.size(), kMostTcp);
  EXPECT_TRUE(taken(tcp).truncated());
  EXPECT_GT(taken(tcp).data.size(), 4'000U);
}

TEST_F(Server, ACutAnswerDrawsFromAllAddressesAndSaysNoneTwice) {
  add_many(100);
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const auto all = ask("many", kTypeA).data;
    const std::set<std::string> different(all.begin(), all.end());
    ASSERT_EQ(different.size(), all.size());
    seen.insert(all.begin(), all.end());
  }
  EXPECT_EQ(seen.size(), 100U);
}

TEST_F(Server, WhatFitsExactlyIsNotCut) {
  add_many(30);
  const std::string whole = bytes(query("tasks.many"));
  EXPECT_FALSE(taken(whole).truncated());
  EXPECT_EQ(taken(whole).data.size(), 30U);
  add_many(31);
  EXPECT_TRUE(taken(bytes(query("tasks.many"))).truncated());
  EXPECT_FALSE(taken(bytes(query("web", kTypeA, 512))).truncated());
}

TEST_F(Server, SaysWhatIsWrongWithAPacket) {
  EXPECT_EQ(to_hex(bytes(header({.questions = 0}))), "123481810000000000000000");
  EXPECT_EQ(to_hex(bytes(header({.flags = 0x2100}) + question("web", kTypeA))), "1234a1840000000000000000");
  EXPECT_EQ(bytes(header({.flags = 0x8180}) + question("web", kTypeA)), "drop");
  EXPECT_EQ(bytes("ab"), "drop");
  const std::string version1 = header({.additional = 1}) + question("web", kTypeA) + opt(1232, 1);
  const Taken bad = taken(bytes(version1));
  EXPECT_EQ(bad.code, 0);
  EXPECT_EQ(bad.upper_code, 1) << "BADVERS is 16";
}

TEST_F(Server, AReverseNameThatNoMessageCarriesIsServfail) {
  add_task(2, std::string(64, 'x'), {ip("10.0.1.9")});
  EXPECT_EQ(ask("9.1.0.10.in-addr.arpa", kTypePtr).code, 2);
}

TEST_F(Server, ALongReverseNameFitsIntoTheSmallestAnswer) {
  std::string name(60, 'x');
  for (int i = 0; i < 3; ++i) name += "." + std::string(60, 'y');
  add_task(2, name, {ip("10.0.1.9")});
  EXPECT_EQ(ask("9.1.0.10.in-addr.arpa", kTypePtr).data.size(), 1U);
  EXPECT_FALSE(ask("9.1.0.10.in-addr.arpa", kTypePtr).truncated());
}

}  // namespace
}  // namespace swarm::dns
