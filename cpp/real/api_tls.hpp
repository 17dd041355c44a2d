// The files that dockerd's flags name for the API over TLS: --tlscacert, --tlscert, --tlskey.
#pragma once

#include <memory>
#include <string>

#include "base/result.hpp"
#include "real/tls/tls_context.hpp"

namespace swarm::real {

struct ApiTls {
  bool on = false;                   // --tls, --tlsverify
  bool verify = false;               // --tlsverify: clients show a certificate of the authority in `ca`
  std::string ca, certificate, key;  // files; empty: ca.pem, cert.pem, key.pem where Docker keeps them
};

// Nothing where TLS is off. An Error names the flag and the file.
Result<std::shared_ptr<TlsContext>> api_context(const ApiTls& files);

}  // namespace swarm::real
