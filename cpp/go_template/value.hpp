// Values of a template: those of Go's kinds that a placeholder can have. Cheap to copy.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace swarm::go_template {

struct Struct;
using Text = std::shared_ptr<const std::string>;
using Map = std::shared_ptr<const std::map<std::string, std::string>>;
using StructRef = std::shared_ptr<const Struct>;
// std::monostate is Go's nil.
using Value = std::variant<std::monostate, bool, std::int64_t, double, Text, Map, StructRef>;

struct Field {
  std::string name;
  Value value;
};
struct Struct {
  std::string type;      // "template.Platform"; empty: named by its fields, as Go does
  bool pointer = false;  // what is given is a pointer to it
  std::vector<Field> fields;
};

inline Value text(std::string of) { return std::make_shared<const std::string>(std::move(of)); }
inline bool is_nil(const Value& value) { return std::holds_alternative<std::monostate>(value); }
// Null for a value that is none.
inline const std::string* as_text(const Value& value) {
  const Text* found = std::get_if<Text>(&value);
  return found != nullptr ? found->get() : nullptr;
}

// Go's name of its type: "int", "map[string]string", "struct { ID string; Name string }".
std::string type_name(const Value& value);
// Not the zero value of its type: what `if` asks.
bool is_true(const Value& value);
// Bytes that work on it goes through.
std::size_t size_of(const Value& value);

}  // namespace swarm::go_template
