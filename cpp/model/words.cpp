#include "model/words.hpp"

#include <optional>
#include <string>
#include <string_view>

#include "model/kind.hpp"
#include "model/kinds.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/task.hpp"

namespace swarm::model {

const char* to_string(UpdateState state) { return word_of(state); }
const char* to_string(NodeRole role) { return word_of(role); }
const char* to_string(Availability availability) { return word_of(availability); }
const char* to_string(NodeState state) { return word_of(state); }
const char* to_string(Reachability reachability) { return word_of(reachability); }
const char* to_string(TaskState state) { return word_of(state); }

std::optional<NodeRole> parse_node_role(std::string_view word) { return value_of<NodeRole>(word); }
std::optional<Availability> parse_availability(std::string_view word) { return value_of<Availability>(word); }
std::optional<TaskState> parse_task_state(std::string_view word) { return value_of<TaskState>(word); }

std::string to_string(Kind kind) {
  std::string word = "kind " + std::to_string(static_cast<int>(kind));
  visit_kind(kind, [&]<class T>() { word = T::kWord; });
  return word;
}

}  // namespace swarm::model
