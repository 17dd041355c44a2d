// JSON in and out, small: a Value that was parsed, and a Writer that appends to a string.
//
// Numbers keep what they are (int64, uint64 or double), objects the order of their keys. Keys are looked up
// as Go's decoder does: an exact match first, then one that differs in case only. NOT a general library: what
// Docker's API needs. Boost.JSON parses, in json_parse.cpp alone.
#pragma once

#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace swarm::docker {

class Value {
 public:
  using Items = std::vector<Value>;
  struct Member;
  using Members = std::vector<Member>;
  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, Items, Members> data;

  bool is_null() const { return data.index() == 0; }
  const Items* items() const { return std::get_if<Items>(&data); }
  const Members* members() const { return std::get_if<Members>(&data); }
  const std::string* text() const { return std::get_if<std::string>(&data); }
  // Null for an absent key, for a null, and for a value that is no object.
  const Value* find(std::string_view key) const;
  const char* kind() const;  // Go's word: "string", "number", "object", ...
  // The whole number that this is; nothing for other kinds and for fractions. Scripts send whole numbers as
  // floats ("Delay": 5e9): taken where a float is exact.
  std::optional<__int128> whole() const;
  std::string digits()
      const;  // of a number, with a blank in front; "" for one that is too large to be written
};

struct Value::Member {
  std::string key;
  Value value;
};

// Docker's texts for what is no JSON: "invalid JSON: ...", "unexpected content after JSON".
Result<Value> parse_json(std::string_view text);

class Json {
 public:
  template <class Body>
  Json& object(Body&& body) {
    open();
    body();
    return close();
  }
  template <class Body>
  Json& array(Body&& body) {
    begin('[');
    body();
    return end(']');
  }
  template <class Body>
  Json& object(std::string_view name, Body&& body) {
    key(name);
    return object(body);
  }
  template <class Body>
  Json& array(std::string_view name, Body&& body) {
    key(name);
    return array(body);
  }

  // An object whose members are written between the two.
  Json& open() { return begin('{'); }
  Json& close() { return end('}'); }
  // An array that is written in parts: begin_array(), values and take_part() in turn, end_array(), take().
  void begin_array() { begin('['); }
  void end_array() { end(']'); }
  std::string take_part() {
    in_list_ = !out_.empty() ? out_.back() != '[' : in_list_;
    return std::exchange(out_, {});
  }

  Json& key(std::string_view name);
  Json& value(std::string_view text);
  Json& value(const char* text) { return value(std::string_view(text)); }
  Json& value(const std::string& text) { return value(std::string_view(text)); }
  Json& value(bool flag) { return raw(flag ? "true" : "false"); }
  Json& value(std::int64_t number) { return integer(number); }
  Json& value(std::uint64_t number) { return integer(number); }
  Json& value(int number) { return integer(number); }
  Json& value(std::uint32_t number) { return integer(number); }
  Json& value(double number);
  Json& value(Duration duration) { return value(duration.ns); }
  Json& value(WallTime time) { return value(to_rfc3339(time)); }
  Json& value(const std::vector<std::string>& texts);
  Json& value(const std::map<std::string, std::string>& pairs);
  Json& raw(std::string_view json);  // a whole value, written already

  template <class T>
  Json& field(std::string_view name, const T& of) {
    return key(name).value(of);
  }
  Json& null(std::string_view name) { return key(name).raw("null"); }
  // Left out when empty, zero or false, as Go's omitempty does.
  template <class T>
  Json& field_if(std::string_view name, const T& of) {
    return of == T{} ? *this : field(name, of);
  }

  const std::string& str() const { return out_; }
  std::string take() { return std::move(out_); }  // all that is left

 private:
  template <class T>
  Json& integer(T number) {
    char text[24];
    const auto end = std::to_chars(text, text + sizeof text, number).ptr;
    return raw(std::string_view(text, static_cast<std::size_t>(end - text)));
  }
  Json& begin(char bracket);
  Json& end(char bracket);
  void separate();

  std::string out_;
  bool in_list_ = false;  // the part that was taken ends with a value
};

}  // namespace swarm::docker
