#include "docker/json.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace swarm::docker {
namespace {

std::string written(std::string_view text) { return Json().value(text).take(); }

// Texts are looked through eight bytes at a time: wherever the odd one stands, it is found.
TEST(Json, EscapesWhatNeedsItAtEveryPlace) {
  const std::pair<std::string, std::string> odd[] = {
      {"\"", "\\\""},
      {"\\", "\\\\"},
      {"\n", "\\n"},
      {"\t", "\\t"},
      {"\x1f", "\\u001f"},
      {"\xc3\xa9", "\xc3\xa9"},
      {"\xff", "\xef\xbf\xbd"},
      {std::string(1, '\0'), "\\u0000"},
  };
  for (const auto& [raw, shown] : odd)
    for (std::size_t before = 0; before < 20; ++before)
      for (std::size_t after = 0; after < 20; ++after) {
        const std::string a(before, '~'), b(after, ' ');
        ASSERT_EQ(written(a + raw + b), '"' + a + shown + b + '"') << before << " " << after;
      }
}

TEST(Json, KeysAreEscapedToo) {
  Json json;
  json.object([&] { json.field("a\"b", 1).field("c", -2); });
  EXPECT_EQ(json.str(), "{\"a\\\"b\":1,\"c\":-2}");
}

}  // namespace
}  // namespace swarm::docker
