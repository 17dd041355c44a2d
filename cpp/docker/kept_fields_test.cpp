// What becomes of each field of a service's spec (model/kept_fields): the table names each field that the
// descriptions have, and no other; each of its rules is of the field that it names.
#include "model/kept_fields.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/shared.hpp"
#include "codec/test_full_values.hpp"
#include "docker/json.hpp"
#include "docker/specs.hpp"
#include "model/container_spec.hpp"
#include "model/describe.hpp"
#include "model/service_spec.hpp"

namespace swarm::docker {
namespace {

using Paths = std::set<std::string>;

const model::FieldRule* rule_of(std::string_view path) {
  for (const auto& rule : model::field_rules())
    if (rule.path == path) return &rule;
  return nullptr;
}
bool has_rules_below(const std::string& path) {
  for (const auto& rule : model::field_rules())
    if (rule.path.starts_with(path + ".")) return true;
  return false;
}

// ---- the table against the descriptions

template <class T>
struct Inner {
  using Type = T;
};
template <class T>
struct Inner<std::optional<T>> {
  using Type = T;
};
template <class T>
struct Inner<Shared<T>> {
  using Type = T;
};

// The fields of T, each down to the row of the table that covers it.
class Walk {
 public:
  Paths covered;    // paths that the table and the descriptions have
  Paths uncovered;  // ... that no row of the table covers

  template <class T>
  void fields_of(const std::string& prefix) {
    const auto row = [&]<class Member, class Rule>(const Member&, auto, const char*, const Rule& rule) {
      if constexpr (std::is_same_v<Rule, model::Flat>) {
        fields_of<Member>(prefix);
      } else if constexpr (!std::is_same_v<Rule, model::Hidden>) {
        const std::string parent = rule.key.parent.empty() ? "" : std::string(rule.key.parent) + ".";
        field<typename Inner<Member>::Type>(prefix + parent + std::string(rule.key.name));
      }
    };
    const T any{};
    model::Description<T>::each(any, row);
  }

 private:
  template <class T>
  void field(const std::string& path) {
    if (rule_of(path) != nullptr) return void(covered.insert(path));
    if (!has_rules_below(path)) return void(uncovered.insert(path));
    // What has rows below it and no description is read in a way of its own.
    if constexpr (model::Described<T>) fields_of<T>(path + ".");
  }
};

Walk walk() {
  Walk out;
  out.fields_of<model::ServiceSpec>("");
  return out;
}

TEST(KeptFields, EveryFieldOfTheDescriptionsIsDoneOrKeptOrRefused) {
  EXPECT_EQ(walk().uncovered, Paths()) << "what becomes of these? model/kept_fields.cpp is to say it";
}

TEST(KeptFields, EveryFieldIsInOneRowOnly) {
  Paths seen;
  for (const auto& rule : model::field_rules()) {
    EXPECT_TRUE(seen.insert(std::string(rule.path)).second) << rule.path << " has two rows";
    for (const auto& other : model::field_rules())
      EXPECT_FALSE(other.path.starts_with(std::string(rule.path) + "."))
          << other.path << " is covered already";
  }
}

// {"TaskTemplate":{"PluginSpec":{}}}
std::string json_of(std::string_view path) {
  std::string out, end;
  while (true) {
    const std::size_t dot = path.find('.');
    out += "{\"" + std::string(path.substr(0, dot)) + "\":";
    end += '}';
    if (dot == std::string_view::npos) return out + "{}" + end;
    path = path.substr(dot + 1);
  }
}

bool has_path(const Value& value, std::string_view path) {
  const std::size_t dot = path.find('.');
  const Value* member = value.find(path.substr(0, dot));
  if (member == nullptr || dot == std::string_view::npos) return member != nullptr;
  return has_path(*member, path.substr(dot + 1));
}

Value shown(const model::ServiceSpec& spec) {
  Json json;
  write_service_spec(json, spec);
  return *parse_json(json.str());
}

// What no description has is read and written in a way of its own: it is shown again, or refused with the
// words of its row. A path that the API does not know would be ignored.
TEST(KeptFields, ARowThatNoDescriptionHasIsOfAFieldThatTheApiReads) {
  const Walk found = walk();
  for (const auto& rule : model::field_rules()) {
    if (found.covered.contains(std::string(rule.path))) continue;
    const auto spec = read_service_spec(*parse_json(json_of(rule.path)));
    if (rule.fate == model::FieldFate::refused) {
      ASSERT_FALSE(spec.ok()) << rule.path << " is in no description, and is not refused";
      EXPECT_TRUE(spec.error().message.starts_with(rule.words)) << rule.path << ": " << spec.error().message;
    } else {
      ASSERT_TRUE(spec.ok()) << rule.path;
      EXPECT_TRUE(has_path(shown(*spec), rule.path))
          << rule.path << " is in no description, and is not shown";
    }
  }
}

// ---- the rows that copy

// What is at each row's path, and beside the rows nothing.
void add_rows(const Value& value, const std::string& path, std::map<std::string, const Value*>& out) {
  if (rule_of(path) != nullptr || value.members() == nullptr) return void(out[path] = &value);
  for (const auto& [key, member] : *value.members())
    add_rows(member, path.empty() ? key : path + "." + key, out);
}

bool is_same(const Value& a, const Value& b) {
  if (a.data.index() != b.data.index()) return false;
  if (const auto* items = a.items())
    return std::equal(items->begin(), items->end(), b.items()->begin(), b.items()->end(), is_same);
  if (const auto* members = a.members())
    return std::equal(
        members->begin(), members->end(), b.members()->begin(), b.members()->end(),
        [](const auto& x, const auto& y) { return x.key == y.key && is_same(x.value, y.value); });
  if (const auto* text = a.text()) return *text == *b.text();
  if (const auto* flag = std::get_if<bool>(&a.data)) return *flag == std::get<bool>(b.data);
  return a.digits() == b.digits();
}

// The rows in which `one` shows something else than `other`.
Paths rows_apart(const model::ServiceSpec& one, const model::ServiceSpec& other) {
  const Value first = shown(one), second = shown(other);
  std::map<std::string, const Value*> a, b;
  add_rows(first, "", a);
  add_rows(second, "", b);
  Paths out;
  for (const auto& [path, value] : a)
    if (!b.contains(path) || !is_same(*value, *b.at(path))) out.insert(path);
  return out;
}

model::ServiceSpec full_spec() {
  auto spec = codec::full::Filler().of<model::ServiceSpec>();
  spec.task.runtime = "container";
  spec.task.container.edit().isolation = "hyperv";
  return spec;
}

TEST(KeptFields, ARowCopiesTheFieldThatItNamesAndNoOther) {
  model::ServiceSpec bare;  // what is always shown once there is a container or an endpoint
  bare.task.container.emplace();
  bare.endpoint.emplace();
  const model::ServiceSpec full = full_spec();
  for (const auto& rule : model::field_rules()) {
    EXPECT_EQ(rule.copy != nullptr, rule.fate == model::FieldFate::kept) << rule.path;
    if (rule.copy == nullptr) continue;
    model::ServiceSpec copied;
    rule.copy(full, copied);
    EXPECT_EQ(rows_apart(copied, bare), Paths{std::string(rule.path)});
    EXPECT_EQ(model::newly_kept(copied, nullptr), std::vector<std::string>{std::string(rule.words)});
  }
}

TEST(KeptFields, EachKeptFieldIsWarnedOfOnce) {
  const model::ServiceSpec full = full_spec();
  std::size_t kept = 0;
  for (const auto& rule : model::field_rules()) kept += rule.fate == model::FieldFate::kept;
  EXPECT_EQ(model::newly_kept(full, nullptr).size(), kept);
  EXPECT_TRUE(model::newly_kept(full, &full).empty());
}

}  // namespace
}  // namespace swarm::docker
