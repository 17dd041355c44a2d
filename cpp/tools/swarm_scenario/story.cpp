// Lines, machines, time and faults.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/number.hpp"
#include "base/time.hpp"
#include "faults/fault.hpp"
#include "faults/nearest.hpp"
#include "model/feature_level.hpp"
#include "model/key_value.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/task.hpp"
#include "sim/client.hpp"
#include "sim/workload.hpp"
#include "sim/world.hpp"
#include "store/store.hpp"
#include "store/table.hpp"
#include "story.hpp"

namespace swarm::scenario {

std::string Line::option(std::string_view name, std::string_view otherwise) const {
  for (const auto& [key, value] : options)
    if (key == name) return value;
  return std::string(otherwise);
}

bool Line::has(std::string_view name) const {
  return std::any_of(options.begin(), options.end(),
                     [&](const auto& option) { return option.first == name; });
}

Line parse_line(const std::string& text) {
  Line line;
  std::istringstream in(text);
  for (std::string word; in >> word;) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals == 0 || word[equals - 1] == '!' ||
        word.substr(equals, 2) == "==") {
      line.words.push_back(word);
    } else {
      line.options.emplace_back(word.substr(0, equals), word.substr(equals + 1));
    }
  }
  return line;
}

Teller::Teller(std::uint64_t seed) {
  sim::WorldOptions options;
  options.seed = seed;
  options.codec = true;
  world_ = std::make_unique<sim::World>(options);
}

Teller::~Teller() = default;

std::string Teller::tell(const std::string& text) {
  const Line line = parse_line(text);
  world_->note("story", text);
  std::string seen = line.words.front() == "fault" ? begin_fault(text) : verb(line);
  if (!seen.empty() && seen.back() != '\n') seen += '\n';
  world_->check_all();
  return seen;
}

Duration span_of(std::string_view text) {
  const auto span = parse_duration(text);
  SWARM_CHECK(span, "\"" + std::string(text) + "\" is no duration");
  return *span;
}

// Long: one line for each verb.
std::string Teller::verb(const Line& line) {
  using Handler = std::string (Teller::*)(const Line&);
  static const std::map<std::string, Handler> kVerbs = {{"machines", &Teller::machines},
                                                        {"swarm", &Teller::form},
                                                        {"crash", &Teller::fault},
                                                        {"start", &Teller::fault},
                                                        {"power-off", &Teller::fault},
                                                        {"stop", &Teller::fault},
                                                        {"pause", &Teller::fault},
                                                        {"resume", &Teller::fault},
                                                        {"partition", &Teller::fault},
                                                        {"heal", &Teller::fault},
                                                        {"install", &Teller::install},
                                                        {"upgrade", &Teller::install},
                                                        {"downgrade", &Teller::install},
                                                        {"levels", &Teller::levels},
                                                        {"autolock", &Teller::autolock},
                                                        {"unlock", &Teller::unlock},
                                                        {"faults", &Teller::faults_now},
                                                        {"quiet", &Teller::quiet},
                                                        {"disks", &Teller::disks},
                                                        {"states", &Teller::states},
                                                        {"run", &Teller::run},
                                                        {"until", &Teller::until},
                                                        {"converge", &Teller::converge},
                                                        {"init", &Teller::init},
                                                        {"join", &Teller::join},
                                                        {"leave", &Teller::leave},
                                                        {"info", &Teller::info},
                                                        {"nodes", &Teller::nodes},
                                                        {"node", &Teller::node},
                                                        {"leader", &Teller::leader},
                                                        {"ca", &Teller::ca},
                                                        {"image", &Teller::image},
                                                        {"service", &Teller::service},
                                                        {"services", &Teller::services},
                                                        {"tasks", &Teller::tasks},
                                                        {"spread", &Teller::spread},
                                                        {"kill-task", &Teller::kill_task},
                                                        {"logs", &Teller::logs},
                                                        {"http", &Teller::http},
                                                        {"load", &Teller::load},
                                                        {"requests", &Teller::requests},
                                                        {"occupy", &Teller::occupy},
                                                        {"vacate", &Teller::occupy},
                                                        {"kv", &Teller::kv},
                                                        {"why", &Teller::why}};
  const auto it = kVerbs.find(line.words.front());
  return it == kVerbs.end() ? "no such verb: " + line.words.front() : (this->*it->second)(line);
}

// ---- machines and time

namespace {

model::Build build_of(const Line& line) {
  return {whole<model::FeatureLevel>(line.option("level")), {{model::KeyValue::kKind, 2}}};
}

}  // namespace

std::string Teller::machines(const Line& line) {
  const auto cpus = whole<std::int64_t>(line.option("cpus", "4"));
  for (std::size_t i = 1; i < line.words.size(); ++i) {
    sim::MachineOptions options;
    options.name = line.words[i];
    options.resources = {saturating_mul<std::int64_t>(cpus, 1'000'000'000), 8LL << 30, 0, {}};
    world_->add_machine(options);
    if (!line.has("level")) continue;
    world_->set_build(options.name, build_of(line));
    world_->crash(options.name);
    world_->start(options.name);
  }
  return {};
}

// install m1 level=2: the next daemon of m1 is of a build that knows level 2. / upgrade m1 m2 level=2,
// downgrade m1 level=1: each is stopped, gets the build and is started. In these stories keys (kv) are what
// came with level 2.
std::string Teller::install(const Line& line) {
  const bool at_once = line.words.front() != "install";
  for (std::size_t i = 1; i < line.words.size(); ++i) {
    const std::string& name = line.words[i];
    if (at_once) {
      world_->shut_down(name);
      world_->run_until([&] { return !world_->alive(name); }, Duration::seconds(20));
    }
    world_->set_build(name, build_of(line));
    if (at_once) world_->start(name);
  }
  return {};
}

std::string Teller::form(const Line& line) {
  std::vector<std::string> managers, workers;
  for (int i = 1; i <= whole<int>(line.option("managers", "1")); ++i)
    managers.push_back("m" + std::to_string(i));
  for (int i = 1; i <= whole<int>(line.option("workers", "0")); ++i)
    workers.push_back("w" + std::to_string(i));
  Line made = line;
  made.words = {"machines"};
  made.words.insert(made.words.end(), managers.begin(), managers.end());
  made.words.insert(made.words.end(), workers.begin(), workers.end());
  machines(made);
  if (const std::string error = sim::form_swarm(*world_, managers, workers); !error.empty()) return error;
  return converge(line);
}

std::string Teller::fault(const Line& line) {
  const std::string& what = line.words.front();
  if (what == "heal") world_->heal();
  if (what == "partition") {  // partition m1 | m2 m3
    std::vector<std::vector<std::string>> groups(1);
    for (std::size_t i = 1; i < line.words.size(); ++i) {
      if (line.words[i] == "|") {
        groups.emplace_back();
      } else {
        groups.back().push_back(line.words[i]);
      }
    }
    world_->partition(groups);
    return {};
  }
  for (std::size_t i = 1; i < line.words.size(); ++i) {
    const std::string name = line.words[i] == "leader" ? sim::leader_of(*world_) : line.words[i];
    if (what == "crash") world_->crash(name);
    if (what == "start") world_->start(name);
    if (what == "power-off") world_->power_off(name);
    if (what == "pause") world_->pause(name);
    if (what == "resume") world_->resume(name);
    if (what == "stop") {
      world_->shut_down(name);
      world_->run_until([&] { return !world_->alive(name); }, Duration::seconds(20));
    }
  }
  return {};
}

// fault partition leader for 3s: any fault, by its text (docs/design/faults.md); `heal` ends all of them.
std::string Teller::begin_fault(const std::string& text) {
  const auto fault = faults::parse(text.substr(text.find("fault") + 5));
  if (!fault) return "refused: " + faults::sentence(fault.error());
  const auto begun = world_->begin_fault(*fault);
  return begun ? "" : "refused: " + faults::sentence(begun.error());
}

// faults: what is active. / faults past: what happened, without its times.
std::string Teller::faults_now(const Line& line) {
  std::string text;
  const auto add = [&](faults::Fault fault) {
    fault.at.reset();
    text += faults::to_text(fault) + "\n";
  };
  if (line.words.size() > 1)
    for (const auto& fault : world_->fault_history().faults) add(fault);
  else
    for (const auto& [id, fault] : world_->active_faults()) add(fault);
  return text.empty() ? "none" : text;
}

// quiet: all faults are held back. / quiet over: they go on.
std::string Teller::quiet(const Line& line) {
  world_->quiet(line.words.size() < 2);
  return {};
}

// disks, states: what daemons have said of their disks, and of states that differ, since either was last
// asked.
std::string Teller::told(std::initializer_list<std::string_view> kinds) {
  std::string text;
  for (const auto& seen : world_->take_trace())
    if (std::ranges::find(kinds, seen.kind) != kinds.end())
      text += seen.machine + ": " + without_ids(seen.text) + "\n";
  return text.empty() ? "nothing" : text;
}

std::string Teller::disks(const Line&) {
  return told({"sim.disk", "disk", "warning.disk", "warning.forgetful"});
}
std::string Teller::states(const Line&) { return told({"warning.state", "state"}); }

std::string Teller::run(const Line& line) {
  world_->run_for(span_of(line.words.at(1)));
  return {};
}

std::string Teller::converge(const Line& line) {
  const Duration within = span_of(line.option("within", "60s"));
  const std::size_t wanted = line.words.front() == "swarm" ? world_->machines().size() : 0;
  for (Instant end = world_->now() + within; world_->now() < end; world_->run_for(Duration::millis(20)))
    if (sim::not_converged(*world_, wanted).empty()) return {};
  return "not converged: " + sim::not_converged(*world_, wanted);
}

// until leader | until web.2 running | until node w1 down | until update web paused
std::string Teller::until(const Line& line) {
  const Duration within = span_of(line.option("within", "60s"));
  const auto& words = line.words;
  const auto holds = [&]() -> bool {
    const store::Store* now = store();
    if (words.at(1) == "leader") return !sim::leader_of(*world_).empty();
    if (now == nullptr) return false;
    if (words.at(1) == "node") {
      for (const auto& [id, node] : now->nodes())
        if (node->display_name() == words.at(2)) return model::to_string(node->status.state) == words.at(3);
      return words.at(3) == "gone";
    }
    if (words.at(1) == "update") {
      const auto service = now->service_named(words.at(2));
      return service && service->update_status &&
             model::to_string(service->update_status->state) == words.at(3);
    }
    const auto task = task_named(words.at(1));
    return task && model::to_string(task->state()) == words.at(2);
  };
  return world_->run_until(holds, within) ? "" : "it did not come to that within " + to_string(within);
}

const store::Store* Teller::store() const {
  std::string leader = sim::leader_of(*world_);
  if (!leader.empty()) return world_->node(leader).inspect().store;
  for (const auto& name : world_->machines())
    if (world_->alive(name) && world_->node(name).inspect().store != nullptr)
      return world_->node(name).inspect().store;
  return nullptr;
}

// "web.2": the newest task of the slot. "web.w1": of a global service, on that node.
store::Ref<model::Task> Teller::task_named(std::string_view text) const {
  const store::Store* now = store();
  const auto dot = text.rfind('.');
  const auto service = now->service_named(text.substr(0, dot));
  if (!service || dot == std::string_view::npos) return nullptr;
  const std::string place(text.substr(dot + 1));
  store::Ref<model::Task> found;
  for (const auto& [slot, id] : now->tasks_of_service(service->id)) {
    const auto task = now->task(id);
    const auto node = now->node(task->node_id);
    if (slot != 0 ? std::to_string(slot) != place : !node || node->display_name() != place) continue;
    if (!found ||
        std::pair(task->live(), task->meta.created_at) > std::pair(found->live(), found->meta.created_at))
      found = task;
  }
  return found;
}

}  // namespace swarm::scenario
