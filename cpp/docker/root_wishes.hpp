// Inside docker: what a request says of the swarm's root certificate (`docker swarm ca`), and what it comes
// to. The keys are made here, because every replica must get the same ones.
#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"
#include "docker/api.hpp"
#include "docker/fields.hpp"
#include "model/cluster.hpp"
#include "store/store.hpp"

namespace swarm::docker {

// A root of the user's own. It is acted on and not kept in the spec.
struct RootWish {
  std::string cert_pem, key_pem;
  bool any() const { return !cert_pem.empty() || !key_pem.empty(); }
};
RootWish read_root_wish(const Fields& spec);

// Refuses certificate authorities outside the swarm.
Result<void> check_external_cas(const model::ClusterSpec& spec);

std::string fresh_token(ports::Crypto& crypto, const std::string& root_cert_pem);

// The roots that the swarm is to have; nothing if the request asks for none (swarmkit
// manager/controlapi/ca_rotation.go validateCAConfig).
Result<std::optional<model::RootCa>> wanted_roots(const RootWish& wish, const model::ClusterSpec& spec,
                                                  const store::Store& store, const Context& context);

}  // namespace swarm::docker
