#include "control/reference.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace swarm::control {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return (c >= 'a' && c <= 'z') || is_digit(c); }
bool is_word(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

template <class Predicate>
bool all(std::string_view text, Predicate&& is) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is);
}

// [a-z0-9]+ joined by ".", "_", "__" or dashes.
bool is_path_component(std::string_view text) {
  std::size_t at = 0;
  const auto letters = [&] {
    const std::size_t begin = at;
    while (at < text.size() && is_lower(text[at])) ++at;
    return at > begin;
  };
  if (!letters()) return false;
  while (at < text.size()) {
    const std::size_t begin = at;
    while (at < text.size() && text[at] == text[begin]) ++at;
    const std::size_t length = at - begin;
    const char c = text[begin];
    const bool separates = c == '-' || (c == '.' && length == 1) || (c == '_' && length <= 2);
    if (!separates || !letters()) return false;
  }
  return true;
}

bool is_domain(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos) {
    if (!all(text.substr(colon + 1), is_digit)) return false;
    text = text.substr(0, colon);
  }
  return all(text, [](char c) { return is_word(c) || c == '-' || c == '.'; }) && is_word(text.front()) &&
         is_word(text.back());
}

bool is_tag(std::string_view text) {
  return text.size() <= 128 &&
         all(text, [](char c) { return is_word(c) || c == '_' || c == '.' || c == '-'; }) &&
         text.front() != '.' && text.front() != '-';
}

bool is_digest(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || !all(text.substr(0, colon), is_word)) return false;
  const std::string_view hex = text.substr(colon + 1);
  return hex.size() >= 32 && all(hex, is_hex);
}

bool is_path(std::string_view text) {
  while (true) {
    const std::size_t slash = text.find('/');
    if (!is_path_component(text.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    text = text.substr(slash + 1);
  }
}

}  // namespace

bool is_image_reference(std::string_view text) {
  if (const std::size_t at = text.find('@'); at != std::string_view::npos) {
    if (!is_digest(text.substr(at + 1))) return false;
    text = text.substr(0, at);
  }
  const std::size_t colon = text.rfind(':');
  const std::size_t last_slash = text.rfind('/');
  if (colon != std::string_view::npos && (last_slash == std::string_view::npos || colon > last_slash)) {
    if (!is_tag(text.substr(colon + 1))) return false;
    text = text.substr(0, colon);
  }
  if (text.size() > 255 || (text.size() == 64 && all(text, is_hex)))
    return false;  // an image's id is no name
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const std::string_view first = text.substr(0, slash);
    const bool names_host =
        first == "localhost" || first.find_first_of(".:") != std::string_view::npos ||
        std::any_of(first.begin(), first.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    if (names_host) return is_domain(first) && is_path(text.substr(slash + 1));
  }
  return is_path(text);
}

}  // namespace swarm::control
