#include "real/seal/gcm.hpp"

#include <openssl/rand.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.hpp"

namespace swarm::real::seal {
namespace {

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(std::string& text, std::size_t at) {
  return reinterpret_cast<unsigned char*>(text.data()) + at;
}
int size(std::string_view text) { return static_cast<int>(text.size()); }

EVP_CIPHER_CTX* made(std::string_view key, int seals) {
  SWARM_CHECK(key.size() == kKeyBytes, "a key of", key.size(), "bytes");
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  const bool made = EVP_CipherInit_ex(context, EVP_aes_256_gcm(), nullptr, bytes(key), nullptr, seals) == 1;
  SWARM_CHECK(made, "OpenSSL has no AES-256-GCM");
  return context;
}

}  // namespace

std::string random_bytes(std::size_t count) {
  std::string out(count, '\0');
  SWARM_CHECK(RAND_bytes(bytes(out, 0), static_cast<int>(count)) == 1, "no randomness");
  return out;
}

Gcm::Gcm(std::string_view key) : seals_(made(key, 1)), opens_(made(key, 0)) {}

void Gcm::seal(std::string_view nonce, std::string_view place, std::string_view text,
               std::string& out) const {
  SWARM_CHECK(nonce.size() == kNonceBytes, "a nonce of", nonce.size(), "bytes");
  const std::size_t at = out.size();
  out.resize(at + text.size() + kTagBytes);
  int length = 0;
  const bool sealed =
      EVP_EncryptInit_ex(seals_.get(), nullptr, nullptr, nullptr, bytes(nonce)) == 1 &&
      EVP_EncryptUpdate(seals_.get(), nullptr, &length, bytes(place), size(place)) == 1 &&
      EVP_EncryptUpdate(seals_.get(), bytes(out, at), &length, bytes(text), size(text)) == 1 &&
      EVP_EncryptFinal_ex(seals_.get(), bytes(out, at + text.size()), &length) == 1 &&
      EVP_CIPHER_CTX_ctrl(seals_.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(kTagBytes),
                          bytes(out, at + text.size())) == 1;
  SWARM_CHECK(sealed, "AES-256-GCM does not seal", text.size(), "bytes");
}

std::optional<std::string> Gcm::open(std::string_view nonce, std::string_view place,
                                     std::string_view sealed) const {
  if (nonce.size() != kNonceBytes || sealed.size() < kTagBytes) return std::nullopt;
  const std::string_view text = sealed.substr(0, sealed.size() - kTagBytes);
  std::string tag(sealed.substr(text.size())), out(text.size(), '\0');
  int length = 0;
  const bool opened =
      EVP_DecryptInit_ex(opens_.get(), nullptr, nullptr, nullptr, bytes(nonce)) == 1 &&
      EVP_DecryptUpdate(opens_.get(), nullptr, &length, bytes(place), size(place)) == 1 &&
      EVP_DecryptUpdate(opens_.get(), bytes(out, 0), &length, bytes(text), size(text)) == 1 &&
      EVP_CIPHER_CTX_ctrl(opens_.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(kTagBytes), tag.data()) == 1 &&
      EVP_DecryptFinal_ex(opens_.get(), bytes(tag, 0), &length) == 1;
  return opened ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace swarm::real::seal
