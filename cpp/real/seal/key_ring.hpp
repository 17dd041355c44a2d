// KeyRing: what the file swarm-node.key holds, as a value and as its text. The node's own key comes first, as
// PEM that other programs read; behind it one block for each key that seals the data root (in Docker's file
// they are headers of the node's key: raft-dek, kek-version):
//
//   -----BEGIN SWARM DATA KEY-----
//   raft-dek: 2                      its number
//   kek-version: 3                   of the lock
//   unsealed: yes                    only while there may be records that no key has sealed
//
//   BASE64
//   -----END SWARM DATA KEY-----
//
// With a lock that has a key, all of this text is sealed with it, in one block whose header is kek-version.
// NOT here: files.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "ports/disk.hpp"
#include "real/seal/sealer.hpp"

namespace swarm::real::seal {

struct KeyRing {
  std::string node_key_pem;
  std::vector<DataKey> data_keys;  // the newest is the last
  bool has_plain = false;          // there may be records that no key has sealed
  ports::DiskLock lock;
  bool operator==(const KeyRing&) const = default;

  void add_data_key();
};

// The sealed text of a ring.
struct LockedRing {
  std::uint64_t number = 0;  // of its lock
  std::string sealed;
  // Nothing, if it is another lock's key.
  std::optional<KeyRing> open(std::string_view key) const;
};

std::string to_text(const KeyRing& ring);
bool is_locked(std::string_view text);
// An error in a sentence when the text is not what it should be.
Result<KeyRing> read_ring(std::string_view text);
Result<LockedRing> read_locked_ring(std::string_view text);

}  // namespace swarm::real::seal
