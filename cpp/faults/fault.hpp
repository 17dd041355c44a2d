// Fault: what goes wrong, as a value, in the one vocabulary that C++, scenario files, Python, the command
// line and JSON share. A kind, arguments, when it begins and how long it lasts.
//
// Every fault has a JSON form and a one-line text form; reading what was written gives the same fault (for
// those that `check` lets pass). Which arguments a kind has is a table (`parameters`): readers and writers
// know nothing else. NOT here: what a fault does (sim/injector), which machines there are.
//
//     {"kind": "net", "from": ["m1"], "to": ["*"], "latency": "80ms", "loss": 0.05, "at": "1s", "for": "3s"}
//     net m1 <-> * latency 80ms loss 0.05 at 1s for 3s
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace swarm::docker {
class Json;
class Value;
}  // namespace swarm::docker

namespace swarm::faults {

enum class Kind : std::uint8_t {
  partition,  // groups that do not hear each other
  cut,        // links on which everything vanishes
  net,        // links that are slow, lossy, that double or reorder
  hold,       // links that keep everything, and deliver it in one burst when the fault ends
  throttle,   // a node whose turns and disk take `factor` times as long
  disk,       // a disk that is slow, full, that fails, or that is not what it was at the next start
  clock,      // a node's own clock: off, too fast, set
  freeze,     // SIGSTOP
  power_off,  // gone without a word
  stop,       // SIGTERM: an orderly stop
  kill,       // kill -9
  kill_task,  // one task's process, at once
  port,       // another program has a port of a node
  image,      // how an image's tasks behave from now on
  transfer,   // leadership is handed over, at once
};
inline constexpr std::size_t kKinds = 15;
std::string_view word(Kind kind);
std::optional<Kind> kind_of(std::string_view word);  // "power-off" is taken for "power_off"
std::vector<std::string> kind_words();

using Names = std::vector<std::string>;
using Groups = std::vector<Names>;
using Errnos = std::map<std::string, std::string>;  // "write" -> "EIO"
struct Ratio {                                      // 0 to 1
  std::int64_t millionths = 0;
  auto operator<=>(const Ratio&) const = default;
};
struct Factor {  // 1 is "as it is"
  std::int64_t billionths = 1'000'000'000;
  auto operator<=>(const Factor&) const = default;
};
using Argument =
    std::variant<bool, std::int64_t, Duration, Ratio, Factor, std::string, Names, Groups, Errnos>;

struct Fault {
  Kind kind = Kind::kill;
  std::map<std::string, Argument, std::less<>> arguments;  // those that differ from their default
  std::optional<Duration> at;                              // from the beginning of the plan; none: at once
  std::optional<Duration> lasts;                           // "for" in JSON and text; none: until it is healed
  bool operator==(const Fault&) const = default;

  template <class T>
  const T* find(std::string_view key) const {
    const auto it = arguments.find(key);
    return it == arguments.end() ? nullptr : std::get_if<T>(&it->second);
  }
  bool flag(std::string_view key, bool otherwise = false) const;
  std::string text(std::string_view key) const;  // "" when it is not given
  Names names(std::string_view key) const;
  std::int64_t number(std::string_view key, std::int64_t otherwise = 0) const;
  std::optional<Duration> span(std::string_view key) const;
  Fault& set(std::string key, Argument value);
  bool is_momentary() const { return kind == Kind::kill_task || kind == Kind::transfer; }
};

// ---- the table of arguments
enum class Type : std::uint8_t { flag, count, span, ratio, factor, name, names, groups, errnos };
// How an argument stands in a line of text.
enum class Place : std::uint8_t {
  keyed,  // "latency 80ms"; of a flag: "torn"
  word,   // by its place: "freeze w1"
  link,   // "m1 -> m2": `from`, `to` and `both` together
  sides,  // "m1 | m2 m3"
};
struct Parameter {
  std::string_view key;
  Type type = Type::flag;
  Place place = Place::keyed;
  bool required = false;
  std::int64_t least = 0, most = 0;  // of numbers, spans (ns) and factors; equal: no bounds
  bool flag_default = false;
};
std::span<const Parameter> parameters(Kind kind);
const Parameter* find_parameter(Kind kind, std::string_view key);

// What cannot be, in a sentence: an argument is missing, out of its bounds, or at odds with another one.
Result<void> check(const Fault& fault);

// ---- the two forms. Readers check what they have read.
Result<Fault> parse(std::string_view line);
std::string to_text(const Fault& fault);
Result<Fault> from_json(std::string_view text);
Result<Fault> from_json(const docker::Value& value);
std::string to_json(const Fault& fault);
void write(docker::Json& json, const Fault& fault);

// Parts of the JSON form: a duration as text or as a number of seconds; one name or a list of them.
std::optional<Duration> read_span(const docker::Value& value);
std::optional<Names> read_names(const docker::Value& value);

// ---- numbers as text, exactly: "0.05" with 6 places is 50'000
std::optional<std::int64_t> parse_decimal(std::string_view text, int places);
std::string decimal(std::int64_t value, int places);

}  // namespace swarm::faults
