// X.509: certificates and keys of a swarm as PEM text, by OpenSSL. P-256 everywhere. NOT here: what a
// certificate is to say (ca/), connections (tls_stream).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/certificate.hpp"
#include "real/tls/owned.hpp"

namespace swarm::real::tls {

Key make_key();
std::string to_pem(EVP_PKEY* key);
std::string to_pem(X509* cert);

// Null, or as many as could be read: the text is not one.
Cert read_cert(std::string_view pem);
Key read_key(std::string_view pem);
std::vector<Cert> read_certs(std::string_view pem);

// A self-signed root: CN swarm-ca, 20 years. `serial`: 20 random bytes.
Cert make_root(EVP_PKEY* key, WallTime now, std::string serial);
// A request (PKCS #10) that holds the public key and proves the private one. Its names mean nothing.
std::string make_request_pem(EVP_PKEY* key);
// Signs what `says` says for the public key of the request, and for nothing else of it.
Result<std::string> issue(std::string_view root_pem, std::string_view root_key_pem,
                          std::string_view request_pem, const model::Certificate& says, std::string serial);

// What the certificate of a node says; nothing when it is none.
std::optional<model::Certificate> says(X509* cert);
// The root's key identifier, in hexadecimal digits; "" when it has none.
std::string key_id(X509* root);

}  // namespace swarm::real::tls
