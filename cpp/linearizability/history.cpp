#include "linearizability/history.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace swarm::linearizability {
namespace {

constexpr std::pair<const char*, Model> kModels[] = {
    {"register", Model::reg}, {"cas", Model::cas}, {"list-append", Model::append}, {"set", Model::set}};
constexpr std::pair<const char*, Kind> kKinds[] = {
    {"read", Kind::read},     {"write", Kind::write}, {"cas", Kind::cas},      {"delete", Kind::remove},
    {"append", Kind::append}, {"add", Kind::add},     {"remove", Kind::remove}};

template <class Table, class Value>
const char* word_of(const Table& table, Value value) {
  return std::find_if(std::begin(table), std::end(table),
                      [&](const auto& row) { return row.second == value; })
      ->first;
}

std::string of(const Operation& op) {
  return "the " + std::string(to_string(op.kind)) + " of client " + op.client + " on key " + op.key;
}

// Operations of a client whose outcome is known follow one another.
std::string overlapping(const History& history) {
  std::vector<const Operation*> order;
  for (const auto& op : history)
    if (op.returned) order.push_back(&op);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return std::pair(a->call, a->returned) < std::pair(b->call, b->returned);
  });
  std::map<std::string, const Operation*> last;
  for (const auto* op : order) {
    const Operation*& before = last[op->client];
    if (before != nullptr && before->returned > op->call)
      return of(*op) + " is called before its " + to_string(before->kind) + " on key " + before->key +
             " has returned: a client does one thing at a time";
    before = op;
  }
  return {};
}

}  // namespace

std::optional<Model> parse_model(std::string_view word) {
  for (const auto& [name, model] : kModels)
    if (word == name) return model;
  return std::nullopt;
}

std::optional<Kind> parse_kind(std::string_view word) {
  for (const auto& [name, kind] : kKinds)
    if (word == name) return kind;
  return std::nullopt;
}

const char* to_string(Model model) { return word_of(kModels, model); }
const char* to_string(Kind kind) { return word_of(kKinds, kind); }

bool has(Model model, Kind kind) {
  if (kind == Kind::read) return true;
  if (model == Model::append) return kind == Kind::append;
  if (model == Model::set) return kind == Kind::add || kind == Kind::remove;
  return kind == Kind::write || kind == Kind::remove || (model == Model::cas && kind == Kind::cas);
}

std::string malformed(const History& history, Model model) {
  for (const auto& op : history) {
    if (!has(model, op.kind))
      return of(op) + " is none of the operations that the model " + to_string(model) + " has";
    if (op.kind == Kind::cas && op.returned && !op.succeeded)
      return of(op) + " does not say whether it succeeded";
    if (op.returned && *op.returned < op.call) return of(op) + " returns before it is called";
  }
  return overlapping(history);
}

}  // namespace swarm::linearizability
