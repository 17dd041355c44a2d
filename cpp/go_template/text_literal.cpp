#include "go_template/text_literal.hpp"

#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

namespace swarm::go_template {
namespace {

constexpr char32_t kNoRune = 0xFFFD;

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

bool is_code_point(char32_t rune) { return rune <= 0x10FFFF && (rune < 0xD800 || rune > 0xDFFF); }

struct Escape {
  char32_t value;
  bool byte;  // \x41 and \101 are bytes, not code points
};

std::optional<Escape> read_digits(std::string_view& rest, std::size_t count, int base, bool byte) {
  if (rest.size() < count) return std::nullopt;
  char32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const int digit = digit_of(rest[i]);
    if (digit >= base) return std::nullopt;
    value = value * static_cast<char32_t>(base) + static_cast<char32_t>(digit);
  }
  rest.remove_prefix(count);
  if (byte ? value > 255 : !is_code_point(value)) return std::nullopt;
  return Escape{value, byte};
}

// What follows a backslash.
std::optional<Escape> read_escape(std::string_view& rest, char quote) {
  constexpr std::string_view kLetters = "abfnrtv\\", kValues = "\a\b\f\n\r\t\v\\";
  if (rest.empty()) return std::nullopt;
  const char c = rest.front();
  if (c >= '0' && c <= '7') return read_digits(rest, 3, 8, true);
  rest.remove_prefix(1);
  if (const auto at = kLetters.find(c); at != std::string_view::npos)
    return Escape{static_cast<unsigned char>(kValues[at]), false};
  if (c == quote) return Escape{static_cast<unsigned char>(c), false};
  if (c == 'x') return read_digits(rest, 2, 16, true);
  if (c == 'u') return read_digits(rest, 4, 16, false);
  if (c == 'U') return read_digits(rest, 8, 16, false);
  return std::nullopt;
}

std::string escaped(char32_t rune, bool is_byte) {
  constexpr std::string_view kValues = "\a\b\f\n\r\t\v", kLetters = "abfnrtv";
  if (rune < 0x80 && !is_byte)
    if (const auto at = kValues.find(static_cast<char>(rune)); at != std::string_view::npos && rune != 0)
      return {'\\', kLetters[at]};
  char out[16];
  const char* form = is_byte || rune < ' ' || rune == 0x7F ? "\\x%02x"
                     : rune < 0x10000                      ? "\\u%04x"
                                                           : "\\U%08x";
  std::snprintf(out, sizeof out, form, static_cast<unsigned>(rune));
  return out;
}

}  // namespace

Rune first_rune(std::string_view text) {
  if (text.empty()) return {};
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return {};
  char32_t value = lead & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if (!is_continuation(text[i])) return {};
    value = value << 6 | (static_cast<unsigned char>(text[i]) & 0x3FU);
  }
  const bool overlong = (size == 3 && value < 0x800) || (size == 4 && value < 0x10000);
  return overlong || !is_code_point(value) ? Rune{} : Rune{value, size};
}

std::size_t count_runes(std::string_view text) {
  std::size_t out = 0;
  for (; !text.empty(); ++out) text.remove_prefix(first_rune(text).size);
  return out;
}

std::string utf8(char32_t rune) {
  if (!is_code_point(rune)) rune = kNoRune;
  std::string out;
  const auto put = [&out](char32_t bits) { out += static_cast<char>(static_cast<unsigned char>(bits)); };
  if (rune < 0x80) {
    put(rune);
  } else if (rune < 0x800) {
    put(0xC0 | rune >> 6), put(0x80 | (rune & 0x3F));
  } else if (rune < 0x10000) {
    put(0xE0 | rune >> 12), put(0x80 | (rune >> 6 & 0x3F)), put(0x80 | (rune & 0x3F));
  } else {
    put(0xF0 | rune >> 18), put(0x80 | (rune >> 12 & 0x3F));
    put(0x80 | (rune >> 6 & 0x3F)), put(0x80 | (rune & 0x3F));
  }
  return out;
}

// Without Unicode's tables: all beyond Latin-1's controls that is a code point.
bool is_printable(char32_t rune) { return rune < 0x80 ? rune >= ' ' && rune != 0x7F : rune > 0xA0; }

std::optional<std::string> unquoted(std::string_view literal) {
  if (literal.size() < 2 || literal.front() != literal.back()) return std::nullopt;
  const char quote = literal.front();
  std::string_view rest = literal.substr(1, literal.size() - 2);
  std::string out;
  if (quote == '`') {
    for (const char c : rest)
      if (c != '\r') out += c;
    return out;
  }
  while (!rest.empty()) {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (c == quote || c == '\n') return std::nullopt;
    if (c != '\\') {
      out += c;
      continue;
    }
    const auto escape = read_escape(rest, quote);
    if (!escape) return std::nullopt;
    out += escape->byte ? std::string(1, static_cast<char>(escape->value)) : utf8(escape->value);
  }
  return out;
}

std::optional<char32_t> unquoted_character(std::string_view literal, bool& malformed) {
  malformed = false;
  std::string_view rest = literal.substr(1);
  char32_t value = 0;
  if (rest.empty() || rest.front() == '\'' || rest.front() == '\n') return std::nullopt;
  if (rest.front() == '\\') {
    rest.remove_prefix(1);
    const auto escape = read_escape(rest, '\'');
    if (!escape) return std::nullopt;
    value = escape->value;
  } else {
    const Rune rune = first_rune(rest);
    value = rune.value;
    rest.remove_prefix(rune.size);
  }
  malformed = rest != "'";
  return value;
}

std::string quoted(std::string_view text, char quote, bool ascii) {
  std::string out(1, quote);
  while (!text.empty()) {
    const Rune rune = first_rune(text);
    const bool bad = rune.value == kNoRune && rune.size == 1;
    const bool plain = !bad && is_printable(rune.value) && (!ascii || rune.value < 0x80);
    if (rune.value == static_cast<unsigned char>(quote) || rune.value == '\\') {
      out += {'\\', static_cast<char>(rune.value)};
    } else if (plain) {
      out += text.substr(0, rune.size);
    } else {
      out += bad ? escaped(static_cast<unsigned char>(text.front()), true) : escaped(rune.value, false);
    }
    text.remove_prefix(rune.size);
  }
  return out + quote;
}

}  // namespace swarm::go_template
