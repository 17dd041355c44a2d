#include "real/seal/sealer.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/result.hpp"
#include "ports/disk.hpp"
#include "real/seal/gcm.hpp"

namespace swarm::real::seal {
namespace {

constexpr char kFormat = 1;
constexpr std::size_t kHead = 1 + 4 + kNonceBytes;
constexpr std::size_t kPrefixBytes = 8;

std::string place_of(ports::Family family, std::string_view key) {
  std::string place(1, static_cast<char>(family));
  return place += key;
}

bool looks_sealed(std::string_view stored) {
  return stored.size() >= kHead + kTagBytes && stored.front() == kFormat;
}

}  // namespace

void Sealer::set_keys(const std::vector<DataKey>& keys, bool has_plain) {
  keys_.clear();
  for (const DataKey& one : keys) keys_.emplace(one.number, Gcm(one.key));
  has_plain_ = has_plain;
  prefix_ = random_bytes(kPrefixBytes);
  count_ = 0;
}

std::string Sealer::next_nonce() {
  if (count_ == std::numeric_limits<std::uint32_t>::max()) {
    prefix_ = random_bytes(kPrefixBytes);
    count_ = 0;
  }
  std::string nonce = prefix_;
  put_u32(nonce, count_++);
  return nonce;
}

std::string Sealer::seal(ports::Family family, std::string_view key, std::string_view value) {
  SWARM_CHECK(has_keys(), "nothing to seal with");
  const auto& [number, gcm] = *keys_.rbegin();
  const std::string nonce = next_nonce();
  std::string out;
  out.reserve(kHead + value.size() + kTagBytes);
  out += kFormat;
  put_u32(out, number);
  out += nonce;
  gcm.seal(nonce, place_of(family, key), value, out);
  return out;
}

Result<std::string> Sealer::open(ports::Family family, std::string_view key, std::string_view stored) const {
  if (looks_sealed(stored)) {
    const auto with = keys_.find(get_u32(stored, 1));
    if (with != keys_.end())
      if (auto value =
              with->second.open(stored.substr(5, kNonceBytes), place_of(family, key), stored.substr(kHead)))
        return std::move(*value);
  }
  if (has_plain_) return std::string(stored);
  return plain_error(
      Code::data_loss,
      "a record does not open with the keys of swarm-node.key: it, or that file, was changed or is "
      "damaged; restore swarm/certificates/swarm-node.key and this file from one copy of the data "
      "root, or start with an empty data root and join again");
}

bool Sealer::is_current(std::string_view stored) const {
  return looks_sealed(stored) && get_u32(stored, 1) == keys_.rbegin()->first;
}

}  // namespace swarm::real::seal
