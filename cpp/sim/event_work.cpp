#include "sim/event_work.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "docker/json.hpp"
#include "model/task.hpp"
#include "sim/client.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

constexpr Duration kPause = Duration::millis(500);

std::string text_of(const docker::Value* object, std::string_view key) {
  const docker::Value* value = object == nullptr ? nullptr : object->find(key);
  return value != nullptr && value->text() != nullptr ? *value->text() : std::string();
}

int rank_of(const std::string& state) {
  return static_cast<int>(model::parse_task_state(state).value_or(model::TaskState::new_));
}

}  // namespace

void EventWork::begin() {
  asked_ = managers_[rng_.below(managers_.size())];
  last_.clear();
  tasks_.clear();
  created_.clear();
  removed_.clear();
  rest_.clear();
  call_ = world_.call(asked_, get("/swarmpy/v1/events"));
}

void EventWork::poll() {
  if (!broken_.empty()) return;
  if (call_ == 0) {
    if (world_.now() >= next_) begin();
    return;
  }
  const bool ended = world_.reply(call_).ended;
  rest_ += world_.take_body(call_);
  std::size_t begin = 0;
  for (std::size_t end; (end = rest_.find('\n', begin)) != std::string::npos; begin = end + 1)
    take(rest_.substr(begin, end - begin));
  rest_.erase(0, begin);
  if (!ended && !rng_.chance(1, 400)) return;
  world_.hang_up(call_);
  call_ = 0;
  next_ = world_.now() + kPause;
}

void EventWork::take(const std::string& line) {
  if (line.empty() || !broken_.empty()) return;
  const auto parsed = docker::parse_json(line);
  if (!parsed) return;
  const docker::Value* actor = parsed->find("Actor");
  const std::string id = text_of(actor, "ID"), action = text_of(&*parsed, "Action"),
                    type = text_of(&*parsed, "Type");
  const docker::Value* attributes = actor == nullptr ? nullptr : actor->find("Attributes");
  if (type == "task") task_event(id, action, attributes);
  if (type == "node" || type == "service") object_event(id, action, attributes);
  if (!broken_.empty()) broken_ = "events of " + asked_ + ": " + broken_ + ": " + line;
}

void EventWork::task_event(const std::string& id, const std::string& action,
                           const docker::Value* attributes) {
  if (removed_.contains(id)) broken_ = "an event of a task that is gone";
  if (action == "remove") {
    removed_.insert(id);
    return;
  }
  const std::pair now{rank_of(action), rank_of(text_of(attributes, "desired_state"))};
  const auto [known, fresh] = tasks_.try_emplace(id, now);
  if (fresh) return;
  const std::pair before = std::exchange(known->second, now);
  if (before == now) broken_ = "an event is told twice";
  if (now.first < before.first || now.second < before.second) broken_ = "events are out of order";
}

void EventWork::object_event(const std::string& id, const std::string& action,
                             const docker::Value* attributes) {
  if (removed_.contains(id)) broken_ = "an event of an object that is gone";
  if (action == "create" && !created_.insert(id).second) broken_ = "a creation is told twice";
  if (action == "remove") removed_.insert(id);
  for (const char* what : {"availability", "role", "state", "image", "replicas", "updatestate"}) {
    const std::string now = text_of(attributes, std::string(what) + ".new");
    if (now.empty()) continue;
    const auto [known, fresh] = last_.try_emplace(id + " " + what, now);
    const std::string before = std::exchange(known->second, now);
    const std::string said = text_of(attributes, std::string(what) + ".old");
    // An update status begins anew without an event of its own.
    if (fresh || !gapless_ || std::string_view(what) == "updatestate") continue;
    if (said != before) broken_ = std::string("its ") + what + " was " + before + " by the event before";
  }
}

}  // namespace swarm::sim
