// Inside docker: JSON from a value's description (model/describe.hpp), both ways. `write_fields` writes the
// members of an object, `read_fields` reads them; docker/odd_fields.hpp has the fields that are shown in a
// way of their own.
//
// Reading is Go's: keys in any case, what is absent or null keeps the value that the struct begins with, a
// value of the wrong kind is remembered by Fields with its path. Words of enums are Docker's, with Docker's
// sentence for another word.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/check.hpp"
#include "base/shared.hpp"
#include "docker/fields.hpp"
#include "docker/json.hpp"
#include "docker/odd_fields.hpp"
#include "model/describe.hpp"
#include "model/words.hpp"

namespace swarm::docker {

// What stands in a place of the description (SWARM_PLACE), written already.
struct InPlace {
  std::string_view name;
  std::string json;
};
using InPlaces = std::vector<InPlace>;
template <model::Described T>
void write_fields(Json& json, const T& of, const InPlaces& places = {});
template <model::Described T>
void read_fields(const Fields& from, T& to);

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <class T>
inline constexpr bool kIsOptional<Shared<T>> = true;

template <class T>
struct ItemOf {};
template <class T>
struct ItemOf<std::vector<T>> {
  using Type = T;
};
template <class T>
concept ListOfObjects = model::Described<typename ItemOf<T>::Type>;
template <class T>
inline constexpr bool kIsListOfLists = false;
template <class T>
inline constexpr bool kIsListOfLists<std::vector<std::vector<T>>> = true;

// ---- out

template <class T>
void write_value(Json& json, const T& value) {
  if constexpr (model::Described<T>) {
    json.object([&] { write_fields(json, value); });
  } else if constexpr (ListOfObjects<T> || kIsListOfLists<T>) {
    json.array([&] {
      for (const auto& one : value) write_value(json, one);
    });
  } else if constexpr (std::is_enum_v<T>) {
    json.value(model::word_of(value));
  } else if constexpr (requires { value.str(); }) {
    json.value(value.str());
  } else {
    json.value(value);
  }
}
template <class T>
void write_field(Json& json, std::string_view name, const T& value) {
  json.key(name);
  write_value(json, value);
}
template <class T>
void write_unless_empty(Json& json, std::string_view name, const T& value) {
  if constexpr (kIsOptional<T>) {
    if (value) write_field(json, name, *value);
  } else if (!(value == T{})) {
    write_field(json, name, value);
  }
}

class Writing {
 public:
  Writing(Json& json, const InPlaces& places) : json_(json), places_(places) {}

  template <class T, class Field, class Rule>
  void operator()(const T& value, Field, const char*, const Rule& rule) {
    write(value, rule);
  }
  template <class T>
  void show(const model::Key& key, const T& value) {
    write(value, model::Always{key});
  }
  void show(const model::Key& key, std::nullptr_t) {
    enter(key.parent);
    json_.null(key.name);
  }
  void place(std::string_view name) {
    for (const InPlace& one : places_) {
      if (one.name != name) continue;
      enter({});
      json_.key(name).raw(one.json);
      ++placed_;
    }
  }
  // Closes the object that is open. What was given has found its place.
  void finish() {
    enter({});
    SWARM_CHECK(placed_ == places_.size(), placed_, "of", places_.size(), "have a place in the description");
  }
  // Opens the object that the next key is in, and closes the one before it.
  void enter(std::string_view parent) {
    if (parent == parent_) return;
    if (!parent_.empty()) json_.close();
    if (!parent.empty()) json_.key(parent).open();
    parent_ = parent;
  }

 private:
  template <class T>
  void write(const T&, model::Hidden) {}
  template <class T>
  void write(const T& value, model::Flat) {
    enter({});
    write_fields(json_, value);
  }
  template <class T>
  void write(const T& value, const model::Omitted& rule) {
    enter(rule.key.parent);
    write_unless_empty(json_, rule.key.name, value);
  }
  template <class T>
  void write(const T& value, const model::Always& rule) {
    enter(rule.key.parent);
    write_field(json_, rule.key.name, value);
  }
  template <class T>
  void write(const T& value, const model::Required& rule) {
    write(value, model::Always{rule.key});
  }
  template <class T>
  void write(const T& value, const model::Shown& rule) {
    write(value, model::Always{rule.key});
  }
  template <class T>
  void write(const T& value, const model::OrNull& rule) {
    enter(rule.key.parent);
    if (value) {
      write_field(json_, rule.key.name, *value);
    } else {
      json_.null(rule.key.name);
    }
  }
  template <class T>
  void write(const T& value, const model::Boxed& rule) {
    if (!value) return;
    enter(rule.key.parent);
    write_unless_empty(json_, rule.key.name, *value);
  }
  template <class T, class Way>
  void write(const T& value, const model::Odd<Way>& rule) {
    enter(rule.key.parent);
    OddField<Way>::write(json_, rule.key.name, value);
  }

  Json& json_;
  const InPlaces& places_;
  std::size_t placed_ = 0;
  std::string_view parent_;  // of the object that is open; empty: none
};

template <model::Described T>
void write_fields(Json& json, const T& of, const InPlaces& places) {
  Writing row(json, places);
  model::Description<T>::each(of, row);
  row.finish();
}

// ---- in

template <class Enum>
void read_word(const Fields& from, std::string_view name, Enum& to, bool may_be_empty) {
  const std::string word = from.text(name);
  if (word.empty() && may_be_empty) return;
  if (const auto value = model::value_of<Enum>(word)) {
    to = *value;
  } else {
    constexpr model::Refusal kRefusal = model::Words<Enum>::kRefusal;
    from.issues().add(plain_error(Code::invalid_argument, kRefusal.before + word + kRefusal.after));
  }
}

template <class T>
void read_field(const Fields& from, std::string_view name, T& to) {
  if constexpr (model::Described<T>) {
    read_fields(from.object(name), to);
  } else if constexpr (ListOfObjects<T>) {
    to.clear();
    for (const Fields& one : from.objects(name)) read_fields(one, to.emplace_back());
  } else if constexpr (std::is_enum_v<T>) {
    read_word(from, name, to, true);
  } else {
    from.read(name, to);
  }
}
template <class Optional>
requires kIsOptional<Optional>
void read_field(const Fields& from, std::string_view name, Optional& to) {
  if constexpr (model::Described<std::remove_cvref_t<decltype(*to)>>) {
    if (const Fields object = from.object(name); object.present()) read_fields(object, to.emplace());
  } else {
    if (from.has(name)) read_field(from, name, to.emplace());
  }
}

struct ReadingFields {
  const Fields& from;

  template <class T, class Field, class Rule>
  void operator()(T& value, Field, const char*, const Rule& rule) {
    if constexpr (std::is_same_v<Rule, model::Flat>) {
      read_fields(from, value);
    } else if constexpr (!std::is_same_v<Rule, model::Hidden> && !std::is_same_v<Rule, model::Shown>) {
      const auto& [parent, name] = rule.key;
      if (parent.empty()) {
        read(from, name, value, rule);
      } else {
        read(from.object(parent), name, value, rule);
      }
    }
  }

 private:
  template <class T, class Rule>
  static void read(const Fields& object, std::string_view name, T& value, const Rule&) {
    read_field(object, name, value);
  }
  template <class T>
  static void read(const Fields& object, std::string_view name, T& value, const model::Required&) {
    read_word(object, name, value, false);
  }
  template <class T>
  static void read(const Fields& box, std::string_view name, T& value, const model::Boxed&) {
    if (box.present()) read_field(box, name, value.emplace());
  }
  template <class T, class Way>
  static void read(const Fields& object, std::string_view name, T& value, const model::Odd<Way>&) {
    OddField<Way>::read(object, name, value);
  }
};

template <model::Described T>
void read_fields(const Fields& from, T& to) {
  ReadingFields row{from};
  model::Description<T>::each(to, row);
}

}  // namespace swarm::docker
