// Identity: who this node is, as its disk remembers it (family identity), and what it proves it with (family
// certificates). Written before it is acted on. NOT its role in the Raft group: the manager families hold
// that (replica_disk.hpp).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/pem.hpp"
#include "base/result.hpp"
#include "model/node.hpp"
#include "model/wire.hpp"
#include "ports/disk.hpp"
#include "ports/ports.hpp"
#include "ports/transport.hpp"

namespace swarm::node {

struct Identity {
  NodeId node;
  ClusterId cluster;
  model::NodeRole role = model::NodeRole::worker;
  std::uint64_t raft_id = 0;  // 0: not (yet) a member of the Raft group
  Address listen;             // where this node listens for peers if it is a manager
  Address advertise;          // the address that others dial
  std::string root_cert_pem;
  std::string certificate_pem, key_pem;     // empty: of a version that had none
  std::vector<wire::ManagerPeer> managers;  // as a manager last sent them
  bool operator==(const Identity&) const = default;
};

// Nothing when this node is in no swarm; an Error that names the key when a value cannot be read.
Result<std::optional<Identity>> load_identity(ports::Disk& disk);
// What is wrong with the files of certificates, as far as that is seen without the key; "" if nothing is.
std::string damage_of_certificates(ports::Disk& disk, ports::Crypto& crypto);
// Return synced batches that replace the identity on the disk by this one: all but its certificates, and
// those.
ports::DiskBatch save_identity(const Identity& identity);
ports::DiskBatch save_certificates(const Identity& identity);

// What the node proves itself with, and whom it believes: the root, and the signer of its own certificate as
// the root has cross-signed it (behind the certificate). A node that was down when one rotation of the root
// ended and the next one began meets nodes whose certificates name that signer and no longer the root that it
// knows.
inline ports::Credentials credentials_of(const Identity& identity) {
  std::string_view behind = identity.certificate_pem;
  const bool has_own = !take_certificate(behind).empty();
  const std::string cross_signed(has_own ? behind : "");
  return {identity.certificate_pem, identity.key_pem, identity.root_cert_pem + cross_signed, {}};
}

}  // namespace swarm::node
