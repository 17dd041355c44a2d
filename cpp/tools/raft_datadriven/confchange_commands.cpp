// The commands of confchange/: the algebra of membership changes on one tracker.
#include <memory>

#include "raft/conf_change.hpp"
#include "tools/raft_datadriven/datadriven.hpp"

namespace swarm::datadriven {
namespace {

struct Environment {
  raft::Tracker tracker;
  raft::Index last_index = 0;
};

// "v1 l2 r3 u4"; the word that cannot be read, where there is one.
std::string read_changes(const std::string& text, std::vector<raft::ConfChangeSingle>& changes) {
  for (const std::string& word : split_words(text)) {
    const auto kind = std::string_view("vrul").find(word[0]);
    if (kind == std::string_view::npos || word.size() < 2 ||
        word.find_first_not_of("0123456789", 1) != std::string::npos)
      return word;
    changes.push_back({static_cast<raft::ConfChangeType>(kind), std::stoull(word.substr(1)), {}});
  }
  return "";
}

std::string run(Environment& env, const Directive& directive) {
  std::vector<raft::ConfChangeSingle> changes;
  if (const std::string bad = read_changes(directive.input, changes); !bad.empty()) return "unknown input: " + bad + "\n";
  const raft::Changer changer(env.tracker, env.last_index);
  Result<raft::Changed> changed = plain_error(Code::unimplemented, "unknown command");
  if (directive.command == "simple") {
    changed = changer.simple(changes);
  } else if (directive.command == "enter-joint") {
    const Argument* autoleave = directive.find("autoleave");
    changed = changer.enter_joint(autoleave != nullptr && autoleave->values == std::vector<std::string>{"true"}, changes);
  } else if (directive.command == "leave-joint") {
    if (!changes.empty()) return "this command takes no input\n";
    changed = changer.leave_joint();
  }
  if (!changed) return changed.error().message + "\n";
  env.tracker.config = changed->config;
  env.tracker.progress = changed->progress;
  std::string out = changed->config.str() + "\n";
  for (const auto& [id, progress] : changed->progress) {
    raft::Progress shown = progress;
    shown.recent_active = true;
    out += std::to_string(id) + ": " + shown.describe() + "\n";
  }
  return out;
}

}  // namespace

Handler make_confchange() {
  auto env = std::make_shared<Environment>();
  env->tracker.max_inflight = 10;
  return [env](const Directive& directive) {
    std::string out = run(*env, directive);
    ++env->last_index;
    return out;
  };
}

}  // namespace swarm::datadriven
