#include "docker/url.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/number.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "store/text.hpp"

namespace swarm::docker {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// "v1.50"
std::optional<ApiVersion> parse_version(std::string_view segment) {
  if (!segment.starts_with('v')) return std::nullopt;
  const std::size_t dot = segment.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto major = parse_whole<std::uint32_t>(segment.substr(1, dot - 1));
  const auto minor = parse_whole<std::uint32_t>(segment.substr(dot + 1));
  if (!major || !minor || *major > 1000 || *minor > 1000) return std::nullopt;
  return ApiVersion{*major, *minor};
}

void split_path(std::string_view path, Target& out) {
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (!part.empty()) out.segments.push_back(percent_decode(part, false));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
}

void split_query(std::string_view query, Target& out) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view part = query.substr(0, end);
    const std::size_t equals = part.find('=');
    if (!part.empty())
      out.query.emplace_back(
          percent_decode(part.substr(0, equals), true),
          equals == std::string_view::npos ? std::string() : percent_decode(part.substr(equals + 1), true));
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
}

// Nine digits after the point at most, as nanoseconds.
std::optional<std::int64_t> nanos_of(std::string_view digits) {
  if (digits.empty()) return std::nullopt;
  std::int64_t nanos = 0, unit = 100'000'000;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    nanos += (c - '0') * unit;
    unit /= 10;
  }
  return nanos;
}

}  // namespace

Error not_a_number(std::string_view what, std::string_view function, std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  const bool number = !digits.empty() && digits.front() != '0' && std::ranges::all_of(digits, is_digit) &&
                      (digits == text || function != "ParseUint");
  return plain_error(Code::invalid_argument, std::string(what) + ": strconv." + std::string(function) +
                                                 ": parsing \"" + std::string(text) +
                                                 (number ? "\": value out of range" : "\": invalid syntax"));
}

std::string percent_decode(std::string_view text, bool plus_is_blank) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' && plus_is_blank ? ' ' : text[i];
    }
  }
  return out;
}

std::string query_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      constexpr std::string_view kDigits = "0123456789ABCDEF";
      out += '%';
      out += kDigits[static_cast<unsigned char>(c) >> 4];
      out += kDigits[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

Target Target::parse(std::string_view target) {
  // RFC 9112 3.2.2: what a client behind a proxy sends, "http://host/path", is answered like "/path".
  if (target.starts_with("http://")) {
    const std::size_t path = target.find('/', 7);
    target = path == std::string_view::npos ? "/" : target.substr(path);
  }
  Target out;
  const std::size_t mark = target.find('?');
  split_path(target.substr(0, mark), out);
  if (mark != std::string_view::npos) split_query(target.substr(mark + 1), out);
  if (out.segments.empty()) return out;
  if (const auto version = parse_version(out.segments.front())) {
    out.version = *version;
    out.version_text = out.segments.front().substr(1);
    out.segments.erase(out.segments.begin());
  }
  return out;
}

const std::string* Target::value(std::string_view name) const {
  for (const auto& [key, text] : query)
    if (key == name) return &text;
  return nullptr;
}

std::string Target::text(std::string_view name) const {
  const std::string* text = value(name);
  return text == nullptr ? std::string() : *text;
}

bool Target::flag(std::string_view name) const {
  const std::string word = store::lower(text(name));
  return !(word.empty() || word == "0" || word == "no" || word == "false" || word == "none");
}

Result<bool> Target::strict_flag(std::string_view name) const {
  const std::string word = text(name);
  for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"})
    if (word == yes) return true;
  for (const char* no : {"", "0", "f", "F", "false", "FALSE", "False"})
    if (word == no) return false;
  return plain_error(Code::invalid_argument, "invalid value for " + std::string(name) +
                                                 ": strconv.ParseBool: parsing \"" + word +
                                                 "\": invalid syntax");
}

Result<std::optional<WallTime>> Target::time(std::string_view name) const {
  const std::string given = text(name);
  if (given.empty() || given == "0") return std::optional<WallTime>();
  if (const auto rfc3339 = parse_rfc3339(given)) return rfc3339;
  const std::string_view view = given;
  const std::size_t dot = view.find('.');
  // What lies beyond the calendar's end is its end.
  const auto seconds = parse_whole<std::int64_t>(view.substr(0, dot));
  const auto nanos =
      dot == std::string_view::npos ? std::optional<std::int64_t>(0) : nanos_of(view.substr(dot + 1));
  if (!seconds || *seconds < 0 || !nanos)
    return plain_error(Code::invalid_argument,
                       "invalid value for " + std::string(name) + ": \"" + given +
                           "\" is not a time: give seconds since 1970 "
                           "(\"1700000000.5\") or RFC 3339 (\"2026-01-02T03:04:05Z\")");
  return std::optional(WallTime{} + Duration::seconds(*seconds) + Duration{*nanos});
}

}  // namespace swarm::docker
