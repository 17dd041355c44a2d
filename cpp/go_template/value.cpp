#include "go_template/value.hpp"
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

namespace swarm::go_template {
namespace {

std::string struct_type(const Struct& of) {
  if (!of.type.empty()) return (of.pointer ? "*" : "") + of.type;
  std::string out = "struct {";
  for (const Field& field : of.fields)
    out += (out.back() == '{' ? " " : "; ") + field.name + " " + type_name(field.value);
  return out + " }";
}

}  // namespace

std::string type_name(const Value& value) {
  constexpr const char* kNames[] = {"nil", "bool", "int", "float64", "string", "map[string]string"};
  if (const auto* of = std::get_if<StructRef>(&value)) return struct_type(**of);
  return kNames[value.index()];
}

bool is_true(const Value& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  if (const auto* number = std::get_if<std::int64_t>(&value)) return *number != 0;
  if (const auto* number = std::get_if<double>(&value)) return *number != 0;
  if (const std::string* of = as_text(value)) return !of->empty();
  if (const auto* map = std::get_if<Map>(&value)) return !(*map)->empty();
  return !is_nil(value);
}

std::size_t size_of(const Value& value) {
  std::size_t out = 1;
  if (const std::string* of = as_text(value)) out += of->size();
  if (const auto* map = std::get_if<Map>(&value))
    for (const auto& [key, entry] : **map) out += key.size() + entry.size();
  if (const auto* of = std::get_if<StructRef>(&value))
    for (const Field& field : (*of)->fields) out += size_of(field.value);
  return out;
}

}  // namespace swarm::go_template
