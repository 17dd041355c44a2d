// KeyValue: one key of the small replicated register beside the swarm's own objects, made for checks and
// benchmarks (/swarmpy/v1/kv). Keys are ordered by their bytes; a value is text. NOT a database: the bounds
// are small, and all of it is in memory and in every snapshot.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "model/annotations.hpp"
#include "model/kind.hpp"
#include "model/meta.hpp"

namespace swarm::model {

inline constexpr std::size_t kMaxKeyLength = 128;
inline constexpr std::size_t kMaxValueBytes = 64 * 1024;
inline constexpr std::size_t kMaxKeys = 1024;

struct KeyValue {
  static constexpr Kind kKind{6};
  static constexpr const char* kWord = "key_value";
  static constexpr WrittenBy kWrittenBy = WrittenBy::action;  // WriteKey

  std::string key;
  Meta meta;
  std::string value;
  bool operator==(const KeyValue&) const = default;
};

// Sets or removes a key. Every replica checks the conditions when it applies the entry, which makes this a
// compare-and-swap. The keys of one transaction must differ.
struct WriteKey {
  std::string key;
  std::optional<std::string> value;         // nothing: removes the key. An absent key cannot be removed.
  std::optional<std::uint64_t> if_version;  // only if it has this version; 0: only if it is not there
  std::optional<std::string> if_value;      // only if it has this value
  bool operator==(const WriteKey&) const = default;
};

}  // namespace swarm::model
