#include "sim/sim_runner.hpp"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/id.hpp"
#include "base/number.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "model/builtin_images.hpp"
#include "model/container_spec.hpp"
#include "model/kept_fields.hpp"
#include "model/service_spec.hpp"
#include "model/wire.hpp"
#include "ports/builtin_images.hpp"
#include "ports/ports.hpp"
#include "ports/runner.hpp"
#include "ports/runtimes.hpp"
#include "ports/task_environment.hpp"
#include "sim/event_queue.hpp"
#include "sim/shared.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

constexpr std::size_t kMaxLines = 1'000;
// What the built-in image under a reference stands in for; nothing for others.
std::optional<model::StandIn> stand_in_of(const std::string& reference) {
  const auto* image = model::find_builtin_image(reference);
  return image != nullptr ? std::optional(image->stand_in) : std::nullopt;
}

// Also of a tag that only a script knows: "ubuntu:mine" is still a shell.
bool has_shell(const model::ContainerSpec& container) {
  const std::string name = model::repository_of(model::normal_reference(container.image));
  return stand_in_of(name + ":latest") == model::StandIn::shell;
}

std::int64_t number_of(std::string_view word) { return parse_whole<std::int64_t>(word).value_or(0); }

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

// "echo $X \"${Y}\"" as a shell would say it: variables are replaced, double quotes are gone.
std::string said(std::string_view text, const ports::Environment& environment) {
  std::string out;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    const bool braces = c == '$' && text.starts_with('{');
    std::size_t end = braces ? 1 : 0;
    while (c == '$' && end < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_'))
      ++end;
    const std::string name(c == '$' ? text.substr(braces, end - braces) : "");
    if (name.empty()) {
      if (c != '"') out += c;
      continue;
    }
    if (const auto found = environment.find(name); found != environment.end()) out += found->second;
    text.remove_prefix(end + (braces && end < text.size() ? 1 : 0));
  }
  return out;
}

// `ping -c 3 HOST` ends after as many seconds, without -c never.
void add_ping(ImageScript& script, const std::vector<std::string>& words) {
  const auto count = std::find(words.begin(), words.end(), "-c");
  script.lives.reset();
  if (count != words.end() && count + 1 != words.end())
    script.lives = Duration::seconds(number_of(*(count + 1)));
}

// Where swarm-web listens.
std::uint32_t web_port(const model::ContainerSpec& container) {
  constexpr std::string_view kSetting = "SWARM_WEB_PORT=";
  for (const std::string& one : container.env)
    if (one.starts_with(kSetting)) return saturate<std::uint32_t>(number_of(one.substr(kSetting.size())));
  return 80;
}

// How long `sleep WORD` takes: "5", "0.5", "2m". More than a clock can count is for ever; what is no time at
// all ends at once, as the real one does with its complaint.
Duration sleep_of(const std::string& word) {
  const bool bare = !word.empty() && word.back() >= '0' && word.back() <= '9';
  if (const auto span = parse_duration(bare ? word + "s" : word)) return std::max(*span, Duration{});
  return bare && word.find_first_not_of("0123456789.") == std::string::npos ? Duration::max() : Duration{};
}

// What a shell would make of its words, as far as the little language goes.
ImageScript shell_script(const model::ContainerSpec& container) {
  ImageScript script;
  const auto words = words_of(container);
  script.lives = Duration{};
  if (!words.empty() && words.front() == "ping") {
    add_ping(script, words);
    return script;
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string next = i + 1 < words.size() ? words[i + 1] : "";
    if (words[i] == "sleep" && next != "infinity") script.lives = *script.lives + sleep_of(next);
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

bool SimRunner::adds(const std::string& reference) const {
  return added_.contains(reference) || added_.contains(model::any_tag_of(reference));
}

ImageScript SimRunner::script_of(const model::ContainerSpec& container) const {
  const std::string reference = model::normal_reference(container.image);
  for (const auto& key : {reference, model::repository_of(reference)})
    if (const auto it = shared_.scripts.find(key); it != shared_.scripts.end()) return it->second;
  const auto stand_in = stand_in_of(reference);
  if (!adds(reference) && stand_in == model::StandIn::shell) return shell_script(container);
  ImageScript script;
  script.exists = adds(reference) || stand_in.has_value();
  return script;
}

// Why the node cannot make its container: the texts of the real runner. There are no files here, and of
// users those that Docker's images have; an image of a user's own has whom it likes.
std::string SimRunner::why_not(const Process& process) const {
  const model::ContainerSpec& container = *process.launch.container;
  const std::string reference = model::normal_reference(container.image);
  if (process.launch.runtime != ports::kContainerRuntime)
    return ports::no_executor(process.launch.runtime, {kExecutor}).message;
  if (!process.script.exists) return "No such image: " + reference;
  const std::string user = container.user.substr(0, container.user.find(':'));
  if (!user.empty() && stand_in_of(reference) && !adds(reference) && !model::is_builtin_user(user))
    return "unable to find user " + user + ": no matching entries in passwd file";
  return {};
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
  said_.try_emplace(launch.task);  // from now on there is a place for its output
  process.launch = launch;
  process.script = script_of(*launch.container);
  move(launch.task, TaskMoves::Step::prepared,
       draw(rng_, process.script.prepare_min, process.script.prepare_max));
}

void SimRunner::start(TaskId task) {
  Process* process = find(task);
  if (process == nullptr || process->stage != Stage::prepared)
    return deliver(ports::TaskStarted{task, "the task is not prepared", {}, 0, {}});
  if (shared_.options.check) {
    const auto [it, first] = shared_.started.emplace(task, machine_);
    // A node whose disk came back as an older copy may have forgotten that it was; a clone knows nothing of
    // what the other one does.
    const bool has_forgotten = it->second == machine_ && shared_.older.contains(machine_);
    const bool by_clone = shared_.clones.contains(machine_) || shared_.clones.contains(it->second);
    SWARM_CHECK(first || has_forgotten || by_clone || !shared_.damage.empty(), "task", task,
                "was started twice: on machine", it->second, "and on", machine_);
  }
  process->stage = Stage::starting;
  move(task, TaskMoves::Step::started, draw(rng_, process->script.start_min, process->script.start_max));
}

void SimRunner::plan_exit(TaskId task, Process& process, Duration after, std::int64_t code) {
  if (process.ends && *process.ends <= shared_.now + after) return;  // it ends sooner anyway
  process.ends = shared_.now + after;
  move(task, TaskMoves::Step::exited, after, ++process.plan, code);
}

void SimRunner::stop(TaskId task, Duration grace, int signal) {
  Process* process = find(task);
  if (process == nullptr) return deliver(ports::TaskExited{task, 0, "no such process"});
  process->told_to_stop = true;
  if (process->stage == Stage::starting) {
    process->stop_when_started = true;
    process->grace = grace;
    process->stop_signal = signal;
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

std::vector<std::pair<TaskId, std::string>> SimRunner::running() const {
  std::vector<std::pair<TaskId, std::string>> found;
  for (const bool stopping : {false, true})
    for (const auto& [task, process] : processes_)
      if (process.stage == Stage::running && process.told_to_stop == stopping)
        found.emplace_back(task, process.launch.service_name + "." + ports::slot_word(process.launch));
  return found;
}

// As swarm-web writes it.
std::string SimRunner::page(TaskId task, std::uint32_t port) const {
  const auto it = processes_.find(task);
  if (it == processes_.end() || it->second.stage != Stage::running) return {};
  const ports::Launch& launch = it->second.launch;
  const auto stand_in =
      stand_in_of(model::repository_of(model::normal_reference(launch.container->image)) + ":latest");
  if (stand_in == model::StandIn::shell || stand_in == model::StandIn::redis) return {};
  if (stand_in == model::StandIn::web && port != web_port(*launch.container)) return {};
  const std::string& title = launch.service_name;
  return "<!DOCTYPE html>\n<title>" + title + "</title>\n<h1>" + title +
         "</h1>\n<pre>\nimage: " + launch.container->image + "\nservice: " + title + "\ntask: " + task.str() +
         "\nslot: " + ports::slot_word(launch) + "\nnode: " + launch.node_hostname + "\n</pre>\n";
}

bool SimRunner::told_to_stop(TaskId task) const {
  const auto it = processes_.find(task);
  return it == processes_.end() || it->second.told_to_stop;
}

void SimRunner::remove(TaskId task) {
  processes_.erase(task);
  said_.erase(task);
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
    if (std::string why = why_not(*process); !why.empty())
      return ports::TaskPrepared{event.task, std::move(why)};
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
  const auto number = static_cast<std::uint8_t>(process.pid % 250 + 1);
  process.address = Address::v4(127, 1, static_cast<std::uint8_t>(machine_ % 250), number).host();
  write_first_lines(task, process);
  if (process.script.lives) plan_exit(task, process, *process.script.lives, process.script.exit_code);
  if (process.stop_when_started) stop(task, process.grace, process.stop_signal);
  return ports::TaskStarted{task, {}, process.container_id, process.pid, process.address};
}

ports::Event SimRunner::on_exited(TaskId task, Process& process, std::int64_t code) {
  process.stage = Stage::exited;
  for (auto it = streams_.begin(); it != streams_.end();) {
    if (it->second.task != task) {
      ++it;
      continue;
    }
    deliver(ports::TaskLog{it->first, {}, true, {}});
    it = streams_.erase(it);
  }
  return ports::TaskExited{task, code, {}};
}

// ---- logs

void SimRunner::say(TaskId task, std::string text) {
  std::deque<wire::LogLine>& kept = said_[task];
  if (kept.size() == kMaxLines) kept.pop_front();
  kept.push_back({task, false, shared_.wall(), std::move(text)});
  for (const auto& [id, stream] : streams_)
    if (stream.task == task && stream.options.out) deliver(ports::TaskLog{id, {kept.back()}, false, {}});
}

void SimRunner::write_first_lines(TaskId task, Process& process) {
  const ports::Launch& launch = process.launch;
  const auto words = words_of(*launch.container);
  if (!has_shell(*launch.container)) {
    say(task, launch.name + ": " + launch.container->image + " started on " + launch.node_hostname);
    for (const auto& argument : launch.container->args) say(task, argument);
    return;
  }
  if (!words.empty() && words.front() == "ping") {
    say(task, "PING " + words.back() + " (127.0.0.1): 56 data bytes");
    return say(task, "64 bytes from 127.0.0.1: seq=0 ttl=64 time=0.050 ms");
  }
  const auto echo = std::find(words.begin(), words.end(), "echo");
  if (echo == words.end()) return;
  std::string line;
  for (auto it = echo + 1; it != words.end() && *it != "sleep" && *it != "exit"; ++it)
    line += (line.empty() ? "" : " ") + *it;
  say(task, said(line, ports::task_environment(launch, process.address, process.container_id, {})));
}

std::optional<std::vector<wire::LogLine>> SimRunner::past(TaskId task,
                                                          const wire::LogOptions& options) const {
  const auto kept = said_.find(task);
  if (kept == said_.end())
    return processes_.contains(task) ? std::optional(std::vector<wire::LogLine>()) : std::nullopt;
  std::vector<wire::LogLine> lines;
  for (const auto& line : kept->second)
    if ((line.err ? options.err : options.out) && options.since <= line.time &&
        (options.until.ns == 0 || line.time <= options.until))
      lines.push_back(line);
  if (options.tail >= 0 && lines.size() > static_cast<std::size_t>(options.tail))
    lines.erase(lines.begin(), lines.end() - options.tail);
  return lines;
}

ports::LogStreamId SimRunner::open_logs(TaskId task, const wire::LogOptions& options) {
  const ports::LogStreamId id = ++last_stream_;
  const Process* process = find(task);
  const auto lines = past(task, options);
  const bool follows = options.follow && process != nullptr && process->stage != Stage::exited;
  deliver(ports::TaskLog{id, lines.value_or(std::vector<wire::LogLine>()), !follows,
                         lines ? "" : ports::kNoOutput});
  if (follows) streams_[id] = {task, options};
  return id;
}

// A simulated process does no work: it takes no time and no memory.
std::optional<ports::Usage> SimRunner::usage(TaskId task) {
  const Process* process = find(task);
  if (process == nullptr || process->stage != Stage::running) return std::nullopt;
  ports::Usage usage;
  usage.processes = 1;
  return usage;
}

void SimRunner::close_logs(ports::LogStreamId stream) { streams_.erase(stream); }

std::vector<ports::Image> SimRunner::images() {
  std::vector<ports::Image> images = ports::builtin_images();
  for (const auto& [reference, image] : added_) images.push_back(image);
  return images;
}

Result<void> SimRunner::add_image(const ports::Image& image) {
  added_[model::normal_reference(image.reference)] = image;
  return {};
}

std::vector<std::string> SimRunner::warnings(const model::ServiceSpec& spec,
                                             const model::ServiceSpec* before) {
  std::vector<std::string> out;
  for (const std::string& words : model::newly_kept(spec, before))
    out.push_back("the simulated runner does not apply " + words + "; the field is kept");
  return out;
}

}  // namespace swarm::sim
