// Join tokens, and what a valid one makes of a stranger (Docker: "SWMTKN-1-<digest>-<secret>").
//
// The token carries the SHA-256 of the root certificate in 50 characters of base 36 and 128 random bits
// in 25. The joiner checks the digest before it believes a manager; the manager compares the secret in
// constant time.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "store/store.hpp"

namespace swarm::control {

struct JoinToken {
  std::string root_digest;  // 50 characters of base 36
  std::string secret;       // 25 characters of base 36
};

// `digest`: 32 raw bytes; `secret`: 16 raw bytes, from the Crypto port.
std::string make_join_token(std::string_view digest, std::string_view secret);
// Docker's text for what is no token: "invalid join token".
Result<JoinToken> parse_join_token(std::string_view text);
// Docker's text when the manager's root is not the token's: "remote CA does not match fingerprint. Expected:
// ...".
Result<void> check_root_digest(const JoinToken& token, std::string_view digest);
bool equal_in_constant_time(std::string_view a, std::string_view b);

// The role that the token gives; nothing when it is none of this swarm's.
std::optional<model::NodeRole> role_of_token(const model::Cluster& cluster, std::string_view token);

// The leader's side: which role the token gives, and the transaction that makes the node `id`. `remote_host`
// is the address that the joiner connects from. "A valid join token is necessary to join this cluster" for a
// wrong secret.
Result<model::Transaction> join_node(const store::Store& store, NodeId id, const wire::JoinRequest& request,
                                     const std::string& remote_host);

}  // namespace swarm::control
