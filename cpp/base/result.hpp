// Result<T>: a value, or an Error that says what went wrong. Nothing throws inside the core.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "base/check.hpp"

namespace swarm {

// gRPC's codes: Docker's error texts carry their names ("rpc error: code = InvalidArgument desc = ...").
enum class Code {
  ok,
  cancelled,
  unknown,
  invalid_argument,
  deadline_exceeded,
  not_found,
  already_exists,
  permission_denied,
  resource_exhausted,
  failed_precondition,
  aborted,
  out_of_range,
  unimplemented,
  internal,
  unavailable,
  data_loss,
  unauthenticated,
};

const char* code_name(Code code);  // "InvalidArgument"

struct Error {
  Code code = Code::unknown;
  std::string message;      // Docker's text where Docker has one
  std::string hint;         // what to do next; empty when the message says it
  bool from_store = false;  // Docker shows errors of its cluster store behind "rpc error: code = X desc = "
  int http_status = 0;      // 0: derived from `code`
  bool operator==(const Error&) const = default;
};

inline Error rpc_error(Code code, std::string message) { return {code, std::move(message), {}, true, 0}; }
inline Error plain_error(Code code, std::string message) { return {code, std::move(message), {}, false, 0}; }

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT: implicit on purpose
  Result(Error error) : state_(std::move(error)) {}  // NOLINT
  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() {
    SWARM_CHECK(ok(), error().message);
    return std::get<0>(state_);
  }
  const T& value() const {
    SWARM_CHECK(ok(), error().message);
    return std::get<0>(state_);
  }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), ok_(false) {}  // NOLINT
  bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }
  const Error& error() const { return error_; }

 private:
  Error error_;
  bool ok_ = true;
};

}  // namespace swarm
