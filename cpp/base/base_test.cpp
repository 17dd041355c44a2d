// The house's smallest bricks: exact values, because every seed and every key on disk depends on them.
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/id.hpp"
#include "base/number.hpp"
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
  for (const char* bad : {"", "1.2.3", "1.2.3.4:", "1.2.3.4:99999", "1.2.3.4:+1", "1.2.3.4:080", "1.2.3.04",
                          "1.2.3.256", "1.2.3.-4", "1.2.3.4.5", "host", "[::1", ":::", "1::2::3"})
    EXPECT_FALSE(Address::parse(bad)) << bad;
}

TEST(Address, BlocksAreBasePrefixAndWhatLiesInThem) {
  const auto ten = AddressBlock::parse("10.1.2.3/8");
  ASSERT_TRUE(ten);
  EXPECT_EQ(ten->first.host(), "10.0.0.0");
  EXPECT_TRUE(ten->contains(*Address::parse("10.255.255.255")));
  EXPECT_FALSE(ten->contains(*Address::parse("11.0.0.0")));
  EXPECT_TRUE(ten->overlaps(*AddressBlock::parse("10.200.0.0/16")));
  EXPECT_TRUE(AddressBlock::parse("10.200.0.0/16")->overlaps(*ten));
  EXPECT_FALSE(ten->overlaps(*AddressBlock::parse("172.16.0.0/12")));
  EXPECT_TRUE(AddressBlock::parse("0.0.0.0/0")->overlaps(*ten));
  EXPECT_EQ(AddressBlock::parse("fd00::1/8")->first.host(), "fd00::");
  for (const char* bad : {"", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/99999999999", "10.0.0.0/-1",
                          "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/8x", "10.0.0.0:0/8", "[fd00::]/8",
                          "fd00::/129", "/8", "10.0.0/8", "10.0.0.0/8/8"})
    EXPECT_FALSE(AddressBlock::parse(bad)) << bad;
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
  EXPECT_EQ(parse_duration(".5s"), Duration::millis(500));
  EXPECT_EQ(parse_duration("-1.s"), Duration::seconds(-1));
  for (const char* bad :
       {"", "-", "+", ".", ".s", "s", "5x", "1h-5m", "+-5s", "1e400s", "1e3s", "--1s", "0x1s"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
}

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

TEST(Time, ArithmeticEndsAtTheEndsAndNeverBeginsAgain) {
  const Duration longest = Duration::max(), shortest{kLeast};
  EXPECT_EQ(longest + Duration{1}, longest);
  EXPECT_EQ(shortest - Duration{1}, shortest);
  EXPECT_EQ(shortest + Duration{-1}, shortest);
  EXPECT_EQ(longest * 3, longest);
  EXPECT_EQ(longest * -3, shortest);
  EXPECT_EQ(shortest * -1, longest);
  EXPECT_EQ(shortest / -1, longest);
  EXPECT_EQ(Duration::seconds(kMost), longest);
  EXPECT_EQ(Duration::millis(kLeast), shortest);
  EXPECT_EQ(Duration::micros(kMost / 999), longest);
  EXPECT_EQ(WallTime{kMost - 5} + Duration{6}, WallTime{kMost});
  EXPECT_EQ(WallTime{kMost} - WallTime{-1}, longest);
  EXPECT_EQ(Instant{5} + longest, Instant::never());
  EXPECT_EQ(Instant{-5} - longest - longest, Instant{kLeast});
  EXPECT_EQ(Instant::never() - Instant{-7}, longest);
}

TEST(Time, NeverStaysNever) {
  EXPECT_EQ(Instant::never() + Duration::seconds(-5), Instant::never());
  EXPECT_EQ(Instant::never() - Duration::seconds(5), Instant::never());
}

// Go's limits of a duration, 2562047h47m16.854775807s, are ours.
TEST(Time, TheLongestDurationThatGoReadsIsTheLongestHere) {
  EXPECT_EQ(parse_duration("2562047h47m16.854775807s"), Duration::max());
  EXPECT_EQ(parse_duration("-2562047h47m16.854775808s"), Duration{kLeast});
  EXPECT_EQ(parse_duration("9223372036854775807ns"), Duration::max());
  for (const char* text : {"2562047h47m16.854775808s", "2562048h", "9223372036854775808ns",
                           "99999999999999999999h", "2562047h2562047h"})
    EXPECT_FALSE(parse_duration(text)) << text;
  EXPECT_EQ(to_string(Duration::max()), "2562047h47m16.854775807s");
  EXPECT_EQ(to_string(Duration{kLeast}), "-2562047h47m16.854775808s");
}

TEST(Time, ACalendarBeyondTheClockEndsWithIt) {
  EXPECT_EQ(parse_rfc3339("9999-12-31T23:59:59Z"), WallTime{kMost});
  EXPECT_EQ(parse_rfc3339("2263-01-01T00:00:00Z"), WallTime{kMost});
  EXPECT_EQ(parse_rfc3339("0002-01-01T00:00:00Z"), WallTime{kLeast});
  EXPECT_EQ(parse_rfc3339("2024-02-29T00:00:00Z"), WallTime{1'709'164'800'000'000'000});
  for (const char* bad : {"2023-02-29T00:00:00Z", "2023-04-31T00:00:00Z", "2023-01-01T00:00:00.Z",
                          "2023-01-01T00:00:00+24:00", "99999-01-01T00:00:00Z", "-001-01-01T00:00:00Z"})
    EXPECT_FALSE(parse_rfc3339(bad)) << bad;
}

TEST(Number, SaturatesAtTheEndsOfItsType) {
  constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(saturating_add(kAll, std::uint64_t{1}), kAll);
  EXPECT_EQ(saturating_sub(std::uint64_t{1}, std::uint64_t{2}), 0U);
  EXPECT_EQ(saturating_mul(kAll, std::uint64_t{2}), kAll);
  EXPECT_EQ(saturating_add(kMost, std::int64_t{1}), kMost);
  EXPECT_EQ(saturating_sub(kLeast, std::int64_t{1}), kLeast);
  EXPECT_EQ(saturating_mul(kLeast, std::int64_t{-1}), kMost);
  EXPECT_EQ(saturate<std::uint32_t>(-1), 0U);
  EXPECT_EQ(saturate<std::int64_t>(kAll), kMost);
}

TEST(Number, IsReadInOneWayOnly) {
  EXPECT_EQ(parse_whole<std::uint64_t>("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(parse_whole<std::int64_t>("-9223372036854775808"), kLeast);
  EXPECT_EQ(parse_whole<std::uint8_t>("0"), 0);
  for (const char* bad : {"", " 5", "5 ", "+5", "-5", "007", "00", "5x", "5.0", "0x5", "1e3", "256"})
    EXPECT_FALSE(parse_whole<std::uint8_t>(bad)) << bad;
  for (const char* bad : {"-", "--5", "-05", "+5", "9223372036854775808"})
    EXPECT_FALSE(parse_whole<std::int64_t>(bad)) << bad;
}

TEST(Rng, DrawsFromTheWholeRangeToo) {
  Rng rng(1);
  bool negative = false, positive = false;
  for (int i = 0; i < 100; ++i) (rng.between(kLeast, kMost) < 0 ? negative : positive) = true;
  EXPECT_TRUE(negative && positive);
}

}  // namespace
}  // namespace swarm
