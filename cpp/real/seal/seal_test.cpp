// Values that open at their place with their key only; the file that holds the keys, open and locked.
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/pem.h>

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ports/disk.hpp"
#include "real/seal/gcm.hpp"
#include "real/seal/key_ring.hpp"
#include "real/seal/sealer.hpp"

namespace swarm::real::seal {
namespace {

using ports::Family;

const DataKey kFirst{1, std::string(kKeyBytes, 'a')}, kSecond{2, std::string(kKeyBytes, 'b')};

Sealer with(const std::vector<DataKey>& keys, bool has_plain = false) {
  Sealer sealer;
  sealer.set_keys(keys, has_plain);
  return sealer;
}

std::string opened(const Sealer& sealer, Family family, std::string_view key, std::string_view stored) {
  const auto value = sealer.open(family, key, stored);
  return value ? *value : "refused";
}

TEST(Sealer, OpensWhatItSealedAtItsOwnPlaceOnly) {
  Sealer sealer = with({kFirst});
  for (const std::string& value : {std::string(), std::string("a\0b", 3), std::string(70'000, 'x')}) {
    const std::string stored = sealer.seal(Family::objects, "key", value);
    EXPECT_EQ(opened(sealer, Family::objects, "key", stored), value);
    EXPECT_EQ(opened(sealer, Family::objects, "kez", stored), "refused");
    EXPECT_EQ(opened(sealer, Family::raft_log, "key", stored), "refused");
    EXPECT_EQ(opened(with({{1, std::string(kKeyBytes, 'b')}}), Family::objects, "key", stored), "refused");
  }
}

TEST(Sealer, AChangedByteAnywhereIsSeen) {
  Sealer sealer = with({kFirst});
  const std::string stored = sealer.seal(Family::agent, "task", "secret");
  EXPECT_EQ(stored.find("secret"), std::string::npos);
  for (std::size_t i = 0; i < stored.size(); ++i) {
    std::string changed = stored;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_EQ(opened(sealer, Family::agent, "task", changed), "refused") << i;
    EXPECT_EQ(opened(sealer, Family::agent, "task", stored.substr(0, i)), "refused") << i;
  }
}

// Two daemons that start from the same copy of a disk write the same records in the same order.
TEST(Sealer, NoNonceComesTwiceEvenAfterACopyWasRestored) {
  std::set<std::string> nonces;
  for (int opening = 0; opening < 20; ++opening) {
    Sealer sealer = with({kFirst});
    for (int i = 0; i < 500; ++i)
      nonces.insert(sealer.seal(Family::raft_log, std::to_string(i), "the same").substr(5, kNonceBytes));
  }
  EXPECT_EQ(nonces.size(), 10'000u);
}

TEST(Sealer, TheNewestKeySealsAndFormerOnesOpen) {
  Sealer before = with({kFirst}), sealer = with({kFirst, kSecond}), after = with({kSecond});
  const std::string old = before.seal(Family::objects, "key", "value");
  EXPECT_EQ(opened(sealer, Family::objects, "key", old), "value");
  EXPECT_FALSE(sealer.is_current(old));
  const std::string fresh = sealer.seal(Family::objects, "key", "value");
  EXPECT_TRUE(sealer.is_current(fresh));
  EXPECT_EQ(opened(after, Family::objects, "key", fresh), "value");
  EXPECT_EQ(opened(after, Family::objects, "key", old), "refused");
}

TEST(Sealer, PlainRecordsAreReadOnlyWhereTheyMayBe) {
  EXPECT_EQ(opened(with({kFirst}, true), Family::objects, "key", "plain"), "plain");
  EXPECT_EQ(opened(with({kFirst}, true), Family::objects, "key", ""), "");
  EXPECT_EQ(opened(with({kFirst}), Family::objects, "key", "plain"), "refused");
  EXPECT_EQ(opened(with({kFirst}), Family::objects, "key", ""), "refused");
}

// ---- the file

constexpr const char* kNodeKey =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n"
    "-----END PRIVATE KEY-----\n";
const std::string kUnlockKey(kKeyBytes, 'u');

KeyRing ring(ports::DiskLock lock = {}) { return {kNodeKey, {kFirst, kSecond}, true, std::move(lock)}; }

TEST(KeyRing, IsWhatItsTextSays) {
  for (const KeyRing& one :
       {KeyRing{}, KeyRing{kNodeKey, {}, false, {}}, KeyRing{"", {kFirst}, false, {7, ""}}, ring({3, ""})}) {
    const auto again = read_ring(to_text(one));
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_EQ(*again, one);
  }
}

TEST(KeyRing, OtherProgramsReadTheNodesOwnKey) {
  const std::string text = to_text(ring());
  BIO* bio = BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  EXPECT_NE(key, nullptr);
  EVP_PKEY_free(key);
  BIO_free(bio);
}

TEST(KeyRing, ALockedOneOpensWithItsKeyOnly) {
  const KeyRing own = ring({3, kUnlockKey});
  const std::string text = to_text(own);
  ASSERT_TRUE(is_locked(text));
  const auto locked = read_locked_ring(text);
  ASSERT_TRUE(locked.ok()) << locked.error().message;
  EXPECT_EQ(locked->number, 3u);
  EXPECT_EQ(locked->open(kUnlockKey), own);
  EXPECT_EQ(locked->open(std::string(kKeyBytes, 'v')), std::nullopt);
  EXPECT_EQ(locked->open("short"), std::nullopt);
  LockedRing renamed = *locked;
  renamed.number = 4;
  EXPECT_EQ(renamed.open(kUnlockKey), std::nullopt) << "its number is sealed, too";
}

TEST(KeyRing, ADamagedFileIsRefusedInASentence) {
  const std::string text = to_text(ring()), locked = to_text(ring({3, kUnlockKey}));
  const auto without = [](std::string from, const std::string& what) {
    return from.replace(from.find(what), what.size(), "");
  };
  for (const std::string& bad :
       {without(text, "raft-dek: 1"), without(text, "kek-version: 0"), without(text, "YWFh"),
        text + "something", without(text, "-----END SWARM DATA KEY-----\n"), text + text})
    EXPECT_FALSE(read_ring(bad).ok()) << bad;
  EXPECT_FALSE(read_locked_ring(without(locked, "kek-version: 3")).ok());
  EXPECT_FALSE(read_locked_ring(locked + text).ok());
  EXPECT_FALSE(read_locked_ring(text).ok());
}

}  // namespace
}  // namespace swarm::real::seal
