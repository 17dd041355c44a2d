// Certificates by the roots of the cluster object: how a manager signs one, and what one is (TlsInfo). NOT
// here: what a certificate must say (ca/policy), when a node asks for one (lifecycle_certificate).
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/cluster.hpp"
#include "model/node.hpp"
#include "ports/ports.hpp"

namespace swarm::node {

// While the swarm is on its way to another root, that one signs, and its cross-signed certificate follows:
// nodes that believe the old root believe it, too.
Result<std::string> sign(ports::Crypto& crypto, const model::RootCa& roots, std::string_view request_pem,
                         const model::Certificate& says);

// What a node says of its certificate and of the root that it believes.
model::TlsInfo tls_info_of(ports::Crypto& crypto, std::string_view certificate_pem,
                           const std::string& root_pem);

}  // namespace swarm::node
