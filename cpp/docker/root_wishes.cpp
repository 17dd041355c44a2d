#include "docker/root_wishes.hpp"

#include <algorithm>
#include <optional>
#include <set>
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
#include "store/store.hpp"

namespace swarm::docker {
namespace {

using KeyPair = ports::Crypto::KeyPair;

Error invalid(std::string text) { return rpc_error(Code::invalid_argument, std::move(text)); }

// Certificates name their root by its key identifier alone (model::Certificate::issuer). Of another root with
// the same one, nodes would seem to have certificates already, which do not lead to it.
bool is_namesake(const std::string& cert_pem, const std::string& other_pem, ports::Crypto& crypto) {
  if (crypto.root_id(cert_pem) != crypto.root_id(other_pem)) return false;
  const auto one = crypto.issuer_of(cert_pem), other = crypto.issuer_of(other_pem);
  return one.subject_der != other.subject_der || one.public_key_der != other.public_key_der;
}

// Of a root that was wanted for a while, too: a node that was down has such a certificate still.
bool has_namesakes(const std::string& cert_pem, const store::Store& store, ports::Crypto& crypto) {
  const model::RootCa& roots = store.cluster()->root_ca;
  if (is_namesake(cert_pem, roots.cert_pem, crypto)) return true;
  if (roots.rotation && is_namesake(cert_pem, roots.rotation->cert_pem, crypto)) return true;
  const std::string id = crypto.root_id(cert_pem);
  const auto issuer = crypto.issuer_of(cert_pem);
  return std::ranges::any_of(store.nodes(), [&](const auto& one) {
    const auto& tls = one.second->description.tls;
    return tls && tls->issuer == id &&
           (tls->issuer_subject != issuer.subject_der || tls->issuer_public_key != issuer.public_key_der);
  });
}

// A node that was down when the present root was renewed, by another certificate of the same key, believes
// the former one still: it may have limits that the present one has not.
Result<void> check_former_roots(const KeyPair& root, const store::Store& store, ports::Crypto& crypto) {
  const model::RootCa& roots = store.cluster()->root_ca;
  std::set<std::string> former;
  for (const auto& [_, node] : store.nodes())
    if (const auto& tls = node->description.tls) former.insert(tls->trust_root);
  former.erase(roots.cert_pem);
  const std::string id = crypto.root_id(roots.cert_pem);
  for (const std::string& one : former) {
    if (crypto.root_id(one) != id) continue;
    if (const auto possible = crypto.cross_sign({one, roots.key_pem}, root.cert_pem); !possible)
      return possible.error();
  }
  return {};
}

Result<model::RootCa> rotate_to(const KeyPair& root, const store::Store& store, const Context& context) {
  ports::Crypto& crypto = context.crypto;
  const model::RootCa& roots = store.cluster()->root_ca;
  if (has_namesakes(root.cert_pem, store, crypto))
    return invalid(
        "the desired CA certificate has the key identifier of another root that nodes of this swarm have "
        "certificates of, and another subject or key: nodes could not tell the two apart. Make the new root "
        "with a new key; docker swarm ca --rotate without --ca-cert makes one");
  auto cross_signed = crypto.cross_sign({roots.cert_pem, roots.key_pem}, root.cert_pem);
  if (!cross_signed) return cross_signed.error();
  if (const auto possible = check_former_roots(root, store, crypto); !possible) return possible.error();
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
                                                  const store::Store& store, const Context& context) {
  using Roots = std::optional<model::RootCa>;
  const model::Cluster& cluster = *store.cluster();
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
  auto rotated = rotate_to(*root, store, context);
  if (!rotated) return rotated.error();
  return Roots(std::move(*rotated));
}

}  // namespace swarm::docker
