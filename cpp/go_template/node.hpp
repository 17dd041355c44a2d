// The tree of a template (text/template/parse/node.go).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "go_template/value.hpp"

namespace swarm::go_template {

inline constexpr int kMaxDepth = 100;  // of what stands in one another

enum class NodeKind : std::uint8_t {
  list,    // children
  text,    // text
  action,  // children[0]: a pipe
  if_,     // children: pipe, list, and the list of `else`
  with,    // likewise
  range,   // likewise
  break_,
  continue_,
  end,      // in the parser only
  else_,    // in the parser only
  pipe,     // children: commands; names: what it declares or assigns
  command,  // children: its words
  boolean,  // constant
  number,   // constant; nil: does not fit
  string,   // constant
  nil,
  dot,
  field,       // names
  variable,    // names, the first with its $
  identifier,  // text: a function
  chain,       // children[0], then names
};

struct Node {
  NodeKind kind;
  std::size_t pos = 0;  // byte in the template
  std::string text;     // as written
  std::vector<std::string> names;
  bool assigns = false;  // a pipe: = in place of :=
  Value constant;
  std::vector<std::unique_ptr<Node>> children;
};
using NodeRef = std::unique_ptr<Node>;

// As errors show it.
std::string shown(const Node& node);

// Whether `name` is a function that a template may call.
using IsFunction = bool (*)(std::string_view name);
Result<NodeRef> parse(std::string_view source, IsFunction is_function);

}  // namespace swarm::go_template
