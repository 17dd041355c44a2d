// keys: the file that holds a node's keys, sealed records, and unlock keys as text.
#include <string>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "control/unlock_key.hpp"
#include "ports/disk.hpp"
#include "real/seal/gcm.hpp"
#include "real/seal/key_ring.hpp"
#include "real/seal/sealer.hpp"
#include "tools/swarm_fuzz/targets.hpp"

namespace swarm::fuzz {
namespace {

using real::seal::KeyRing;

const std::string kKey(real::seal::kKeyBytes, 'k');

KeyRing small_ring() {
  return {"-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n", {{1, kKey}, {7, kKey}}, true, {}};
}

real::seal::Sealer sealer() {
  real::seal::Sealer sealer;
  sealer.set_keys(small_ring().data_keys, false);
  return sealer;
}

void run_keys(std::string_view input) {
  if (const auto ring = real::seal::read_ring(input)) {
    const auto again = real::seal::read_ring(real::seal::to_text(*ring));
    SWARM_CHECK(again.ok() && *again == *ring, "another ring came back");
  }
  if (const auto locked = real::seal::read_locked_ring(input)) static_cast<void>(locked->open(kKey));
  static const real::seal::Sealer kSealer = sealer();
  static_cast<void>(kSealer.open(ports::Family::objects, "place", input));
  if (const auto key = control::parse_unlock_key(input))
    SWARM_CHECK(key->size() == control::kUnlockKeyBytes, key->size());
}

std::vector<std::string> key_seeds() {
  KeyRing locked = small_ring();
  locked.lock = {3, kKey};
  return {real::seal::to_text(small_ring()), real::seal::to_text(locked),
          sealer().seal(ports::Family::objects, "place", "value"), control::unlock_key_text(kKey)};
}

}  // namespace

const Target kKeys{"keys", "the file of a node's keys, sealed records, unlock keys", run_keys, key_seeds};

}  // namespace swarm::fuzz
