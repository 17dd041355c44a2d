// A hub and its nodes, in the kernel: as root, or in a user namespace (`unshare -Urn`); else skipped with the
// kernel's words.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "base/address.hpp"
#include "base/result.hpp"
#include "real/hub/host_door.hpp"
#include "real/hub/hub.hpp"
#include "real/hub/hub_door.hpp"
#include "real/stream/fd.hpp"
#include "real/stream/sockets.hpp"

namespace swarm::real {
namespace {

constexpr std::uint8_t kNetwork = 253;

Address node(std::uint8_t number) { return Address::v4(10, 214, kNetwork, number); }

class HubTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = Hub::make({kNetwork, false});
    if (!made) GTEST_SKIP() << made.error().message;
    hub_ = std::move(*made);
    for (std::uint8_t number : {1, 2})
      ASSERT_TRUE(hub_->add("m" + std::to_string(number), node(number)).ok());
  }
  std::string ask(const std::string& request) { return answer_request(*hub_, own_, request).text; }

  std::unique_ptr<Hub> hub_;
  OwnSpace own_;
};

TEST_F(HubTest, ANodeIsAddedOnceAndAnAddressBelongsToOneNode) {
  EXPECT_EQ(ask("add m1 10.214.253.1"), "ok");
  EXPECT_EQ(ask("add m1 10.214.253.9"), "error: m1 has the address 10.214.253.1");
  EXPECT_EQ(ask("add m9 10.214.253.1"), "error: m1 has 10.214.253.1");
  EXPECT_EQ(ask("add m9 nowhere"), "error: nowhere is no IPv4 address");
}

TEST_F(HubTest, ANodesNamespaceIsGivenByADescriptor) {
  EXPECT_EQ(answer_request(*hub_, own_, "enter m1").descriptors.size(), 1U);
  EXPECT_EQ(ask("enter m9"), "error: there is no node m9");
}

TEST_F(HubTest, ASocketThatIsMadeForANodeListensAtItsAddress) {
  const HubAnswer answer = answer_request(*hub_, own_, "listen m1 8080");
  ASSERT_TRUE(answer.made.valid());
  EXPECT_EQ(own_address(answer.made.get()).str(), "10.214.253.1:8080");
  EXPECT_EQ(ask("listen m1 8080"), "error: Address already in use");
  EXPECT_EQ(ask("listen m1 80800"), "error: 80800 is no port");
}

TEST_F(HubTest, CutsAndCablesAreOfNodesThatAreThere) {
  EXPECT_EQ(ask("deafen m1 m2"), "ok");
  EXPECT_EQ(ask("deafen m1"), "ok");
  EXPECT_EQ(ask("deafen m1 m9"), "error: there is no node m9");
  EXPECT_EQ(ask("link m2 down"), "ok");
  EXPECT_EQ(ask("link m2 up"), "ok");
  EXPECT_EQ(ask("link m2 sideways"), "error: \"link m2 sideways\" is no request to a hub");
}

TEST_F(HubTest, WithoutADoorOfTheHostNothingIsPublishedThere) {
  EXPECT_EQ(ask("publish 10.214.253.1 8080"), "error: the host reaches the nodes at their own addresses");
}

TEST(HostDoor, ListensAtTheHostAndSaysWhyItCannot) {
  auto door = HostDoor::open();
  ASSERT_TRUE(door.ok());
  const auto made = door->listen(Address::v4(127, 0, 253, 1, 0));
  ASSERT_TRUE(made.ok());
  const Address there = own_address(made->get());
  EXPECT_EQ(there.host(), "127.0.253.1");
  const auto taken = door->listen(there);
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().message, "Address already in use");
}

}  // namespace
}  // namespace swarm::real
