// Tokens to a tree (text/template/parse/parse.go). After the first error nothing is read any more: every
// token is then the end, and all unwinds.
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "go_template/lexer.hpp"
#include "go_template/node.hpp"
#include "go_template/text_literal.hpp"
#include "go_template/value.hpp"

// Go's grammar is closed: a token that a switch does not name is a syntax error or begins an operand.
#pragma GCC diagnostic ignored "-Wswitch-enum"

namespace swarm::go_template {
namespace {

NodeRef node(NodeKind kind, const Token& token) {
  auto out = std::make_unique<Node>();
  out->kind = kind;
  out->pos = token.pos;
  out->text = token.text;
  return out;
}

// Go's integers: 12, 1_000, 0x1F, 0b1, 0o17, 017. Empty: no such thing. `beyond`: it is one, and too large.
std::optional<std::int64_t> integer(std::string text, bool& beyond) {
  beyond = false;
  text.erase(std::remove(text.begin(), text.end(), '_'), text.end());
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.erase(0, 1);
  int base = 10;
  if (text.size() > 1 && text.front() == '0') {
    const char letter = static_cast<char>(text[1] | 0x20);
    base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
    text.erase(0, letter == 'x' || letter == 'b' || letter == 'o' ? 2 : 1);
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || end != text.data() + text.size()) return std::nullopt;
  constexpr std::uint64_t kHalf = 1ULL << 63;
  beyond = error == std::errc::result_out_of_range || value > (negative ? kHalf : kHalf - 1);
  if (error != std::errc() || (negative && beyond)) return std::nullopt;
  return static_cast<std::int64_t>(negative ? 0 - value : value);
}

std::optional<double> real(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), '_'), text.end());
  if (text.starts_with('+')) text.erase(0, 1);
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  const char* first = text.data() + (hex ? 2 : 0);
  double value = 0;
  const auto [end, error] = std::from_chars(first, text.data() + text.size(), value,
                                            hex ? std::chars_format::hex : std::chars_format::general);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

class Parser {
 public:
  Parser(std::string_view source, IsFunction is_function)
      : tokens_(tokens_of(source)), is_function_(is_function) {}

  Result<NodeRef> run() {
    auto root = node(NodeKind::list, peek());
    while (peek().kind != TokenKind::eof && !failed()) {
      NodeRef next = text_or_action();
      if (!failed() && (next->kind == NodeKind::end || next->kind == NodeKind::else_))
        fail("unexpected " + shown(*next));
      if (!failed()) root->children.push_back(std::move(next));
    }
    if (error_) return plain_error(Code::invalid_argument, *error_);
    return root;
  }

 private:
  // ---- tokens
  bool failed() const { return error_.has_value(); }
  NodeRef fail(const std::string& sentence) {
    const std::size_t line = tokens_[std::min(at_ == 0 ? 0 : at_ - 1, tokens_.size() - 1)].line;
    if (!failed()) error_ = "template: expansion:" + std::to_string(line) + ": " + sentence;
    return nullptr;
  }
  const Token& peek() const { return failed() ? kEnd : tokens_[std::min(at_, tokens_.size() - 1)]; }
  const Token& next() {
    const Token& token = peek();
    if (!failed()) ++at_;
    return token;
  }
  const Token& peek_word() {
    while (peek().kind == TokenKind::space) ++at_;
    return peek();
  }
  const Token& next_word() {
    peek_word();
    return next();
  }
  bool at_keyword(const char* word) { return peek_word().kind == TokenKind::keyword && peek().text == word; }
  NodeRef unexpected(const Token& token, const std::string& context) {
    if (token.kind == TokenKind::error) return fail(token.text + started(token));
    return fail("unexpected " + shown(token) + " in " + context);
  }
  std::string started(const Token& token) const {
    if (action_line_ == 0 || action_line_ == token.line) return {};
    const std::string where = " started at expansion:" + std::to_string(action_line_);
    return token.text.ends_with(" action") ? where : " in action" + where;
  }
  void expect_right(const std::string& context) {
    if (const Token& token = next_word(); token.kind != TokenKind::right) unexpected(token, context);
  }

  // ---- the grammar
  NodeRef text_or_action();
  NodeRef action();
  NodeRef control(NodeKind kind, const char* word);
  void branch(Node& control, const char* word, NodeRef list_end);
  NodeRef item_list(NodeRef& ended_by);
  NodeRef jump(NodeKind kind, const char* word);
  NodeRef else_or_end(bool is_else);
  NodeRef pipeline(const std::string& context, TokenKind end);
  void declarations(Node& pipe, const std::string& context);
  void declare(Node& pipe, const std::string& name) {
    pipe.names.push_back(name);
    variables_.push_back(name);
  }
  void check_pipeline(const Node& pipe, const std::string& context);
  NodeRef command();
  NodeRef operand();
  NodeRef term();
  NodeRef number(const Token& token);
  NodeRef literal(NodeKind kind, const Token& token, Value constant);
  NodeRef character(const Token& token);
  NodeRef string(const Token& token);
  NodeRef parenthesized();

  inline static const Token kEnd{};
  std::vector<Token> tokens_;
  std::size_t at_ = 0, action_line_ = 0;
  IsFunction is_function_;
  std::optional<std::string> error_;
  std::vector<std::string> variables_{"$"};
  int range_depth_ = 0, depth_ = 0;
};

NodeRef Parser::text_or_action() {
  const Token token = next_word();
  if (token.kind == TokenKind::text) return node(NodeKind::text, token);
  if (token.kind != TokenKind::left) return unexpected(token, "input");
  action_line_ = token.line;
  NodeRef out = action();
  action_line_ = 0;
  return out;
}

NodeRef Parser::action() {
  if (peek_word().kind == TokenKind::keyword) {
    const std::string word = next().text;
    if (word == "if") return control(NodeKind::if_, "if");
    if (word == "with") return control(NodeKind::with, "with");
    if (word == "range") return control(NodeKind::range, "range");
    if (word == "break") return jump(NodeKind::break_, "{{break}}");
    if (word == "continue") return jump(NodeKind::continue_, "{{continue}}");
    if (word == "end" || word == "else") return else_or_end(word == "else");
    return fail("{{" + word + "}} is not there in a placeholder: write its text where it is used");
  }
  auto out = node(NodeKind::action, peek());
  out->children.push_back(pipeline("command", TokenKind::right));
  return out;
}

NodeRef Parser::jump(NodeKind kind, const char* word) {
  auto out = node(kind, peek());
  expect_right(word);
  if (range_depth_ == 0) return fail(std::string(word) + " outside {{range}}");
  return out;
}

// "{{else if" is "{{else}}{{if", whose end both share.
NodeRef Parser::else_or_end(bool is_else) {
  auto out = node(is_else ? NodeKind::else_ : NodeKind::end, peek_word());
  if (is_else && (at_keyword("if") || at_keyword("with"))) return out;
  expect_right(is_else ? "else" : "end");
  return out;
}

NodeRef Parser::item_list(NodeRef& ended_by) {
  auto list = node(NodeKind::list, peek_word());
  while (peek_word().kind != TokenKind::eof && !failed()) {
    NodeRef item = text_or_action();
    if (failed()) return list;
    if (item->kind == NodeKind::end || item->kind == NodeKind::else_) {
      ended_by = std::move(item);
      return list;
    }
    list->children.push_back(std::move(item));
  }
  fail("unexpected EOF");
  return list;
}

NodeRef Parser::control(NodeKind kind, const char* word) {
  if (++depth_ > kMaxDepth) return fail("max expression depth exceeded");
  const std::size_t variables = variables_.size();
  auto out = node(kind, peek_word());
  out->children.push_back(pipeline(word, TokenKind::right));
  if (!failed()) out->pos = out->children.front()->pos;
  range_depth_ += kind == NodeKind::range;
  NodeRef ended_by;
  out->children.push_back(item_list(ended_by));
  range_depth_ -= kind == NodeKind::range;
  if (!failed() && ended_by->kind == NodeKind::else_) branch(*out, word, std::move(ended_by));
  variables_.resize(std::min(variables_.size(), variables));
  --depth_;
  return out;
}

void Parser::branch(Node& control, const char* word, NodeRef list_end) {
  if (control.kind != NodeKind::range && at_keyword(word)) {
    next();
    auto list = node(NodeKind::list, Token{TokenKind::left, list_end->pos, {}, 1});
    list->children.push_back(this->control(control.kind, word));
    return control.children.push_back(std::move(list));
  }
  NodeRef ended_by;
  control.children.push_back(item_list(ended_by));
  if (!failed() && ended_by->kind != NodeKind::end) fail("expected end; found " + shown(*ended_by));
}

// "$x := ", "$x = ", and "$i, $x := " of a range.
void Parser::declarations(Node& pipe, const std::string& context) {
  while (peek_word().kind == TokenKind::variable) {
    const std::size_t before = at_;
    const std::string name = next().text;
    const Token& after = peek_word();
    if (after.kind == TokenKind::assign || after.kind == TokenKind::declare) {
      pipe.assigns = next().kind == TokenKind::assign;
      return declare(pipe, name);
    }
    if (after.kind != TokenKind::other || after.text != ",") {
      at_ = failed() ? at_ : before;
      return;
    }
    next();
    declare(pipe, name);
    if (context != "range" || pipe.names.size() > 1) return void(fail("too many declarations in " + context));
    const TokenKind kind = peek_word().kind;
    if (kind != TokenKind::variable && kind != TokenKind::right && kind != TokenKind::right_paren)
      return void(fail("range can only initialize variables"));
  }
}

NodeRef Parser::pipeline(const std::string& context, TokenKind end) {
  auto pipe = node(NodeKind::pipe, peek_word());
  declarations(*pipe, context);
  while (!failed()) {
    const Token& token = peek_word();
    if (token.kind == end) {
      next();
      check_pipeline(*pipe, context);
      return pipe;
    }
    switch (token.kind) {
      case TokenKind::boolean:
      case TokenKind::character:
      case TokenKind::dot:
      case TokenKind::field:
      case TokenKind::identifier:
      case TokenKind::number:
      case TokenKind::nil:
      case TokenKind::raw_string:
      case TokenKind::string:
      case TokenKind::variable:
      case TokenKind::left_paren:
        pipe->children.push_back(command());
        break;
      default:
        unexpected(next(), context);
    }
  }
  return pipe;
}

void Parser::check_pipeline(const Node& pipe, const std::string& context) {
  if (pipe.children.empty()) return void(fail("missing value for " + context));
  constexpr NodeKind kValues[] = {NodeKind::boolean, NodeKind::dot, NodeKind::nil, NodeKind::number,
                                  NodeKind::string};
  for (std::size_t i = 1; i < pipe.children.size(); ++i)
    if (std::find(std::begin(kValues), std::end(kValues), pipe.children[i]->children.front()->kind) !=
        std::end(kValues))
      return void(fail("non executable command in pipeline stage " + std::to_string(i + 1)));
}

NodeRef Parser::command() {
  auto out = node(NodeKind::command, peek_word());
  while (!failed()) {
    peek_word();
    if (NodeRef word = operand()) out->children.push_back(std::move(word));
    const Token& token = peek();
    if (token.kind == TokenKind::space) continue;
    if (token.kind == TokenKind::pipe)
      next();
    else if (token.kind != TokenKind::right && token.kind != TokenKind::right_paren)
      unexpected(next(), "operand");
    break;
  }
  if (!failed() && out->children.empty()) fail("empty command");
  return out;
}

NodeRef Parser::operand() {
  NodeRef out = term();
  if (out == nullptr || failed() || peek().kind != TokenKind::field) return out;
  const std::size_t pos = peek().pos;
  std::vector<std::string> names;
  while (peek().kind == TokenKind::field) names.push_back(next().text.substr(1));
  switch (out->kind) {
    case NodeKind::field:
    case NodeKind::variable:
      break;
    case NodeKind::boolean:
    case NodeKind::string:
    case NodeKind::number:
    case NodeKind::nil:
    case NodeKind::dot:
      return fail("unexpected . after term " + quoted(shown(*out)));
    default:
      auto chain = node(NodeKind::chain, {});
      chain->children.push_back(std::move(out));
      out = std::move(chain);
  }
  out->pos = pos;
  out->names.insert(out->names.end(), names.begin(), names.end());
  return out;
}

NodeRef Parser::term() {
  const Token token = peek_word();
  NodeRef out;
  switch (token.kind) {
    case TokenKind::identifier:
      next();
      if (!is_function_(token.text)) return fail("function " + quoted(token.text) + " not defined");
      return node(NodeKind::identifier, token);
    case TokenKind::dot:
    case TokenKind::nil:
      next();
      return node(token.kind == TokenKind::dot ? NodeKind::dot : NodeKind::nil, token);
    case TokenKind::variable:
      next();
      if (std::find(variables_.begin(), variables_.end(), token.text) == variables_.end())
        return fail("undefined variable " + quoted(token.text));
      out = node(NodeKind::variable, token);
      out->names = {token.text};
      return out;
    case TokenKind::field:
      next();
      out = node(NodeKind::field, token);
      out->names = {token.text.substr(1)};
      return out;
    case TokenKind::boolean:
      next();
      return literal(NodeKind::boolean, token, token.text == "true");
    case TokenKind::character:
      return character(next());
    case TokenKind::number:
      return number(next());
    case TokenKind::string:
    case TokenKind::raw_string:
      return string(next());
    case TokenKind::left_paren:
      next();
      return parenthesized();
    default:
      return nullptr;
  }
}

NodeRef Parser::literal(NodeKind kind, const Token& token, Value constant) {
  auto out = node(kind, token);
  out->constant = std::move(constant);
  return out;
}

NodeRef Parser::parenthesized() {
  if (++depth_ > kMaxDepth) return fail("max expression depth exceeded");
  NodeRef out = pipeline("parenthesized pipeline", TokenKind::right_paren);
  --depth_;
  return out;
}

NodeRef Parser::string(const Token& token) {
  auto value = unquoted(token.text);
  if (!value) return fail("invalid syntax");
  return literal(NodeKind::string, token, text(std::move(*value)));
}

NodeRef Parser::character(const Token& token) {
  bool malformed = false;
  const auto value = unquoted_character(token.text, malformed);
  if (!value) return fail("invalid syntax");
  if (malformed) return fail("malformed character constant: " + token.text);
  return literal(NodeKind::number, token, static_cast<std::int64_t>(*value));
}

NodeRef Parser::number(const Token& token) {
  if (token.text.ends_with('i')) return fail("complex numbers are not there in a placeholder: " + token.text);
  bool beyond = false;
  const auto whole = integer(token.text, beyond);
  if (whole) return literal(NodeKind::number, token, beyond ? Value() : Value(*whole));
  const auto value = real(token.text);
  if (value && token.text.find_first_of(".eEpP") != std::string::npos)
    return literal(NodeKind::number, token, *value);
  return fail((value || beyond ? "integer overflow: " : "illegal number syntax: ") + quoted(token.text));
}

}  // namespace

Result<NodeRef> parse(std::string_view source, IsFunction is_function) {
  return Parser(source, is_function).run();
}

}  // namespace swarm::go_template
