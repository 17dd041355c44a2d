#include "model/signal.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

namespace swarm::model {
namespace {

TEST(Signals, AreKnownByNameAndByNumber) {
  const std::pair<const char*, int> cases[] = {
      {"SIGTERM", 15},    {"TERM", 15},     {"term", 15},     {"sigTerm", 15}, {"15", 15},
      {"9", 9},           {"64", 64},       {"1", 1},         {"SIGQUIT", 3},  {"CLD", 17},
      {"IOT", 6},         {"POLL", 29},     {"SIGSYS", 31},   {"STKFLT", 16},  {"RTMIN", 34},
      {"SIGRTMIN+3", 37}, {"rtmin+15", 49}, {"RTMAX-14", 50}, {"RTMAX-1", 63}, {"RTMAX", 64},
      {"SIGWINCH", 28},   {"URG", 23}};
  for (const auto& [word, number] : cases) EXPECT_EQ(parse_signal(word), number) << word;
  for (int number = 1; number <= 64; ++number) EXPECT_EQ(parse_signal(std::to_string(number)), number);
}

TEST(Signals, AreNothingElse) {
  for (const char* word :
       {"", "0", "65", "-1", "SIGNOPE", "SIG", "SIGSIGTERM", "RTMIN+16", "RTMIN+0", "RTMAX-15", "RTMAX-0",
        "RTMIN-1", "RTMAX+1", "RTMIN+", "RTMIN+x", "TERM ", " 9", "9x", "99999999999"})
    EXPECT_EQ(parse_signal(word), std::nullopt) << word;
}

}  // namespace
}  // namespace swarm::model
