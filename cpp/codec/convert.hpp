// Inside the codec: the small pieces from which all conversions are made. `put` fills a protobuf message from
// a value, `get` fills a value; the first thing that cannot be read is remembered by Reading.
#pragma once

#include <google/protobuf/arena.h>

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "model/feature_level.hpp"
#include "model/meta.hpp"
#include "specs.pb.h"

namespace swarm::codec {

class Reading {
 public:
  void fail(std::string what) {
    if (error_.empty()) error_ = std::move(what);
  }
  bool ok() const { return error_.empty(); }
  const std::string& error() const { return error_; }

  template <class Enum>
  Enum enumerated(std::uint32_t value, Enum last, const char* name) {
    if (value > static_cast<std::uint32_t>(last)) {
      fail(std::string(name) + " " + std::to_string(value) + " is not known");
      return Enum{};
    }
    return static_cast<Enum>(value);
  }

  template <class IdType>
  IdType id(const std::string& bytes, const char* name) {
    if (bytes.empty()) return IdType();
    if (bytes.size() != 16) {
      fail(std::string(name) + " is not 16 bytes long");
      return IdType();
    }
    return IdType(static_cast<Uint128>(get_u64(bytes)) << 64 | get_u64(bytes, 8));
  }

 private:
  std::string error_;
};

inline std::string bytes_of(Uint128 value) {
  std::string bytes;
  if (value == 0) return bytes;
  put_u64(bytes, static_cast<std::uint64_t>(value >> 64));
  put_u64(bytes, static_cast<std::uint64_t>(value));
  return bytes;
}
template <class Tag>
std::string bytes_of(const Id<Tag>& id) {
  return bytes_of(id.value());
}

// Level 1 is not written: its bytes are those from before there were levels.
inline std::uint32_t written_level(model::FeatureLevel level) {
  return level == model::kFirstLevel ? 0 : level;
}
inline model::FeatureLevel read_level(std::uint32_t written) {
  return written == 0 ? model::kFirstLevel : written;
}

// ---- lists
template <class Repeated>
void put_strings(const std::vector<std::string>& values, Repeated* out) {
  for (const auto& value : values) out->Add(std::string(value));
}
template <class Repeated>
std::vector<std::string> get_strings(const Repeated& in) {
  return {in.begin(), in.end()};
}
template <class Repeated>
void put_labels(const model::Labels& labels, Repeated* out) {
  for (const auto& [key, value] : labels) {
    auto* pair = out->Add();
    pair->set_key(key);
    pair->set_value(value);
  }
}
template <class Repeated>
model::Labels get_labels(const Repeated& in) {
  model::Labels labels;
  for (const auto& pair : in) labels[pair.key()] = pair.value();
  return labels;
}
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
std::string serialized(const Message& message) {
  return message.SerializeAsString();
}

template <class Message>
bool parse_into(Message& message, std::string_view bytes) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return false;
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

// Parses, converts with `get_value`, and gives one sentence for whatever went wrong.
template <class Message, class T, class Get>
Result<T> decode_as(std::string_view bytes, const char* kind, Get get_value) {
  const auto corrupt = [kind](const std::string& why) {
    return plain_error(Code::data_loss, std::string("corrupt ") + kind + ": " + why);
  };
  Scratch<Message> message;
  if (!parse_into(*message, bytes)) return corrupt("not readable");
  Reading reading;
  T value{};
  get_value(*message, value, reading);
  if (!reading.ok()) return corrupt(reading.error());
  return value;
}

}  // namespace swarm::codec

// SWARM_PUT_OPT(value, message, field): an optional part of a value into a field of a message.
#define SWARM_PUT_OPT(from, to, field) \
  if (from) put(*(from), (to)->mutable_##field())
#define SWARM_GET_OPT(from, to, field, reading) \
  if ((from).has_##field()) get((from).field(), (to).emplace(), reading)
