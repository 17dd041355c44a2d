#include "real/tls/failure.hpp"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <string>

#include "ca/policy.hpp"

namespace swarm::real::tls {
namespace {

// Reasons of received alerts begin here.
constexpr int kAlerts = SSL_AD_REASON_OFFSET;

std::string not_believed(const std::string& why) { return "the peer's certificate is not believed: " + why; }

std::string refused_here(long verified) {
  switch (verified) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return ca::sentence_of(ca::Distrust::another_root);
    default:
      return not_believed(X509_verify_cert_error_string(verified));
  }
}

}  // namespace

std::string failure_of(SSL* ssl) {
  const unsigned long error = ERR_peek_last_error();
  const char* words = ERR_reason_error_string(error);
  std::string text = words != nullptr ? words : "TLS failed";
  if (ERR_GET_LIB(error) != ERR_LIB_SSL) return text;
  switch (ERR_GET_REASON(error)) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return refused_here(SSL_get_verify_result(ssl));
    case kAlerts + SSL_AD_UNKNOWN_CA:
      return std::string("refused: ") + ca::sentence_of(ca::Distrust::another_root);
    case kAlerts + SSL_AD_CERTIFICATE_EXPIRED:
      return std::string("refused: ") + ca::sentence_of(ca::Distrust::expired);
    case kAlerts + SSL_AD_BAD_CERTIFICATE:
    case kAlerts + SSL_AD_UNSUPPORTED_CERTIFICATE:
    case kAlerts + SSL_AD_CERTIFICATE_REVOKED:
    case kAlerts + SSL_AD_CERTIFICATE_UNKNOWN:
    case kAlerts + SSL_AD_DECRYPT_ERROR:
      return "refused: " + not_believed(text);
    default:
      return text;
  }
}

}  // namespace swarm::real::tls
