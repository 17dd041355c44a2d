#include "control/unlock_key.hpp"

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/result.hpp"
#include "model/cluster.hpp"

namespace swarm::control {
namespace {

constexpr std::string_view kPrefix = "SWMKEY-1-";

}  // namespace

std::string unlock_key_text(std::string_view key) {
  if (key.empty()) return {};
  std::string text = to_base64(key);
  while (text.ends_with('=')) text.pop_back();
  return std::string(kPrefix) + text;
}

Result<std::string> parse_unlock_key(std::string_view text) {
  const auto key = text.starts_with(kPrefix) ? from_base64(text.substr(kPrefix.size())) : std::nullopt;
  if (!key || key->size() != kUnlockKeyBytes)
    return plain_error(Code::invalid_argument, "invalid key string");
  return *key;
}

void set_unlock_key(model::Cluster& cluster, const std::string& fresh, bool rotate) {
  const bool wanted = cluster.spec.auto_lock_managers;
  if (wanted != cluster.unlock_key.empty() && !(wanted && rotate)) return;
  SWARM_CHECK(!wanted || fresh.size() == kUnlockKeyBytes, "an unlock key of", fresh.size(), "bytes");
  cluster.unlock_key = wanted ? fresh : std::string();
  ++cluster.unlock_key_number;
}

}  // namespace swarm::control
