// The overlay networks of one node, in a network namespace of this test: rows go in, and tasks get
// namespaces.
#include "real/networks/node_overlay.hpp"

#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "model/container_spec.hpp"
#include "model/wire.hpp"
#include "net/dns/test_packets.hpp"
#include "net/dns/wire.hpp"
#include "ports/ports.hpp"
#include "ports/runner.hpp"
#include "real/http/reactor.hpp"
#include "real/http/run_until.hpp"
#include "real/netlink/link_messages.hpp"
#include "real/netlink/net_space.hpp"
#include "real/networks/dns_sockets.hpp"
#include "real/overlay/lab.hpp"
#include "real/runner/task_networks.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {
namespace {

constexpr Duration kShort = Duration::millis(100);

wire::OverlayNetwork net(bool encrypted = false) {
  wire::OverlayNetwork out;
  out.network = NetworkId(1);
  out.name = "net";
  out.vni = 4097;
  out.subnets = {"10.0.1.0/24"};
  out.encrypted = encrypted;
  return out;
}
wire::OverlayTask task(std::uint64_t id, std::uint64_t node = 1) {
  wire::OverlayTask out;
  out.task = TaskId(id);
  out.node = NodeId(node);
  out.data = Address::v4(10, 214, 0, static_cast<std::uint8_t>(node), 7946);
  out.service = ServiceId(4);
  out.name = "web." + std::to_string(id);
  out.stage = wire::OverlayStage::serving;
  out.places = {{NetworkId(1), "10.0.1." + std::to_string(id) + "/24", 0}};
  return out;
}
wire::OverlayChange rows(bool encrypted = false) {
  wire::OverlayChange out;
  out.networks = {net(encrypted)};
  out.services = {{ServiceId(4), "web", {{NetworkId(1), "10.0.1.2/24", {}}}}};
  out.tasks = {task(10), task(11), task(12, 2)};
  return out;
}

class NodeOverlayTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!own_.why_not().empty()) GTEST_SKIP() << own_.why_not();
    make(NodeOverlay::kPatience);
  }
  void make(Duration patience) {
    overlay_ = std::make_unique<NodeOverlay>(
        reactor_, 1, [this](ports::Event event) { events_.push_back(std::move(event)); }, patience);
    overlay_->join(NodeId(1));
  }
  std::size_t times_carried_out(std::uint64_t number) const {
    return static_cast<std::size_t>(std::ranges::count_if(events_, [&](const ports::Event& event) {
      const auto* changed = std::get_if<ports::OverlayChanged>(&event);
      return changed != nullptr && changed->number == number;
    }));
  }
  // The sentences that were told last.
  std::vector<std::string> problems() const {
    std::vector<std::string> out;
    for (const auto& event : events_)
      if (const auto* told = std::get_if<ports::OverlayProblems>(&event)) out = told->sentences;
    return out;
  }
  bool carry_out(std::uint64_t number, const wire::OverlayChange& change) {
    overlay_->change(number, change);
    return until([&] { return times_carried_out(number) != 0; });
  }
  bool until(const std::function<bool()>& done) { return run_until(reactor_, done); }
  static ports::Launch launch(std::uint64_t id) {
    ports::Launch out;
    out.task = TaskId(id);
    out.container.edit().image = "alpine";
    return out;
  }
  void open(std::uint64_t id) {
    overlay_->open(launch(id), [this](Result<TaskNetwork> ready) { ready_.emplace(std::move(ready)); });
  }
  // The namespace of the task, once it is there.
  netlink::NetSpace opened(std::uint64_t id) {
    ready_.reset();
    open(id);
    EXPECT_TRUE(until([&] { return ready_.has_value(); }));
    if (!ready_ || !*ready_) return {};
    resolv_conf_ = (*ready_)->resolv_conf;
    return netlink::NetSpace(std::move((*ready_)->space));
  }
  static std::vector<netlink::Link> links_in(const netlink::NetSpace& space) {
    auto socket = space.open_socket(NETLINK_ROUTE);
    return *netlink::links(*socket);
  }
  // The number of the task's interface on its network; 0: there is none.
  static int interface_in(const netlink::NetSpace& space) {
    for (const netlink::Link& link : links_in(space))
      if (link.name == "eth0" && link.up) return link.index;
    return 0;
  }
  static void remove_interface(const netlink::NetSpace& space) {
    auto socket = space.open_socket(NETLINK_ROUTE);
    ASSERT_TRUE(socket->ask(netlink::remove_link_named("eth0")).ok());
  }
  // The addresses of "web", as a program in the namespace hears them.
  static std::vector<std::string> ask(const netlink::NetSpace& space) {
    const Fd client = dial_server(Address::v4(127, 0, 0, 11, 53), dns::Transport::udp, &space);
    const std::string query = dns::query("web");
    (void)!::send(client.get(), query.data(), query.size(), 0);
    pollfd ready{client.get(), POLLIN, 0};
    if (::poll(&ready, 1, 5'000) != 1) return {"no answer"};
    std::string answer(512, '\0');
    answer.resize(static_cast<std::size_t>(::recv(client.get(), answer.data(), answer.size(), 0)));
    return dns::taken(answer).data;
  }

  InOwnSpace own_;
  Reactor reactor_;
  std::vector<ports::Event> events_;
  std::unique_ptr<NodeOverlay> overlay_;
  std::optional<Result<TaskNetwork>> ready_;
  std::string resolv_conf_;
};

TEST_F(NodeOverlayTest, ATaskGetsANamespaceWithItsInterfaceAndItsNameServer) {
  ASSERT_TRUE(carry_out(7, rows()));
  const auto space = opened(10);
  ASSERT_TRUE(space.valid());
  EXPECT_NE(interface_in(space), 0);
  EXPECT_NE(resolv_conf_.find("nameserver 127.0.0.11"), std::string::npos) << resolv_conf_;
  EXPECT_EQ(ask(space), std::vector<std::string>{"10.0.1.2"});
  EXPECT_NE(overlay_->spaces().find(TaskId(10)), nullptr);
  overlay_->close(TaskId(10));
  EXPECT_EQ(overlay_->spaces().find(TaskId(10)), nullptr);
  EXPECT_EQ(problems(), std::vector<std::string>{});
}

TEST_F(NodeOverlayTest, AStartWaitsForItsRows) {
  open(10);
  ASSERT_TRUE(carry_out(1, rows()));
  EXPECT_TRUE(until([&] { return ready_.has_value(); }));
  EXPECT_TRUE(ready_->ok());
}

TEST_F(NodeOverlayTest, AStartWithoutRowsFailsWithASentence) {
  make(kShort);
  open(99);
  ASSERT_TRUE(until([&] { return ready_.has_value(); }));
  ASSERT_FALSE(ready_->ok());
  EXPECT_TRUE(ready_->error().message.starts_with("its networks are not there: ")) << ready_->error().message;
}

TEST_F(NodeOverlayTest, AStartThatIsTakenBackIsNotAnswered) {
  make(kShort);
  open(99);
  overlay_->close(TaskId(99));
  bool last = false;
  overlay_->open(launch(98), [&](const Result<TaskNetwork>&) { last = true; });
  ASSERT_TRUE(until([&] { return last; }));
  EXPECT_FALSE(ready_.has_value());
}

TEST_F(NodeOverlayTest, AnInterfaceThatWasDeletedComesBackAndTheOthersStay) {
  ASSERT_TRUE(carry_out(1, rows()));
  const auto broken = opened(10), whole = opened(11);
  const int before = interface_in(whole);
  remove_interface(broken);
  EXPECT_EQ(interface_in(broken), 0);
  const Instant begun = steady_now();
  EXPECT_TRUE(until([&] { return interface_in(broken) != 0; }));
  EXPECT_LT(steady_now() - begun, NodeOverlay::kRepair * 4);
  EXPECT_EQ(interface_in(whole), before) << "it was not made anew";
}

TEST_F(NodeOverlayTest, WhatCannotBeCarriedIsToldAndTakenBackLater) {
  ASSERT_TRUE(carry_out(1, rows(true))) << "the feed does not wait for it";
  EXPECT_TRUE(until([&] { return !problems().empty(); }));
  ASSERT_TRUE(carry_out(2, rows(false)));
  EXPECT_TRUE(until([&] { return problems().empty(); }));
}

TEST_F(NodeOverlayTest, WhatAnEarlierMembershipAskedForIsNotToldToTheNext) {
  overlay_->change(1, rows());
  overlay_->leave();
  overlay_->join(NodeId(1));
  overlay_->change(1, rows());
  ASSERT_TRUE(carry_out(2, wire::OverlayChange{}));
  EXPECT_EQ(times_carried_out(1), 1U);
  EXPECT_TRUE(opened(10).valid()) << "its rows have come again";
}

TEST_F(NodeOverlayTest, ANodeThatLeavesKeepsNothing) {
  ASSERT_TRUE(carry_out(1, rows()));
  const auto space = opened(10);
  overlay_->leave();
  EXPECT_TRUE(until([&] { return interface_in(space) == 0; }));
}

TEST_F(NodeOverlayTest, ItEndsWhileStartsWait) {
  open(99);
  overlay_->change(1, rows());
  overlay_.reset();
  EXPECT_FALSE(run_until(
      reactor_, [&] { return ready_.has_value(); }, kShort));
  EXPECT_TRUE(events_.empty());
}

}  // namespace
}  // namespace swarm::real
