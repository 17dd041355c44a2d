#include "go_template/escape.hpp"

#include <cstdio>
#include <string>
#include <string_view>

#include "go_template/text_literal.hpp"

namespace swarm::go_template {
namespace {

const char* html_of(char c) {
  switch (c) {
    case '\0':
      return "\xEF\xBF\xBD";
    case '"':
      return "&#34;";
    case '\'':
      return "&#39;";
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    default:
      return nullptr;
  }
}

std::string js_of(std::string_view bytes, char32_t rune) {
  constexpr std::string_view kQuoted = "\\'\"", kMarks = "<>&=";
  const auto c = static_cast<char>(rune);
  if (rune < 0x80 && kQuoted.find(c) != std::string_view::npos) return {'\\', c};
  const bool plain =
      rune < 0x80 ? rune >= ' ' && kMarks.find(c) == std::string_view::npos : is_printable(rune);
  if (plain) return std::string(bytes);
  char out[16];
  std::snprintf(out, sizeof out, "\\u%04X", static_cast<unsigned>(rune));
  return out;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-_.~").find(c) != std::string_view::npos;
}

}  // namespace

std::string html_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const char* entity = html_of(c);
    out += entity != nullptr ? std::string(entity) : std::string(1, c);
  }
  return out;
}

std::string js_escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Rune rune = first_rune(text);
    out += js_of(text.substr(0, rune.size), rune.value);
    text.remove_prefix(rune.size);
  }
  return out;
}

std::string query_escaped(std::string_view text) {
  constexpr const char* kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == ' ') {
      out += '+';
    } else if (is_unreserved(c)) {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

}  // namespace swarm::go_template
