#include "go_template/print.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "go_template/text_literal.hpp"
#include "go_template/value.hpp"

namespace swarm::go_template {
namespace {

constexpr std::int64_t kMaxWidth = 1'000'000;  // as in Go

struct Verb {
  char32_t letter = 'v';
  bool minus = false, plus = false, sharp = false, space = false, zero = false;
  std::optional<std::int64_t> width, precision;
};

std::string padded(std::string text, const Verb& verb, bool zero) {
  const auto size = static_cast<std::int64_t>(count_runes(text));
  if (!verb.width || *verb.width <= size) return text;
  const auto missing =
      std::min(static_cast<std::size_t>(*verb.width - size), kMaxText);  // no need for more than is kept
  if (verb.minus) return text + std::string(missing, ' ');
  return std::string(missing, zero ? '0' : ' ') + text;
}

std::string bad_verb(const Verb& verb, const Value& value);
std::string formatted(const Verb& verb, const Value& value, bool nested);

// ---- numbers

std::string signed_text(bool negative, const Verb& verb, std::string digits) {
  const std::string sign = negative ? "-" : verb.plus ? "+" : verb.space ? " " : "";
  const bool zero = verb.zero && !verb.minus && !verb.precision;
  if (zero && verb.width && *verb.width > static_cast<std::int64_t>(sign.size() + digits.size()))
    digits.insert(0, std::min(static_cast<std::size_t>(*verb.width) - sign.size() - digits.size(), kMaxText),
                  '0');
  return padded(sign + digits, verb, false);
}

std::string in_base(std::int64_t number, const Verb& verb, int base, const char* prefix, bool upper) {
  const std::uint64_t size =
      number < 0 ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
  char raw[72];
  const auto [end, error] = std::to_chars(raw, raw + sizeof raw, size, base);
  std::string digits(raw, end);
  if (upper)
    std::transform(digits.begin(), digits.end(), digits.begin(),
                   [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; });
  if (verb.precision && static_cast<std::int64_t>(digits.size()) < *verb.precision)
    digits.insert(0, std::min(static_cast<std::size_t>(*verb.precision) - digits.size(), kMaxText), '0');
  return signed_text(number < 0, verb, prefix + digits);
}

std::string code_point(std::int64_t number, const Verb& verb) {  // %U
  const auto rune = static_cast<char32_t>(number);
  char raw[20];
  const auto [end, error] = std::to_chars(raw, raw + sizeof raw, static_cast<std::uint32_t>(rune), 16);
  std::string digits(raw, end);
  for (char& c : digits) c = c >= 'a' ? static_cast<char>(c - 32) : c;
  if (digits.size() < 4) digits.insert(0, 4 - digits.size(), '0');
  const bool shown = verb.sharp && is_printable(rune);
  return padded("U+" + digits + (shown ? " '" + utf8(rune) + "'" : ""), verb, false);
}

std::string format_integer(const Verb& verb, std::int64_t number) {
  switch (verb.letter) {
    case 'v':
    case 'd':
      return in_base(number, verb, 10, "", false);
    case 'b':
      return in_base(number, verb, 2, verb.sharp ? "0b" : "", false);
    case 'o':
      return in_base(number, verb, 8, verb.sharp ? "0" : "", false);
    case 'O':
      return in_base(number, verb, 8, "0o", false);
    case 'x':
      return in_base(number, verb, 16, verb.sharp ? "0x" : "", false);
    case 'X':
      return in_base(number, verb, 16, verb.sharp ? "0X" : "", true);
    case 'c':
      return padded(utf8(static_cast<char32_t>(number)), verb, verb.zero);
    case 'q':
      return padded(quoted(utf8(static_cast<char32_t>(number)), '\'', verb.plus), verb, verb.zero);
    case 'U':
      return code_point(number, verb);
    default:
      return bad_verb(verb, number);
  }
}

// "1.5e+10" as C++ writes it is as Go does; the shortest %g turns to an exponent at other places.
std::string real_digits(double size, char32_t letter, std::optional<std::int64_t> precision) {
  char raw[512];
  const auto places = static_cast<int>(std::min<std::int64_t>(precision.value_or(6), 100));
  std::to_chars_result result{};
  if (letter == 'e' || letter == 'E') {
    result = std::to_chars(raw, raw + sizeof raw, size, std::chars_format::scientific, places);
  } else if (letter == 'f' || letter == 'F') {
    result = std::to_chars(raw, raw + sizeof raw, size, std::chars_format::fixed, places);
  } else if (precision) {
    result = std::to_chars(raw, raw + sizeof raw, size, std::chars_format::general, places);
  } else {
    const bool exponent = size != 0 && (size < 1e-4 || size >= 1e6);
    result = std::to_chars(raw, raw + sizeof raw, size,
                           exponent ? std::chars_format::scientific : std::chars_format::fixed);
  }
  return result.ec == std::errc() ? std::string(raw, result.ptr) : std::string("?");
}

std::string format_real(const Verb& verb, double number) {
  constexpr std::u32string_view kVerbs = U"veEfFgG";
  if (kVerbs.find(verb.letter) == std::u32string_view::npos) return bad_verb(verb, number);
  const bool negative = number < 0;
  std::string digits = real_digits(negative ? -number : number, verb.letter, verb.precision);
  if (verb.letter == 'E' || verb.letter == 'G') std::replace(digits.begin(), digits.end(), 'e', 'E');
  Verb sized = verb;
  sized.precision.reset();
  return signed_text(negative, sized, std::move(digits));
}

// ---- texts

std::string hexadecimal(std::string_view text, const Verb& verb) {
  const char* digits = verb.letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
  const std::string prefix = verb.sharp ? (verb.letter == 'X' ? "0X" : "0x") : "";
  std::string out;
  for (const char c : text) {
    if (out.empty() || verb.space) out += (out.empty() ? "" : " ") + prefix;
    const auto byte = static_cast<unsigned char>(c);
    out += {digits[byte >> 4], digits[byte & 15]};
  }
  return out;
}

std::string_view cut(std::string_view text, const Verb& verb) {
  std::size_t end = 0;
  for (std::int64_t i = 0; i < verb.precision.value_or(0) && end < text.size(); ++i)
    end += first_rune(text.substr(end)).size;
  return text.substr(0, end);
}

std::string format_text(const Verb& verb, std::string_view text) {
  const bool hex = verb.letter == 'x' || verb.letter == 'X';
  if (verb.precision)
    text = hex ? text.substr(0, static_cast<std::size_t>(*verb.precision)) : cut(text, verb);
  const bool zero = verb.zero && !verb.minus;
  if (hex) return padded(hexadecimal(text, verb), verb, zero);
  const bool go_syntax = verb.letter == 'v' && verb.sharp;
  if (verb.letter == 'q' || go_syntax) {
    const bool raw = !go_syntax && verb.sharp && text.find('`') == std::string_view::npos;
    return padded(raw ? "`" + std::string(text) + "`" : quoted(text, '"', verb.plus), verb, zero);
  }
  if (verb.letter != 'v' && verb.letter != 's') return bad_verb(verb, go_template::text(std::string(text)));
  return padded(std::string(text), verb, zero);
}

// ---- what holds others

std::string format_map(const Verb& verb, const std::map<std::string, std::string>& map) {
  const bool go_syntax = verb.letter == 'v' && verb.sharp;
  std::string out;
  for (const auto& [key, entry] : map) {
    if (!out.empty()) out += go_syntax ? ", " : " ";
    out += formatted(verb, text(key), true) + ":" + formatted(verb, text(entry), true);
  }
  return go_syntax ? "map[string]string{" + out + "}" : "map[" + out + "]";
}

std::string format_struct(const Verb& verb, const Struct& of, bool nested) {
  const bool go_syntax = verb.letter == 'v' && verb.sharp,
             names = verb.letter == 'v' && (verb.plus || verb.sharp);
  std::string out;
  for (const Field& field : of.fields) {
    if (!out.empty()) out += go_syntax ? ", " : " ";
    out += (names ? field.name + ":" : "") + formatted(verb, field.value, true);
  }
  Struct plain{of.type, false, {}};
  plain.fields = of.fields;
  const std::string type = go_syntax ? type_name(std::make_shared<const Struct>(std::move(plain))) : "";
  return (of.pointer && !nested ? "&" : "") + type + "{" + out + "}";
}

std::string bad_verb(const Verb& verb, const Value& value) {
  const std::string start = "%!" + utf8(verb.letter) + "(";
  if (is_nil(value)) return start + "<nil>)";
  return start + type_name(value) + "=" + formatted(Verb{}, value, false) + ")";
}

std::string formatted(const Verb& verb, const Value& value, bool nested) {
  if (verb.letter == 'T') return padded(is_nil(value) ? "<nil>" : type_name(value), verb, false);
  if (is_nil(value)) return verb.letter == 'v' ? padded("<nil>", verb, false) : bad_verb(verb, value);
  if (const auto* flag = std::get_if<bool>(&value)) {
    if (verb.letter != 'v' && verb.letter != 't') return bad_verb(verb, value);
    return padded(*flag ? "true" : "false", verb, verb.zero);
  }
  if (const auto* number = std::get_if<std::int64_t>(&value)) return format_integer(verb, *number);
  if (const auto* number = std::get_if<double>(&value)) return format_real(verb, *number);
  if (const std::string* of = as_text(value)) return format_text(verb, *of);
  if (const auto* map = std::get_if<Map>(&value)) return format_map(verb, **map);
  return format_struct(verb, *std::get<StructRef>(value), nested);
}

// ---- fmt.Sprintf

class Formatter {
 public:
  Formatter(std::string_view format, const std::vector<Value>& values) : rest_(format), values_(values) {}

  std::string run() {
    while (!rest_.empty() && out_.size() < kMaxText) {
      const std::size_t percent = std::min(rest_.find('%'), rest_.size());
      out_ += rest_.substr(0, percent);
      rest_.remove_prefix(percent);
      if (!rest_.empty()) directive();
    }
    if (!reordered_ && next_ < values_.size() && rest_.empty()) extra();
    if (out_.size() > kMaxText) out_.resize(kMaxText);
    return std::move(out_);
  }

 private:
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // -1: none is there.
  std::int64_t number() {
    if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') return -1;
    std::int64_t value = 0;
    for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; rest_.remove_prefix(1))
      value = std::min<std::int64_t>(value * 10 + (rest_.front() - '0'), kMaxWidth + 1);
    return value;
  }
  // "[2]": which value comes next, from 1.
  void index() {
    if (!rest_.starts_with('[')) return;
    reordered_ = true;
    const std::size_t close = rest_.find(']');
    if (close == std::string_view::npos) {
      bad_index_ = true;
      rest_.remove_prefix(1);
      return;
    }
    std::string_view after = rest_.substr(close + 1);
    rest_ = rest_.substr(1, close - 1);
    const std::int64_t wanted = number();
    bad_index_ |= wanted < 1 || !rest_.empty() || static_cast<std::size_t>(wanted) > values_.size();
    if (!bad_index_) next_ = static_cast<std::size_t>(wanted) - 1;
    after_index_ = true;
    rest_ = after;
  }
  std::optional<std::int64_t> from_value(const char* complaint) {
    const auto* number = next_ < values_.size() ? std::get_if<std::int64_t>(&values_[next_]) : nullptr;
    if (next_ < values_.size()) ++next_;
    after_index_ = false;
    if (number != nullptr && *number >= -kMaxWidth && *number <= kMaxWidth) return *number;
    out_ += complaint;
    return std::nullopt;
  }
  void flags(Verb& verb) {
    while (true) {
      if (take('-'))
        verb.minus = true;
      else if (take('+'))
        verb.plus = true;
      else if (take('#'))
        verb.sharp = true;
      else if (take(' '))
        verb.space = true;
      else if (take('0'))
        verb.zero = true;
      else
        return;
    }
  }
  void width(Verb& verb) {
    index();
    if (take('*')) {
      verb.width = from_value("%!(BADWIDTH)");
      if (verb.width && *verb.width < 0) verb.minus = true, verb.width = -*verb.width;
    } else if (const std::int64_t said = number(); said >= 0) {
      bad_index_ |= after_index_;
      if (said <= kMaxWidth)
        verb.width = said;
      else
        out_ += "%!(BADWIDTH)";
    }
  }
  void precision(Verb& verb) {
    if (!take('.')) return;
    bad_index_ |= after_index_;
    index();
    if (take('*')) {
      verb.precision = from_value("%!(BADPREC)");
      if (verb.precision && *verb.precision < 0) verb.precision.reset(), out_ += "%!(BADPREC)";
    } else if (const std::int64_t said = std::max<std::int64_t>(number(), 0); said <= kMaxWidth) {
      verb.precision = said;
    } else {
      out_ += "%!(BADPREC)";
    }
  }
  void directive() {
    rest_.remove_prefix(1);
    Verb verb;
    bad_index_ = after_index_ = false;
    flags(verb);
    width(verb);
    precision(verb);
    if (!after_index_) index();
    if (rest_.empty()) {
      out_ += "%!(NOVERB)";
      return;
    }
    const Rune rune = first_rune(rest_);
    verb.letter = rune.value;
    rest_.remove_prefix(rune.size);
    value(verb);
  }
  void value(const Verb& verb) {
    if (verb.letter == '%') {
      out_ += '%';
    } else if (bad_index_) {
      out_ += "%!" + utf8(verb.letter) + "(BADINDEX)";
    } else if (next_ >= values_.size()) {
      out_ += "%!" + utf8(verb.letter) + "(MISSING)";
    } else {
      out_ += formatted(verb, values_[next_++], false);
    }
  }
  void extra() {
    out_ += "%!(EXTRA ";
    for (std::size_t i = next_; i < values_.size(); ++i) {
      const Value& value = values_[i];
      out_ += (i == next_ ? "" : ", ") +
              (is_nil(value) ? "<nil>" : type_name(value) + "=" + formatted(Verb{}, value, false));
    }
    out_ += ")";
  }

  std::string_view rest_;
  const std::vector<Value>& values_;
  std::size_t next_ = 0;
  bool reordered_ = false, bad_index_ = false, after_index_ = false;
  std::string out_;
};

}  // namespace

std::string printed(const Value& value) {
  return is_nil(value) ? "<no value>" : formatted(Verb{}, value, std::holds_alternative<StructRef>(value));
}

// Spaces between operands when neither is a string.
std::string print(const std::vector<Value>& values) {
  std::string out;
  for (std::size_t i = 0; i < values.size() && out.size() <= kMaxText; ++i) {
    if (i > 0 && as_text(values[i]) == nullptr && as_text(values[i - 1]) == nullptr) out += ' ';
    out += formatted(Verb{}, values[i], false);
  }
  return out;
}

std::string println(const std::vector<Value>& values) {
  std::string out;
  for (std::size_t i = 0; i < values.size() && out.size() <= kMaxText; ++i)
    out += (i > 0 ? " " : "") + formatted(Verb{}, values[i], false);
  return out + "\n";
}

std::string printf(std::string_view format, const std::vector<Value>& values) {
  return Formatter(format, values).run();
}

}  // namespace swarm::go_template
