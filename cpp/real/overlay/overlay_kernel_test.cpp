// The kernel as it is: bridges, VXLAN, VIPs between two nodes that are namespaces of this test. Skipped, with
// the reason, where the machine does not grant them.
#include <gtest/gtest.h>
#include <linux/netlink.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "net/overlay/desired.hpp"
#include "net/overlay/mac.hpp"
#include "net/overlay/rows.hpp"
#include "net/overlay/test_fabric.hpp"
#include "real/netlink/link_messages.hpp"
#include "real/netlink/nat_table.hpp"
#include "real/netlink/net_space.hpp"
#include "real/netlink/socket.hpp"
#include "real/overlay/kernel_overlay.hpp"
#include "real/overlay/lab.hpp"
#include "real/overlay/switchboard.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {
namespace {

using netlink::NetSpace;
using overlay::attachment;
using overlay::ip;
using overlay::network;
using overlay::TableChange;
using Words = std::vector<std::string>;

constexpr std::uint16_t kPort = 8080;

// Network 1: task 1 on node 1 (the client), tasks 2 (node 2) and 3 (node 1) of service 7 with the
// VIP 10.0.1.8.
class OverlayKernel : public testing::Test {
 protected:
  void SetUp() override {
    auto lab = Lab::make();
    if (!lab) GTEST_SKIP() << lab.error().message;
    lab_ = std::move(*lab);
    TableChange change;
    change.nodes = {{NodeId(1), lab_node(1)}, {NodeId(2), lab_node(2)}};
    change.networks = {network(1)};
    change.services = {overlay::service(1, 7)};
    change.attachments = {attachment(1, 1, 1), attachment(1, 2, 2, 7), attachment(1, 3, 1, 7)};
    ASSERT_EQ(lab_->tell(change), Words{});
  }
  void set(const overlay::AttachmentRow& row) {
    TableChange change;
    change.attachments = {row};
    ASSERT_EQ(lab_->tell(change), Words{});
  }
  void listen(std::uint64_t node, std::uint64_t task, const Address& address) {
    Fd fd = listen_in(lab_->space(node, task), address, kPort);
    ASSERT_TRUE(fd.valid()) << "task " << task;
    listeners_.push_back(std::move(fd));
  }
  int connect(std::uint64_t node, std::uint64_t task, const Address& to) {
    return connect_in(lab_->space(node, task), to, kPort).error;
  }
  // Nothing says no: silence for this long is taken for it.
  bool is_silent(std::uint64_t node, std::uint64_t task, const Address& to) {
    return connect_in(lab_->space(node, task), to, kPort, 300).error != 0;
  }
  // The address of the task that answered: what the server's socket says it is.
  Address answered_by() {
    for (const Fd& listener : listeners_) {
      pollfd ready{listener.get(), POLLIN, 0};
      if (::poll(&ready, 1, 0) != 1) continue;
      const Fd conn(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
      sockaddr_in own{};
      socklen_t size = sizeof own;
      ::getsockname(conn.get(), reinterpret_cast<sockaddr*>(&own), &size);
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(&own.sin_addr);
      return Address::v4(bytes[0], bytes[1], bytes[2], bytes[3]);
    }
    return {};
  }
  std::set<Address> answering(int times, const Address& to) {
    std::set<Address> out;
    for (int i = 0; i < times; ++i) {
      EXPECT_EQ(connect(1, 1, to), 0);
      out.insert(answered_by());
    }
    return out;
  }
  std::vector<netlink::Link> links_in(const NetSpace& space) {
    auto socket = space.open_socket(NETLINK_ROUTE);
    return *netlink::links(*socket);
  }
  void remove_in_switch(netlink::Request request) {
    auto socket = lab_->kernel(1).switch_space().open_socket(NETLINK_ROUTE);
    ASSERT_TRUE(socket->ask(std::move(request)).ok());
  }
  int index_in_switch(const std::string& name) {
    for (const netlink::Link& link : links_in(lab_->kernel(1).switch_space()))
      if (link.name == name) return link.index;
    return 0;
  }

  std::unique_ptr<Lab> lab_;
  std::vector<Fd> listeners_;
};

TEST_F(OverlayKernel, TasksOfOneNetworkReachEachOtherAcrossNodes) {
  listen(2, 2, ip(1, 102));
  listen(1, 3, ip(1, 103));
  EXPECT_EQ(connect(1, 1, ip(1, 102)), 0) << "by VXLAN";
  EXPECT_EQ(answered_by(), ip(1, 102));
  EXPECT_EQ(connect(1, 1, ip(1, 103)), 0) << "by the bridge";
  EXPECT_EQ(connect(2, 2, ip(1, 103)), 0) << "from the other node";
}

TEST_F(OverlayKernel, ManyBytesGetAcrossWhole) {
  listen(2, 2, ip(1, 102));
  const Connected client = connect_in(lab_->space(1, 1), ip(1, 102), kPort);
  ASSERT_EQ(client.error, 0);
  const Fd server(::accept4(listeners_[0].get(), nullptr, nullptr, SOCK_CLOEXEC));
  const std::string sent(60'000, 'x');  // many segments, less than the buffers
  ASSERT_EQ(::send(client.fd.get(), sent.data(), sent.size(), 0), static_cast<ssize_t>(sent.size()));
  std::string got(sent.size(), '\0');
  EXPECT_EQ(::recv(server.get(), got.data(), got.size(), MSG_WAITALL), static_cast<ssize_t>(sent.size()));
  EXPECT_EQ(got, sent);
}

TEST_F(OverlayKernel, AVipLeadsToItsBackendsOnBothNodesAndFollowsTheTable) {
  listen(2, 2, ip(1, 102));
  listen(1, 3, ip(1, 103));
  EXPECT_EQ(answering(40, ip(1, 8)), (std::set<Address>{ip(1, 102), ip(1, 103)}));
  set(attachment(1, 3, 1, 7, overlay::Stage::leaving));
  EXPECT_EQ(answering(10, ip(1, 8)), std::set<Address>{ip(1, 102)});
  EXPECT_EQ(answering(1, ip(1, 103)), std::set<Address>{ip(1, 103)}) << "by its address it is still reached";
  set(attachment(1, 3, 1, 7));
  EXPECT_EQ(answering(40, ip(1, 8)).size(), 2U);
}

TEST_F(OverlayKernel, AConnectionThatIsMadeOutlivesItsPlaceInTheMap) {
  listen(2, 2, ip(1, 102));
  set(attachment(1, 3, 1, 7, overlay::Stage::leaving));
  const Connected client = connect_in(lab_->space(1, 1), ip(1, 8), kPort);
  ASSERT_EQ(client.error, 0);
  const Fd server(::accept4(listeners_[0].get(), nullptr, nullptr, SOCK_CLOEXEC));
  set(attachment(1, 2, 2, 7, overlay::Stage::leaving));
  ASSERT_EQ(::send(client.fd.get(), "hello", 5, 0), 5);
  char got[5] = {};
  EXPECT_EQ(::recv(server.get(), got, 5, MSG_WAITALL), 5);
}

TEST_F(OverlayKernel, AVipWithoutABackendIsRefusedAtOnce) {
  set(attachment(1, 2, 2, 7, overlay::Stage::leaving));
  set(attachment(1, 3, 1, 7, overlay::Stage::made));
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(connect(1, 1, ip(1, 8)), ECONNREFUSED);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(500))
      << "no SYN is sent again";
}

TEST_F(OverlayKernel, ATaskMayBeItsOwnServicesBackend) {
  listen(1, 3, ip(1, 103));
  set(attachment(1, 2, 2, 7, overlay::Stage::leaving));
  EXPECT_EQ(connect_in(lab_->space(1, 3), ip(1, 8), kPort).error, 0);
}

// One echo request, from the task to the address; returns true if an answer came from that address. Each has
// a number of its own: to conntrack, those of one number are one connection.
bool ping(const NetSpace& space, const Address& to, std::uint8_t number) {
  Fd fd;
  (void)space.run_in([&]() -> Result<void> {
    fd = Fd(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
    return {};
  });
  const timeval patience{0, 400'000};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  // Type 8, code 0, checksum, number, sequence 0.
  const auto rest = static_cast<std::uint8_t>(~number);
  const std::uint8_t request[8] = {8, 0, 0xf7, rest, 0, number, 0, 0};
  const sockaddr_in at = sockaddr_of(to, 0);
  for (int tries = 0; tries < 3; ++tries) {
    ::sendto(fd.get(), request, sizeof request, 0, reinterpret_cast<const sockaddr*>(&at), sizeof at);
    sockaddr_in from{};
    socklen_t size = sizeof from;
    std::uint8_t answer[64] = {};
    const ssize_t got =
        ::recvfrom(fd.get(), answer, sizeof answer, 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (got >= 28 && answer[20] == 0 && from.sin_addr.s_addr == at.sin_addr.s_addr) return true;
  }
  return false;
}

TEST_F(OverlayKernel, APingOfAVipIsAnsweredByABackendAndWithoutOneByNothing) {
  EXPECT_TRUE(ping(lab_->space(1, 1), ip(1, 102), 1));
  EXPECT_TRUE(ping(lab_->space(1, 1), ip(1, 8), 2));
  set(attachment(1, 2, 2, 7, overlay::Stage::leaving));
  set(attachment(1, 3, 1, 7, overlay::Stage::leaving));
  EXPECT_FALSE(ping(lab_->space(1, 1), ip(1, 8), 3));
}

// The bridge had learned that the MAC is behind the VXLAN device.
TEST_F(OverlayKernel, AnAddressThatComesToThisNodeIsReachedHere) {
  listen(2, 2, ip(1, 102));
  EXPECT_EQ(connect(1, 1, ip(1, 102)), 0);
  listeners_.clear();
  TableChange change;
  overlay::AttachmentRow next = attachment(1, 9, 1, 7);
  next.address = ip(1, 102);
  change.attachments = {next};
  change.removed_attachments = {{NetworkId(1), TaskId(2)}};
  ASSERT_EQ(lab_->tell(change), Words{});
  listen(1, 9, ip(1, 102));
  EXPECT_EQ(connect(1, 1, ip(1, 102)), 0);
  EXPECT_EQ(answered_by(), ip(1, 102));
}

// Same subnet, same addresses, another VNI.
TEST_F(OverlayKernel, NetworksWithOneSubnetAreApart) {
  TableChange change;
  overlay::NetworkRow second = network(1);
  second.id = NetworkId(2);
  second.vni = 5'000;
  overlay::AttachmentRow there = attachment(1, 4, 2);
  there.network = NetworkId(2);
  overlay::AttachmentRow here = attachment(1, 5, 1);
  here.network = NetworkId(2);
  change.networks = {second};
  change.attachments = {there, here};
  ASSERT_EQ(lab_->tell(change), Words{});
  listen(2, 4, ip(1, 104));
  listen(2, 2, ip(1, 102));
  EXPECT_EQ(connect(1, 5, ip(1, 104)), 0);
  EXPECT_TRUE(is_silent(1, 1, ip(1, 104))) << "from network 1";
  EXPECT_TRUE(is_silent(1, 5, ip(1, 102))) << "from network 2";
  EXPECT_EQ(connect(1, 1, ip(1, 102)), 0);
}

// ---- repair

TEST_F(OverlayKernel, AnFdbEntryThatWasDeletedComesBack) {
  listen(2, 2, ip(1, 102));
  remove_in_switch(
      netlink::remove_forwarding("swx4097", index_in_switch("swx4097"), overlay::mac_of(ip(1, 102)).bytes));
  EXPECT_TRUE(is_silent(1, 1, ip(1, 102)));
  EXPECT_EQ(lab_->repair(), Words{});
  EXPECT_EQ(connect(1, 1, ip(1, 102)), 0);
}

TEST_F(OverlayKernel, ABridgeAndADeviceThatWereDeletedComeBack) {
  listen(2, 2, ip(1, 102));
  for (const char* name : {"swb4097", "swx4097"}) {
    remove_in_switch(netlink::remove_link(name, index_in_switch(name)));
    EXPECT_EQ(lab_->repair(), Words{});
    EXPECT_EQ(connect(1, 1, ip(1, 102)), 0) << name;
  }
}

TEST_F(OverlayKernel, ATasksInterfaceThatWasDeletedComesBack) {
  auto socket = lab_->space(1, 1).open_socket(NETLINK_ROUTE);
  ASSERT_TRUE(socket->ask(netlink::remove_link_named("eth0")).ok());
  EXPECT_EQ(lab_->repair(), Words{});
  listen(2, 2, ip(1, 102));
  EXPECT_EQ(connect(1, 1, ip(1, 102)), 0);
}

TEST_F(OverlayKernel, ATableOfVipsThatWasChangedIsMadeAnew) {
  listen(2, 2, ip(1, 102));
  listen(1, 3, ip(1, 103));
  auto socket = lab_->space(1, 1).open_socket(NETLINK_NETFILTER);
  ASSERT_TRUE(netlink::make_vip_table(*socket, {}).ok()) << "an empty one, by somebody else";
  EXPECT_TRUE(is_silent(1, 1, ip(1, 8)));
  EXPECT_EQ(lab_->repair(), Words{});
  EXPECT_EQ(answering(40, ip(1, 8)).size(), 2U);
}

TEST_F(OverlayKernel, AnEntryAndALinkOfOursWithoutAPlaceGo) {
  auto socket = lab_->kernel(1).switch_space().open_socket(NETLINK_ROUTE);
  ASSERT_TRUE(socket->ask(netlink::make_bridge({"swb9", 900, 1450, kOverlayGroup})).ok());
  ASSERT_TRUE(socket->ask(netlink::make_bridge({"other", 901, 1450, 0})).ok());
  ASSERT_TRUE(socket
                  ->ask(netlink::set_forwarding("swx4097", index_in_switch("swx4097"), {2, 0, 0, 0, 0, 9},
                                                lab_node(9)))
                  .ok());
  EXPECT_EQ(lab_->repair(), Words{});
  EXPECT_EQ(index_in_switch("swb9"), 0);
  EXPECT_NE(index_in_switch("other"), 0) << "not ours";
  const auto entries = netlink::forwardings(*socket);
  for (const netlink::Forwarding& entry : *entries) EXPECT_NE(entry.node, lab_node(9));
}

// As by the device of a killed daemon, which the kernel has not ended yet.
TEST_F(OverlayKernel, WhatCouldNotBeMadeIsTriedAgainByTheNextRepair) {
  auto node = lab_->node(1).open_socket(NETLINK_ROUTE);
  ASSERT_TRUE(node->ask(netlink::make_vxlan({"old", 77, 0, 4098, kVxlanPort, 1450, 0, -1})).ok());
  TableChange change;
  change.networks = {network(2)};
  change.attachments = {attachment(2, 6, 1)};
  EXPECT_EQ(lab_->tell(change).size(), 1U);
  EXPECT_FALSE(lab_->kernel(1).space_of(TaskId(6)).ok());
  EXPECT_EQ(lab_->repair().size(), 1U);
  ASSERT_TRUE(node->ask(netlink::remove_link("old", 77)).ok());
  EXPECT_EQ(lab_->repair(), Words{});
  EXPECT_TRUE(lab_->kernel(1).space_of(TaskId(6)).ok());
}

TEST_F(OverlayKernel, ARepairOfAWholeNetworkChangesNothing) {
  const auto before = links_in(lab_->kernel(1).switch_space());
  EXPECT_EQ(lab_->repair(), Words{});
  const auto after = links_in(lab_->kernel(1).switch_space());
  ASSERT_EQ(before.size(), after.size());
  for (std::size_t i = 0; i < before.size(); ++i)
    EXPECT_EQ(before[i].index, after[i].index) << before[i].name;
}

// ---- the end

TEST_F(OverlayKernel, WhatTheTableDoesNotNameGoes) {
  TableChange change;
  change.removed_networks = {NetworkId(1)};
  ASSERT_EQ(lab_->tell(change), Words{});
  EXPECT_EQ(links_in(lab_->kernel(1).switch_space()).size(), 1U) << "its loopback";
  EXPECT_EQ(lab_->kernel(1).made(), overlay::DesiredNetwork{});
}

TEST_F(OverlayKernel, AtTheEndAllOfItIsGone) {
  auto space = lab_->kernel(1).switch_space().share();
  lab_->end(1);
  EXPECT_EQ(links_in(*space).size(), 1U);
  EXPECT_EQ(links_in(lab_->node(1)).size(), 2U) << "the loopback and the uplink, which are not ours";
}

// A holder kept the switch namespace of a daemon that was killed.
TEST_F(OverlayKernel, ALaterDaemonTakesAwayWhatAnEarlierOneLeft) {
  auto left = NetSpace::make();
  {
    auto socket = left->open_socket(NETLINK_ROUTE);
    ASSERT_TRUE(socket->ask(netlink::make_bridge({"swb4099", 70, 1450, kOverlayGroup})).ok());
  }
  KernelOverlay::Options options;
  options.node = std::move(*NetSpace::make());
  options.switch_space = std::move(*left->share());
  auto later = KernelOverlay::open(std::move(options));
  ASSERT_TRUE(later.ok());
  EXPECT_EQ(links_in(*left).size(), 1U);
}

// ---- what is refused

TEST_F(OverlayKernel, AnEncryptedNetworkIsRefusedAndNotCarried) {
  TableChange change;
  change.networks = {network(2)};
  change.networks[0].encrypted = true;
  change.attachments = {attachment(2, 6, 1)};
  EXPECT_EQ(
      lab_->tell(change),
      Words{"network net2: it is encrypted: this build cannot encrypt, and does not carry it in the clear"});
  EXPECT_EQ(
      lab_->kernel(1).space_of(TaskId(6)).error().message,
      "task " + TaskId(6).str() + " is not yet on network " + NetworkId(2).str() +
          ": network net2: it is encrypted: this build cannot encrypt, and does not carry it in the clear");
}

TEST_F(OverlayKernel, AnErrorSaysWhichObjectAndWhatTheKernelSaid) {
  auto socket = lab_->node(1).open_socket(NETLINK_ROUTE);
  const auto space = NetSpace::make();
  const auto again =
      socket->ask(netlink::make_vxlan({"again", 77, 0, 4097, kVxlanPort, 1450, 0, space->fd()}));
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(
      again.error().message,
      "cannot make the VXLAN device again (VNI 4097): the kernel says: File exists (A VXLAN device with the "
      "specified VNI already exists)");
}

}  // namespace
}  // namespace swarm::real
