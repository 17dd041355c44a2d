// Docker's words for the enums of nodes and services.
#include "base/check.hpp"
#include "model/kinds.hpp"
#include "model/node.hpp"
#include "model/service.hpp"

namespace swarm::model {

const char* to_string(UpdateState state) {
  switch (state) {
    case UpdateState::updating:
      return "updating";
    case UpdateState::paused:
      return "paused";
    case UpdateState::completed:
      return "completed";
    case UpdateState::rollback_started:
      return "rollback_started";
    case UpdateState::rollback_paused:
      return "rollback_paused";
    case UpdateState::rollback_completed:
      return "rollback_completed";
  }
  SWARM_CHECK(false, "update state", static_cast<int>(state));
}

std::string to_string(Kind kind) {
  std::string word = "kind " + std::to_string(static_cast<int>(kind));
  visit_kind(kind, [&]<class T>() { word = T::kWord; });
  return word;
}

const char* to_string(NodeRole role) { return role == NodeRole::manager ? "manager" : "worker"; }

const char* to_string(Availability availability) {
  switch (availability) {
    case Availability::active:
      return "active";
    case Availability::pause:
      return "pause";
    case Availability::drain:
      return "drain";
  }
  SWARM_CHECK(false, "availability", static_cast<int>(availability));
}

const char* to_string(NodeState state) {
  switch (state) {
    case NodeState::unknown:
      return "unknown";
    case NodeState::down:
      return "down";
    case NodeState::ready:
      return "ready";
    case NodeState::disconnected:
      return "disconnected";
  }
  SWARM_CHECK(false, "node state", static_cast<int>(state));
}

const char* to_string(Reachability reachability) {
  switch (reachability) {
    case Reachability::unknown:
      return "unknown";
    case Reachability::unreachable:
      return "unreachable";
    case Reachability::reachable:
      return "reachable";
  }
  SWARM_CHECK(false, "reachability", static_cast<int>(reachability));
}

std::optional<NodeRole> parse_node_role(std::string_view word) {
  if (word == "worker") return NodeRole::worker;
  if (word == "manager") return NodeRole::manager;
  return std::nullopt;
}

std::optional<Availability> parse_availability(std::string_view word) {
  for (Availability value : {Availability::active, Availability::pause, Availability::drain})
    if (word == to_string(value)) return value;
  return std::nullopt;
}

}  // namespace swarm::model
