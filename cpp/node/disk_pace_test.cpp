#include "node/disk_pace.hpp"

#include <gtest/gtest.h>

#include "base/time.hpp"

namespace swarm::node {
namespace {

void write(DiskPace& pace, Instant& now, int millis) {
  pace.began(now);
  now = now + Duration::millis(millis);
  pace.ended(now);
}

TEST(DiskPace, SaysNothingBeforeEightWrites) {
  DiskPace pace;
  Instant now;
  for (int i = 0; i < 7; ++i) write(pace, now, 100);
  EXPECT_FALSE(pace.is_slow());
  write(pace, now, 100);
  EXPECT_TRUE(pace.is_slow());
  EXPECT_EQ(pace.typical(), Duration::millis(100));
}

TEST(DiskPace, AFewSlowWritesAmongQuickOnesAreNothing) {
  DiskPace pace;
  Instant now;
  for (int i = 0; i < 20; ++i) write(pace, now, i % 4 == 0 ? 400 : 1);
  EXPECT_FALSE(pace.is_slow());
  EXPECT_EQ(pace.typical(), Duration::millis(1));
}

TEST(DiskPace, ADiskThatIsQuickAgainIsNotSlow) {
  DiskPace pace;
  Instant now;
  for (int i = 0; i < 8; ++i) write(pace, now, 60);
  EXPECT_TRUE(pace.is_slow());
  for (int i = 0; i < 4; ++i) write(pace, now, 1);
  EXPECT_TRUE(pace.is_slow()) << "half of them were slow";
  write(pace, now, 1);
  EXPECT_FALSE(pace.is_slow());
}

}  // namespace
}  // namespace swarm::node
