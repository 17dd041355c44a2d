#include "model/difference.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "model/annotations.hpp"
#include "model/describe.hpp"
#include "model/describe/kinds.hpp"
#include "model/kinds.hpp"
#include "model/service_spec.hpp"
#include "model/words.hpp"

namespace swarm::model {
namespace {

// Path of a field to its value in words; what is absent has no line.
using Lines = std::map<std::string, std::string>;

template <class T>
inline constexpr bool kIsList = false;
template <class T>
inline constexpr bool kIsList<std::vector<T>> = true;

template <class T>
void add(Lines& lines, const std::string& path, const T& value);

void add_mode(Lines& lines, const std::string& path, const ServiceMode& mode) {
  const auto* replicated = std::get_if<ReplicatedMode>(&mode);
  lines[path] = replicated == nullptr ? "global" : std::to_string(replicated->replicas) + " replicas";
}

template <class T>
std::string words(const T& value) {
  if constexpr (std::is_enum_v<T>) {
    return word_of(value);
  } else if constexpr (std::is_same_v<T, WallTime>) {
    return to_rfc3339(value);
  } else if constexpr (std::is_same_v<T, Duration>) {
    return to_string(value);
  } else if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_arithmetic_v<T>) {
    return std::to_string(value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    return '"' + value + '"';
  } else {
    return value.str();
  }
}

struct LinesOf {
  Lines& lines;
  const std::string& path;
  template <class T>
  void operator()(const T& value, auto, const char* name, auto) {
    add(lines, path.empty() ? name : path + "." + name, value);
  }
};

template <class T>
void add(Lines& lines, const std::string& path, const T& value) {
  if constexpr (Described<T>) {
    LinesOf row{lines, path};
    Description<T>::each(value, row);
  } else if constexpr (std::is_same_v<T, ServiceMode>) {
    add_mode(lines, path, value);
  } else if constexpr (requires { *value; }) {
    if (value) add(lines, path, *value);
  } else if constexpr (std::is_same_v<T, Labels>) {
    for (const auto& [key, text] : value) add(lines, path + "." + key, text);
  } else if constexpr (kIsList<T>) {
    for (std::size_t i = 0; i < value.size(); ++i) add(lines, path + "[" + std::to_string(i) + "]", value[i]);
  } else {
    lines[path] = words(value);
  }
}

std::string line_of(const Lines& lines, const std::string& path) {
  const auto it = lines.find(path);
  return it == lines.end() ? "absent" : it->second;
}

}  // namespace

template <class T>
requires Kinds::contains<T> std::string difference(const T& is, const T& should_be) {
  constexpr int kMost = 4;
  Lines a, b;
  add(a, "", is);
  add(b, "", should_be);
  Lines either = a;
  either.insert(b.begin(), b.end());
  std::string out;
  int count = 0;
  for (const auto& [path, text] : either) {
    const std::string left = line_of(a, path), right = line_of(b, path);
    if (left == right || ++count > kMost) continue;
    out += (out.empty() ? "" : "; ") + path + ": " + left + ", not " + right;
  }
  return out;
}

// Makes the function for every kind in this file.
std::size_t instances_of_difference() {
  std::size_t sum = 0;
  Kinds::each([&]<class T>() {
    std::string (*volatile differs)(const T&, const T&) = &difference<T>;
    sum += differs != nullptr;
  });
  return sum;
}

}  // namespace swarm::model
