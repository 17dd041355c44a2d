// SWARM_CHECK: what we believe, checked in every build.
//
// A failed check is a bug in swarmpy, never bad input and never a fault of the environment. By default it
// prints the values and aborts: a daemon that no longer knows its own state must not go on. The simulator's
// host installs a handler that throws instead, so that a notebook sees an exception and its kernel lives.
#pragma once

#include <sstream>
#include <string>

namespace swarm {

// Called with the whole sentence; must not return. The default prints to stderr and aborts.
using CheckHandler = void (*)(const std::string& sentence);

// Installs `handler` (null: the default) and returns the one before it.
CheckHandler set_check_handler(CheckHandler handler);

[[noreturn]] void check_failed(const char* file, int line, const char* condition, const std::string& values);

namespace detail {
template <class... Values>
std::string join_values(const Values&... values) {
  std::ostringstream out;
  ((out << ' ' << values), ...);
  return out.str();
}
}  // namespace detail

}  // namespace swarm

// SWARM_CHECK(condition, values...): the values are streamed into the message, separated by blanks.
#define SWARM_CHECK(condition, ...)                                                                     \
  do {                                                                                                  \
    if (!(condition)) [[unlikely]]                                                                      \
      ::swarm::check_failed(__FILE__, __LINE__, #condition, ::swarm::detail::join_values(__VA_ARGS__)); \
  } while (false)
