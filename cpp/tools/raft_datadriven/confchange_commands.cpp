// The files of confchange/: the algebra of configurations on one tracker.
#include <cstddef>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "raft/conf_change.hpp"
#include "raft/message.hpp"
#include "tools/raft_datadriven/changes.hpp"
#include "tools/raft_datadriven/datadriven.hpp"

namespace swarm::datadriven {
namespace {

constexpr std::size_t kMaxInflight = 10;

class ConfChange : public Environment {
 public:
  ConfChange() { tracker_.max_inflight = kMaxInflight; }

  std::string run(const Directive& directive) override {
    const raft::Index last_index = last_index_++;  // grows with every directive, failed or not
    const auto changes = parse_changes(directive.input);
    if (!changes) return changes.error().message;
    const auto changed = apply(directive, raft::Changer(tracker_, last_index), *changes);
    if (!changed) return changed.error().message;
    tracker_.config = changed->config;
    tracker_.progress = changed->progress;
    std::string out = tracker_.config.str() + "\n";
    for (const auto& [id, progress] : tracker_.progress)
      out += std::to_string(id) + ": " + progress.describe() + "\n";
    return out;
  }

 private:
  Result<raft::Changed> apply(const Directive& directive, const raft::Changer& changer,
                              const std::vector<raft::ConfChangeSingle>& changes) {
    if (directive.command == "simple") return changer.simple(changes);
    if (directive.command == "enter-joint")
      return changer.enter_joint(to_bool(directive.value("autoleave").value_or("false")), changes);
    if (directive.command != "leave-joint") return plain_error(Code::invalid_argument, "unknown command");
    if (!changes.empty()) return plain_error(Code::invalid_argument, "this command takes no input");
    return changer.leave_joint();
  }

  raft::Tracker tracker_;
  raft::Index last_index_ = 0;
};

}  // namespace

Result<std::vector<raft::ConfChangeSingle>> parse_changes(const std::string& input) {
  std::vector<raft::ConfChangeSingle> changes;
  std::istringstream in(input);
  std::string word;
  while (in >> word) {
    if (word.size() < 2) return plain_error(Code::invalid_argument, "unknown token " + word);
    raft::ConfChangeSingle change;
    switch (word[0]) {
      case 'v':
        change.type = raft::ConfChangeType::add_node;
        break;
      case 'l':
        change.type = raft::ConfChangeType::add_learner_node;
        break;
      case 'r':
        change.type = raft::ConfChangeType::remove_node;
        break;
      case 'u':
        change.type = raft::ConfChangeType::update_node;
        break;
      default:
        return plain_error(Code::invalid_argument, "unknown input: " + word);
    }
    change.node = to_number(word.substr(1));
    changes.push_back(std::move(change));
  }
  return changes;
}

std::unique_ptr<Environment> make_confchange() { return std::make_unique<ConfChange>(); }

}  // namespace swarm::datadriven
