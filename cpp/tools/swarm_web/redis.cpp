#include "tools/swarm_web/redis.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace swarm::web {
namespace {

constexpr std::size_t kMaxWords = 1024;

std::optional<std::size_t> number(const std::string& text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() ? std::optional(value)
                                                                                   : std::nullopt;
}

// One line off `in` from `at` on, without its end; nothing while it is not whole.
std::optional<std::string> line(const std::string& in, std::size_t& at) {
  const std::size_t end = in.find('\n', at);
  if (end == std::string::npos) return std::nullopt;
  std::string out = in.substr(at, end - at);
  if (out.ends_with('\r')) out.pop_back();
  at = end + 1;
  return out;
}

enum class Read : std::uint8_t { whole, part, broken };

// "PING\r\n", as people type it.
void split(const std::string& text, std::vector<std::string>& words) {
  std::string word;
  for (const char c : text + " ") {
    if (c != ' ') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, {}));
    }
  }
}

// "*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n", as clients say it.
Read read_request(const std::string& in, std::size_t& at, std::vector<std::string>& words) {
  const auto first = line(in, at);
  if (!first) return Read::part;
  if (!first->starts_with('*')) {
    split(*first, words);
    return Read::whole;
  }
  const auto count = number(first->substr(1));
  if (!count || *count > kMaxWords) return Read::broken;
  while (words.size() < *count) {
    const auto head = line(in, at);
    if (!head) return Read::part;
    const auto size = head->starts_with('$') ? number(head->substr(1)) : std::nullopt;
    if (!size || *size > in.max_size() / 2) return Read::broken;
    if (in.size() < at + *size + 2) return Read::part;
    words.push_back(in.substr(at, *size));
    at += *size + 2;
  }
  return Read::whole;
}

std::string simple(const std::string& text) { return "+" + text + "\r\n"; }
std::string error(const std::string& text) { return "-ERR " + text + "\r\n"; }
std::string integer(std::int64_t value) { return ":" + std::to_string(value) + "\r\n"; }
std::string bulk(const std::string& text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}
constexpr const char* kNothing = "$-1\r\n";

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

struct Command {
  const char* name;
  std::size_t words;  // at least, with its own
};
constexpr Command kCommands[] = {{"ping", 1},   {"echo", 2},    {"set", 3},    {"get", 2},  {"del", 2},
                                 {"exists", 2}, {"incr", 2},    {"dbsize", 1}, {"info", 1}, {"flushall", 1},
                                 {"select", 2}, {"command", 1}, {"client", 1}, {"quit", 1}};

}  // namespace

std::string Redis::answer(std::vector<std::string> words, bool& close) {
  const std::string name = lower(words.front());
  const auto* known = std::find_if(std::begin(kCommands), std::end(kCommands),
                                   [&name](const Command& one) { return name == one.name; });
  if (known == std::end(kCommands)) return error("unknown command '" + words.front() + "'");
  if (words.size() < known->words) return error("wrong number of arguments for '" + name + "' command");
  if (name == "ping") return words.size() > 1 ? bulk(words[1]) : simple("PONG");
  if (name == "echo") return bulk(words[1]);
  if (name == "dbsize") return integer(static_cast<std::int64_t>(values_.size()));
  if (name == "info") return bulk("# Server\r\nredis_mode:standalone\r\n");
  if (name == "command") return "*0\r\n";
  if (name == "get") return values_.contains(words[1]) ? bulk(values_[words[1]]) : kNothing;
  if (name == "exists") return integer(values_.contains(words[1]) ? 1 : 0);
  if (name == "del") return integer(static_cast<std::int64_t>(values_.erase(words[1])));
  if (name == "incr") {
    const auto value = values_.contains(words[1]) ? number(values_[words[1]]) : std::optional<std::size_t>(0);
    if (!value) return error("value is not an integer or out of range");
    values_[words[1]] = std::to_string(*value + 1);
    return integer(static_cast<std::int64_t>(*value + 1));
  }
  if (name == "set") values_[words[1]] = words[2];
  if (name == "flushall") values_.clear();
  close = name == "quit";
  return simple("OK");
}

std::string Redis::answers(std::string& in, bool& close) {
  std::string out;
  while (!close) {
    std::size_t at = 0;
    std::vector<std::string> words;
    const Read read = read_request(in, at, words);
    if (read == Read::part) break;
    close = read == Read::broken;
    if (close) return out + error("Protocol error");
    in.erase(0, at);
    if (!words.empty()) out += answer(std::move(words), close);
  }
  return out;
}

}  // namespace swarm::web
