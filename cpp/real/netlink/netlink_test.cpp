// Messages, written and read; and what a kernel answers in a namespace of this test.
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "real/netlink/link_messages.hpp"
#include "real/netlink/message.hpp"
#include "real/netlink/nat_table.hpp"
#include "real/netlink/net_space.hpp"
#include "real/netlink/socket.hpp"

namespace swarm::real::netlink {
namespace {

constexpr std::size_t kHeader = sizeof(nlmsghdr);

TEST(NetlinkMessage, SaysItsLengthAndIsAligned) {
  Message message(RTM_NEWLINK, NLM_F_ACK);
  message.text(IFLA_IFNAME, "ab").number(IFLA_MTU, std::uint32_t{1450});
  const std::string bytes = message.finished();
  EXPECT_EQ(bytes.size(), kHeader + 8 + 8);
  const auto header = read_fixed<nlmsghdr>(bytes);
  EXPECT_EQ(header.nlmsg_len, bytes.size());
  EXPECT_EQ(header.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
}

TEST(NetlinkMessage, WhatIsWrittenIsRead) {
  Message message(RTM_NEWLINK, 0);
  message.text(IFLA_IFNAME, "eth0")
      .open(IFLA_LINKINFO)
      .text(1, "veth")
      .open(2)
      .big32(7, 0x01020304)
      .close()
      .close();
  message.number(IFLA_MTU, std::uint32_t{1450});
  const std::string bytes = message.finished();
  const Attributes attributes(std::string_view(bytes).substr(kHeader));
  EXPECT_EQ(attributes.text(IFLA_IFNAME), "eth0");
  EXPECT_EQ(attributes.nested(IFLA_LINKINFO).text(1), "veth");
  EXPECT_EQ(attributes.nested(IFLA_LINKINFO).nested(2).big32(7), 0x01020304U);
  EXPECT_EQ(attributes.number32(IFLA_MTU), 1450U);
  EXPECT_FALSE(attributes.has(IFLA_GROUP));
  EXPECT_EQ(attributes.number32(IFLA_GROUP), 0U);
}

TEST(NetlinkMessage, AttributesThatAreCutOffAreLeftOut) {
  Message message(RTM_NEWLINK, 0);
  message.text(IFLA_IFNAME, "eth0").text(IFLA_QDISC, "noqueue");
  const std::string bytes = message.finished();
  for (std::size_t size = kHeader; size < bytes.size(); ++size) {
    const Attributes attributes(std::string_view(bytes).substr(kHeader, size - kHeader));
    EXPECT_TRUE(attributes.text(IFLA_QDISC).empty()) << size;
  }
}

class InASpace : public testing::Test {
 protected:
  void SetUp() override {
    auto space = NetSpace::make();
    if (!space) GTEST_SKIP() << space.error().message;
    space_ = std::move(*space);
  }
  NetSpace space_;
};

TEST_F(InASpace, EachRequestHasItsOwnOutcome) {
  auto socket = space_.open_socket(NETLINK_ROUTE);
  std::vector<Request> requests;
  for (int i = 0; i < 200; ++i)
    requests.push_back(make_bridge({"b" + std::to_string(i % 150), 100 + i, 1450, 5}));
  const auto outcomes = socket->ask(std::move(requests));
  ASSERT_EQ(outcomes.size(), 200U);
  for (std::size_t i = 0; i < 200; ++i) EXPECT_EQ(outcomes[i].ok(), i < 150) << i;
  EXPECT_EQ(outcomes[150].error().code, Code::already_exists);
  EXPECT_EQ(outcomes[150].error().message.substr(0, 46), "cannot make the bridge b0: the kernel says: Fi");
  EXPECT_EQ(links(*socket)->size(), 151U);
  EXPECT_TRUE(socket->ask(remove_group(5)).ok());
  EXPECT_EQ(links(*socket)->size(), 1U);
  EXPECT_TRUE(socket->ask(remove_link("b0", 100)).ok()) << "gone already";
}

TEST_F(InASpace, ATransactionIsDoneAsAWholeOrNotAtAll) {
  auto socket = space_.open_socket(NETLINK_NETFILTER);
  const Backends one{Address::v4(10, 0, 1, 2)};
  const Address vip = Address::v4(10, 0, 1, 8), other = Address::v4(10, 0, 1, 9);
  ASSERT_TRUE(make_vip_table(*socket, {{vip, &one, false}}).ok());
  const auto before = generation(*socket);
  EXPECT_FALSE(edit_vip_table(*socket, {{other, &one, true}}).ok()) << "a chain that is not there";
  EXPECT_EQ(*generation(*socket), *before);
  EXPECT_TRUE(edit_vip_table(*socket, {{vip, nullptr, true}, {other, &one, false}}).ok());
  EXPECT_EQ(*generation(*socket), *before + 1);
}

TEST_F(InASpace, AServiceMayHaveThousandsOfBackends) {
  auto socket = space_.open_socket(NETLINK_NETFILTER);
  Backends many;
  for (std::uint32_t i = 0; i < 3'000; ++i)
    many.push_back(Address::v4(10, 1, static_cast<std::uint8_t>(i >> 8U), static_cast<std::uint8_t>(i)));
  EXPECT_TRUE(make_vip_table(*socket, {{Address::v4(10, 0, 1, 8), &many, false}}).ok());
  many.resize(2'999);
  EXPECT_TRUE(edit_vip_table(*socket, {{Address::v4(10, 0, 1, 8), &many, true}}).ok());
}

TEST_F(InASpace, APoolGivesAWarmOneOrMakesOne) {
  Pool pool(2);
  EXPECT_TRUE(pool.refill().ok());
  EXPECT_EQ(pool.warm(), 2U);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(pool.take()->valid());
  EXPECT_EQ(pool.warm(), 0U);
}

TEST_F(InASpace, TheCallersThreadStaysWhereItIs) {
  const auto here = NetSpace::current();
  auto socket = here->open_socket(NETLINK_ROUTE);
  const auto before = links(*socket);
  (void)space_.run_in([] { return Result<void>(plain_error(Code::internal, "no")); });
  auto again = Socket::open(NETLINK_ROUTE);
  EXPECT_EQ(links(*again)->size(), before->size());
}

}  // namespace
}  // namespace swarm::real::netlink
