#include "go_template/node.hpp"
#include <string>

// Go's grammar is closed: a kind of node that the switch does not name is shown by its text.
#pragma GCC diagnostic ignored "-Wswitch-enum"

namespace swarm::go_template {
namespace {

std::string joined(const Node& node, const char* between) {
  std::string out;
  for (const NodeRef& child : node.children) {
    if (&child != &node.children.front()) out += between;
    const bool inner = node.kind == NodeKind::command && child->kind == NodeKind::pipe;
    out += inner ? "(" + shown(*child) + ")" : shown(*child);
  }
  return out;
}

std::string declared(const Node& pipe) {
  std::string out;
  for (const std::string& name : pipe.names) out += (out.empty() ? "" : ", ") + name;
  return out.empty() ? out : out + (pipe.assigns ? " = " : " := ");
}

std::string names_of(const Node& node) {
  std::string out;
  for (const std::string& name : node.names)
    out += (node.kind == NodeKind::variable && out.empty() ? "" : ".") + name;
  return out;
}

}  // namespace

std::string shown(const Node& node) {
  switch (node.kind) {
    case NodeKind::pipe:
      return declared(node) + joined(node, " | ");
    case NodeKind::command:
      return joined(node, " ");
    case NodeKind::action:
      return "{{" + joined(node, "") + "}}";
    case NodeKind::end:
      return "{{end}}";
    case NodeKind::else_:
      return "{{else}}";
    case NodeKind::field:
    case NodeKind::variable:
      return names_of(node);
    case NodeKind::chain: {
      const bool inner = node.children.front()->kind == NodeKind::pipe;
      return (inner ? "(" : "") + joined(node, "") + (inner ? ")" : "") + names_of(node);
    }
    default:
      return node.text;
  }
}

}  // namespace swarm::go_template
