#include "go_template/lexer.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "go_template/text_literal.hpp"

namespace swarm::go_template {
namespace {

constexpr std::string_view kLeft = "{{", kRight = "}}", kSpaces = " \t\r\n";
constexpr char kEnd = '\0';  // a real one is no character of a template's inside either

bool is_space(char c) { return c != kEnd && kSpaces.find(c) != std::string_view::npos; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
// Letters beyond ASCII count as letters: no name has any, so that they are an unknown name.
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
// "{{- ", and its mirror.
bool trims_left(std::string_view rest) { return rest.size() >= 2 && rest[0] == '-' && is_space(rest[1]); }
bool trims_right(std::string_view rest) { return rest.size() >= 2 && is_space(rest[0]) && rest[1] == '-'; }

std::string code_point(std::string_view at) {  // Go's %#U
  const char32_t rune = at.empty() ? 0xFFFFFFFF : first_rune(at).value;
  if (rune == 0xFFFFFFFF) return "U+FFFFFFFFFFFFFFFF";
  char out[24];
  std::snprintf(out, sizeof out, "U+%04X", static_cast<unsigned>(rune));
  return out + (is_printable(rune) ? " '" + utf8(rune) + "'" : std::string());
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}
  std::vector<Token> run() {
    while (!done_) inside_ ? in_action() : in_text();
    return std::move(out_);
  }

 private:
  std::string_view rest() const { return source_.substr(at_); }
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : kEnd;
  }
  bool at_end() const { return at_ >= source_.size(); }
  bool at_right(std::size_t ahead = 0) const {
    return at_ + ahead <= source_.size() && source_.substr(at_ + ahead).starts_with(kRight);
  }
  bool at_trimming_right() const { return trims_right(rest()) && at_right(2); }

  void skip() {  // what is up to here belongs to no token
    line_ += static_cast<std::size_t>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(start_),
                                                 source_.begin() + static_cast<std::ptrdiff_t>(at_), '\n'));
    start_ = at_;
  }
  void emit(TokenKind kind) {
    out_.push_back({kind, start_, std::string(source_.substr(start_, at_ - start_)), line_});
    skip();
  }
  void fail(std::string sentence) {
    out_.push_back({TokenKind::error, start_, std::move(sentence), line_});
    done_ = true;
  }
  void take_while(std::string_view set) {
    while (!at_end() && set.find(peek()) != std::string_view::npos) ++at_;
  }
  bool take(std::string_view set) {
    if (at_end() || set.find(peek()) == std::string_view::npos) return false;
    ++at_;
    return true;
  }

  void in_text();
  void left();
  void comment();
  void right();
  void in_action();
  void space();
  void word();
  void name(TokenKind kind, TokenKind alone);
  void quote(char end, TokenKind kind, const char* unterminated);
  bool scan_number();
  void number();
  bool ends_word() const;
  void single(TokenKind kind) {
    ++at_;
    emit(kind);
  }
  void paren(bool open);

  std::string_view source_;
  std::size_t at_ = 0, start_ = 0, line_ = 1;
  bool inside_ = false, done_ = false;
  int parens_ = 0;
  std::vector<Token> out_;
};

void Lexer::in_text() {
  const std::size_t open = source_.find(kLeft, at_);
  std::size_t end = std::min(open, source_.size());
  if (open != std::string_view::npos && trims_left(source_.substr(open + 2)))
    while (end > start_ && is_space(source_[end - 1])) --end;
  at_ = end;
  if (end > start_) emit(TokenKind::text);
  at_ = std::min(open, source_.size());
  skip();
  if (open != std::string_view::npos) return left();
  emit(TokenKind::eof);
  done_ = true;
}

void Lexer::left() {
  const std::size_t trim = trims_left(source_.substr(at_ + 2)) ? 2 : 0;
  if (source_.substr(at_ + 2 + trim).starts_with("/*")) {
    at_ += 2 + trim;
    skip();
    return comment();
  }
  at_ += 2;
  emit(TokenKind::left);
  at_ += trim;
  skip();
  inside_ = true;
  parens_ = 0;
}

void Lexer::comment() {
  const std::size_t close = source_.find("*/", at_ + 2);
  if (close == std::string_view::npos) return fail("unclosed comment");
  at_ = close + 2;
  const bool trims = at_trimming_right();
  if (!trims && !at_right()) return fail("comment ends before closing delimiter");
  at_ += trims ? 4 : 2;
  if (trims) take_while(kSpaces);
  skip();
}

void Lexer::right() {
  const bool trims = at_trimming_right();
  if (trims) at_ += 2;
  skip();
  at_ += 2;
  emit(TokenKind::right);
  if (trims) take_while(kSpaces);
  skip();
  inside_ = false;
}

void Lexer::in_action() {
  if (at_trimming_right() || at_right()) return parens_ == 0 ? right() : fail("unclosed left paren");
  if (at_end()) return fail("unclosed action");
  const char c = peek();
  if (is_space(c)) return space();
  if (c == '.' && !is_digit(peek(1))) return name(TokenKind::field, TokenKind::dot);
  if (c == '.' || c == '+' || c == '-' || is_digit(c)) return number();
  if (is_word(c)) return word();
  switch (c) {
    case '=':
      return single(TokenKind::assign);
    case ':':
      if (peek(1) != '=') return fail("expected :=");
      at_ += 2;
      return emit(TokenKind::declare);
    case '|':
      return single(TokenKind::pipe);
    case '"':
      return quote('"', TokenKind::string, "unterminated quoted string");
    case '`':
      return quote('`', TokenKind::raw_string, "unterminated raw quoted string");
    case '\'':
      return quote('\'', TokenKind::character, "unterminated character constant");
    case '$':
      return name(TokenKind::variable, TokenKind::variable);
    case '(':
    case ')':
      return paren(c == '(');
    default:
      if (c > ' ' && c < 0x7F) return single(TokenKind::other);
      fail("unrecognized character in action: " + code_point(rest()));
  }
}

void Lexer::paren(bool open) {
  parens_ += open ? 1 : -1;
  if (parens_ < 0) return fail("unexpected right paren");
  single(open ? TokenKind::left_paren : TokenKind::right_paren);
}

// The last space before "-}}" belongs to it.
void Lexer::space() {
  while (!at_end() && is_space(peek()) && !at_trimming_right()) ++at_;
  if (at_ > start_) emit(TokenKind::space);
}

bool Lexer::ends_word() const {
  const char c = peek();
  return at_end() || is_space(c) || std::string_view(".,|:)(").find(c) != std::string_view::npos ||
         at_right();
}

void Lexer::word() {
  constexpr std::string_view kKeywords[] = {"block", "break", "continue", "define",   "else",
                                            "end",   "if",    "range",    "template", "with"};
  while (is_word(peek())) ++at_;
  if (!ends_word()) return fail("bad character " + code_point(rest()));
  const std::string_view found = source_.substr(start_, at_ - start_);
  if (std::find(std::begin(kKeywords), std::end(kKeywords), found) != std::end(kKeywords))
    return emit(TokenKind::keyword);
  if (found == "true" || found == "false") return emit(TokenKind::boolean);
  emit(found == "nil" ? TokenKind::nil : TokenKind::identifier);
}

void Lexer::name(TokenKind kind, TokenKind alone) {
  ++at_;
  if (ends_word()) return emit(alone);
  while (is_word(peek())) ++at_;
  if (!ends_word()) return fail("bad character " + code_point(rest()));
  emit(kind);
}

void Lexer::quote(char end, TokenKind kind, const char* unterminated) {
  ++at_;
  const bool raw = end == '`';
  while (!at_end() && peek() != end) {
    const bool escape = !raw && peek() == '\\';
    if (!raw && (peek() == '\n' || (escape && (at_ + 1 >= source_.size() || peek(1) == '\n'))))
      return fail(unterminated);
    at_ += escape ? 2 : 1;
  }
  if (at_end()) return fail(unterminated);
  ++at_;
  emit(kind);
}

// Not perfect, as Go's is not: what is wrong is found when its value is read.
bool Lexer::scan_number() {
  take("+-");
  std::string_view digits = "0123456789_";
  if (take("0")) {
    if (take("xX")) {
      digits = "0123456789abcdefABCDEF_";
    } else if (take("oO")) {
      digits = "01234567_";
    } else if (take("bB")) {
      digits = "01_";
    }
  }
  take_while(digits);
  if (take(".")) take_while(digits);
  if ((digits.size() == 11 && take("eE")) || (digits.size() == 23 && take("pP"))) {
    take("+-");
    take_while("0123456789_");
  }
  take("i");
  if (!is_word(peek())) return true;
  at_ += first_rune(rest()).size;
  return false;
}

void Lexer::number() {
  const bool fine = scan_number();
  if (!fine) return fail("bad number syntax: " + quoted(source_.substr(start_, at_ - start_)));
  emit(TokenKind::number);
}

}  // namespace

std::vector<Token> tokens_of(std::string_view source) { return Lexer(source).run(); }

std::string shown(const Token& token) {
  if (token.kind == TokenKind::eof) return "EOF";
  if (token.kind == TokenKind::error) return token.text;
  const bool named =
      token.kind == TokenKind::keyword || token.kind == TokenKind::dot || token.kind == TokenKind::nil;
  if (named) return "<" + token.text + ">";
  if (token.text.size() <= 10) return quoted(token.text);
  std::string_view rest = token.text;
  std::size_t end = 0;
  for (int i = 0; i < 10 && end < rest.size(); ++i) end += first_rune(rest.substr(end)).size;
  return quoted(rest.substr(0, end)) + "...";
}

}  // namespace swarm::go_template
