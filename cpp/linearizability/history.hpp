// History: what clients asked of replicated objects, what they were answered, and when. Values are texts that
// are compared byte by byte; "" stands for "not there".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace swarm::linearizability {

// What an object is, and so which operations it has.
enum class Model : std::uint8_t {
  reg,     // read, write, remove (a delete)
  cas,     // those and cas: the same object, the same states
  append,  // read: the whole list; append: a value at its end
  set,     // read: the whole set; add, remove: a value
};

enum class Kind : std::uint8_t { read, write, cas, remove, append, add };

std::optional<Model> parse_model(std::string_view word);  // "register", "cas", "list-append", "set"
std::optional<Kind> parse_kind(std::string_view word);    // "read", "write", "cas", "delete", "append", ...
const char* to_string(Model model);
const char* to_string(Kind kind);
bool has(Model model, Kind kind);

struct Operation {
  std::string client, key;
  Kind kind = Kind::read;
  std::string value;              // written, appended, added, removed from a set; of a cas: the new one
  std::string expected;           // of a cas
  std::vector<std::string> seen;  // by a read: the value, or none; all of a list or a set
  std::optional<bool> succeeded;  // of a cas or a delete; nothing: it is not known
  std::int64_t call = 0;          // nanoseconds
  std::optional<std::int64_t>
      returned;  // nothing: the outcome is unknown; it may take effect at any time, or never
};

using History = std::vector<Operation>;

// What makes it no history, in a sentence; "" when it is one: a return before its call, a client that
// overlaps itself, a kind that the model has not.
std::string malformed(const History& history, Model model);

}  // namespace swarm::linearizability
