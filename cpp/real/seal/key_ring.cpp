#include "real/seal/key_ring.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "real/seal/gcm.hpp"
#include "real/seal/sealer.hpp"

namespace swarm::real::seal {
namespace {

constexpr std::string_view kDataKey = "SWARM DATA KEY";
constexpr std::string_view kLockedKeys = "SWARM LOCKED KEYS";
constexpr std::size_t kLine = 64;  // RFC 7468

std::string begin_of(std::string_view label) { return "-----BEGIN " + std::string(label) + "-----\n"; }
std::string end_of(std::string_view label) { return "-----END " + std::string(label) + "-----\n"; }

std::string block(std::string_view label, const std::string& headers, std::string_view bytes) {
  std::string out = begin_of(label) + headers + "\n";
  const std::string text = to_base64(bytes);
  for (std::size_t at = 0; at < text.size(); at += kLine) out += text.substr(at, kLine) + "\n";
  return out + end_of(label);
}

struct Block {
  std::string_view headers;
  std::string bytes;
};

Error bad(const std::string& what) { return plain_error(Code::data_loss, "it is corrupt: " + what); }

// Takes the first block of this kind off `text`.
Result<Block> take_block(std::string_view label, std::string_view& text) {
  const std::string begin = begin_of(label), end = end_of(label);
  if (!text.starts_with(begin)) return bad("a block of another kind is in the place of " + begin);
  text.remove_prefix(begin.size());
  const std::size_t blank = text.find("\n\n"), last = text.find(end);
  if (blank == std::string_view::npos || last == std::string_view::npos || blank + 2 > last)
    return bad("a block has no end");
  std::string body;
  for (const char c : text.substr(blank + 2, last - blank - 2))
    if (c != '\n') body += c;
  auto bytes = from_base64(body);
  if (!bytes) return bad("a block is no base64");
  const Block out{text.substr(0, blank + 1), std::move(*bytes)};
  text.remove_prefix(last + end.size());
  return out;
}

std::string_view header(std::string_view headers, std::string_view name) {
  while (!headers.empty()) {
    const std::string_view line = headers.substr(0, headers.find('\n'));
    headers.remove_prefix(line.size() + 1);
    if (line.starts_with(name) && line.substr(name.size()).starts_with(": "))
      return line.substr(name.size() + 2);
  }
  return {};
}

template <class Number>
Result<Number> number_of(std::string_view headers, std::string_view name) {
  const std::string_view text = header(headers, name);
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size())
    return bad("its " + std::string(name) + " is no number");
  return number;
}

std::string lock_header(std::uint64_t number) { return "kek-version: " + std::to_string(number) + "\n"; }

std::string clear_text(const KeyRing& ring) {
  std::string out = ring.node_key_pem;
  for (const DataKey& one : ring.data_keys)
    out += block(kDataKey,
                 "raft-dek: " + std::to_string(one.number) + "\n" + lock_header(ring.lock.number) +
                     (ring.has_plain ? "unsealed: yes\n" : ""),
                 one.key);
  return out;
}

std::string place_of(std::uint64_t number) { return "swarm-node.key " + lock_header(number); }

Result<void> take_data_key(std::string_view& text, KeyRing& ring) {
  const auto one = take_block(kDataKey, text);
  if (!one) return one.error();
  const auto number = number_of<std::uint32_t>(one->headers, "raft-dek");
  if (!number) return number.error();
  const auto lock = number_of<std::uint64_t>(one->headers, "kek-version");
  if (!lock) return lock.error();
  if (one->bytes.size() != kKeyBytes) return bad("a key has " + std::to_string(one->bytes.size()) + " bytes");
  if (!ring.data_keys.empty() && ring.data_keys.back().number >= *number)
    return bad("its keys are out of order");
  ring.data_keys.push_back({*number, one->bytes});
  ring.lock.number = *lock;
  ring.has_plain = !header(one->headers, "unsealed").empty();
  return {};
}

}  // namespace

void KeyRing::add_data_key() {
  const std::uint32_t last = data_keys.empty() ? 0 : data_keys.back().number;
  data_keys.push_back({last + 1, random_bytes(kKeyBytes)});
}

std::string to_text(const KeyRing& ring) {
  std::string text = clear_text(ring);
  if (ring.lock.key.empty()) return text;
  std::string sealed = random_bytes(kNonceBytes);
  const std::string nonce = sealed;
  Gcm(ring.lock.key).seal(nonce, place_of(ring.lock.number), text, sealed);
  return block(kLockedKeys, lock_header(ring.lock.number), sealed);
}

bool is_locked(std::string_view text) { return text.starts_with(begin_of(kLockedKeys)); }

// What is before the first data key is the node's own; a file of older versions has nothing else.
Result<KeyRing> read_ring(std::string_view text) {
  KeyRing ring;
  const std::size_t own = std::min(text.find(begin_of(kDataKey)), text.size());
  ring.node_key_pem = text.substr(0, own);
  text.remove_prefix(own);
  while (!text.empty())
    if (auto taken = take_data_key(text, ring); !taken) return taken.error();
  return ring;
}

Result<LockedRing> read_locked_ring(std::string_view text) {
  auto one = take_block(kLockedKeys, text);
  if (!one) return one.error();
  const auto number = number_of<std::uint64_t>(one->headers, "kek-version");
  if (!number) return number.error();
  if (!text.empty()) return bad("something follows the locked keys");
  return LockedRing{*number, std::move(one->bytes)};
}

std::optional<KeyRing> LockedRing::open(std::string_view key) const {
  if (key.size() != kKeyBytes || sealed.size() < kNonceBytes) return std::nullopt;
  const std::string_view bytes = sealed;
  const auto text = Gcm(key).open(bytes.substr(0, kNonceBytes), place_of(number), bytes.substr(kNonceBytes));
  if (!text) return std::nullopt;
  auto ring = read_ring(*text);
  if (!ring) return std::nullopt;
  ring->lock = {number, std::string(key)};
  return std::move(*ring);
}

}  // namespace swarm::real::seal
