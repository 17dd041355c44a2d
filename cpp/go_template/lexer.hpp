// The words of a template (text/template/parse/lex.go): text outside of `{{ }}`, tokens inside.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace swarm::go_template {

enum class TokenKind : std::uint8_t {
  error,  // `text` is the sentence; nothing follows
  eof,
  text,
  left,   // {{
  right,  // }}
  space,
  boolean,
  character,  // 'a'
  number,
  string,      // "..."
  raw_string,  // `...`
  identifier,
  field,     // .Name
  variable,  // $name
  assign,    // =
  declare,   // :=
  pipe,
  left_paren,
  right_paren,
  other,  // a character that stands for itself
  dot,
  nil,
  keyword,  // if, else, end, range, with, break, continue, define, template, block
};

struct Token {
  TokenKind kind = TokenKind::eof;
  std::size_t pos = 0;  // byte in the template
  std::string text;
  std::size_t line = 1;
};

// Ends with a token `eof` or `error`.
std::vector<Token> tokens_of(std::string_view source);
// As errors name it: "\"}\"", "<end>", "EOF".
std::string shown(const Token& token);

}  // namespace swarm::go_template
