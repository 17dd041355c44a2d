#include "real/image_catalogue.hpp"

#include <algorithm>

#include "real/files.hpp"

namespace swarm::real {
namespace {

constexpr const char* kWebImages[] = {"nginx", "httpd", "swarmpy/web"};
constexpr const char* kShellImages[] = {"ubuntu", "debian", "alpine", "busybox"};
// What people write behind these images to start the server that the stand-in stands in for.
constexpr const char* kServers[] = {"nginx", "nginx-debug", "httpd", "httpd-foreground",
                                    "/docker-entrypoint.sh"};

template <std::size_t N>
bool is_one_of(const char* const (&words)[N], std::string_view word) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

std::string name_of(const std::string& reference) { return reference.substr(0, reference.rfind(':')); }

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

}  // namespace

std::string normal_reference(std::string_view image) {
  for (const std::string_view prefix : {"docker.io/library/", "docker.io/", "library/"})
    if (image.starts_with(prefix)) image.remove_prefix(prefix.size());
  image = image.substr(0, image.find('@'));
  const auto slash = image.rfind('/');
  const bool tagged = image.find(':', slash == std::string_view::npos ? 0 : slash) != std::string_view::npos;
  return std::string(image) + (tagged ? "" : ":latest");
}

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
  added_[normal_reference(image.reference)] = image.command;
  std::string text;
  for (const auto& [reference, command] : added_) {
    text += escaped(reference);
    for (const std::string& word : command) text += '\t' + escaped(word);
    text += '\n';
  }
  return replace_file(path_, text);
}

bool ImageCatalogue::is_web(const std::string& image) const {
  const std::string reference = normal_reference(image);
  return !added_.contains(reference) && is_one_of(kWebImages, name_of(reference));
}

std::optional<std::vector<std::string>> ImageCatalogue::command_of(const model::ContainerSpec& spec) const {
  const std::string reference = normal_reference(spec.image);
  std::vector<std::string> command = spec.command;
  auto added = added_.find(reference);
  if (added == added_.end()) added = added_.find(name_of(reference) + ":*");
  if (added != added_.end()) {
    if (command.empty()) command = added->second;  // like an entrypoint: arguments follow it
  } else if (is_one_of(kWebImages, name_of(reference))) {
    if (command.empty() && (spec.args.empty() || is_one_of(kServers, spec.args.front())))
      return std::vector<std::string>{web_program_};
  } else if (is_one_of(kShellImages, name_of(reference))) {
    if (command.empty() && spec.args.empty()) command = {"/bin/sh"};
  } else {
    return std::nullopt;
  }
  command.insert(command.end(), spec.args.begin(), spec.args.end());
  return command;
}

std::vector<ports::Image> ImageCatalogue::images() const {
  std::vector<ports::Image> out;
  for (const char* name : kWebImages) out.push_back({std::string(name) + ":*", {"swarm-web"}, true});
  for (const char* name : kShellImages) out.push_back({std::string(name) + ":*", {"/bin/sh"}, true});
  for (const auto& [reference, command] : added_) out.push_back({reference, command, false});
  return out;
}

}  // namespace swarm::real
