#include "control/unlock_key.hpp"

#include <gtest/gtest.h>

#include <string>

#include "base/result.hpp"
#include "model/cluster.hpp"
#include "model/feature_level.hpp"

namespace swarm::control {
namespace {

const std::string kFirst(32, 'a'), kSecond(32, 'b');

TEST(UnlockKey, ItsTextIsDockers) {
  const std::string text = unlock_key_text(kFirst);
  EXPECT_EQ(text, "SWMKEY-1-YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE");
  EXPECT_EQ(unlock_key_text(""), "");
  const auto again = parse_unlock_key(text);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, kFirst);
}

TEST(UnlockKey, OtherTextsAreNone) {
  const std::string text = unlock_key_text(kFirst);
  for (const std::string& bad : {std::string(), std::string("SWMKEY-1-"), text.substr(1), text + "A",
                                 text.substr(0, text.size() - 1), "SWMKEY-2-" + text.substr(9), text + "!"}) {
    const auto key = parse_unlock_key(bad);
    ASSERT_FALSE(key.ok()) << bad;
    EXPECT_EQ(key.error().message, "invalid key string");
  }
}

TEST(UnlockKey, ChangesWhenAutolockIsTurnedOnOrOffOrTheKeyIsRotated) {
  model::Cluster cluster;
  const auto after = [&](bool wanted, const std::string& fresh, bool rotate) {
    cluster.spec.auto_lock_managers = wanted;
    set_unlock_key(cluster, fresh, rotate);
    return std::to_string(cluster.unlock_key_number) + cluster.unlock_key.substr(0, 1);
  };
  EXPECT_EQ(after(false, "", false), "0");
  EXPECT_EQ(cluster.needed_level(), model::kFirstLevel) << "older builds know all of it";
  EXPECT_EQ(after(true, kFirst, false), "1a");
  EXPECT_EQ(cluster.needed_level(), model::kAutolockSince);
  EXPECT_EQ(after(true, kSecond, false), "1a");
  EXPECT_EQ(after(true, kSecond, true), "2b");
  EXPECT_EQ(after(false, kFirst, false), "3");
  EXPECT_EQ(after(false, kFirst, true), "3");
  EXPECT_EQ(cluster.needed_level(), model::kAutolockSince) << "an older build would lose the number";
}

}  // namespace
}  // namespace swarm::control
