// What a struct's fields are, said once: one row per field with the member, its field in the protobuf
// message, its key in Docker's JSON and when the JSON leaves it out. From the rows come the conversions to
// and from protobuf (codec/described.hpp), to and from JSON (docker/described.hpp), full random values for
// tests (codec/test_full_values.hpp) and the words that say in what two values differ (model/difference.cpp).
//
//   template <>
//   struct Description<Ulimit> {
//     static void each(auto& of, auto& row) {
//       SWARM_ROW(name, always("Name"));
//       SWARM_ROW(soft, always("Soft"));
//       SWARM_ROW(hard, always("Hard"));
//     }
//   };
//
// `each` calls row(member, message field, name, rule) for each field of `of`. The rows stand in the order of
// the JSON; protobuf writes by number, whatever the order. A row without a rule is no part of Docker's JSON;
// what the JSON has beside the fields stands between them (SWARM_SHOW, SWARM_PLACE).
//
// NOT here: protobuf and JSON themselves. The message's accessors stand in generic lambdas, which only the
// codec instantiates; a rule is a type, which only cpp/docker gives its meaning.
#pragma once

#include <string_view>
#include <utility>

namespace swarm::model {

template <class T>
struct Description;

template <class T>
concept Described = requires {
  sizeof(Description<T>);
};

#define SWARM_DESCRIBE(Type)           \
  template <>                          \
  struct Description<Type> {           \
    static void each SWARM_OF_AND_ROW; \
  };                                   \
  void Description<Type>::each SWARM_OF_AND_ROW
#define SWARM_OF_AND_ROW ([[maybe_unused]] auto& of, auto& row)

// Describes a struct that no JSON shows: by its fields' names alone.
#define SWARM_FIELDS(Type, ...) \
  SWARM_DESCRIBE(Type) { SWARM_EXPAND(SWARM_NEXT_ROW(__VA_ARGS__)) }
// One row per name. SWARM_EXPAND scans its text 64 times, which bounds the number of names.
#define SWARM_NEXT_ROW(member, ...) \
  SWARM_ROW(member);                \
  __VA_OPT__(SWARM_NEXT_ROW_AGAIN SWARM_PARENTHESES(__VA_ARGS__))
#define SWARM_NEXT_ROW_AGAIN() SWARM_NEXT_ROW
#define SWARM_PARENTHESES ()
#define SWARM_EXPAND(...) SWARM_EXPAND_16(SWARM_EXPAND_16(SWARM_EXPAND_16(SWARM_EXPAND_16(__VA_ARGS__))))
#define SWARM_EXPAND_16(...) SWARM_EXPAND_4(SWARM_EXPAND_4(SWARM_EXPAND_4(SWARM_EXPAND_4(__VA_ARGS__))))
#define SWARM_EXPAND_4(...) SWARM_EXPAND_1(SWARM_EXPAND_1(SWARM_EXPAND_1(SWARM_EXPAND_1(__VA_ARGS__))))
#define SWARM_EXPAND_1(...) __VA_ARGS__

// ---- the field of the message

enum class Access { get, set, change, has };

// For a value without a message field of its own: its parts are fields of the enclosing message.
struct SpreadOut {};

#define SWARM_MESSAGE_FIELD(field)                                                                       \
  []<::swarm::model::Access access>(auto& message, [[maybe_unused]] auto&&... value) -> decltype(auto) { \
    using enum ::swarm::model::Access;                                                                   \
    if constexpr (access == get) {                                                                       \
      return message.field();                                                                            \
    } else if constexpr (access == set) {                                                                \
      return message.set_##field(std::forward<decltype(value)>(value)...);                               \
    } else if constexpr (access == change) {                                                             \
      return message.mutable_##field();                                                                  \
    } else {                                                                                             \
      return message.has_##field();                                                                      \
    }                                                                                                    \
  }

#define SWARM_ROW(member, ...) \
  row(of.member, SWARM_MESSAGE_FIELD(member), #member, ::swarm::model::rule_of(__VA_ARGS__))
#define SWARM_ROW_SPREAD(member, ...) \
  row(of.member, ::swarm::model::SpreadOut{}, #member, ::swarm::model::rule_of(__VA_ARGS__))

// A number that is left out while it has its usual value. Data from before the field existed reads as that
// value.
template <auto kUsual, class Field>
struct WrittenUnless {
  template <Access access>
  decltype(auto) operator()(auto& message) const {
    if constexpr (access != Access::get) {
      return Field{}.template operator()<access>(message);
    } else {
      const auto written = Field{}.template operator()<access>(message);
      return written == 0 ? kUsual : written;
    }
  }
  template <Access access, class T>
  void operator()(auto& message, T value) const {
    if (value != kUsual) Field{}.template operator()<access>(message, value);
  }
};
#define SWARM_ROW_UNLESS(member, usual, ...)                                                             \
  row(of.member, ::swarm::model::WrittenUnless<usual, decltype(SWARM_MESSAGE_FIELD(member))>{}, #member, \
      ::swarm::model::rule_of(__VA_ARGS__))

// ---- the rule of the JSON

// "Parent.Key": the key is in an object of its own, which is always there.
struct Key {
  std::string_view parent, name;
  consteval Key(const char* path) : parent(), name(path) {
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos) return;
    parent = name.substr(0, dot);
    name = name.substr(dot + 1);
  }
};

struct Hidden {};  // no part of the JSON
struct Flat {};    // its fields stand beside those of the struct that it is part of
// Left out when it is empty, zero or false, as Go's omitempty does. An empty struct is left out of the
// message, too.
struct Omitted {
  Key key;
};
struct Always {
  Key key;
};
struct Shown {  // always, and never read: the swarm sets it
  Key key;
};
struct Required {  // a word: an empty one is refused, too
  Key key;
};
struct OrNull {  // an optional: null when it is absent
  Key key;
};
struct Boxed {  // an optional: present if the parent object is; that may be empty
  Key key;
};
// Shown in a way of its own (docker/odd_fields.hpp).
template <class Way>
struct Odd {
  Key key;
};

inline constexpr Flat flat{};
consteval Omitted omit(Key key) { return {key}; }
consteval Always always(Key key) { return {key}; }
consteval Shown shown(Key key) { return {key}; }
consteval Required required(Key key) { return {key}; }
consteval OrNull or_null(Key key) { return {key}; }
consteval Boxed boxed(Key key) { return {key}; }
template <class Way>
consteval Odd<Way> as(Key key) {
  return {key};
}

consteval Hidden rule_of() { return {}; }
template <class Rule>
consteval Rule rule_of(Rule rule) {
  return rule;
}

// ---- members of the JSON that are no fields

// Only JSON that is written has them. `value` may speak of `of`: a part of a field, or what is made of
// several; or it is the same in every object.
#define SWARM_SHOW(path, value) \
  ::swarm::model::show(row, ::swarm::model::Key(path), [&]() -> decltype(auto) { return (value); })
// What the object itself does not know. A writer that does not, either, leaves it out.
#define SWARM_PLACE(name) ::swarm::model::place(row, name)

template <class Row, class Value>
void show([[maybe_unused]] Row& row, [[maybe_unused]] const Key& key, [[maybe_unused]] Value value) {
  if constexpr (requires { row.show(key, value()); }) row.show(key, value());
}
template <class Row>
void place([[maybe_unused]] Row& row, [[maybe_unused]] std::string_view name) {
  if constexpr (requires { row.place(name); }) row.place(name);
}

// ---- alternatives

// Names the message field of an alternative of a variant: one line each, SWARM_CASE(Action, Put, put). An
// alternative without its line does not compile. `Of` is the variant, or the struct that holds it:
// SWARM_CASE(Put, Node, node).
template <class Of, class T>
struct Case;
struct Put;

#define SWARM_CASE(Of, Type, field)                        \
  template <>                                              \
  struct Case<Of, Type> {                                  \
    static constexpr auto of = SWARM_MESSAGE_FIELD(field); \
  };

}  // namespace swarm::model
