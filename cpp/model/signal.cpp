#include "model/signal.hpp"

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace swarm::model {
namespace {

constexpr int kFirstRealTime = 34, kLastRealTime = 64;  // glibc keeps 32 and 33 for itself
constexpr std::pair<std::string_view, int> kSignals[] = {
    {"HUP", 1},   {"INT", 2},    {"QUIT", 3},    {"ILL", 4},   {"TRAP", 5},  {"ABRT", 6},  {"IOT", 6},
    {"BUS", 7},   {"FPE", 8},    {"KILL", 9},    {"USR1", 10}, {"SEGV", 11}, {"USR2", 12}, {"PIPE", 13},
    {"ALRM", 14}, {"TERM", 15},  {"STKFLT", 16}, {"CHLD", 17}, {"CLD", 17},  {"CONT", 18}, {"STOP", 19},
    {"TSTP", 20}, {"TTIN", 21},  {"TTOU", 22},   {"URG", 23},  {"XCPU", 24}, {"XFSZ", 25}, {"VTALRM", 26},
    {"PROF", 27}, {"WINCH", 28}, {"IO", 29},     {"POLL", 29}, {"PWR", 30},  {"SYS", 31}};

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "RTMIN", "RTMIN+1" to "RTMIN+15", "RTMAX-14" to "RTMAX-1", "RTMAX".
std::optional<int> real_time(std::string_view name) {
  const bool from_first = name.starts_with("RTMIN");
  if (!from_first && !name.starts_with("RTMAX")) return std::nullopt;
  name.remove_prefix(5);
  if (name.empty()) return from_first ? kFirstRealTime : kLastRealTime;
  if (name.front() != (from_first ? '+' : '-')) return std::nullopt;
  const auto steps = number(name.substr(1));
  if (!steps || *steps < 1 || *steps > (from_first ? 15 : 14)) return std::nullopt;
  return from_first ? kFirstRealTime + *steps : kLastRealTime - *steps;
}

}  // namespace

std::optional<int> parse_signal(std::string_view word) {
  if (const auto value = number(word)) return *value >= 1 && *value <= kLastRealTime ? value : std::nullopt;
  std::string name;
  for (const char c : word) name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  if (name.starts_with("SIG")) name.erase(0, 3);
  for (const auto& [known, value] : kSignals)
    if (name == known) return value;
  return real_time(name);
}

}  // namespace swarm::model
