#include "control/join.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.hpp"
#include "base/id.hpp"
#include "base/mistake.hpp"
#include "base/result.hpp"
#include "control/feature_level.hpp"
#include "model/bounds.hpp"
#include "model/cluster.hpp"
#include "model/node.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "store/store.hpp"

namespace swarm::control {
namespace {

constexpr std::string_view kPrefix = "SWMTKN-1-";
constexpr std::size_t kDigestLength = 50;
constexpr std::size_t kSecretLength = 25;
constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";

// Base 36 of a big-endian number, by long division.
std::string big_to_base36(std::string_view bytes, std::size_t width) {
  std::string number(bytes), text;
  for (std::size_t i = 0; i < width; ++i) {
    unsigned rest = 0;
    for (char& byte : number) {
      rest = rest * 256 + static_cast<unsigned char>(byte);
      byte = static_cast<char>(rest / 36);
      rest %= 36;
    }
    text += kDigits[rest];
  }
  std::reverse(text.begin(), text.end());
  return text;
}

// 32 bytes; what does not fit is cut off.
std::string base36_to_big(std::string_view text) {
  std::string number(32, '\0');
  for (const char c : text) {
    unsigned carry = static_cast<unsigned>(kDigits.find(c));
    for (auto byte = number.rbegin(); byte != number.rend(); ++byte) {
      carry += static_cast<unsigned char>(*byte) * 36U;
      *byte = static_cast<char>(carry & 255U);
      carry >>= 8;
    }
  }
  return number;
}

bool is_base36(std::string_view text) { return text.find_first_not_of(kDigits) == std::string_view::npos; }

}  // namespace

std::string make_join_token(std::string_view digest, std::string_view secret) {
  return std::string(kPrefix) + big_to_base36(digest, kDigestLength) + "-" +
         big_to_base36(secret, kSecretLength);
}

Result<JoinToken> parse_join_token(std::string_view text) {
  const auto refuse = [] { return plain_error(Code::unknown, "invalid join token"); };
  if (text.size() != kPrefix.size() + kDigestLength + 1 + kSecretLength || !text.starts_with(kPrefix))
    return refuse();
  const std::string_view rest = text.substr(kPrefix.size());
  JoinToken token{std::string(rest.substr(0, kDigestLength)), std::string(rest.substr(kDigestLength + 1))};
  if (rest[kDigestLength] != '-' || !is_base36(token.root_digest) || !is_base36(token.secret))
    return refuse();
  return token;
}

Result<void> check_root_digest(const JoinToken& token, std::string_view digest) {
  if (equal_in_constant_time(token.root_digest, big_to_base36(digest, kDigestLength))) return {};
  return Error{Code::unknown,
               "remote CA does not match fingerprint. Expected: " + to_hex(base36_to_big(token.root_digest)),
               "the token is another swarm's: ask a manager of this one with `docker swarm join-token`",
               false, 0};
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;  // the length of a token is no secret
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned>(static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]));
  return difference == 0;
}

std::optional<model::NodeRole> role_of_token(const model::Cluster& cluster, std::string_view token) {
  const bool as_worker = equal_in_constant_time(token, cluster.root_ca.join_token_worker);
  const bool as_manager = equal_in_constant_time(token, cluster.root_ca.join_token_manager);
  if (as_manager) return model::NodeRole::manager;
  return as_worker || SWARM_MISTAKE("control.lets-in-with-any-token") ? std::optional(model::NodeRole::worker)
                                                                      : std::nullopt;
}

Result<model::Transaction> join_node(const store::Store& store, NodeId id, const wire::JoinRequest& request,
                                     const std::string& remote_host) {
  const model::Cluster* cluster = store.cluster();
  if (cluster == nullptr) return plain_error(Code::unavailable, "the swarm is not ready yet: try again");
  const auto role = role_of_token(*cluster, request.token);
  if (!role) return rpc_error(Code::invalid_argument, "A valid join token is necessary to join this cluster");
  const auto& removed = cluster->removed_nodes;
  if (std::find(removed.begin(), removed.end(), id) != removed.end())
    return rpc_error(Code::permission_denied, "node " + id.str() + " was removed from this swarm");
  if (auto wrong = model::out_of_bounds(request.description); !wrong.empty())
    return rpc_error(Code::invalid_argument, std::move(wrong.front()));
  if (*role == model::NodeRole::manager) {
    const auto& description = request.description;
    const auto may = may_manage(description.hostname, description.feature_level, cluster->feature_level);
    if (!may) return may.error();
  }
  model::Node node;
  node.id = id;
  node.spec.desired_role = node.role = *role;
  node.spec.availability = request.availability;
  node.description = request.description;
  node.description.tls.reset();  // it has no certificate yet
  node.status.addr = remote_host;
  model::Transaction transaction;
  transaction.actions.push_back(model::Put{std::move(node)});
  return transaction;
}

}  // namespace swarm::control
