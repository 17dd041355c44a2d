#include "docker/root_wishes.hpp"

#include <optional>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "control/join.hpp"
#include "control/root_rotation.hpp"
#include "docker/api.hpp"
#include "docker/errors.hpp"
#include "docker/fields.hpp"
#include "model/cluster.hpp"
#include "ports/ports.hpp"

namespace swarm::docker {
namespace {

using KeyPair = ports::Crypto::KeyPair;

Error invalid(std::string text) { return rpc_error(Code::invalid_argument, std::move(text)); }

Result<model::RootCa> rotate_to(const KeyPair& root, const model::RootCa& roots, ports::Crypto& crypto) {
  auto cross_signed = crypto.cross_sign({roots.cert_pem, roots.key_pem}, root.cert_pem);
  if (!cross_signed) return cross_signed.error();
  model::RootRotation goal;
  goal.cert_pem = root.cert_pem;
  goal.key_pem = root.key_pem;
  goal.cross_signed_pem = std::move(*cross_signed);
  goal.id = crypto.root_id(root.cert_pem);
  goal.join_token_worker = fresh_token(crypto, root.cert_pem);
  goal.join_token_manager = fresh_token(crypto, root.cert_pem);
  return control::rotate_to(roots, std::move(goal));
}

}  // namespace

RootWish read_root_wish(const Fields& spec) {
  const Fields ca = spec.object("CAConfig");
  return {ca.text("SigningCACert"), ca.text("SigningCAKey")};
}

Result<void> check_external_cas(const model::ClusterSpec& spec) {
  if (spec.ca.external_cas.empty()) return {};
  return not_yet(
      "certificate authorities outside the swarm (--external-ca) are not supported: the managers sign "
      "certificates themselves. Give them a root of your own by docker swarm ca --rotate --ca-cert FILE "
      "--ca-key FILE");
}

std::string fresh_token(ports::Crypto& crypto, const std::string& root_cert_pem) {
  return control::make_join_token(crypto.sha256(root_cert_pem), crypto.random_bytes(16));
}

Result<std::optional<model::RootCa>> wanted_roots(const RootWish& wish, const model::ClusterSpec& spec,
                                                  const model::Cluster& cluster, const Context& context) {
  using Roots = std::optional<model::RootCa>;
  ports::Crypto& crypto = context.crypto;
  const model::RootCa& roots = cluster.root_ca;
  if (wish.cert_pem.empty() && !wish.key_pem.empty())
    return invalid("if a signing CA key is provided, the signing CA cert must also be provided");
  if (!wish.any() && spec.ca.force_rotate == cluster.spec.ca.force_rotate) return Roots();
  if (!wish.cert_pem.empty() && wish.key_pem.empty())
    return invalid(
        "the key of the desired root certificate must be given, too (--ca-key): the managers "
        "sign certificates with it, and external certificate authorities are not supported");
  const auto root = wish.any() ? crypto.read_root(wish.cert_pem, wish.key_pem, context.wall)
                               : Result<KeyPair>(crypto.make_root_ca(context.wall));
  if (!root) return root.error();
  if (root->cert_pem == roots.cert_pem)
    return Roots(control::stay_with(roots, crypto.root_id(root->cert_pem)));
  auto rotated = rotate_to(*root, roots, crypto);
  if (!rotated) return rotated.error();
  return Roots(std::move(*rotated));
}

}  // namespace swarm::docker
