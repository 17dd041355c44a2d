// Vault: the node's certificates and keys on disk, as the engine sees them, and the keys that seal the rest
// of the data root. All of these lie in one folder (CertificateFiles), so that a new lock, a new data key and
// a new certificate change together or not at all.
//
// A data root has a data key before the first sealed record, and gets another one when a lock closes it: the
// one before lay in the clear. Records that the former key has sealed are sealed again (RocksDisk), then that
// key goes. Used by one thread at a time.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "ports/disk.hpp"
#include "real/certificate_files.hpp"
#include "real/seal/key_ring.hpp"
#include "real/seal/sealer.hpp"

namespace swarm::real {

class Vault {
 public:
  static Result<Vault> open(const std::string& folder);

  // What the engine wrote in family `certificates`; without the key while it is locked.
  const std::map<std::string, std::string>& content() const { return content_; }
  // Durable when it returns. With the last of the engine's files all keys go, locked or not: the node has
  // left.
  Result<void> write(const std::vector<ports::DiskOp>& ops, const std::optional<ports::DiskLock>& lock);

  bool is_locked() const { return locked_.has_value(); }
  bool unlock(std::string_view key);  // false: it is another lock's
  const ports::DiskLock& lock() const { return ring_.lock; }

  // ---- what seals
  const std::shared_ptr<seal::Sealer>& sealer() const { return sealer_; }
  bool has_data_key() const { return !ring_.data_keys.empty(); }
  // The first one. `has_plain`: of a data root whose version sealed nothing.
  Result<void> make_data_key(bool has_plain);
  // Returns true while records may be there that the newest data key has not sealed.
  bool has_old_records() const { return ring_.has_plain || ring_.data_keys.size() > 1; }
  bool has_plain_records() const { return ring_.has_plain; }
  Result<void> forget_old_keys();

 private:
  explicit Vault(CertificateFiles files)
      : files_(std::move(files)), sealer_(std::make_shared<seal::Sealer>()) {}
  Result<void> read();
  Result<void> wipe();
  bool is_empty_after(const std::vector<ports::DiskOp>& ops) const;
  Result<void> write_ring(seal::KeyRing ring, std::vector<ports::DiskOp> ops);
  void take(seal::KeyRing ring);

  CertificateFiles files_;
  seal::KeyRing ring_;
  std::optional<seal::LockedRing> locked_;
  std::map<std::string, std::string> content_;
  std::shared_ptr<seal::Sealer> sealer_;
};

}  // namespace swarm::real
