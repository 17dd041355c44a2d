// Sealer: seals the values of a data root, each by itself, and opens them again.
//
// A sealed value: format (1 byte), number of its key (4), nonce (12), the bytes, tag (16). It opens only at
// its place: family and key are what the tag is of, too, so that no value can be put in another's place.
//
// A nonce is 8 random bytes, drawn when the keys are set, and a counter of 4. It is never made of what the
// log counts: a disk that was set back to an older copy counts the same numbers again, and seals other values
// with them. Used by one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "ports/disk.hpp"
#include "real/seal/gcm.hpp"

namespace swarm::real::seal {

struct DataKey {
  std::uint32_t number = 0;  // 1, 2, ...: the newest is the greatest
  std::string key;
  bool operator==(const DataKey&) const = default;
};

// Of family `format` nothing is secret, and a daemon reads it before it has any key.
inline bool is_sealed(ports::Family family) { return family != ports::Family::format; }

class Sealer {
 public:
  // The last one seals; all of them open. `has_plain`: values of versions that sealed nothing are still
  // there.
  void set_keys(const std::vector<DataKey>& keys, bool has_plain);
  bool has_keys() const { return !keys_.empty(); }

  std::string seal(ports::Family family, std::string_view key, std::string_view value);
  Result<std::string> open(ports::Family family, std::string_view key, std::string_view stored) const;
  // Returns true if the newest key has sealed it.
  bool is_current(std::string_view stored) const;

 private:
  std::string next_nonce();

  std::map<std::uint32_t, Gcm> keys_;
  bool has_plain_ = false;
  std::string prefix_;
  std::uint32_t count_ = 0;
};

}  // namespace swarm::real::seal
