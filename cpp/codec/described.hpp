// Inside the codec: `put` fills a protobuf message from a value, `get` a value from a message, both from the
// value's description (model/describe.hpp). Whatever is not field by field has a Converter.
//
// What is absent stays absent: an optional and a shared value without a value have no field. A struct that
// its JSON omits when it is empty has none, either.
#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/shared.hpp"
#include "base/time.hpp"
#include "codec/reading.hpp"
#include "model/annotations.hpp"
#include "model/describe.hpp"

namespace swarm::codec {

using model::Access;

template <model::Described T, class Message>
void put(const T& from, Message& to);
template <model::Described T, class Message>
void get(const Message& from, T& to, Reading& reading);

// Has put(from, to) and get(from, to, reading) for a type without a description; for a value that is spread
// out, the message is the one around it.
template <class T>
struct Converter;

// ---- one value to one number or text, as the message has it

template <class T>
requires std::is_arithmetic_v<T> T plain(T value) { return value; }
template <class T>
requires std::is_enum_v<T> std::uint32_t plain(T value) { return static_cast<std::uint32_t>(value); }
inline const std::string& plain(const std::string& text) { return text; }
std::string plain(std::string&&) = delete;  // its text would be gone
inline std::int64_t plain(Duration duration) { return duration.ns; }
inline std::int64_t plain(WallTime time) { return time.ns; }
template <class Tag>
std::string plain(const Id<Tag>& id) {
  return bytes_of(id.value());
}
inline std::string plain(Uint128 id) { return bytes_of(id); }

template <class T>
concept Plain = requires(const T& value) {
  plain(value);
};

template <class T>
inline constexpr bool kMayBeAbsent = false;
template <class T>
inline constexpr bool kMayBeAbsent<std::optional<T>> = true;
template <class T>
inline constexpr bool kMayBeAbsent<Shared<T>> = true;
template <class T>
inline constexpr bool kMayBeAbsent<std::shared_ptr<T>> = true;

template <class T>
inline constexpr bool kIsList = false;
template <class T>
inline constexpr bool kIsList<std::vector<T>> = true;
template <>
inline constexpr bool kIsList<model::Labels> = true;

template <class T, class Message>
void put_one(const T& from, Message& to) {
  if constexpr (model::Described<T>) {
    put(from, to);
  } else {
    Converter<T>::put(from, to);
  }
}
template <class T, class Message>
void get_one(const Message& from, T& to, Reading& reading) {
  if constexpr (Plain<T>) {
    reading.take(from, to);
  } else if constexpr (model::Described<T>) {
    get(from, to, reading);
  } else {
    Converter<T>::get(from, to, reading);
  }
}

// ---- lists

template <class List, class Repeated>
void put_each(const List& from, Repeated& to) {
  to.Reserve(static_cast<int>(from.size()));
  for (const auto& one : from) {
    using T = std::remove_cvref_t<decltype(one)>;
    if constexpr (Plain<T>) {
      to.Add(std::remove_cvref_t<decltype(plain(one))>(plain(one)));
    } else {
      put_one(one, *to.Add());
    }
  }
}
template <class T, class Repeated>
void get_each(const Repeated& from, std::vector<T>& to, Reading& reading) {
  to.clear();  // a struct may begin with some
  to.reserve(static_cast<std::size_t>(from.size()));
  for (const auto& one : from) get_one(one, to.emplace_back(), reading);
}

template <class Repeated>
void put_each(const model::Labels& from, Repeated& to) {
  for (const auto& [key, value] : from) {
    auto* pair = to.Add();
    pair->set_key(key);
    pair->set_value(value);
  }
}
template <class Repeated>
void get_each(const Repeated& from, model::Labels& to, Reading&) {
  to.clear();
  for (const auto& pair : from) to[pair.key()] = pair.value();
}

template <>
struct Converter<std::vector<std::string>> {
  static void put(const std::vector<std::string>& from, auto& to) { put_each(from, *to.mutable_values()); }
  static void get(const auto& from, std::vector<std::string>& to, Reading& reading) {
    get_each(from.values(), to, reading);
  }
};

// ---- one of several (model::Case)

template <class Of, class Variant, class Message>
void put_case(const Variant& from, Message& to) {
  std::visit(
      [&]<class T>(const T& one) {
        put_one(one, *model::Case<Of, T>::of.template operator()<Access::change>(to));
      },
      from);
}
// Returns false if the message has none of them.
template <class Of, class... T, class Message>
bool get_case(const Message& from, std::variant<T...>& to, Reading& reading) {
  const auto take = [&]<class One>() {
    constexpr auto field = model::Case<Of, One>::of;
    if (!field.template operator()<Access::has>(from)) return false;
    get_one(field.template operator()<Access::get>(from), to.template emplace<One>(), reading);
    return true;
  };
  return (take.template operator()<T>() || ...);
}

// ---- a field

template <class T>
T& made(std::optional<T>& value) {
  return value.emplace();
}
template <class T>
T& made(Shared<T>& value) {
  return value.emplace();
}
template <class T>
std::remove_const_t<T>& made(std::shared_ptr<T>& value) {
  auto fresh = std::make_shared<std::remove_const_t<T>>();
  value = fresh;
  return *fresh;
}

template <class T, class Field, class Message>
void put_field(const T& value, Field field, Message& to) {
  if constexpr (std::is_same_v<Field, model::SpreadOut>) {
    put_one(value, to);
  } else if constexpr (kMayBeAbsent<T>) {
    if (value) put_field(*value, field, to);
  } else if constexpr (kIsList<T>) {
    if (!value.empty()) put_each(value, *field.template operator()<Access::change>(to));
  } else if constexpr (Plain<T>) {
    field.template operator()<Access::set>(to, plain(value));
  } else {
    put_one(value, *field.template operator()<Access::change>(to));
  }
}

template <class T, class Field, class Message>
void get_field(const Message& from, Field field, T& to, Reading& reading) {
  if constexpr (std::is_same_v<Field, model::SpreadOut>) {
    get_one(from, to, reading);
  } else if constexpr (kMayBeAbsent<T>) {
    if (field.template operator()<Access::has>(from)) get_field(from, field, made(to), reading);
  } else if constexpr (kIsList<T>) {
    get_each(field.template operator()<Access::get>(from), to, reading);
  } else {
    get_one(field.template operator()<Access::get>(from), to, reading);
  }
}

// ---- a struct

template <class Message>
struct Putting {
  Message& to;
  template <class T, class Field, class Rule>
  void operator()(const T& value, Field field, const char*, Rule) {
    constexpr bool kMayBeLeftOut = model::Described<T> && std::is_same_v<Rule, model::Omitted>;
    if constexpr (kMayBeLeftOut)
      if (value == T{}) return;
    put_field(value, field, to);
  }
};

template <class Message>
struct Getting {
  const Message& from;
  Reading& reading;
  template <class T, class Field, class Rule>
  void operator()(T& value, Field field, const char*, Rule) {
    get_field(from, field, value, reading);
  }
};

template <model::Described T, class Message>
void put(const T& from, Message& to) {
  Putting<Message> row{to};
  model::Description<T>::each(from, row);
}
template <model::Described T, class Message>
void get(const Message& from, T& to, Reading& reading) {
  Getting<Message> row{from, reading};
  model::Description<T>::each(to, row);
}

// ---- bytes

template <class Message, class T>
std::string encode_as(const T& value) {
  Scratch<Message> message;
  put_one(value, *message);
  return message->SerializeAsString();
}

// One sentence for whatever goes wrong: "corrupt task: ...".
template <class Message, class T>
Result<T> decode_as(std::string_view bytes, const char* kind) {
  const auto corrupt = [kind](const std::string& why) {
    return plain_error(Code::data_loss, std::string("corrupt ") + kind + ": " + why);
  };
  Scratch<Message> message;
  if (!parse_into(*message, bytes)) return corrupt("not readable");
  Reading reading;
  T value{};
  get_one(*message, value, reading);
  if (!reading.ok()) return corrupt(reading.error());
  return value;
}

}  // namespace swarm::codec

// SWARM_CONVERSION(extern, model::X, swarmpy::X): both directions are compiled elsewhere; without `extern`:
// here.
// NOLINTBEGIN(bugprone-macro-parentheses): `extern` and types take no parentheses
#define SWARM_CONVERSION(where, Value, Message)    \
  where template void put(const Value&, Message&); \
  where template void get(const Message&, Value&, Reading&);
// NOLINTEND(bugprone-macro-parentheses)
