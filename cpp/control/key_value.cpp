#include "control/key_value.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "model/key_value.hpp"
#include "model/transaction.hpp"

namespace swarm::control {
namespace {

bool is_key_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-' || c == ':';
}

Error invalid(std::string text, std::string hint) {
  return {Code::invalid_argument, std::move(text), std::move(hint), false, 0};
}

// How many bytes follow the first one of a character; nothing for what cannot be a first one (RFC 3629).
std::optional<std::size_t> bytes_that_follow(unsigned char first) {
  if (first < 0x80) return 0;
  if (first >= 0xC2 && first < 0xE0) return 1;
  if (first >= 0xE0 && first < 0xF0) return 2;
  if (first >= 0xF0 && first < 0xF5) return 3;
  return std::nullopt;
}

// The second byte's range keeps out overlong forms, surrogates, and what is above U+10FFFF.
bool is_second(unsigned char first, unsigned char second) {
  if (first == 0xE0) return second >= 0xA0 && second < 0xC0;
  if (first == 0xED) return second >= 0x80 && second < 0xA0;
  if (first == 0xF0) return second >= 0x90 && second < 0xC0;
  if (first == 0xF4) return second >= 0x80 && second < 0x90;
  return second >= 0x80 && second < 0xC0;
}

bool is_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    const auto more = bytes_that_follow(byte(i));
    if (!more || text.size() - i <= *more) return false;
    if (*more != 0 && !is_second(byte(i), byte(i + 1))) return false;
    for (std::size_t at = 2; at <= *more; ++at)
      if (byte(i + at) < 0x80 || byte(i + at) >= 0xC0) return false;
    i += 1 + *more;
  }
  return true;
}

}  // namespace

Result<void> check_key(std::string_view key) {
  if (key.empty()) return invalid("a key must not be empty", "Name it in the path: /swarmpy/v1/kv/KEY");
  if (key.size() > model::kMaxKeyLength)
    return invalid("the key has " + std::to_string(key.size()) + " characters, " +
                       std::to_string(model::kMaxKeyLength) + " are allowed",
                   "Take a shorter key.");
  if (std::all_of(key.begin(), key.end(), is_key_letter)) return {};
  return invalid("the key \"" + std::string(key) + "\" has characters that keys do not have",
                 "Keys are made of letters, digits and . _ - : only.");
}

Result<void> check_value(std::string_view value) {
  if (value.size() > model::kMaxValueBytes)
    return invalid("the value has " + std::to_string(value.size()) + " bytes, " +
                       std::to_string(model::kMaxValueBytes) + " are allowed",
                   "Keep large things elsewhere, and their names here.");
  if (is_utf8(value)) return {};
  return invalid("the value is not UTF-8 text", "Encode bytes first, in base64 for example.");
}

Result<model::Transaction> write_key(model::WriteKey write) {
  if (const auto fine = check_key(write.key); !fine) return fine.error();
  if (write.value)
    if (const auto fine = check_value(*write.value); !fine) return fine.error();
  model::Transaction transaction;
  transaction.actions.push_back(std::move(write));
  return transaction;
}

}  // namespace swarm::control
