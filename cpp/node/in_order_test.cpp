#include "node/in_order.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace swarm::node {
namespace {

struct Piece {
  std::string text;
  std::uint64_t number = 0;
};

std::string text_of(const std::vector<Piece>& pieces) {
  std::string out;
  for (const auto& piece : pieces) out += piece.text;
  return out;
}

TEST(InOrder, PiecesComeInTheirOrderAndOnce) {
  InOrder<Piece> order;
  EXPECT_EQ(text_of(order.add({"a", 1})), "a");
  EXPECT_EQ(text_of(order.add({"c", 3})), "");
  EXPECT_TRUE(order.has_gap());
  EXPECT_EQ(text_of(order.add({"a", 1})), "");
  EXPECT_EQ(text_of(order.add({"c", 3})), "");
  EXPECT_EQ(text_of(order.add({"b", 2})), "bc");
  EXPECT_FALSE(order.has_gap());
  EXPECT_EQ(text_of(order.add({"d", 4})), "d");
}

TEST(InOrder, PiecesThatNobodyCountsPass) {
  InOrder<Piece> order;
  EXPECT_EQ(text_of(order.add({"a", 0})), "a");
  EXPECT_EQ(text_of(order.add({"b", 0})), "b");
}

}  // namespace
}  // namespace swarm::node
