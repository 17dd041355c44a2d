// Go's fmt, for the values of a template.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "go_template/value.hpp"

namespace swarm::go_template {

inline constexpr std::size_t kMaxText = 256UL * 1024;  // of a result, and of what it is made of

// What `{{.X}}` writes: a pointer is followed, nil is "<no value>".
std::string printed(const Value& value);
// fmt.Sprint, Sprintln, Sprintf.
std::string print(const std::vector<Value>& values);
std::string println(const std::vector<Value>& values);
// Longer than kMaxText: cut there.
std::string printf(std::string_view format, const std::vector<Value>& values);

}  // namespace swarm::go_template
