// The text form: one line, words with blanks between. A word in double quotes is never a keyword.
//
//     partition m1 | m2 m3 one-way        cut m1 -> m2 m3 (one way)       hold m1 <-> * (both ways)
//     disk m2 errors write=EIO after 3    image web:2 exit_code 1 after 1s
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/number.hpp"
#include "base/overloaded.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "faults/fault.hpp"
#include "faults/nearest.hpp"

namespace swarm::faults {
namespace {

struct Word {
  std::string text;
  bool quoted = false;
};

Error wrong(std::string what) { return plain_error(Code::invalid_argument, std::move(what)); }

Result<std::vector<Word>> words_of(std::string_view line) {
  std::vector<Word> words;
  for (std::size_t at = 0; at < line.size();) {
    if (line[at] == ' ' || line[at] == '\t') {
      ++at;
      continue;
    }
    Word word;
    if (line[at] == '"') {
      word.quoted = true;
      for (++at; at < line.size() && line[at] != '"'; ++at) {
        if (line[at] == '\\' && at + 1 < line.size()) ++at;
        word.text += line[at];
      }
      if (at == line.size()) return wrong("a quotation mark is not closed: " + std::string(line));
      ++at;
    } else {
      while (at < line.size() && line[at] != ' ' && line[at] != '\t' && line[at] != '"')
        word.text += line[at++];
    }
    words.push_back(std::move(word));
  }
  return words;
}

// Keys that stand in text; "one-way" is how people write it.
std::string shown_key(std::string_view key) { return key == "one_way" ? "one-way" : std::string(key); }
std::string key_of(std::string word) {
  std::replace(word.begin(), word.end(), '-', '_');
  return word;
}

bool is_plain(const std::string& text) {
  static const std::string kMarks = "_.:/@*+-=,";
  return !text.empty() && text.front() != '-' && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string::npos;
  });
}

// Would this word be read as something else than a name?
bool is_keyword(const Word& word, Kind kind) {
  if (word.quoted) return false;
  if (word.text == "at" || word.text == "for" || word.text == "|" || word.text == "->" || word.text == "<->")
    return true;
  const Parameter* parameter = find_parameter(kind, key_of(word.text));
  return parameter != nullptr && parameter->place == Place::keyed;
}

std::string name_text(const std::string& name, Kind kind) {
  if (is_plain(name) && !is_keyword({name, false}, kind)) return name;
  std::string text = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + "\"";
}

// ---- reading

class Reader {
 public:
  Reader(std::vector<Word> words, Kind kind) : words_(std::move(words)) { fault_.kind = kind; }

  Result<Fault> read() {
    if (const auto first = places(); !first) return first.error();
    while (!over())
      if (const auto one = keyed(); !one) return one.error();
    if (const auto fits = check(fault_); !fits) return fits.error();
    return fault_;
  }

 private:
  bool over() const { return at_ == words_.size(); }
  bool sees(std::string_view mark) const {
    return !over() && !words_[at_].quoted && words_[at_].text == mark;
  }
  std::string what() const { return std::string(word(fault_.kind)); }

  Names names() {
    Names names;
    while (!over() && !is_keyword(words_[at_], fault_.kind)) names.push_back(words_[at_++].text);
    return names;
  }

  Result<void> places() {
    for (const auto& parameter : parameters(fault_.kind)) {
      if (parameter.place == Place::word) {
        if (over() || is_keyword(words_[at_], fault_.kind))
          return wrong(what() + ": it wants " + std::string(parameter.key));
        if (const auto taken = take(parameter, words_[at_++].text); !taken) return taken;
      } else if (parameter.place == Place::link) {
        return link();
      } else if (parameter.place == Place::sides) {
        return sides();
      }
    }
    return {};
  }

  Result<void> link() {
    fault_.set("from", names());
    const bool both = sees("<->");
    if (!both && !sees("->")) return wrong(what() + ": it wants a link: m1 -> m2 (one way) or m1 <-> m2");
    ++at_;
    fault_.set("to", names());
    fault_.set("both", both);
    return {};
  }

  Result<void> sides() {
    Groups groups{names()};
    while (sees("|")) {
      ++at_;
      groups.push_back(names());
    }
    if (groups.size() == 1 && groups.front().empty())
      return wrong(what() + ": it wants a node, leader, minority, or sides: m1 | m2 m3");
    fault_.set("groups", std::move(groups));
    return {};
  }

  Result<void> keyed() {
    const Word word = words_[at_++];
    const std::string key = word.quoted ? "" : key_of(word.text);
    if (key == "at" || key == "for") {
      if (!said_.insert(key).second) return twice(key);
      const auto span = over() ? std::nullopt : parse_duration(words_[at_].text);
      if (!span) return wrong(what() + ": " + key + " wants a duration (80ms, 1m30s)");
      ++at_;
      (key == "at" ? fault_.at : fault_.lasts) = span;
      return {};
    }
    const Parameter* parameter = find_parameter(fault_.kind, key);
    if (parameter == nullptr || parameter->place != Place::keyed) return strange(word.text);
    if (!said_.insert(key).second) return twice(word.text);
    if (parameter->type == Type::flag) {
      const bool no = sees("false");
      if (no || sees("true")) ++at_;
      fault_.set(key, !no);
      return {};
    }
    if (over()) return wrong(what() + ": " + key + " wants a value");
    return take(*parameter, words_[at_++].text);
  }

  Error twice(const std::string& key) const { return wrong(what() + ": " + key + " is said twice"); }

  Error strange(const std::string& text) const {
    std::vector<std::string> known;
    for (const auto& one : parameters(fault_.kind))
      if (one.place == Place::keyed) known.push_back(shown_key(one.key));
    known.insert(known.end(), {"at", "for"});
    return unknown("argument of " + what(), text, known);
  }

  Result<void> take(const Parameter& parameter, const std::string& text) {
    const std::string key(parameter.key);
    const auto bad = [&](const char* wanted) {
      return wrong(what() + ": " + key + " wants " + wanted + ", not \"" + text + "\"");
    };
    if (parameter.type == Type::name) {
      fault_.set(key, text);
    } else if (parameter.type == Type::count) {
      const auto number = parse_whole<std::int64_t>(text);
      if (!number) return bad("a whole number");
      fault_.set(key, *number);
    } else if (parameter.type == Type::span) {
      const auto span = parse_duration(text);
      if (!span) return bad("a duration (80ms, 1m30s)");
      fault_.set(key, *span);
    } else if (parameter.type == Type::ratio) {
      const auto number = parse_decimal(text, 6);
      if (!number) return bad("a number from 0 to 1, of six places at most");
      fault_.set(key, Ratio{*number});
    } else if (parameter.type == Type::factor) {
      const auto number = parse_decimal(text, 9);
      if (!number) return bad("a number, of nine places at most");
      fault_.set(key, Factor{*number});
    } else {
      return errnos(text);
    }
    return {};
  }

  Result<void> errnos(std::string_view text) {
    Errnos errors;
    while (!text.empty()) {
      const auto comma = text.find(',');
      const std::string_view pair = text.substr(0, comma);
      const auto equals = pair.find('=');
      if (equals == std::string_view::npos)
        return wrong(what() + ": errors wants OPERATION=ERROR (write=EIO,fsync=ENOSPC)");
      errors[std::string(pair.substr(0, equals))] = std::string(pair.substr(equals + 1));
      text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    }
    fault_.set("errors", std::move(errors));
    return {};
  }

  std::vector<Word> words_;
  std::size_t at_ = 1;
  std::set<std::string> said_;  // its keys so far
  Fault fault_;
};

// ---- writing

std::string joined(const Names& names, Kind kind) {
  std::string text;
  for (const auto& name : names) text += " " + name_text(name, kind);
  return text;
}

std::string pairs_text(const Errnos& errors) {
  std::string pairs;
  for (const auto& [operation, error] : errors) pairs += (pairs.empty() ? "" : ",") + operation + "=" + error;
  return pairs;
}

// Flags, names and groups have a place of their own in a line: see to_text and places_text.
std::string value_text(const Argument& value, Kind kind) {
  return std::visit(Overloaded{
                        [](std::int64_t count) { return std::to_string(count); },
                        [](Duration span) { return to_string(span); },
                        [](const Ratio& ratio) { return decimal(ratio.millionths, 6); },
                        [](const Factor& factor) { return decimal(factor.billionths, 9); },
                        [&](const std::string& text) { return name_text(text, kind); },
                        [](const Errnos& errors) { return pairs_text(errors); },
                        [](bool) { return std::string(); },
                        [](const Names&) { return std::string(); },
                        [](const Groups&) { return std::string(); },
                    },
                    value);
}

std::string places_text(const Fault& fault) {
  if (fault.kind == Kind::partition) {
    const auto* groups = fault.find<Groups>("groups");
    if (groups == nullptr) return " " + name_text(fault.text("of"), fault.kind);
    std::string text;
    for (const Names& group : *groups) text += (text.empty() ? "" : " |") + joined(group, fault.kind);
    return text;
  }
  if (find_parameter(fault.kind, "from") == nullptr) return {};
  return joined(fault.names("from"), fault.kind) + (fault.flag("both", true) ? " <->" : " ->") +
         joined(fault.names("to"), fault.kind);
}

}  // namespace

Result<Fault> parse(std::string_view line) {
  auto words = words_of(line);
  if (!words) return words.error();
  if (words->empty()) {
    Error error = wrong("an empty line is no fault");
    error.hint = did_you_mean("", kind_words());
    return error;
  }
  const auto kind = kind_of(words->front().text);
  if (!kind) return unknown("fault", words->front().text, kind_words());
  return Reader(std::move(*words), *kind).read();
}

std::string to_text(const Fault& fault) {
  std::string text = std::string(word(fault.kind)) + places_text(fault);
  for (const auto& parameter : parameters(fault.kind)) {
    const auto it = fault.arguments.find(parameter.key);
    if (it == fault.arguments.end() || parameter.place == Place::link || parameter.place == Place::sides)
      continue;
    const bool* flag = std::get_if<bool>(&it->second);
    if (parameter.place == Place::keyed) text += " " + shown_key(parameter.key);
    if (flag == nullptr) text += " " + value_text(it->second, fault.kind);
    if (flag != nullptr && !*flag) text += " false";
  }
  if (fault.at) text += " at " + to_string(*fault.at);
  if (fault.lasts) text += " for " + to_string(*fault.lasts);
  return text;
}

}  // namespace swarm::faults
