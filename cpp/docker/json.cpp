#include "docker/json.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "store/text.hpp"

namespace swarm::docker {
namespace {

// Length of the valid UTF-8 sequence at the start of `text`; 0 when there is none (RFC 3629).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  if (first == 0xe0 && byte(1) < 0xa0) return 0;
  if (first == 0xed && byte(1) > 0x9f) return 0;
  if (first == 0xf0 && byte(1) < 0x90) return 0;
  if (first == 0xf4 && byte(1) > 0x8f) return 0;
  return length;
}

bool needs_care(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte >= 0x80 || c == '"' || c == '\\';
}

// How much of `text` can be copied as it is. Eight bytes at a time: a byte below `n` borrows, and sets its
// top bit.
std::size_t plain_length(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kTops = kOnes << 7;
  const auto below = [](std::uint64_t word, std::uint64_t n) { return (word - kOnes * n) & ~word; };
  std::size_t at = 0;
  for (std::uint64_t word = 0; at + 8 <= text.size(); at += 8) {
    std::memcpy(&word, text.data() + at, 8);
    const std::uint64_t quotes = below(word ^ kOnes * '"', 1) | below(word ^ kOnes * '\\', 1);
    if (((word | below(word, 0x20) | quotes) & kTops) != 0) break;
  }
  while (at < text.size() && !needs_care(text[at])) ++at;
  return at;
}

void escape_control(std::string& out, char c) {
  switch (c) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += "\\u00";
  out += kDigits[static_cast<unsigned char>(c) >> 4];
  out += kDigits[static_cast<unsigned char>(c) & 15];
}

}  // namespace

const Value* Value::find(std::string_view key) const {
  const Members* all = members();
  if (all == nullptr) return nullptr;
  const Value* loose = nullptr;
  for (const auto& [name, value] : *all) {
    if (name == key) return value.is_null() ? nullptr : &value;
    if (name.size() == key.size() && loose == nullptr && store::lower(name) == store::lower(key))
      loose = &value;
  }
  return loose == nullptr || loose->is_null() ? nullptr : loose;
}

const char* Value::kind() const {
  constexpr const char* kKinds[] = {"null",   "bool",   "number", "number",
                                    "number", "string", "array",  "object"};
  return kKinds[data.index()];
}

std::optional<__int128> Value::whole() const {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (const auto* number = std::get_if<std::int64_t>(&data)) return *number;
  if (const auto* number = std::get_if<std::uint64_t>(&data)) return *number;
  const auto* number = std::get_if<double>(&data);
  if (number == nullptr || !(*number >= -kExact && *number <= kExact)) return std::nullopt;
  const auto near = static_cast<std::int64_t>(*number);
  return static_cast<double>(near) == *number ? std::optional<__int128>(near) : std::nullopt;
}

std::string Value::digits() const {
  Json json;
  if (const auto* number = std::get_if<std::int64_t>(&data)) json.value(*number);
  if (const auto* number = std::get_if<std::uint64_t>(&data)) json.value(*number);
  if (const auto* number = std::get_if<double>(&data); number != nullptr && std::isfinite(*number))
    json.value(*number);
  return json.str().empty() ? std::string() : " " + json.str();
}

void Json::separate() {
  if (out_.empty()) {
    if (std::exchange(in_list_, false)) out_ += ',';
    return;
  }
  const char last = out_.back();
  if (last != '{' && last != '[' && last != ':') out_ += ',';
}

Json& Json::begin(char bracket) {
  separate();
  out_ += bracket;
  return *this;
}

Json& Json::end(char bracket) {
  out_ += bracket;
  return *this;
}

Json& Json::raw(std::string_view json) {
  separate();
  out_ += json;
  return *this;
}

Json& Json::key(std::string_view name) {
  if (plain_length(name) < name.size()) {
    value(name);
    out_ += ':';
    return *this;
  }
  separate();
  ((out_ += '"') += name) += "\":";
  return *this;
}

Json& Json::value(std::string_view text) {
  separate();
  out_ += '"';
  while (!text.empty()) {
    const std::size_t plain = plain_length(text);
    out_ += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const std::size_t length = utf8_length(text);
    const char c = text[0];
    if (length == 0) {
      out_ += "\xef\xbf\xbd";  // U+FFFD, as Go does
    } else if (length > 1) {
      out_ += text.substr(0, length);
    } else if (c == '"' || c == '\\') {
      (out_ += '\\') += c;
    } else {
      escape_control(out_, c);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out_ += '"';
  return *this;
}

// The shortest text that reads back as the same number: specified, so alike with every compiler.
Json& Json::value(double number) {
  char text[40];
  if (!std::isfinite(number)) return raw("0");  // JSON has no word for it
  const auto end = std::to_chars(text, text + sizeof text, number).ptr;
  return raw(std::string_view(text, static_cast<std::size_t>(end - text)));
}

Json& Json::value(const std::vector<std::string>& texts) {
  return array([&] {
    for (const auto& text : texts) value(text);
  });
}

Json& Json::value(const std::map<std::string, std::string>& pairs) {
  return object([&] {
    for (const auto& [name, text] : pairs) field(name, text);
  });
}

}  // namespace swarm::docker
