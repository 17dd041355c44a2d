// The names that a task sees, as the rows of a feed make them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "model/wire.hpp"
#include "net/dns/address_bag.hpp"
#include "net/dns/names.hpp"
#include "net/names/name_book.hpp"
#include "net/overlay/feed_table.hpp"

namespace swarm::names {
namespace {

using Words = std::vector<std::string>;
using wire::OverlayStage;

class NameBookTest : public testing::Test {
 protected:
  NameBookTest() { set(network(1)); }
  void on(const wire::OverlayChange& change) { book_.on(rows_.on(change)); }
  void set(const wire::OverlayNetwork& row) { on(of(&wire::OverlayChange::networks, row)); }
  void set(const wire::OverlayService& row) { on(of(&wire::OverlayChange::services, row)); }
  void set(const wire::OverlayTask& row) { on(of(&wire::OverlayChange::tasks, row)); }
  template <class Row>
  static wire::OverlayChange of(std::vector<Row> wire::OverlayChange::*rows, const Row& row) {
    wire::OverlayChange out;
    (out.*rows).push_back(row);
    return out;
  }
  static wire::OverlayNetwork network(std::uint64_t id, bool internal = false) {
    wire::OverlayNetwork out;
    out.network = NetworkId(id);
    out.name = "net" + std::to_string(id);
    out.internal = internal;
    return out;
  }
  static std::string ip(std::uint64_t net, std::uint64_t host) {
    return "10.0." + std::to_string(net) + "." + std::to_string(host) + "/24";
  }
  // Service 4 is "web", with "www" besides; its virtual address ends in 2.
  static wire::OverlayService web(const std::vector<std::uint64_t>& networks, bool dnsrr = false) {
    wire::OverlayService out{ServiceId(4), "web", {}};
    for (const std::uint64_t at : networks)
      out.vips.push_back({NetworkId(at), dnsrr ? std::string() : ip(at, 2), {"www"}});
    return out;
  }
  static wire::OverlayTask task(std::uint64_t id, const std::vector<std::uint64_t>& networks,
                                OverlayStage stage = OverlayStage::serving) {
    wire::OverlayTask out;
    out.task = TaskId(id);
    out.service = ServiceId(4);
    out.name = "web." + std::to_string(id) + ".x";
    out.aliases = {"c" + std::to_string(id)};
    out.stage = stage;
    for (const std::uint64_t at : networks)
      out.places.push_back({NetworkId(at), ip(at, id), static_cast<std::uint32_t>(out.places.size())});
    return out;
  }
  // The last two numbers of the addresses that the name leads to, as the task sees it.
  Words find(std::uint64_t asking, const std::string& name) const {
    const dns::Names names = book_.names_of(TaskId(asking));
    Words out;
    const dns::AddressBag* bag = dns::find(names, name);
    if (bag == nullptr) return out;
    for (const dns::Ip& one : bag->v4())
      out.push_back(std::to_string(one[14]) + "." + std::to_string(one[15]));
    std::ranges::sort(out);
    return out;
  }
  overlay::FeedTable rows_;
  NameBook book_;
};

TEST_F(NameBookTest, AServicesNameLeadsToItsVirtualAddressAndTasksNameToItsTasks) {
  set(web({1}));
  set(task(10, {1}));
  set(task(11, {1}));
  for (const char* name : {"web", "www", "web.net1"}) EXPECT_EQ(find(10, name), Words{"1.2"}) << name;
  for (const char* name : {"tasks.web", "tasks.www"})
    EXPECT_EQ(find(10, name), (Words{"1.10", "1.11"})) << name;
  for (const char* name : {"web.11.x", "c11"}) EXPECT_EQ(find(10, name), Words{"1.11"}) << name;
  EXPECT_TRUE(find(10, "other").empty());
}

TEST_F(NameBookTest, WithoutAVirtualAddressTheNameLeadsToTheTasks) {
  set(web({1}, true));
  set(task(10, {1}));
  set(task(11, {1}));
  EXPECT_EQ(find(10, "web"), (Words{"1.10", "1.11"}));
  set(web({1}));
  EXPECT_EQ(find(10, "web"), Words{"1.2"}) << "it has one now";
}

TEST_F(NameBookTest, AlsoATaskThatIsOnlyMadeSeesNamesAndHasNone) {
  set(web({1}));
  set(task(10, {1}));
  set(task(11, {1}, OverlayStage::made));
  EXPECT_EQ(find(11, "web"), Words{"1.2"});
  EXPECT_EQ(find(10, "tasks.web"), Words{"1.10"});
  EXPECT_TRUE(find(10, "web.11.x").empty());
  set(task(11, {1}));
  EXPECT_EQ(find(10, "tasks.web"), (Words{"1.10", "1.11"}));
}

TEST_F(NameBookTest, ATaskThatLeavesLosesItsNames) {
  set(web({1}));
  set(task(10, {1}));
  set(task(11, {1}));
  set(task(11, {1}, OverlayStage::leaving));
  EXPECT_EQ(find(10, "tasks.web"), Words{"1.10"});
  EXPECT_TRUE(find(10, "c11").empty());
  EXPECT_EQ(find(11, "web"), Words{"1.2"}) << "it still sees those of others";
  on(of(&wire::OverlayChange::removed_tasks, TaskId(11)));
  EXPECT_EQ(find(10, "web"), Words{"1.2"});
  EXPECT_TRUE(find(11, "web").empty()) << "it is not known any more";
}

TEST_F(NameBookTest, RowsMayComeBeforeTheirNetwork) {
  set(web({2}));
  set(task(10, {2}));
  set(task(11, {2}, OverlayStage::made));
  EXPECT_TRUE(find(10, "web").empty());
  set(network(2));
  EXPECT_EQ(find(10, "web"), Words{"2.2"});
  EXPECT_EQ(find(10, "tasks.web"), Words{"2.10"}) << "a task that is only made has no names then either";
}

TEST_F(NameBookTest, ANetworkThatIsNamedAnewIsFoundByItsNewName) {
  set(web({1}));
  set(task(10, {1}));
  auto renamed = network(1);
  renamed.name = "other";
  set(renamed);
  EXPECT_EQ(find(10, "web.other"), Words{"1.2"});
  EXPECT_TRUE(find(10, "web.net1").empty());
  set(task(11, {1}));
  EXPECT_EQ(find(10, "tasks.web"), (Words{"1.10", "1.11"})) << "it is kept by changes";
}

TEST_F(NameBookTest, ANetworkThatGoesTakesItsNamesAlong) {
  set(web({1}));
  set(task(10, {1}));
  on(of(&wire::OverlayChange::removed_networks, NetworkId(1)));
  EXPECT_TRUE(find(10, "web").empty());
  set(network(1));
  EXPECT_EQ(find(10, "web"), Words{"1.2"}) << "its rows are still there";
}

TEST_F(NameBookTest, ATaskThatLosesAPlaceLosesItsNamesThere) {
  set(network(2));
  set(web({1, 2}));
  set(task(10, {1}));
  set(task(11, {1, 2}));
  set(task(12, {2}));
  set(task(11, {2}));
  EXPECT_EQ(find(10, "tasks.web"), Words{"1.10"});
  EXPECT_EQ(find(12, "tasks.web"), (Words{"2.11", "2.12"}));
  set(web({2}));
  EXPECT_TRUE(find(10, "web").empty());
  EXPECT_EQ(find(12, "web"), Words{"2.2"});
}

TEST_F(NameBookTest, TheFirstNetworkOfTheSpecAnswersAlone) {
  set(network(2));
  set(web({1, 2}));
  set(task(10, {2, 1}));
  set(task(11, {1, 2}));
  EXPECT_EQ(find(10, "web"), Words{"2.2"});
  EXPECT_EQ(find(11, "web"), Words{"1.2"});
  EXPECT_EQ(find(11, "web.net2"), Words{"2.2"});
  auto turned = task(11, {1, 2});
  std::swap(turned.places[0], turned.places[1]);
  set(turned);
  EXPECT_EQ(find(11, "web"), Words{"1.2"}) << "the index counts, not the order of rows";
}

TEST_F(NameBookTest, OnlyATaskWithAWayOutMayAskOthers) {
  const auto may = [this](std::uint64_t id) { return book_.names_of(TaskId(id)).may_forward; };
  set(network(2, true));
  set(task(10, {2}));
  set(task(11, {2, 1}));
  EXPECT_FALSE(may(10)) << "internal networks only";
  EXPECT_TRUE(may(11));
  EXPECT_FALSE(may(99)) << "not known";
  set(network(2, false));
  EXPECT_TRUE(may(10)) << "the network is open now";
}

TEST_F(NameBookTest, AServiceThatIsGoneHasNoNames) {
  set(web({1}));
  set(task(10, {1}));
  on(of(&wire::OverlayChange::removed_services, ServiceId(4)));
  EXPECT_TRUE(find(10, "web").empty() && find(10, "tasks.web").empty());
  EXPECT_EQ(find(10, "web.10.x"), Words{"1.10"}) << "its task still runs";
}

}  // namespace
}  // namespace swarm::names
