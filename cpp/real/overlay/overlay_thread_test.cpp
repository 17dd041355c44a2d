// The thread; and what a machine grants to this process, and to a plain user.
#include <gtest/gtest.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <future>
#include <string>
#include <utility>

#include "base/id.hpp"
#include "base/result.hpp"
#include "net/overlay/keeper.hpp"
#include "net/overlay/rows.hpp"
#include "net/overlay/test_fabric.hpp"
#include "real/netlink/net_space.hpp"
#include "real/overlay/grant.hpp"
#include "real/overlay/kernel_overlay.hpp"
#include "real/overlay/overlay_thread.hpp"

namespace swarm::real {
namespace {

TEST(OverlayThread, DoesWhatIsPostedInOrderAndBeforeItEnds) {
  auto node = netlink::NetSpace::make();
  if (!node) GTEST_SKIP() << node.error().message;
  overlay::Keeper keeper;
  keeper.set_self(NodeId(1));
  overlay::TableChange change;
  change.networks = {overlay::network(1)};
  change.attachments = {overlay::attachment(1, 1, 1)};
  keeper.on(change);

  KernelOverlay::Options options;
  options.node = std::move(*node);
  auto thread = OverlayThread::start(std::move(options));
  ASSERT_TRUE(thread.ok());
  std::promise<bool> ready;
  (*thread)->post([edits = keeper.take_difference()](KernelOverlay& overlay) { (void)overlay.apply(edits); });
  (*thread)->post([&](KernelOverlay& overlay) { ready.set_value(overlay.space_of(TaskId(1)).ok()); });
  EXPECT_TRUE(ready.get_future().get());
  std::string late;
  (*thread)->post([&](KernelOverlay&) { late = "done"; });
  thread->reset();
  EXPECT_EQ(late, "done");
}

// What overlay_grant says, in a child of another user.
Grant grant_of(uid_t user) {
  const auto child = ::fork();
  if (child == 0) {
    if (::setgid(user) != 0 || ::setuid(user) != 0) ::_exit(99);
    ::_exit(static_cast<int>(overlay_grant().grant));
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return static_cast<Grant>(WEXITSTATUS(status));
}

TEST(OverlayGrant, IsWhatThisProcessCanDo) {
  const bool can = netlink::NetSpace::make().ok();
  const Granted granted = overlay_grant();
  EXPECT_EQ(granted.grant == Grant::all, can) << granted.sentence;
  EXPECT_FALSE(granted.sentence.empty());
}

TEST(OverlayGrant, IsLessForAPlainUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  constexpr uid_t kNobody = 65534;
  EXPECT_NE(grant_of(kNobody), Grant::all);
}

}  // namespace
}  // namespace swarm::real
