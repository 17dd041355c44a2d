// Published connections to tasks that have a network namespace of their own, and to no other place.
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "model/mesh.hpp"
#include "model/port.hpp"
#include "real/l4_relay.hpp"
#include "real/netlink/link_messages.hpp"
#include "real/netlink/net_space.hpp"
#include "real/overlay/lab.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {
namespace {

constexpr std::uint16_t kPublished = 18'080, kTarget = 18'081;
constexpr int kLoopback = 1;  // the kernel's number of it, in every namespace
const Address kNode = Address::v4(127, 0, 0, 1);
const Address kTaskAddress = Address::v4(10, 0, 1, 10);

class DialInTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!own_.why_not().empty()) GTEST_SKIP() << own_.why_not();
    L4Relay::Options options;
    options.address = kNode;
    options.data_port = 0;
    options.bindable_port = [](std::uint32_t port) { return port; };
    options.space_of = [this](TaskId task) {
      const auto it = spaces_.find(task);
      return it != spaces_.end() ? it->second : nullptr;
    };
    relay_ = std::make_unique<L4Relay>(std::move(options), [](const std::vector<std::string>&) {});
  }
  // A task that says its name, in the namespace.
  static Fd listen_as_task(const netlink::NetSpace& space) {
    auto socket = space.open_socket(NETLINK_ROUTE);
    EXPECT_TRUE(socket->ask(netlink::add_address("lo", kLoopback, kTaskAddress, 32)).ok());
    Fd listener = listen_in(space, kTaskAddress, kTarget);
    EXPECT_TRUE(listener.valid());
    return listener;
  }
  void publish() {
    relay_->join(ClusterId(5), NodeId(1));
    relay_->task_up({TaskId(10), kTaskAddress, {kTarget}, {}});
    auto backends = std::make_shared<std::vector<model::MeshBackend>>();
    backends->push_back({TaskId(10), ServiceId(6), NodeId(1), kNode});
    auto table = std::make_shared<model::ForwardingTable>();
    table->routes.push_back({{model::tcp_port(kPublished), kTarget}, ServiceId(6), backends});
    relay_->set_table(table);
  }
  // Listening begins a moment after the table came.
  Fd client() const {
    for (int i = 0;; ++i) {
      Connected made = connect_in(own_.space(), kNode, kPublished, 5'000);
      if (made.error == 0 || i == 2'000) return std::move(made.fd);
      ::poll(nullptr, 0, 1);
    }
  }
  static std::string hear(const Fd& fd) {
    std::string out(64, '\0');
    const auto size = ::recv(fd.get(), out.data(), out.size(), 0);
    out.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return out;
  }
  static bool is_dialled(const Fd& listener, int patience_millis) {
    pollfd ready{listener.get(), POLLIN, 0};
    return ::poll(&ready, 1, patience_millis) == 1;
  }

  InOwnSpace own_;  // with the node's addresses
  std::map<TaskId, std::shared_ptr<const netlink::NetSpace>> spaces_;
  std::unique_ptr<L4Relay> relay_;
};

TEST_F(DialInTest, AConnectionGetsToATaskInItsNamespace) {
  auto space = netlink::NetSpace::make();
  ASSERT_TRUE(space.ok());
  const Fd task = listen_as_task(*space), node = listen_as_task(own_.space());
  spaces_[TaskId(10)] = std::make_shared<const netlink::NetSpace>(std::move(*space));
  publish();
  const Fd user = client();
  ASSERT_TRUE(is_dialled(task, 5'000));
  const Fd conn(::accept4(task.get(), nullptr, nullptr, SOCK_CLOEXEC));
  constexpr std::string_view kPing = "ping", kPong = "pong";
  ASSERT_EQ(::send(user.get(), kPing.data(), kPing.size(), 0), 4);
  EXPECT_EQ(hear(conn), kPing);
  ASSERT_EQ(::send(conn.get(), kPong.data(), kPong.size(), 0), 4);
  EXPECT_EQ(hear(user), kPong);
  EXPECT_FALSE(is_dialled(node, 0)) << "the same address in the node's namespace";
}

TEST_F(DialInTest, WithoutANamespaceItIsRefusedAndNeverDialledInTheNodes) {
  const Fd node = listen_as_task(own_.space());
  publish();
  EXPECT_EQ(hear(client()), "") << "the end";
  EXPECT_FALSE(is_dialled(node, 0));
}

}  // namespace
}  // namespace swarm::real
