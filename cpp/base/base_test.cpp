// The house's smallest bricks: exact values, because every seed and every key on disk depends on them.
#include <gtest/gtest.h>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/id.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"

namespace swarm {
namespace {

TEST(Rng, SameSeedSameDraws) {
  Rng a(42), b(42), c(43);
  EXPECT_EQ(a.next(), 1546998764402558742ULL);
  EXPECT_EQ(b.next(), 1546998764402558742ULL);
  EXPECT_NE(c.next(), 1546998764402558742ULL);
}

TEST(Rng, BoundedDrawsStayInBoundsAndReachBothEnds) {
  Rng rng(1);
  bool low = false, high = false;
  for (int i = 0; i < 1000; ++i) {
    const auto draw = rng.between(-2, 3);
    ASSERT_GE(draw, -2);
    ASSERT_LE(draw, 3);
    low |= draw == -2;
    high |= draw == 3;
  }
  EXPECT_TRUE(low && high);
  EXPECT_EQ(rng.below(0), 0U);
}

TEST(Id, RoundTripsAndSortsAsItsText) {
  Rng rng(7);
  NodeId last;
  for (int i = 0; i < 200; ++i) {
    const NodeId id = NodeId::random(rng);
    ASSERT_EQ(id.str().size(), kIdLength);
    ASSERT_EQ(NodeId::parse(id.str()), id);
    ASSERT_EQ(last < id, last.str() < id.str());
    last = id;
  }
  EXPECT_EQ(NodeId::parse(""), NodeId());
  EXPECT_FALSE(NodeId::parse("UPPER-case-is-not-base-36"));
  EXPECT_FALSE(NodeId::parse("short"));
}

TEST(Id, Base36OfTheEdges) {
  constexpr Uint128 kMost = ~static_cast<Uint128>(0);
  EXPECT_EQ(to_base36(0, 0), "");
  EXPECT_EQ(to_base36(0, 3), "000");
  EXPECT_EQ(to_base36(35, 2), "0z");
  EXPECT_EQ(to_base36(kMost, 25), "f5lxx1zz5pnorynqglhzmsp33");
  for (Uint128 value = 1; value < kMost / 37; value *= 36) {
    EXPECT_EQ(from_base36(to_base36(value, 25)), value);
    EXPECT_EQ(from_base36(to_base36(value - 1, 1)), value - 1);
  }
}

TEST(Id, PrefixIsARange) {
  Rng rng(7);
  for (int i = 0; i < 100; ++i) {
    const NodeId id = NodeId::random(rng);
    const auto range = NodeId::prefix_range(id.str().substr(0, 4));
    ASSERT_TRUE(range);
    EXPECT_LE(range->first, id);
    EXPECT_LE(id, range->second);
  }
  EXPECT_FALSE(NodeId::prefix_range("no such"));
  EXPECT_FALSE(NodeId::prefix_range("zzzzzzzzzzzzzzzzzzzzzzzzz"));
}

TEST(Bytes, Base64AndHex) {
  EXPECT_EQ(to_base64("f"), "Zg==");
  EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(from_base64("Zm9vYg"), "foob");
  EXPECT_FALSE(from_base64("!"));
  EXPECT_EQ(to_hex(std::string("\x00\xff", 2)), "00ff");
}

TEST(Bytes, Crc32cCheckValue) { EXPECT_EQ(crc32c("123456789"), 0xe3069283U); }

TEST(Bytes, BigEndianKeysSortAsNumbers) {
  std::string a, b;
  put_u64(a, 255);
  put_u64(b, 256);
  EXPECT_LT(a, b);
  EXPECT_EQ(get_u64(b), 256U);
}

TEST(Address, ParsesAndPrints) {
  EXPECT_EQ(Address::parse("127.0.1.1:2377")->str(), "127.0.1.1:2377");
  EXPECT_EQ(Address::parse("127.0.1.1", 2377)->port, 2377);
  EXPECT_EQ(Address::parse("[::1]:80")->str(), "[::1]:80");
  EXPECT_EQ(Address::parse("fe80::1:0:2")->host(), "fe80::1:0:2");
  EXPECT_TRUE(Address::parse("0.0.0.0:2377")->is_unspecified());
  EXPECT_TRUE(Address::parse("127.9.9.9")->is_loopback());
  for (const char* bad :
       {"", "1.2.3", "1.2.3.4:", "1.2.3.4:99999", "1.2.3.4.5", "host", "[::1", ":::", "1::2::3"})
    EXPECT_FALSE(Address::parse(bad)) << bad;
}

TEST(Time, Rfc3339) {
  EXPECT_EQ(to_rfc3339(WallTime{1'700'000'000'500'000'000}), "2023-11-14T22:13:20.5Z");
  EXPECT_EQ(to_rfc3339_fixed(WallTime{1'700'000'000'500'000'000}), "2023-11-14T22:13:20.500000000Z");
  EXPECT_EQ(parse_rfc3339("2023-11-14T22:13:20.5Z"), WallTime{1'700'000'000'500'000'000});
  EXPECT_EQ(parse_rfc3339("2023-11-14T23:13:20+01:00"), WallTime{1'700'000'000'000'000'000});
  EXPECT_EQ(to_rfc3339(WallTime{}), "0001-01-01T00:00:00Z");
  EXPECT_FALSE(parse_rfc3339("yesterday"));
}

TEST(Time, GoDurations) {
  EXPECT_EQ(parse_duration("1h2m3.5s"), Duration::millis(3'723'500));
  EXPECT_EQ(parse_duration("500ms"), Duration::millis(500));
  EXPECT_FALSE(parse_duration("5"));
  EXPECT_FALSE(parse_duration("5 s"));
  EXPECT_EQ(to_string(Duration::millis(1500)), "1.5s");
  EXPECT_EQ(to_string(Duration::seconds(3661)), "1h1m1s");
  EXPECT_EQ(to_string(Duration::millis(50)), "50ms");
}

}  // namespace
}  // namespace swarm
