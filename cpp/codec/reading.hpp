// Inside the codec: Reading remembers the first thing of a message that cannot be read; and what turns
// messages into bytes and back.
#pragma once

#include <google/protobuf/arena.h>

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "model/kinds.hpp"
#include "model/words.hpp"
#include "raft/message.hpp"

namespace swarm::codec {

// What a corrupt id is called: "node id".
template <class Tag>
inline constexpr const char* kIdName = "id";
template <>
inline constexpr const char* kIdName<ClusterTag> = "cluster id";
template <>
inline constexpr const char* kIdName<NetworkTag> = "network id";
template <>
inline constexpr const char* kIdName<NodeTag> = "node id";
template <>
inline constexpr const char* kIdName<ServiceTag> = "service id";
template <>
inline constexpr const char* kIdName<TaskTag> = "task id";

inline std::string bytes_of(Uint128 value) {
  std::string bytes;
  if (value == 0) return bytes;
  put_u64(bytes, static_cast<std::uint64_t>(value >> 64));
  put_u64(bytes, static_cast<std::uint64_t>(value));
  return bytes;
}

class Reading {
 public:
  void fail(std::string what) {
    if (error_.empty()) error_ = std::move(what);
  }
  bool ok() const { return error_.empty(); }
  const std::string& error() const { return error_; }

  // ---- a number or a text of a message into a value of its type
  template <class T>
  requires std::is_arithmetic_v<T>
  void take(T from, T& to) { to = from; }
  void take(const std::string& from, std::string& to) { to = from; }
  void take(const std::string& from, raft::Data& to) { to = from; }
  void take(std::int64_t from, Duration& to) { to.ns = from; }
  void take(std::int64_t from, WallTime& to) { to.ns = from; }
  template <class Enum>
  requires std::is_enum_v<Enum>
  void take(std::uint32_t from, Enum& to) {
    to = static_cast<Enum>(from);
    if (is_known(from, to)) return;
    to = Enum{};
    fail(std::string(model::Words<Enum>::kName) + " " + std::to_string(from) + " is not known");
  }
  template <class Tag>
  void take(const std::string& from, Id<Tag>& to) {
    to = Id<Tag>(number_of(from, kIdName<Tag>));
  }
  void take(const std::string& from, Uint128& to) { to = number_of(from, "id"); }
  void take(std::uint32_t from, model::Kind& to) {
    to = static_cast<model::Kind>(from);
    if (from > 255 || !model::visit_kind(to, []<class T>() {}))
      fail("kind " + std::to_string(from) + " is not known");
  }

 private:
  template <class Enum>
  static bool is_known(std::uint32_t number, Enum value) {
    if constexpr (requires { model::Words<Enum>::kLast; }) {
      return number <= static_cast<std::uint32_t>(model::Words<Enum>::kLast);
    } else {
      const auto& all = model::Words<Enum>::kAll;
      return static_cast<std::uint32_t>(value) == number &&
             std::any_of(std::begin(all), std::end(all), [&](const auto& row) { return row.value == value; });
    }
  }
  Uint128 number_of(const std::string& bytes, const char* name) {
    if (bytes.empty()) return 0;
    if (bytes.size() == 16) return static_cast<Uint128>(get_u64(bytes)) << 64 | get_u64(bytes, 8);
    fail(std::string(name) + " is not 16 bytes long");
    return 0;
  }

  std::string error_;
};

// A message for a moment: its parts lie side by side, on the stack where they fit, and end together.
template <class Message>
class Scratch {
 public:
  Message& operator*() { return *message_; }
  Message* operator->() { return message_; }

 private:
  alignas(8) char block_[2048];
  google::protobuf::Arena arena_{block_, sizeof block_};
  Message* message_ = google::protobuf::Arena::CreateMessage<Message>(&arena_);
};

template <class Message>
bool parse_into(Message& message, std::string_view bytes) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return false;
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace swarm::codec
