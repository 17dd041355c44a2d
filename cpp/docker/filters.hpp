// Filters: the query `filters=`, in both encodings that clients use, {"label":{"a=b":true}} and
// {"label":["a=b"]}.
//
// Keys are ANDed, the values of one key ORed, except labels, where all must match.
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "docker/url.hpp"
#include "model/annotations.hpp"

namespace swarm::docker {

class Filters {
 public:
  // `accepted`: a key that is none of these is refused, "invalid filter 'x'". Empty list: any key.
  static Result<Filters> parse(const Target& target, std::initializer_list<std::string_view> accepted);

  bool empty() const { return values_.empty(); }
  const std::vector<std::string>& values(std::string_view key) const;
  bool has(std::string_view key) const { return !values(key).empty(); }

  // These return true as well if the key was not given.
  bool any(std::string_view key, const std::function<bool(const std::string&)>& matches) const;
  bool prefix(std::string_view key, std::string_view text) const;
  bool exact(std::string_view key, std::string_view text) const;
  // Docker's fuzzy names: a part of the text; `^` and `$` bind it to the ends.
  bool part(std::string_view key, std::string_view text) const;
  // "key", "key=value", "key=" for any value: all of them.
  bool labels(std::string_view key, const model::Labels& labels) const;
  // A key that only takes 1/true or 0/false.
  Result<std::optional<bool>> truth(std::string_view key) const;

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

Error invalid_filter(std::string_view key, std::string_view value);

}  // namespace swarm::docker
