// Gcm: AES-256-GCM (NIST SP 800-38D) with one key: what was sealed opens with the same key, nonce and place
// only, or not at all. NOT here: where keys come from, and which nonce is next.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace swarm::real::seal {

inline constexpr std::size_t kKeyBytes = 32;
inline constexpr std::size_t kNonceBytes = 12;
inline constexpr std::size_t kTagBytes = 16;

std::string random_bytes(std::size_t count);

class Gcm {
 public:
  explicit Gcm(std::string_view key);

  // Appends to `out`: as many bytes as `text` has, and the tag.
  void seal(std::string_view nonce, std::string_view place, std::string_view text, std::string& out) const;
  std::optional<std::string> open(std::string_view nonce, std::string_view place,
                                  std::string_view sealed) const;

 private:
  struct Free {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };
  // The key's schedule is made once.
  std::unique_ptr<EVP_CIPHER_CTX, Free> seals_, opens_;
};

}  // namespace swarm::real::seal
