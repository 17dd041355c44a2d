// After the first error all steps do nothing: every loop ends, and all unwinds.
#include "go_template/executor.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "go_template/functions.hpp"
#include "go_template/node.hpp"
#include "go_template/print.hpp"
#include "go_template/text_literal.hpp"
#include "go_template/value.hpp"

// Go's grammar is closed: a kind of node that a switch does not name is a constant or an action.
#pragma GCC diagnostic ignored "-Wswitch-enum"

namespace swarm::go_template {
namespace {

using MaybeValue = std::optional<Value>;  // what a pipeline hands on; none at its first command
enum class Flow : std::uint8_t { on, break_, continue_ };

class Executor {
 public:
  Executor(std::string_view source, const Value& data, std::size_t& work)
      : source_(source), variables_{{"$", data}}, work_(work) {}

  Result<std::string> run(const Node& root) {
    walk(variables_.front().value, root);
    if (error_) return plain_error(Code::invalid_argument, *error_);
    return std::move(out_);
  }

 private:
  struct Variable {
    std::string name;
    Value value;
  };

  // ---- errors and bounds
  bool failed() const { return error_.has_value(); }
  Value fail(const std::string& sentence) {
    if (failed()) return {};
    const std::string_view before = source_.substr(0, at_->pos);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t newline = before.rfind('\n');
    const std::size_t column = newline == std::string_view::npos ? at_->pos : at_->pos - newline - 1;
    error_ = "template: expansion:" + std::to_string(line) + ":" + std::to_string(column) +
             ": executing \"expansion\" at <" + go_template::shown(*at_) + ">: " + sentence;
    return {};
  }
  void at(const Node& node) {
    at_ = &node;
    spend(1);
  }
  void spend(std::size_t work) {
    work_ += work;
    if (work_ > kMaxWork) fail("this is more work than a placeholder may make");
  }
  void write(std::string_view text) {
    if (out_.size() + text.size() > kMaxText)
      return void(fail("the text becomes longer than " + std::to_string(kMaxText) + " bytes"));
    out_ += text;
  }

  // ---- statements
  Flow walk(const Value& dot, const Node& node);
  Flow walk_list(const Value& dot, const Node& list);
  Flow walk_branch(const Value& dot, const Node& node);
  Flow walk_range(const Value& dot, const Node& node);
  bool walk_entries(const Node& node, const std::map<std::string, std::string>& map);
  bool walk_numbers(const Node& node, std::int64_t count);
  Flow walk_once(const Node& node, const Value& key, const Value& element);

  // ---- expressions
  Value pipeline(const Value& dot, const Node& pipe);
  Value command(const Value& dot, const Node& command, const MaybeValue& before);
  Value constant(const Node& node);
  Value word(const Value& dot, const Node& node);
  Value field_chain(Value from, const Node& node, std::size_t first, bool arguments);
  Value field(const Value& of, const std::string& name, bool arguments);
  Value variable(const std::string& name);
  Value call(const Value& dot, const Node& node, const Node& shown_as, const Node* command,
             const MaybeValue& before);
  Value first_that_decides(const Value& dot, const Node* command, bool wanted, const MaybeValue& before);
  Value argument(const Value& dot, const Node& node, bool string_only);
  void refuse_arguments(const Node& first, const Node& command, const MaybeValue& before);
  void set(const std::string& name, const Value& value);

  std::string_view source_;
  std::vector<Variable> variables_;
  const Node* at_ = nullptr;
  std::size_t& work_;
  std::string out_;
  std::optional<std::string> error_;
};

// ---- statements

Flow Executor::walk_list(const Value& dot, const Node& list) {
  for (const NodeRef& child : list.children) {
    if (failed()) return Flow::on;
    if (const Flow flow = walk(dot, *child); flow != Flow::on) return flow;
  }
  return Flow::on;
}

Flow Executor::walk(const Value& dot, const Node& node) {
  at(node);
  switch (node.kind) {
    case NodeKind::list:
      return walk_list(dot, node);
    case NodeKind::text:
      write(node.text);
      return Flow::on;
    case NodeKind::if_:
    case NodeKind::with:
      return walk_branch(dot, node);
    case NodeKind::range:
      return walk_range(dot, node);
    case NodeKind::break_:
      return Flow::break_;
    case NodeKind::continue_:
      return Flow::continue_;
    default: {  // an action
      const Node& pipe = *node.children.front();
      const Value value = pipeline(dot, pipe);
      at(node);
      if (!failed() && pipe.names.empty()) write(printed(value));
      return Flow::on;
    }
  }
}

Flow Executor::walk_branch(const Value& dot, const Node& node) {
  const std::size_t mark = variables_.size();
  const Value value = pipeline(dot, *node.children[0]);
  Flow flow = Flow::on;
  if (!failed() && is_true(value)) {
    flow = walk(node.kind == NodeKind::with ? value : dot, *node.children[1]);
  } else if (!failed() && node.children.size() > 2) {
    flow = walk(dot, *node.children[2]);
  }
  variables_.resize(std::min(variables_.size(), mark));
  return flow;
}

Flow Executor::walk_range(const Value& dot, const Node& node) {
  const std::size_t mark = variables_.size();
  const Node& pipe = *node.children[0];
  const Value value = pipeline(dot, pipe);
  bool ran = false;
  if (failed()) return Flow::on;
  if (const auto* map = std::get_if<Map>(&value)) {
    ran = walk_entries(node, **map);
  } else if (const auto* count = std::get_if<std::int64_t>(&value)) {
    if (pipe.names.size() > 1)
      fail("can't use " + printed(value) + " to iterate over more than one variable");
    ran = walk_numbers(node, *count);
  } else if (!is_nil(value)) {
    fail("range can't iterate over " + printed(value));
  }
  variables_.resize(std::min(variables_.size(), mark));
  return !ran && !failed() && node.children.size() > 2 ? walk(dot, *node.children[2]) : Flow::on;
}

bool Executor::walk_entries(const Node& node, const std::map<std::string, std::string>& map) {
  for (const auto& [key, entry] : map)
    if (failed() || walk_once(node, text(key), text(entry)) == Flow::break_) break;
  return !map.empty();
}

bool Executor::walk_numbers(const Node& node, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i)
    if (failed() || walk_once(node, {}, i) == Flow::break_) break;
  return count > 0;
}

// The pipeline has declared the variables: the last is the element's, one before it the key's.
Flow Executor::walk_once(const Node& node, const Value& key, const Value& element) {
  const std::vector<std::string>& names = node.children[0]->names;
  if (!names.empty()) set(names.back(), element);
  if (names.size() > 1) set(names.front(), key);
  const std::size_t mark = variables_.size();
  spend(1);
  const Flow flow = walk(element, *node.children[1]);
  variables_.resize(std::min(variables_.size(), mark));
  return flow;
}

// ---- expressions

Value Executor::pipeline(const Value& dot, const Node& pipe) {
  at(pipe);
  MaybeValue value;
  for (const NodeRef& one : pipe.children) {
    if (failed()) return {};
    value = command(dot, *one, value);
  }
  if (!value) return {};
  for (const std::string& name : pipe.names) {
    if (pipe.assigns) {
      set(name, *value);
    } else {
      variables_.push_back({name, *value});
    }
  }
  return failed() ? Value() : *value;
}

void Executor::refuse_arguments(const Node& first, const Node& command, const MaybeValue& before) {
  if (command.children.size() > 1 || before)
    fail("can't give argument to non-function " + go_template::shown(first));
}

Value Executor::command(const Value& dot, const Node& command, const MaybeValue& before) {
  const Node& first = *command.children.front();
  const bool arguments = command.children.size() > 1 || before;
  switch (first.kind) {
    case NodeKind::field:
      at(first);
      return field_chain(dot, first, 0, arguments);
    case NodeKind::chain:
      return field_chain(argument(dot, *first.children.front(), false), first, 0, arguments);
    case NodeKind::identifier:
      return call(dot, first, command, &command, before);
    case NodeKind::pipe:
      refuse_arguments(first, command, before);
      return pipeline(dot, first);
    case NodeKind::variable:
      at(first);
      if (first.names.size() == 1) refuse_arguments(first, command, before);
      return field_chain(variable(first.names.front()), first, 1, arguments);
    default:
      at(first);
      refuse_arguments(first, command, before);
      if (first.kind == NodeKind::nil) return fail("nil is not a command");
      return first.kind == NodeKind::dot ? dot : constant(first);
  }
}

Value Executor::constant(const Node& node) {
  at(node);
  if (is_nil(node.constant)) return fail(node.text + " overflows int");
  return node.constant;
}

// As an argument of a function.
Value Executor::word(const Value& dot, const Node& node) {
  at(node);
  switch (node.kind) {
    case NodeKind::dot:
      return dot;
    case NodeKind::nil:
      return {};
    case NodeKind::field:
      return field_chain(dot, node, 0, false);
    case NodeKind::variable:
      return field_chain(variable(node.names.front()), node, 1, false);
    case NodeKind::pipe:
      return pipeline(dot, node);
    case NodeKind::identifier:
      return call(dot, node, node, nullptr, std::nullopt);
    case NodeKind::chain:
      return field_chain(argument(dot, *node.children.front(), false), node, 0, false);
    default:
      return constant(node);
  }
}

Value Executor::argument(const Value& dot, const Node& node, bool string_only) {
  at(node);
  if (string_only && node.kind == NodeKind::nil) return fail("cannot assign nil to string");
  if (string_only && (node.kind == NodeKind::boolean || node.kind == NodeKind::number))
    return fail("expected string; found " + go_template::shown(node));
  Value value = word(dot, node);
  if (failed() || !string_only || as_text(value) != nullptr) return value;
  if (is_nil(value)) return fail("invalid value; expected string");
  return fail("wrong type for value; expected string; got " + type_name(value));
}

Value Executor::field_chain(Value from, const Node& node, std::size_t first, bool arguments) {
  for (std::size_t i = first; i < node.names.size() && !failed(); ++i)
    from = field(from, node.names[i], arguments && i + 1 == node.names.size());
  return from;
}

Value Executor::field(const Value& of, const std::string& name, bool arguments) {
  if (is_nil(of)) return fail("nil data; no entry for key " + quoted(name));
  if (const auto* ref = std::get_if<StructRef>(&of)) {
    for (const Field& field : (*ref)->fields) {
      if (field.name != name) continue;
      return arguments ? fail(name + " has arguments but cannot be invoked as function") : field.value;
    }
  }
  if (const auto* map = std::get_if<Map>(&of)) {
    if (arguments) return fail(name + " is not a method but has arguments");
    const auto found = (*map)->find(name);
    return found != (*map)->end() ? text(found->second) : fail("map has no entry for key " + quoted(name));
  }
  return fail("can't evaluate field " + name + " in type " + type_name(of));
}

Value Executor::variable(const std::string& name) {
  for (auto it = variables_.rbegin(); it != variables_.rend(); ++it)
    if (it->name == name) return it->value;
  return fail("undefined variable: " + name);
}

void Executor::set(const std::string& name, const Value& value) {
  for (auto it = variables_.rbegin(); it != variables_.rend(); ++it)
    if (it->name == name) {
      it->value = value;
      return;
    }
  fail("undefined variable: " + name);
}

// `command` holds the arguments behind the name; null: there are none.
Value Executor::call(const Value& dot, const Node& node, const Node& shown_as, const Node* command,
                     const MaybeValue& before) {
  at(node);
  const Function& function = *find_function(node.text);
  const std::size_t said = command != nullptr ? command->children.size() - 1 : 0,
                    count = said + before.has_value();
  const std::string wrong = "wrong number of args for " + node.text + ": want ";
  if (function.variadic && count < function.fixed)
    return fail(wrong + "at least " + std::to_string(function.fixed) + " got " + std::to_string(said));
  if (!function.variadic && count != function.fixed)
    return fail(wrong + std::to_string(function.fixed) + " got " + std::to_string(count));
  if (function.call == nullptr) return first_that_decides(dot, command, node.text == "or", before);
  std::vector<Value> arguments;
  for (std::size_t i = 0; i < said && !failed(); ++i)
    arguments.push_back(argument(dot, *command->children[i + 1], i < function.strings));
  if (before && said < function.strings && as_text(*before) == nullptr)
    return fail("wrong type for value; expected string; got " + type_name(*before));
  if (before) arguments.push_back(*before);
  for (const Value& one : arguments) spend(size_of(one));
  if (failed()) return {};
  auto value = function.call(arguments);
  if (!value) at(shown_as);
  if (!value) return fail("error calling " + node.text + ": " + value.error().message);
  spend(size_of(*value));
  if (size_of(*value) > kMaxText + 1)
    fail("the text becomes longer than " + std::to_string(kMaxText) + " bytes");
  return *value;
}

// `and` stops at the first that is false, `or` at the first that is true; the last one is taken otherwise.
Value Executor::first_that_decides(const Value& dot, const Node* command, bool wanted,
                                   const MaybeValue& before) {
  Value value;
  for (std::size_t i = 1; command != nullptr && i < command->children.size() && !failed(); ++i) {
    value = argument(dot, *command->children[i], false);
    if (is_true(value) == wanted) return value;
  }
  return before ? *before : value;
}

}  // namespace

Result<std::string> execute(std::string_view source, const Value& data, std::size_t& work) {
  if (source.find("{{") == std::string_view::npos) return std::string(source);
  const auto tree = parse(source, [](std::string_view name) { return find_function(name) != nullptr; });
  if (!tree) return tree.error();
  return Executor(source, data, work).run(**tree);
}

}  // namespace swarm::go_template
