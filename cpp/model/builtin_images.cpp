#include "model/builtin_images.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace swarm::model {
namespace {

// Tags "MAJOR", "MAJOR.first" to "MAJOR.last", and each with ".0" to ".patches". Without a major: "first" to
// "last".
struct Series {
  std::string_view major;
  int first, last, patches;
};

constexpr Series kNginx[] = {{"1", 10, 29, 13}};
constexpr Series kHttpd[] = {{"2", 4, 4, 66}};
constexpr Series kRedis[] = {{"3", 0, 0, 7},  {"3", 2, 2, 13}, {"4", 0, 0, 14}, {"5", 0, 0, 14},
                             {"6", 0, 0, 20}, {"6", 2, 2, 21}, {"7", 0, 0, 15}, {"7", 2, 2, 12},
                             {"7", 4, 4, 7},  {"8", 0, 4, 9}};
constexpr Series kAlpine[] = {{"3", 1, 23, 12}, {"2", 6, 7, 0}};
constexpr Series kBusybox[] = {{"1", 21, 37, 4}};
constexpr Series kDebian[] = {{"", 7, 13, 13}};

struct Entry {
  BuiltinImage image;
  std::span<const Series> series;
  std::string_view words;     // other tags, with a space around each
  std::string_view suffixes;  // what may follow a tag of a series, or a word but "latest"
};

constexpr std::string_view kUbuntu =
    " latest rolling devel 12.04 14.04 16.04 18.04 18.10 19.04 19.10 20.04 20.10 21.04 21.10 22.04 22.10 "
    "23.04 23.10"
    " 24.04 24.10 25.04 25.10 26.04 precise trusty xenial bionic cosmic disco eoan focal groovy hirsute "
    "impish jammy"
    " kinetic lunar mantic noble oracular plucky questing resolute ";
constexpr std::string_view kServers =
    " -alpine -alpine-slim -alpine-perl -perl -alpine3.20 -alpine3.21 -alpine3.22 -bookworm"
    " -trixie -bullseye -buster ";

constexpr Entry kImages[] = {
    {{"nginx", StandIn::web, 80, "1.10 to 1.29, latest, stable, mainline, alpine"},
     kNginx,
     " latest stable mainline alpine alpine-slim alpine-perl perl bookworm trixie ",
     kServers},
    {{"httpd", StandIn::web, 80, "2.4, latest, alpine"}, kHttpd, " latest alpine bookworm trixie ", kServers},
    {{"swarmpy/web", StandIn::web, 80, "any"}, {}, {}, {}},
    {{"redis", StandIn::redis, 6379, "3.0 to 8, latest, alpine"},
     kRedis,
     " latest alpine bookworm trixie ",
     kServers},
    {{"ubuntu", StandIn::shell, 0, "12.04 to 26.04, latest, noble"}, {}, kUbuntu, {}},
    {{"debian", StandIn::shell, 0, "7 to 13, latest, stable, bookworm"},
     kDebian,
     " latest stable oldstable oldoldstable testing unstable sid wheezy jessie stretch buster bullseye "
     "bookworm trixie"
     " forky ",
     " -slim -backports "},
    {{"alpine", StandIn::shell, 0, "3.1 to 3.23, latest, edge", true}, kAlpine, " latest edge ", {}},
    {{"busybox", StandIn::shell, 0, "1.21 to 1.37, latest, stable", true},
     kBusybox,
     " latest stable unstable glibc musl uclibc ",
     " -glibc -musl -uclibc "},
};

constexpr auto kShown = [] {
  std::array<BuiltinImage, std::size(kImages)> out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = kImages[i].image;
  return out;
}();

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool plain = !text.empty() && (text.size() == 1 || text.front() != '0') && text.front() != '-';
  if (!plain || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool has(std::string_view words, std::string_view word) {
  return !word.empty() && words.find(" " + std::string(word) + " ") != std::string_view::npos;
}

bool is_of(const Series& series, std::string_view tag) {
  if (!series.major.empty()) {
    if (!tag.starts_with(series.major)) return false;
    tag.remove_prefix(series.major.size());
    if (tag.empty()) return true;
    if (tag.front() != '.') return false;
    tag.remove_prefix(1);
  }
  const std::size_t dot = std::min(tag.find('.'), tag.size());
  const auto minor = number(tag.substr(0, dot));
  if (!minor || *minor < series.first || *minor > series.last) return false;
  if (dot == tag.size()) return true;
  const auto patch = number(tag.substr(dot + 1));
  return patch && *patch <= series.patches;
}

bool is_stem(const Entry& entry, std::string_view tag) {
  return has(entry.words, tag) || std::any_of(entry.series.begin(), entry.series.end(),
                                              [tag](const Series& series) { return is_of(series, tag); });
}

bool is_tag_of(const Entry& entry, std::string_view tag) {
  if (entry.image.tags_shown == "any" || is_stem(entry, tag)) return true;
  for (std::size_t dash = tag.find('-'); dash != std::string_view::npos; dash = tag.find('-', dash + 1))
    if (has(entry.suffixes, tag.substr(dash)) && tag.substr(0, dash) != "latest" &&
        is_stem(entry, tag.substr(0, dash)))
      return true;
  return false;
}

// Where the tag's colon is; npos: there is none.
std::size_t colon_of(std::string_view image) {
  image = image.substr(0, image.find('@'));
  const std::size_t slash = image.rfind('/');
  return image.find(':', slash == std::string_view::npos ? 0 : slash);
}

}  // namespace

std::span<const BuiltinImage> builtin_images() { return kShown; }

const BuiltinImage* find_builtin_image(std::string_view reference) {
  const std::size_t colon = colon_of(reference);
  if (reference.find('@') != std::string_view::npos || colon == std::string_view::npos) return nullptr;
  for (std::size_t i = 0; i < std::size(kImages); ++i)
    if (kImages[i].image.name == reference.substr(0, colon))
      return is_tag_of(kImages[i], reference.substr(colon + 1)) ? &kShown[i] : nullptr;
  return nullptr;
}

std::string normal_reference(std::string_view image) {
  for (const std::string_view prefix : {"index.docker.io/", "docker.io/", "library/"})
    if (image.starts_with(prefix)) image.remove_prefix(prefix.size());
  const bool named = has_tag(image) || image.find('@') != std::string_view::npos;
  return std::string(image) + (named ? "" : ":latest");
}

bool has_tag(std::string_view image) { return colon_of(image) != std::string_view::npos; }

std::string repository_of(std::string_view reference) {
  return std::string(reference.substr(0, std::min(colon_of(reference), reference.find('@'))));
}

std::string any_tag_of(std::string_view reference) { return repository_of(reference) + ":*"; }

bool is_builtin_user(std::string_view name) {
  const bool is_number =
      !name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
  return is_number ||
         has(" root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc nobody"
             " nogroup operator guest nginx apache redis ubuntu default ",
             name);
}

}  // namespace swarm::model
