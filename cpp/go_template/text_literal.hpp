// Go's quoted texts: UTF-8, escapes, quoting.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace swarm::go_template {

// The first code point, and its bytes; U+FFFD and one byte where it is none.
struct Rune {
  char32_t value = 0xFFFD;
  std::size_t size = 1;
};
Rune first_rune(std::string_view text);
std::size_t count_runes(std::string_view text);
std::string utf8(char32_t rune);
bool is_printable(char32_t rune);

// "\"a\\tb\"" -> a<tab>b; nothing when it is badly quoted. Also of `raw` ones.
std::optional<std::string> unquoted(std::string_view literal);
// 'a' -> 97. "malformed" when it holds more than one.
std::optional<char32_t> unquoted_character(std::string_view literal, bool& malformed);
// strconv.Quote; `ascii`: nothing beyond ASCII as it is.
std::string quoted(std::string_view text, char quote = '"', bool ascii = false);

}  // namespace swarm::go_template
