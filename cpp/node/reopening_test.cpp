#include "node/reopening.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "base/time.hpp"

namespace swarm::node {
namespace {

constexpr Duration kSecond = Duration::seconds(1);

// The next attempt, in seconds from `now`.
std::int64_t waits(const Reopening& reopening, Instant now) {
  return (reopening.next_deadline() - now).ns / kSecond.ns;
}

TEST(Reopening, TriesEachSecondWhileTheDiskFails) {
  Reopening reopening;
  Instant now{5};
  EXPECT_EQ(reopening.next_deadline(), Instant::never());
  for (int i = 0; i < 100; ++i) {
    reopening.failed(now);
    reopening.failed(now);
    EXPECT_EQ(waits(reopening, now), 1);
    EXPECT_FALSE(reopening.begin(now));
    now = now + kSecond;
    EXPECT_TRUE(reopening.begin(now));
    EXPECT_FALSE(reopening.begin(now)) << "once";
  }
}

TEST(Reopening, WaitsLongerForADiskThatFailsAgainSoon) {
  Reopening reopening;
  Instant now{5};
  std::vector<std::int64_t> waited;
  for (int i = 0; i < 7; ++i) {
    reopening.failed(now);
    waited.push_back(waits(reopening, now));
    now = reopening.next_deadline();
    EXPECT_TRUE(reopening.begin(now));
    reopening.opened(now);
  }
  EXPECT_EQ(waited, (std::vector<std::int64_t>{1, 2, 4, 8, 16, 16, 16}));
  now = now + Duration::seconds(61);
  reopening.failed(now);
  EXPECT_EQ(waits(reopening, now), 1) << "it was well for a minute";
}

}  // namespace
}  // namespace swarm::node
