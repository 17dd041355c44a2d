#include "node/certificates.hpp"

#include <string>
#include <string_view>

#include "base/pem.hpp"
#include "base/result.hpp"
#include "model/certificate.hpp"
#include "model/cluster.hpp"
#include "model/node.hpp"
#include "ports/ports.hpp"

namespace swarm::node {

Result<std::string> sign(ports::Crypto& crypto, const model::RootCa& roots, std::string_view request_pem,
                         const model::Certificate& says) {
  if (!roots.rotation) return crypto.issue({roots.cert_pem, roots.key_pem}, request_pem, says);
  auto signed_by_goal = crypto.issue({roots.rotation->cert_pem, roots.rotation->key_pem}, request_pem, says);
  if (signed_by_goal) *signed_by_goal += roots.rotation->cross_signed_pem;
  return signed_by_goal;
}

model::TlsInfo tls_info_of(ports::Crypto& crypto, std::string_view certificate_pem,
                           const std::string& root_pem) {
  model::TlsInfo tls;
  tls.trust_root = root_pem;
  const auto says = crypto.read_certificate(certificate_pem);
  if (!says) return tls;
  tls.issuer = says->issuer;
  std::string_view rest = certificate_pem;
  take_certificate(rest);  // the node's own
  std::string_view signer = root_pem;
  for (std::string_view next = take_certificate(rest); !next.empty(); next = take_certificate(rest))
    if (crypto.root_id(next) == says->issuer) signer = next;
  const auto issuer = crypto.issuer_of(signer);
  tls.issuer_subject = issuer.subject_der;
  tls.issuer_public_key = issuer.public_key_der;
  return tls;
}

}  // namespace swarm::node
