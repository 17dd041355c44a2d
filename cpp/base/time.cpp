#include "base/time.hpp"
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace swarm {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kDaySeconds = 86'400;

struct Civil {
  std::int64_t year;
  unsigned month, day;
};

// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
Civil civil_from_days(std::int64_t days) {
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const auto day_of_era = static_cast<unsigned>(days - era * 146'097);
  const unsigned year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned month_shifted = (5 * day_of_year + 2) / 153;
  const unsigned day = day_of_year - (153 * month_shifted + 2) / 5 + 1;
  const unsigned month = month_shifted < 10 ? month_shifted + 3 : month_shifted - 9;
  const std::int64_t year = static_cast<std::int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0);
  return {year, month, day};
}

std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + static_cast<std::int64_t>(day_of_era) - 719'468;
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// The last `count` decimal digits of a number that is not negative. (A list of objects is full of times.)
void put_digits(std::string& out, std::int64_t number, std::size_t count) {
  out.append(count, '0');
  for (std::size_t i = out.size(); count > 0; --count, number /= 10)
    out[--i] = static_cast<char>('0' + number % 10);
}

std::string seconds_text(WallTime time) {
  const std::int64_t seconds = floor_div(time.ns, kSecond);
  const std::int64_t days = floor_div(seconds, kDaySeconds);
  const std::int64_t of_day = seconds - days * kDaySeconds;
  const Civil civil = civil_from_days(days);
  std::string text;
  put_digits(text, civil.year, 4);
  put_digits(text += '-', civil.month, 2);
  put_digits(text += '-', civil.day, 2);
  put_digits(text += 'T', of_day / 3600, 2);
  put_digits(text += ':', of_day / 60 % 60, 2);
  put_digits(text += ':', of_day % 60, 2);
  return text;
}

std::string fraction_digits(WallTime time) {
  std::string text;
  put_digits(text, time.ns - floor_div(time.ns, kSecond) * kSecond, 9);
  return text;
}

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  int value = 0;
  for (char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

// The zone at the end of an RFC 3339 time, in seconds east of UTC.
std::optional<std::int64_t> zone_seconds(std::string_view zone) {
  if (zone == "Z" || zone == "z") return 0;
  if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return std::nullopt;
  const auto hours = digits(zone, 1, 2), minutes = digits(zone, 4, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  return (*hours * 3600 + *minutes * 60) * (zone[0] == '-' ? -1 : 1);
}

bool is_digit(std::string_view text, std::size_t at) {
  return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

// Nanoseconds of ".123"; moves `at` past it.
std::int64_t parse_fraction(std::string_view text, std::size_t& at) {
  std::int64_t ns = 0;
  if (at >= text.size() || text[at] != '.') return 0;
  ++at;
  for (std::int64_t unit = kSecond / 10; is_digit(text, at); ++at) {
    ns += (text[at] - '0') * unit;
    unit /= 10;
  }
  return ns;
}

int days_in(int year, int month) {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

struct Unit {
  std::string_view name;
  std::int64_t ns;
};
// "ms" before "m": the first match wins.
constexpr Unit kUnits[] = {{"ns", 1},      {"us", 1'000},       {"\u00b5s", 1'000},   {"ms", 1'000'000},
                           {"s", kSecond}, {"m", 60 * kSecond}, {"h", 3600 * kSecond}};

std::optional<Unit> unit_at(std::string_view text) {
  for (const Unit& unit : kUnits)
    if (text.starts_with(unit.name)) return unit;
  return std::nullopt;
}

}  // namespace

std::string to_rfc3339(WallTime time) {
  if (time.ns == 0) return "0001-01-01T00:00:00Z";
  std::string fraction = fraction_digits(time);
  while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  return seconds_text(time) + (fraction.empty() ? "" : "." + fraction) + "Z";
}

std::string to_rfc3339_fixed(WallTime time) { return seconds_text(time) + "." + fraction_digits(time) + "Z"; }

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  if (text == "0001-01-01T00:00:00Z") return WallTime{};
  const auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't')) return std::nullopt;
  if (text[13] != ':' || text[16] != ':' || *month < 1 || *month > 12 || *day < 1) return std::nullopt;
  if (*day > days_in(*year, *month) || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  std::size_t at = 19;
  if (text.substr(at).starts_with('.') && !is_digit(text, at + 1)) return std::nullopt;
  const std::int64_t fraction = parse_fraction(text, at);
  const auto zone = zone_seconds(text.substr(at));
  if (!zone) return std::nullopt;
  const std::int64_t days =
      days_from_civil(*year, static_cast<unsigned>(*month), static_cast<unsigned>(*day));
  const std::int64_t seconds = days * kDaySeconds + *hour * 3600 + *minute * 60 + *second - *zone;
  return WallTime{} + Duration::seconds(seconds) + Duration{fraction};
}

namespace {

// One "1.5h"; moves `text` past it. Nanoseconds, as wide as they may get: digits beyond any Duration end it.
std::optional<__int128> parse_part(std::string_view& text) {
  constexpr __int128 kTooMuch = static_cast<__int128>(std::numeric_limits<std::int64_t>::max()) + 1;
  std::size_t at = 0;
  __int128 whole = 0;
  for (; is_digit(text, at); ++at) {
    whole = whole * 10 + (text[at] - '0');
    if (whole > kTooMuch) return std::nullopt;
  }
  if (at == 0 && !is_digit(text, 1)) return std::nullopt;
  const std::int64_t fraction = parse_fraction(text, at);
  const auto unit = unit_at(text.substr(at));
  if (!unit) return std::nullopt;
  text.remove_prefix(at + unit->name.size());
  return whole * unit->ns + static_cast<__int128>(fraction) * unit->ns / kSecond;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  if (text == "0") return Duration{};
  __int128 total = 0;
  while (!text.empty()) {
    const auto part = parse_part(text);
    if (!part) return std::nullopt;
    total += *part;
    if (total > static_cast<__int128>(std::numeric_limits<std::int64_t>::max()) + (negative ? 1 : 0))
      return std::nullopt;
  }
  return Duration{static_cast<std::int64_t>(negative ? -total : total)};
}

namespace {

// `ns` in units of `unit`, with the fraction's trailing zeros cut: 1500000, 1000000 -> "1.5".
std::string in_units(std::int64_t ns, std::int64_t unit) {
  std::string text = std::to_string(ns / unit);
  std::int64_t rest = ns % unit;
  if (rest == 0) return text;
  text += '.';
  for (std::int64_t digit = unit / 10; rest != 0; digit /= 10) {
    text += static_cast<char>('0' + rest / digit);
    rest %= digit;
  }
  return text;
}

}  // namespace

std::string to_string(Duration duration) {
  // The shortest of all has no counterpart; Go's own text for it.
  if (duration.ns == std::numeric_limits<std::int64_t>::min()) return "-2562047h47m16.854775808s";
  if (duration.ns < 0) return "-" + to_string(Duration{-duration.ns});
  const std::int64_t ns = duration.ns;
  if (ns == 0) return "0s";
  if (ns < 1'000) return std::to_string(ns) + "ns";
  if (ns < 1'000'000) return in_units(ns, 1'000) + "us";
  if (ns < kSecond) return in_units(ns, 1'000'000) + "ms";
  const std::int64_t hours = ns / (3600 * kSecond), minutes = ns / (60 * kSecond) % 60;
  std::string text;
  if (hours > 0) text += std::to_string(hours) + "h";
  if (hours > 0 || minutes > 0) text += std::to_string(minutes) + "m";
  return text + in_units(ns % (60 * kSecond), kSecond) + "s";
}

}  // namespace swarm
