#include "real/runner/image_catalogue.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "faults/fault.hpp"
#include "model/builtin_images.hpp"
#include "model/container_spec.hpp"
#include "ports/builtin_images.hpp"
#include "ports/runner.hpp"
#include "real/files.hpp"

namespace swarm::real {
namespace {

// What people write behind these images to start the server that the stand-in stands in for.
constexpr std::string_view kServers[] = {"nginx",
                                         "nginx-debug",
                                         "httpd",
                                         "httpd-foreground",
                                         "redis-server",
                                         "/docker-entrypoint.sh",
                                         "docker-entrypoint.sh"};

bool starts_its_server(const model::ContainerSpec& spec) {
  if (!spec.command.empty()) return false;
  return spec.args.empty() || spec.args.front().starts_with('-') ||
         std::find(std::begin(kServers), std::end(kServers), spec.args.front()) != std::end(kServers);
}

// One image per line, its words separated by tabs.
std::string escaped(const std::string& word) {
  std::string out;
  for (const char c : word) {
    if (c == '\\' || c == '\t' || c == '\n') out += '\\';
    out += c == '\t' ? 't' : c == '\n' ? 'n' : c;
  }
  return out;
}

std::vector<std::vector<std::string>> parse_lines(std::string_view text) {
  std::vector<std::vector<std::string>> lines(1);
  std::string word;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && i + 1 < text.size()) {
      const char next = text[++i];
      word += next == 't' ? '\t' : next == 'n' ? '\n' : next;
    } else if (c == '\t' || c == '\n') {
      lines.back().push_back(std::exchange(word, {}));
      if (c == '\n') lines.emplace_back();
    } else {
      word += c;
    }
  }
  lines.pop_back();
  return lines;
}

// What surrounds an image's command, "$@". As in the simulator: exits at once where only a code is said.
std::string script_of(const faults::Fault& fault) {
  const auto seconds = [](Duration span) { return faults::decimal(span.ns, 9); };
  std::string script;
  const bool deaf = fault.flag("ignores_term");
  if (deaf) script += "trap '' TERM; ";
  if (const auto start = fault.span("start")) script += "sleep " + seconds(*start) + "; ";
  const auto after = fault.span("after");
  const std::string end = "exit " + std::to_string(fault.number("exit_code"));
  if (!after && fault.find<std::int64_t>("exit_code") != nullptr) return script + end;
  if (after)
    return script + "\"$@\" & p=$!; sleep " + seconds(*after) + " & wait $!; kill -9 $p 2>/dev/null; " + end;
  if (deaf) return script + "\"$@\" & while :; do sleep 1000 & wait $!; done";
  return script + "exec \"$@\"";
}

}  // namespace

Result<ImageCatalogue> ImageCatalogue::open(const std::string& path, const std::string& web_program) {
  ImageCatalogue catalogue(path, web_program);
  if (auto loaded = catalogue.load(); !loaded) return loaded.error();
  return catalogue;
}

Result<void> ImageCatalogue::load() {
  if (!exists(path_)) return {};
  const auto text = read_file(path_);
  if (!text) return text.error();
  for (auto& words : parse_lines(*text)) {
    if (words.size() < 2)
      return plain_error(Code::data_loss, path_ + " is corrupt: an image without a command");
    added_[words.front()] = {words.begin() + 1, words.end()};
  }
  return {};
}

Result<void> ImageCatalogue::add(const ports::Image& image) {
  added_[model::normal_reference(image.reference)] = image.command;
  std::string text;
  for (const auto& [reference, command] : added_) {
    text += escaped(reference);
    for (const std::string& word : command) text += '\t' + escaped(word);
    text += '\n';
  }
  return replace_file(path_, text);
}

const std::vector<std::string>* ImageCatalogue::added(const std::string& reference) const {
  auto found = added_.find(reference);
  if (found == added_.end()) found = added_.find(model::any_tag_of(reference));
  return found == added_.end() ? nullptr : &found->second;
}

bool ImageCatalogue::is_users_own(const std::string& image) const {
  return added(model::normal_reference(image)) != nullptr;
}

std::uint32_t ImageCatalogue::own_port(const std::string& image) const {
  const std::string reference = model::normal_reference(image);
  const auto* builtin = model::find_builtin_image(reference);
  return builtin != nullptr && added(reference) == nullptr ? builtin->port : 0;
}

std::optional<std::vector<std::string>> ImageCatalogue::own_command(const model::ContainerSpec& spec) const {
  const std::string reference = model::normal_reference(spec.image);
  std::vector<std::string> command = spec.command;
  const auto* own = added(reference);
  const auto* builtin = model::find_builtin_image(reference);
  if (own != nullptr) {
    if (command.empty()) command = *own;  // like an entrypoint: arguments follow it
  } else if (builtin == nullptr) {
    return std::nullopt;
  } else if (builtin->stand_in != model::StandIn::shell) {
    if (starts_its_server(spec))
      return builtin->stand_in == model::StandIn::web ? std::vector<std::string>{web_program_}
                                                      : std::vector<std::string>{web_program_, "--redis"};
  } else if (command.empty() && spec.args.empty()) {
    command = {"/bin/sh"};
  }
  command.insert(command.end(), spec.args.begin(), spec.args.end());
  const bool pings = own == nullptr && builtin->has_ping && !command.empty() && command.front() == "ping";
  if (pings) command.insert(command.begin(), web_program_), command[1] = "--ping";
  return command;
}

std::optional<std::vector<std::string>> ImageCatalogue::command_of(const model::ContainerSpec& spec) const {
  const auto fault = faults_.find(model::normal_reference(spec.image));
  if (fault == faults_.end()) return own_command(spec);
  if (!fault->second.flag("exists", true)) return std::nullopt;
  auto command = own_command(spec);
  if (!command) command = std::vector<std::string>{web_program_};  // an image that is only made up
  std::vector<std::string> wrapped{"/bin/sh", "-c", script_of(fault->second), "sh"};
  wrapped.insert(wrapped.end(), command->begin(), command->end());
  return wrapped;
}

void ImageCatalogue::set_faults(const std::vector<faults::Fault>& faults) {
  faults_.clear();
  for (const faults::Fault& fault : faults)
    faults_.insert_or_assign(model::normal_reference(fault.text("reference")), fault);
}

std::vector<ports::Image> ImageCatalogue::images() const {
  std::vector<ports::Image> out = ports::builtin_images();
  for (const auto& [reference, command] : added_) out.push_back({reference, command, false});
  return out;
}

}  // namespace swarm::real
