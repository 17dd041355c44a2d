// Example: a kind of object that no release has. It is all that a kind costs: this file, a line in kinds.hpp,
// its message, its routes.
#pragma once

#include <optional>
#include <string>

#include "model/describe/meta.hpp"
#include "model/kind.hpp"

namespace swarm::model {

struct Example {
  static constexpr Kind kKind{200};
  static constexpr const char* kWord = "example";
  static constexpr WrittenBy kWrittenBy = WrittenBy::put;
  const std::string& unique_name() const { return name; }

  Id<struct ExampleTag> id;
  Meta meta;
  std::string name;
  std::optional<Duration> delay;
  std::vector<std::string> words;
  bool operator==(const Example&) const = default;
};

SWARM_DESCRIBE(Example) {
  SWARM_ROW(id, shown("ID"));
  SWARM_ROW(meta, flat);
  SWARM_ROW(name, always("Name"));
  SWARM_ROW(delay, omit("Delay"));
  SWARM_ROW(words, omit("Words"));
}
SWARM_CASE(Put, Example, example)

}  // namespace swarm::model
