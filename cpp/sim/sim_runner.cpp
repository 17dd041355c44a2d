#include "sim/sim_runner.hpp"

#include <algorithm>
#include <charconv>

#include "base/bytes.hpp"
#include "base/check.hpp"

namespace swarm::sim {
namespace {

constexpr std::size_t kMaxLines = 1'000;
constexpr const char* kWebImages[] = {"nginx", "httpd", "swarmpy/web"};
constexpr const char* kShellImages[] = {"ubuntu", "debian", "alpine", "busybox"};

// "docker.io/library/nginx:1.10@sha256:..." -> "nginx:1.10"; no tag means ":latest".
std::string normal_reference(std::string_view image) {
  constexpr std::string_view kPrefixes[] = {"docker.io/library/", "docker.io/"};
  for (const auto prefix : kPrefixes)
    if (image.starts_with(prefix)) image.remove_prefix(prefix.size());
  image = image.substr(0, image.find('@'));
  const auto slash = image.rfind('/');
  const bool tagged = image.find(':', slash == std::string_view::npos ? 0 : slash) != std::string_view::npos;
  return std::string(image) + (tagged ? "" : ":latest");
}

std::string name_of(const std::string& reference) { return reference.substr(0, reference.rfind(':')); }

template <std::size_t N>
bool is_one_of(const char* const (&names)[N], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

std::int64_t number_of(std::string_view word) {
  std::int64_t number = 0;
  std::from_chars(word.data(), word.data() + word.size(), number);
  return number;
}

std::vector<std::string> words_of(const model::ContainerSpec& container) {
  std::vector<std::string> words;
  for (const auto* list : {&container.command, &container.args})
    for (const auto& text : *list) {
      std::string word;
      for (const char c : text + " ") {
        if (c != ' ' && c != ';' && c != '&') {
          word += c;
        } else if (!word.empty()) {
          words.push_back(std::exchange(word, {}));
        }
      }
    }
  return words;
}

// Where swarm-web listens.
std::uint32_t web_port(const model::ContainerSpec& container) {
  constexpr std::string_view kSetting = "SWARM_WEB_PORT=";
  for (const std::string& one : container.env)
    if (one.starts_with(kSetting)) return static_cast<std::uint32_t>(number_of(one.substr(kSetting.size())));
  return 80;
}

// What a shell would make of its words, as far as the little language goes.
ImageScript shell_script(const model::ContainerSpec& container) {
  ImageScript script;
  const auto words = words_of(container);
  script.lives = Duration{};
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string next = i + 1 < words.size() ? words[i + 1] : "";
    if (words[i] == "sleep" && next != "infinity")
      script.lives = *script.lives + Duration::seconds(number_of(next));
    if (words[i] == "exit") script.exit_code = number_of(next);
    if (words[i] == "false") script.exit_code = 1;
    if (next == "infinity" || words[i] == "while" || words[i] == "tail") {
      script.lives.reset();
      return script;
    }
  }
  return script;
}

}  // namespace

ImageScript SimRunner::script_of(const model::ContainerSpec& container) const {
  const std::string reference = normal_reference(container.image);
  const std::string name = name_of(reference);
  for (const auto& key : {reference, name})
    if (const auto it = shared_.scripts.find(key); it != shared_.scripts.end()) return it->second;
  ImageScript script;
  if (added_.contains(reference) || added_.contains(name + ":*") || is_one_of(kWebImages, name))
    return script;
  if (is_one_of(kShellImages, name)) return shell_script(container);
  script.exists = false;
  return script;
}

SimRunner::Process* SimRunner::find(TaskId task) {
  const auto it = processes_.find(task);
  return it == processes_.end() ? nullptr : &it->second;
}

void SimRunner::move(TaskId task, TaskMoves::Step step, Duration after, std::uint32_t plan,
                     std::int64_t code) {
  shared_.queue.push(shared_.now + after, machine_, life_, TaskMoves{task, step, plan, code});
}

void SimRunner::deliver(ports::Event event) {
  shared_.queue.push(shared_.now, machine_, life_, Deliver{std::move(event)});
}

void SimRunner::prepare(const ports::Launch& launch) {
  Process& process = processes_[launch.task];
  process = Process{};
  process.launch = launch;
  process.script = script_of(launch.container);
  move(launch.task, TaskMoves::Step::prepared,
       draw(rng_, process.script.prepare_min, process.script.prepare_max));
}

void SimRunner::start(TaskId task) {
  Process* process = find(task);
  if (process == nullptr || process->stage != Stage::prepared)
    return deliver(ports::TaskStarted{task, "the task is not prepared", {}, 0, {}});
  if (shared_.options.check) {
    const auto [it, first] = shared_.started.emplace(task, machine_);
    SWARM_CHECK(first, "task", task, "was started twice: on machine", it->second, "and on", machine_);
  }
  process->stage = Stage::starting;
  move(task, TaskMoves::Step::started, draw(rng_, process->script.start_min, process->script.start_max));
}

void SimRunner::plan_exit(TaskId task, Process& process, Duration after, std::int64_t code) {
  if (process.ends && *process.ends <= shared_.now + after) return;  // it ends sooner anyway
  process.ends = shared_.now + after;
  move(task, TaskMoves::Step::exited, after, ++process.plan, code);
}

void SimRunner::stop(TaskId task, Duration grace) {
  Process* process = find(task);
  if (process == nullptr) return deliver(ports::TaskExited{task, 0, "no such process"});
  process->told_to_stop = true;
  if (process->stage == Stage::starting) {
    process->stop_when_started = true;
    process->grace = grace;
  } else if (process->stage == Stage::running && process->script.ignores_term) {
    plan_exit(task, *process, grace, 137);
  } else if (process->stage == Stage::running) {
    const Duration takes = draw(rng_, process->script.stop_min, process->script.stop_max);
    plan_exit(task, *process, std::min(takes, grace), takes <= grace ? 0 : 137);
  } else if (process->stage != Stage::exited) {
    process->stage = Stage::exited;
    deliver(ports::TaskExited{task, 0, {}});
  }
}

void SimRunner::signal(TaskId task, int number) {
  constexpr int kHandled[] = {0,  1,  10, 12,
                              17, 18, 28};  // by a web server: HUP, USR1, USR2, CHLD, CONT, WINCH
  Process* process = find(task);
  if (process == nullptr || process->stage != Stage::running) return;
  if (number != 9 && process->script.ignores_term) return;
  if (std::find(std::begin(kHandled), std::end(kHandled), number) != std::end(kHandled)) return;
  plan_exit(task, *process, Duration{}, 128 + number);
}

bool SimRunner::kill(TaskId task, int number) {
  Process* process = find(task);
  if (process == nullptr || process->stage != Stage::running) return false;
  plan_exit(task, *process, Duration{}, 128 + number);
  return true;
}

// As swarm-web writes it.
std::string SimRunner::page(TaskId task, std::uint32_t port) const {
  const auto it = processes_.find(task);
  if (it == processes_.end() || it->second.stage != Stage::running) return {};
  const ports::Launch& launch = it->second.launch;
  const std::string image = name_of(normal_reference(launch.container.image));
  if (is_one_of(kShellImages, image)) return {};
  if (is_one_of(kWebImages, image) && port != web_port(launch.container)) return {};
  const std::string& title = launch.service_name;
  return "<!DOCTYPE html>\n<title>" + title + "</title>\n<h1>" + title +
         "</h1>\n<pre>\nimage: " + launch.container.image + "\nservice: " + title + "\ntask: " + task.str() +
         "\nslot: " + std::to_string(launch.slot) + "\nnode: " + launch.node_hostname + "\n</pre>\n";
}

bool SimRunner::told_to_stop(TaskId task) const {
  const auto it = processes_.find(task);
  return it == processes_.end() || it->second.told_to_stop;
}

void SimRunner::remove(TaskId task) {
  processes_.erase(task);
  std::erase_if(streams_, [task](const auto& entry) { return entry.second.task == task; });
}

void SimRunner::crash() {
  processes_.clear();
  streams_.clear();
  last_stream_ = 0;
}

std::optional<ports::Event> SimRunner::moved(const TaskMoves& event) {
  Process* process = find(event.task);
  if (process == nullptr) return std::nullopt;
  if (event.step == TaskMoves::Step::exited) {
    if (event.plan != process->plan || process->stage != Stage::running) return std::nullopt;
    return on_exited(event.task, *process, event.exit_code);
  }
  if (event.step == TaskMoves::Step::prepared) {
    if (process->stage != Stage::preparing) return std::nullopt;
    if (!process->script.exists)
      return ports::TaskPrepared{event.task,
                                 "No such image: " + normal_reference(process->launch.container.image)};
    process->stage = Stage::prepared;
    return ports::TaskPrepared{event.task, {}};
  }
  if (process->stage != Stage::starting) return std::nullopt;
  return on_started(event.task, *process);
}

ports::Event SimRunner::on_started(TaskId task, Process& process) {
  process.stage = Stage::running;
  process.pid = ++last_pid_;
  std::string raw;
  for (int i = 0; i < 4; ++i) put_u64(raw, rng_.next());
  process.container_id = to_hex(raw);
  write_first_lines(task, process);
  if (process.script.lives) plan_exit(task, process, *process.script.lives, process.script.exit_code);
  if (process.stop_when_started) stop(task, process.grace);
  const auto number = static_cast<std::uint8_t>(process.pid % 250 + 1);
  return ports::TaskStarted{task,
                            {},
                            process.container_id,
                            process.pid,
                            Address::v4(127, 1, static_cast<std::uint8_t>(machine_ % 250), number).host()};
}

ports::Event SimRunner::on_exited(TaskId task, Process& process, std::int64_t code) {
  process.stage = Stage::exited;
  for (auto it = streams_.begin(); it != streams_.end();) {
    if (it->second.task != task) {
      ++it;
      continue;
    }
    deliver(ports::TaskLog{it->first, {}, true});
    it = streams_.erase(it);
  }
  return ports::TaskExited{task, code, {}};
}

// ---- logs
// -----------------------------------------------------------------------------------------------------

void SimRunner::say(TaskId task, Process& process, std::string text) {
  if (process.lines.size() == kMaxLines) process.lines.pop_front();
  process.lines.push_back({task, false, shared_.wall(), std::move(text)});
  for (const auto& [id, stream] : streams_)
    if (stream.task == task && stream.options.out) deliver(ports::TaskLog{id, {process.lines.back()}, false});
}

void SimRunner::write_first_lines(TaskId task, Process& process) {
  const auto words = words_of(process.launch.container);
  const std::string name = name_of(normal_reference(process.launch.container.image));
  if (!is_one_of(kShellImages, name)) {
    say(task, process,
        process.launch.name + ": " + process.launch.container.image + " started on " +
            process.launch.node_hostname);
    for (const auto& argument : process.launch.container.args) say(task, process, argument);
    return;
  }
  const auto echo = std::find(words.begin(), words.end(), "echo");
  if (echo == words.end()) return;
  std::string line;
  for (auto it = echo + 1; it != words.end() && *it != "sleep" && *it != "exit"; ++it)
    line += (line.empty() ? "" : " ") + *it;
  say(task, process, line);
}

ports::LogStreamId SimRunner::open_logs(TaskId task, const wire::LogOptions& options) {
  const ports::LogStreamId id = ++last_stream_;
  const Process* process = find(task);
  std::vector<wire::LogLine> lines;
  if (process != nullptr)
    for (const auto& line : process->lines)
      if ((line.err ? options.err : options.out) && options.since <= line.time &&
          (options.until.ns == 0 || line.time <= options.until))
        lines.push_back(line);
  if (options.tail >= 0 && lines.size() > static_cast<std::size_t>(options.tail))
    lines.erase(lines.begin(), lines.end() - options.tail);
  const bool follows = options.follow && process != nullptr && process->stage != Stage::exited;
  deliver(ports::TaskLog{id, std::move(lines), !follows});
  if (follows) streams_[id] = {task, options};
  return id;
}

void SimRunner::close_logs(ports::LogStreamId stream) { streams_.erase(stream); }

std::vector<ports::Image> SimRunner::images() {
  std::vector<ports::Image> images;
  for (const char* name : kWebImages) images.push_back({std::string(name) + ":*", {"swarm-web"}, true});
  for (const char* name : kShellImages) images.push_back({std::string(name) + ":*", {"/bin/sh"}, true});
  for (const auto& [reference, image] : added_) images.push_back(image);
  return images;
}

}  // namespace swarm::sim
