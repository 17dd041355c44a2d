#include "node/identity.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "codec/codec.hpp"
#include "model/node.hpp"
#include "model/wire.hpp"
#include "ports/disk.hpp"
#include "ports/left_key.hpp"
#include "ports/ports.hpp"

namespace swarm::node {
namespace {

constexpr const char* kManagersPrefix = "managers/";
// Docker's names (swarmkit ca/config.go).
constexpr const char* kCertificate = "swarm-node.crt";
constexpr const char* kKey = "swarm-node.key";
constexpr const char* kRoot = "swarm-root-ca.crt";

// Reads one key after the other; the first that cannot be read is remembered.
class Reader {
 public:
  explicit Reader(ports::Disk& disk) : disk_(disk) {}

  std::string text(const char* key) { return disk_.get(ports::Family::identity, key).value_or(""); }
  std::string certificate(const char* name) {
    return disk_.get(ports::Family::certificates, name).value_or("");
  }

  template <class IdType>
  IdType id(const char* key) {
    const auto parsed = IdType::parse(text(key));
    if (!parsed || parsed->empty()) fail(key);
    return parsed.value_or(IdType());
  }

  Address address(const char* key) {
    const auto parsed = Address::parse(text(key));
    if (!parsed) fail(key);
    return parsed.value_or(Address());
  }

  std::uint64_t number(const char* key) {
    const std::string bytes = text(key);
    if (bytes.size() != 8) fail(key);
    return bytes.size() == 8 ? get_u64(bytes) : 0;
  }

  model::NodeRole role(const char* key) {
    const auto parsed = model::parse_node_role(text(key));
    if (!parsed) fail(key);
    return parsed.value_or(model::NodeRole::worker);
  }

  std::vector<wire::ManagerPeer> managers() {
    std::vector<wire::ManagerPeer> peers;
    disk_.scan(ports::Family::identity, kManagersPrefix, [&](std::string_view key, std::string_view value) {
      if (!key.starts_with(kManagersPrefix)) return false;
      auto peer = codec::decode_manager_peer(value);
      if (peer) {
        peers.push_back(*peer);
      } else {
        fail(std::string(key));
      }
      return true;
    });
    return peers;
  }

  void fail(const std::string& key) {
    if (bad_key_.empty()) bad_key_ = key;
  }
  const std::string& bad_key() const { return bad_key_; }

 private:
  ports::Disk& disk_;
  std::string bad_key_;
};

std::string eight_bytes(std::uint64_t value) {
  std::string bytes;
  put_u64(bytes, value);
  return bytes;
}

}  // namespace

Result<std::optional<Identity>> load_identity(ports::Disk& disk) {
  if (!disk.get(ports::Family::identity, "node")) return std::optional<Identity>();
  Reader read(disk);
  Identity identity;
  identity.node = read.id<NodeId>("node");
  identity.cluster = read.id<ClusterId>("cluster");
  identity.role = read.role("role");
  identity.raft_id = read.number("raft_id");
  identity.listen = read.address("listen");
  identity.advertise = read.address("advertise");
  identity.root_cert_pem = read.certificate(kRoot);
  if (identity.root_cert_pem.empty()) identity.root_cert_pem = read.text("root_cert");  // older versions
  identity.certificate_pem = read.certificate(kCertificate);
  identity.key_pem = read.certificate(kKey);
  identity.managers = read.managers();
  if (!read.bad_key().empty())
    return plain_error(
        Code::data_loss,
        "the data root is corrupt: identity key '" + read.bad_key() +
            "' cannot be read; restore it from a copy, or start with an empty data root and join again");
  return std::optional(identity);
}

// One of an older version may have no certificate, or its root elsewhere: a locked disk is of none of them.
std::string damage_of_certificates(ports::Disk& disk, ports::Crypto& crypto) {
  const auto certificate = disk.get(ports::Family::certificates, kCertificate);
  const auto root = disk.get(ports::Family::certificates, kRoot);
  if (certificate && certificate->empty()) return std::string(kCertificate) + " is empty";
  if (certificate && !crypto.read_certificate(*certificate))
    return std::string(kCertificate) + " is no node's certificate";
  if (root && root->empty()) return std::string(kRoot) + " is empty";
  if (!root && certificate && disk.locked()) return std::string(kRoot) + " is missing";
  return {};
}

ports::DiskBatch save_identity(const Identity& identity) {
  using ports::Family;
  ports::DiskBatch batch;
  batch.sync = true;
  batch.erase(Family::format, ports::kLeftKey);
  batch.put(Family::identity, "node", identity.node.str());
  batch.put(Family::identity, "cluster", identity.cluster.str());
  batch.put(Family::identity, "role", model::to_string(identity.role));
  batch.put(Family::identity, "raft_id", eight_bytes(identity.raft_id));
  batch.put(Family::identity, "listen", identity.listen.str());
  batch.put(Family::identity, "advertise", identity.advertise.str());
  batch.erase_range(Family::identity, kManagersPrefix, std::string(kManagersPrefix) + "\xff");
  for (std::size_t i = 0; i < identity.managers.size(); ++i) {
    std::string key = kManagersPrefix;
    put_u32(key, static_cast<std::uint32_t>(i));
    batch.put(Family::identity, key, codec::encode(identity.managers[i]));
  }
  return batch;
}

ports::DiskBatch save_certificates(const Identity& identity) {
  ports::DiskBatch batch;
  batch.sync = true;
  batch.put(ports::Family::certificates, kRoot, identity.root_cert_pem);
  batch.put(ports::Family::certificates, kCertificate, identity.certificate_pem);
  batch.put(ports::Family::certificates, kKey, identity.key_pem);
  return batch;
}

}  // namespace swarm::node
