// OwnAddresses: where a node listens for other nodes and the address that they dial, as init and join give
// them.
#pragma once

#include <string>

#include "base/address.hpp"
#include "base/result.hpp"
#include "node/node.hpp"

namespace swarm::node {

struct OwnAddresses {
  Address listen, advertise;
};
// Docker's texts for what is no address. The stock CLI always sends "0.0.0.0:2377": the wildcard means this
// node's own address where it has one.
Result<OwnAddresses> own_addresses(const NodeOptions& options, const std::string& listen,
                                   const std::string& advertise);

}  // namespace swarm::node
