#include "node/own_addresses.hpp"

#include <string>

#include "base/address.hpp"
#include "base/result.hpp"
#include "model/mesh.hpp"
#include "node/node.hpp"

namespace swarm::node {
namespace {

Result<Address> advertised(const Address& listen, const std::string& text) {
  if (text.empty()) {
    if (listen.is_unspecified())
      return plain_error(Code::invalid_argument, "could not find the system's IP address");
    return listen;
  }
  const auto address = Address::parse(text, listen.port);
  if (!address || address->port == 0 || address->is_unspecified())
    return plain_error(
        Code::invalid_argument,
        "advertise address must be a non-zero IP address or network interface (with optional port number)");
  return *address;
}

}  // namespace

Result<OwnAddresses> own_addresses(const NodeOptions& options, const std::string& listen,
                                   const std::string& advertise) {
  const auto listen_at = Address::parse(listen, model::kManagementPort);
  if (!listen_at || listen_at->port == 0)  // no other node could know a port that the system picks
    return plain_error(
        Code::invalid_argument,
        "listen address must be an IP address or network interface (with optional port number)");
  OwnAddresses out{*listen_at, {}};
  if (out.listen.is_unspecified()) out.listen.ip = options.address.ip;
  const auto advertise_at = advertised(out.listen, advertise);
  if (!advertise_at) return advertise_at.error();
  out.advertise = *advertise_at;
  return out;
}

}  // namespace swarm::node
