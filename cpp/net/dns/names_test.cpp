// The table of a network, and what a task sees of several.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "base/rng.hpp"
#include "net/dns/address_bag.hpp"
#include "net/dns/lower_case.hpp"
#include "net/dns/names.hpp"
#include "net/dns/network_names.hpp"
#include "net/dns/test_packets.hpp"

namespace swarm::dns {
namespace {

using Texts = std::vector<std::string>;

Texts texts(const AddressBag* bag) {
  Texts out;
  if (bag == nullptr) return {"unknown"};
  for (const Ip& one : bag->v4()) out.push_back(Address{one}.host());
  for (const Ip& one : bag->v6()) out.push_back(Address{one}.host());
  std::ranges::sort(out);
  return out;
}

ServiceRow service(int id, std::string name, const Texts& vips, Texts aliases = {}) {
  ServiceRow row{ServiceId(static_cast<Uint128>(id)), std::move(name), std::move(aliases), {}};
  for (const auto& one : vips) row.vips.push_back(ip(one));
  return row;
}

TaskRow task(int id, int of, std::string name, const std::string& address, Texts aliases = {}) {
  return {TaskId(static_cast<Uint128>(id)),
          ServiceId(static_cast<Uint128>(of)),
          std::move(name),
          std::move(aliases),
          {ip(address)}};
}

TEST(AddressBag, AnAddressOfTwoOwnersStaysUntilBothTookItBack) {
  AddressBag bag;
  bag.add(ip("10.0.0.3"));
  bag.add(ip("10.0.0.3"));
  bag.add(ip("10.0.0.4"));
  bag.add(ip("fd00::1"));
  EXPECT_EQ(texts(&bag), (Texts{"10.0.0.3", "10.0.0.4", "fd00::1"}));
  bag.remove(ip("10.0.0.3"));
  EXPECT_EQ(bag.v4().size(), 2U);
  bag.remove(ip("10.0.0.3"));
  EXPECT_EQ(texts(&bag), (Texts{"10.0.0.4", "fd00::1"}));
  bag.remove(ip("fd00::1"));
  bag.remove(ip("10.0.0.4"));
  EXPECT_TRUE(bag.empty());
}

TEST(NetworkNames, AServiceHasItsVipAndTasksHaveTheirAddresses) {
  NetworkNames net("net");
  net.set(service(1, "Web", {"10.0.1.2"}, {"www"}));
  net.set(task(7, 1, "web.1.abc", "10.0.1.3", {"c0ffee", "host-1"}));
  net.set(task(8, 1, "web.2.def", "10.0.1.4"));
  EXPECT_EQ(texts(net.find("web")), (Texts{"10.0.1.2"}));
  EXPECT_EQ(texts(net.find("www")), (Texts{"10.0.1.2"}));
  EXPECT_EQ(texts(net.find("tasks.web")), (Texts{"10.0.1.3", "10.0.1.4"}));
  EXPECT_EQ(texts(net.find("tasks.www")), (Texts{"10.0.1.3", "10.0.1.4"}));
  EXPECT_EQ(texts(net.find("web.1.abc")), (Texts{"10.0.1.3"}));
  EXPECT_EQ(texts(net.find("c0ffee")), (Texts{"10.0.1.3"}));
  EXPECT_EQ(texts(net.find("host-1")), (Texts{"10.0.1.3"}));
  EXPECT_EQ(net.name_of(ip("10.0.1.4")), "web.2.def");
  EXPECT_EQ(net.name_of(ip("10.0.1.2")), "") << "a VIP has no reverse name";
}

TEST(NetworkNames, WithoutAVipTheServicesNameIsThatOfAllTasks) {
  NetworkNames net("net");
  net.set(service(1, "db", {}, {"sql"}));
  net.set(task(7, 1, "db.1.abc", "10.0.1.3"));
  net.set(task(8, 1, "db.2.def", "10.0.1.4"));
  for (const char* name : {"db", "sql", "tasks.db", "tasks.sql"})
    EXPECT_EQ(texts(net.find(name)), (Texts{"10.0.1.3", "10.0.1.4"})) << name;
}

TEST(NetworkNames, AServiceWithoutTasksIsUnknown) {
  NetworkNames net("net");
  net.set(service(1, "web", {"10.0.1.2"}));
  EXPECT_EQ(net.find("web"), nullptr);
  net.set(task(7, 1, "web.1.abc", "10.0.1.3"));
  EXPECT_NE(net.find("web"), nullptr);
  net.drop(TaskId(7));
  EXPECT_EQ(net.find("web"), nullptr);
  EXPECT_EQ(net.size(), 0U);
}

TEST(NetworkNames, AStoppingTaskLeavesItsNamesAndKeepsTheVip) {
  NetworkNames net("net");
  net.set(service(1, "web", {"10.0.1.2"}));
  TaskRow row = task(7, 1, "web.1.abc", "10.0.1.3");
  net.set(row);
  row.stopping = true;
  net.set(row);
  EXPECT_EQ(texts(net.find("web")), (Texts{"10.0.1.2"}));
  EXPECT_EQ(net.find("tasks.web"), nullptr);
  EXPECT_EQ(net.find("web.1.abc"), nullptr);
  EXPECT_EQ(net.name_of(ip("10.0.1.3")), "");
  net.drop(row.id);
  EXPECT_EQ(net.size(), 0U);
}

TEST(NetworkNames, TwoServicesOfOneAliasAreAnsweredTogether) {
  NetworkNames net("net");
  net.set(service(1, "blue", {"10.0.1.2"}, {"app"}));
  net.set(service(2, "green", {"10.0.1.9"}, {"app"}));
  net.set(task(7, 1, "blue.1.abc", "10.0.1.3"));
  net.set(task(8, 2, "green.1.def", "10.0.1.4"));
  EXPECT_EQ(texts(net.find("app")), (Texts{"10.0.1.2", "10.0.1.9"}));
  net.drop(TaskId(7));
  EXPECT_EQ(texts(net.find("app")), (Texts{"10.0.1.9"}));
}

TEST(NetworkNames, ATasksRowThatChangesLeavesNothingOfTheOldOne) {
  NetworkNames net("net");
  net.set(service(1, "web", {"10.0.1.2"}));
  net.set(task(7, 1, "web.1.abc", "10.0.1.3", {"old"}));
  net.set(task(7, 1, "web.1.abc", "10.0.1.5"));
  EXPECT_EQ(net.find("old"), nullptr);
  EXPECT_EQ(texts(net.find("tasks.web")), (Texts{"10.0.1.5"}));
  EXPECT_EQ(net.name_of(ip("10.0.1.3")), "");
}

TEST(NetworkNames, AServicesRowThatChangesNamesItsTasksAnew) {
  NetworkNames net("net");
  net.set(task(7, 1, "web.1.abc", "10.0.1.3"));
  net.set(service(1, "web", {"10.0.1.2"}, {"www"}));
  net.set(service(1, "web", {}, {"w3"}));
  EXPECT_EQ(net.find("www"), nullptr);
  EXPECT_EQ(texts(net.find("web")), (Texts{"10.0.1.3"}));
  EXPECT_EQ(texts(net.find("tasks.w3")), (Texts{"10.0.1.3"}));
  net.drop(ServiceId(1));
  EXPECT_EQ(net.find("web"), nullptr);
  EXPECT_EQ(texts(net.find("web.1.abc")), (Texts{"10.0.1.3"}));
}

TEST(NetworkNames, AContainerOfNoServiceHasItsOwnNames) {
  NetworkNames net("net");
  net.set(task(7, 0, "debug", "10.0.1.3", {"dbg"}));
  EXPECT_EQ(texts(net.find("dbg")), (Texts{"10.0.1.3"}));
  EXPECT_EQ(net.find("tasks."), nullptr);
  EXPECT_EQ(net.name_of(ip("10.0.1.3")), "debug");
}

// Some services and tasks, changed at random, each with the table that it is told to.
struct Drawn {
  std::vector<std::optional<ServiceRow>> services = std::vector<std::optional<ServiceRow>>(4);
  std::vector<std::optional<TaskRow>> tasks = std::vector<std::optional<TaskRow>>(12);

  void change_service(NetworkNames& net, Rng& rng) {
    const auto at = static_cast<int>(rng.below(services.size()));
    services[at].reset();
    if (rng.chance(1, 2)) return net.drop(ServiceId(static_cast<Uint128>(at + 1)));
    const Texts vips = rng.chance(1, 2) ? Texts{"10.0.0." + std::to_string(at + 1)} : Texts{};
    services[at] = service(at + 1, "s" + std::to_string(rng.below(3)), vips, {"all"});
    net.set(*services[at]);
  }
  void change_task(NetworkNames& net, Rng& rng) {
    const auto at = static_cast<int>(rng.below(tasks.size()));
    tasks[at].reset();
    if (rng.chance(1, 2)) return net.drop(TaskId(static_cast<Uint128>(at + 1)));
    const auto of = static_cast<int>(rng.below(services.size() + 1));
    const std::string name = "t" + std::to_string(rng.below(5));
    tasks[at] = task(at + 1, of, name, "10.0.1." + std::to_string(rng.below(6)));
    tasks[at]->stopping = rng.chance(1, 4);
    net.set(*tasks[at]);
  }
  NetworkNames made_anew() const {
    NetworkNames net("net");
    for (const auto& row : tasks)
      if (row) net.set(*row);
    for (const auto& row : services)
      if (row) net.set(*row);
    return net;
  }
};

// Rows in any order, in and out: a table that was changed often equals one that was made of what is left.
TEST(NetworkNames, TheTableDoesNotRememberWhatWasThere) {
  Rng rng(7);
  NetworkNames often("net");
  Drawn drawn;
  for (int step = 0; step < 3'000; ++step) {
    drawn.change_service(often, rng);
    drawn.change_task(often, rng);
    const NetworkNames anew = drawn.made_anew();
    ASSERT_EQ(often.size(), anew.size()) << step;
    for (const char* name : {"s0", "s1", "s2", "all", "tasks.s0", "tasks.s1", "tasks.all", "t0", "t4"})
      ASSERT_EQ(texts(often.find(name)), texts(anew.find(name))) << step << " " << name;
    for (int i = 0; i < 6; ++i) {
      const Ip address = ip("10.0.1." + std::to_string(i));
      ASSERT_EQ(often.name_of(address), anew.name_of(address)) << step;
    }
  }
}

struct TwoNetworks {
  std::shared_ptr<NetworkNames> front = std::make_shared<NetworkNames>("Front");
  std::shared_ptr<NetworkNames> back = std::make_shared<NetworkNames>("back.end");
  Names names{{front, back}};
  TwoNetworks() {
    front->set(service(1, "web", {"10.0.1.2"}));
    front->set(task(7, 1, "web.1.abc", "10.0.1.3"));
    back->set(service(1, "web", {"10.0.2.2"}));
    back->set(task(7, 1, "web.1.abc", "10.0.2.3"));
    back->set(service(2, "db.front", {"10.0.2.9"}));
    back->set(task(8, 2, "db.1.def", "10.0.2.4"));
  }
};

TEST(Names, TheFirstNetworkThatKnowsANameAnswersAlone) {
  const TwoNetworks two;
  EXPECT_EQ(texts(find(two.names, "web")), (Texts{"10.0.1.2"}));
  EXPECT_EQ(texts(find(two.names, "db.1.def")), (Texts{"10.0.2.4"}));
  EXPECT_EQ(find(two.names, "nginx"), nullptr);
}

TEST(Names, ANameBehindWhichANetworkStandsIsLookedForThere) {
  const TwoNetworks two;
  EXPECT_EQ(texts(find(two.names, "web.back.end")), (Texts{"10.0.2.2"}));
  EXPECT_EQ(texts(find(two.names, "tasks.web.back.end")), (Texts{"10.0.2.3"}));
  EXPECT_EQ(texts(find(two.names, "web.1.abc.front")), (Texts{"10.0.1.3"}));
  EXPECT_EQ(find(two.names, "web.back"), nullptr);
  EXPECT_EQ(find(two.names, "front"), nullptr);
  EXPECT_EQ(texts(find(two.names, "db.front")), (Texts{"10.0.2.9"})) << "the whole name goes first";
}

TEST(Names, TheReverseNameHasItsNetworkBehindIt) {
  const TwoNetworks two;
  EXPECT_EQ(name_of(two.names, ip("10.0.1.3")), "web.1.abc.Front");
  EXPECT_EQ(name_of(two.names, ip("10.0.2.4")), "db.1.def.back.end");
  EXPECT_EQ(name_of(two.names, ip("10.0.9.9")), "");
}

TEST(ReverseAddress, IsReadOnlyInItsOneSpelling) {
  EXPECT_EQ(reverse_address("3.1.0.10.in-addr.arpa"), ip("10.0.1.3"));
  const std::string v6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa";
  EXPECT_EQ(reverse_address(v6), ip("fd00::1"));
  for (const char* wrong : {"03.1.0.10.in-addr.arpa", "1.0.10.in-addr.arpa", "256.1.0.10.in-addr.arpa",
                            "4.3.1.0.10.in-addr.arpa", ".3.1.0.10.in-addr.arpa", "3.1.0.10.in-addr.arpa.",
                            "3.1.0.10", "in-addr.arpa", "ip6.arpa", "1.ip6.arpa", ""})
    EXPECT_EQ(reverse_address(wrong), std::nullopt) << wrong;
  const std::string mapped = "3.0.1.0.0.0.a.0.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa";
  EXPECT_EQ(reverse_address(mapped), std::nullopt) << "10.0.1.3 has another reverse name";
  EXPECT_EQ(reverse_address("g" + v6.substr(1)), std::nullopt);
  EXPECT_EQ(reverse_address("1-" + v6.substr(2)), std::nullopt);
}

TEST(LowerCase, FoldsLettersOfAsciiOnly) {
  EXPECT_EQ(lower_case(std::string("WeB.1\xc4")), "web.1\xc4");
  EXPECT_TRUE(same_without_case("WEB", "web"));
  EXPECT_FALSE(same_without_case("web", "webs"));
}

}  // namespace
}  // namespace swarm::dns
