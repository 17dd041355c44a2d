#include "real/vault.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/result.hpp"
#include "ports/disk.hpp"
#include "real/certificate_files.hpp"
#include "real/seal/key_ring.hpp"

namespace swarm::real {
namespace {

using ports::DiskOp;
using ports::Family;

const std::string kKeyFile = "swarm-node.key";  // Docker's name

std::string node_key_after(const std::vector<DiskOp>& ops, std::string key) {
  for (const DiskOp& op : ops) {
    const bool names_it =
        op.type == DiskOp::Type::erase_range ? op.key <= kKeyFile && kKeyFile < op.value : op.key == kKeyFile;
    if (names_it) key = op.type == DiskOp::Type::put ? op.value : std::string();
  }
  return key;
}

}  // namespace

Result<Vault> Vault::open(const std::string& folder) {
  auto files = CertificateFiles::open(folder);
  if (!files) return files.error();
  Vault vault(std::move(*files));
  if (auto read = vault.read(); !read)
    return plain_error(Code::data_loss, folder + "/" + kKeyFile + ": " + read.error().message +
                                            "; restore the data root from a copy, or start with an empty one "
                                            "and join again");
  return vault;
}

Result<void> Vault::read() {
  content_ = files_.content();
  const auto text = content_.find(kKeyFile);
  if (text == content_.end()) return {};
  if (text->second.empty()) return plain_error(Code::data_loss, "it is corrupt: it is empty");
  if (seal::is_locked(text->second)) {
    auto locked = seal::read_locked_ring(text->second);
    if (!locked) return locked.error();
    locked_ = std::move(*locked);
    content_.erase(kKeyFile);
    return {};
  }
  auto ring = seal::read_ring(text->second);
  if (!ring) return ring.error();
  take(std::move(*ring));
  return {};
}

void Vault::take(seal::KeyRing ring) {
  if (ring.data_keys != ring_.data_keys || ring.has_plain != ring_.has_plain)
    sealer_->set_keys(ring.data_keys, ring.has_plain);
  ring_ = std::move(ring);
  content_ = files_.content();
  content_.erase(kKeyFile);
  if (!ring_.node_key_pem.empty()) content_[kKeyFile] = ring_.node_key_pem;
}

bool Vault::unlock(std::string_view key) {
  SWARM_CHECK(locked_, "the vault is open");
  auto ring = locked_->open(key);
  if (!ring) return false;
  locked_.reset();
  take(std::move(*ring));
  return true;
}

bool Vault::is_empty_after(const std::vector<DiskOp>& ops) const {
  auto next = content_;
  for (const DiskOp& op : ops) apply_to_files(op, next);
  return next.empty();
}

Result<void> Vault::write(const std::vector<DiskOp>& ops, const std::optional<ports::DiskLock>& lock) {
  if (is_empty_after(ops)) return wipe();
  SWARM_CHECK(!locked_, "the vault is locked");
  seal::KeyRing next = ring_;
  next.node_key_pem = node_key_after(ops, next.node_key_pem);
  if (lock) {
    const bool closes = ring_.lock.key.empty() && !lock->key.empty();
    if (closes || next.data_keys.empty()) next.add_data_key();
    next.lock = *lock;
  }
  return write_ring(std::move(next), ops);
}

Result<void> Vault::write_ring(seal::KeyRing ring, std::vector<DiskOp> ops) {
  DiskOp key_file{DiskOp::Type::put, Family::certificates, kKeyFile, seal::to_text(ring)};
  if (key_file.value.empty()) key_file.type = DiskOp::Type::erase;
  ops.push_back(std::move(key_file));
  if (auto written = files_.write(ops); !written) return written;
  take(std::move(ring));
  return {};
}

Result<void> Vault::wipe() {
  locked_.reset();
  if (auto wiped = files_.wipe(); !wiped) return wiped;
  take({});
  return {};
}

Result<void> Vault::make_data_key(bool has_plain) {
  seal::KeyRing next = ring_;
  next.add_data_key();
  next.has_plain = has_plain;
  return write_ring(std::move(next), {});
}

Result<void> Vault::forget_old_keys() {
  seal::KeyRing next = ring_;
  next.data_keys.erase(next.data_keys.begin(), next.data_keys.end() - 1);
  next.has_plain = false;
  return write_ring(std::move(next), {});
}

}  // namespace swarm::real
