// Fields: reads an object's fields into plain values as Go's decoder does. What is absent or null gives the
// fallback, unknown keys are ignored, and a value of the wrong kind, or a number that its field cannot hold,
// is remembered as an error with its path. NOT here: what a number may be beyond its type (control,
// model/bounds).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "docker/json.hpp"
#include "model/annotations.hpp"

namespace swarm::docker {

// The first thing that was wrong with a document.
class Issues {
 public:
  void add(Error error) {
    if (!first_) first_ = std::move(error);
  }
  bool any() const { return first_.has_value(); }
  const Error& first() const {
    SWARM_CHECK(first_, "ask any() first");
    return *first_;
  }

 private:
  std::optional<Error> first_;
};

class Fields {
 public:
  // `value`: null for what is absent. `path`: the document's name at its root ("ServiceSpec").
  Fields(const Value* value, Issues& issues, std::string path);

  bool present() const { return value_ != nullptr; }
  bool has(std::string_view name) const { return find(name) != nullptr; }
  Issues& issues() const { return *issues_; }

  std::string text(std::string_view name) const;
  bool flag(std::string_view name) const;
  std::int64_t integer(std::string_view name, std::int64_t fallback = 0) const;
  std::uint64_t count(std::string_view name, std::uint64_t fallback = 0) const;
  std::uint32_t count32(std::string_view name, std::uint32_t fallback = 0) const;
  double number(std::string_view name) const;
  Duration duration(std::string_view name) const { return {integer(name)}; }
  std::vector<std::string> texts(std::string_view name) const;
  model::Labels pairs(std::string_view name) const;

  // By the type of the field. What is absent leaves a number as it is, and makes anything else empty.
  void read(std::string_view name, std::string& to) const { to = text(name); }
  void read(std::string_view name, bool& to) const { to = flag(name); }
  void read(std::string_view name, std::int64_t& to) const { to = integer(name, to); }
  void read(std::string_view name, std::uint64_t& to) const { to = count(name, to); }
  void read(std::string_view name, std::uint32_t& to) const { to = count32(name, to); }
  void read(std::string_view name, double& to) const { to = number(name); }
  void read(std::string_view name, Duration& to) const { to.ns = integer(name, to.ns); }
  void read(std::string_view name, model::Labels& to) const { to = pairs(name); }
  void read(std::string_view name, std::vector<std::string>& to) const { to = texts(name); }
  void read(std::string_view name, std::vector<std::vector<std::string>>& to) const { to = text_lists(name); }

  Fields object(std::string_view name) const;
  std::vector<Fields> objects(std::string_view name) const;
  std::vector<std::vector<std::string>> text_lists(std::string_view name) const;

 private:
  const Value* find(std::string_view name) const;
  const Value* find(std::string_view name, std::string_view kind, std::string_view type) const;
  std::string path_to(std::string_view name) const;
  void wrong(const Value& value, std::string_view path, std::string_view wanted) const;
  template <class Number>
  Number whole(std::string_view name, Number fallback, std::string_view type) const;
  std::vector<std::string> texts_of(const Value& value, const std::string& path) const;

  const Value* value_;
  Issues* issues_;
  std::string path_;
};

}  // namespace swarm::docker
