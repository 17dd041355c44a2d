#include "control/cluster.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "control/unlock_key.hpp"
#include "model/bounds.hpp"
#include "model/cluster.hpp"
#include "model/network.hpp"
#include "model/node.hpp"
#include "model/transaction.hpp"
#include "store/store.hpp"

namespace swarm::control {
namespace {

Error invalid(std::string text) { return rpc_error(Code::invalid_argument, std::move(text)); }

// The first subnet of the first pool: the ingress network's, as Docker takes it.
model::IpamConfig first_subnet(const std::vector<std::string>& pools, std::uint32_t subnet_size) {
  const auto pool = AddressBlock::parse(pools.empty() ? "10.0.0.0/8" : pools.front());
  if (!pool) return {};
  Address base = pool->first;
  model::IpamConfig out;
  out.subnet = base.host() + "/" + std::to_string(subnet_size);
  ++base.ip.back();
  out.gateway = base.host();
  return out;
}

model::Network predefined(const std::string& name, Rng& rng) {
  model::Network network;
  network.id = NetworkId::random(rng);
  network.annotations = {name, {{"com.docker.swarm.predefined", "true"}}};
  network.driver = name;
  network.predefined = true;
  return network;
}

}  // namespace

model::Transaction make_cluster(const NewCluster& fresh, const model::Node& first, Rng& rng) {
  model::Cluster cluster;
  cluster.id = fresh.id;
  cluster.spec = fresh.spec;
  cluster.root_ca = {
      fresh.root_cert_pem, fresh.root_key_pem, fresh.join_token_worker, fresh.join_token_manager, {}, {}};
  if (!fresh.default_addr_pool.empty()) cluster.default_addr_pool = fresh.default_addr_pool;
  cluster.subnet_size = fresh.subnet_size;
  cluster.data_path_port = fresh.data_path_port;
  cluster.feature_level = first.description.feature_level;  // its only manager knows it
  set_unlock_key(cluster, fresh.unlock_key, false);
  model::Network ingress;
  ingress.id = NetworkId::random(rng);
  ingress.annotations.name = "ingress";
  ingress.driver = "overlay";
  ingress.ingress = true;
  ingress.ipam = {first_subnet(cluster.default_addr_pool, cluster.subnet_size)};
  model::Transaction transaction;
  transaction.actions.push_back(model::Put{std::move(cluster)});
  transaction.actions.push_back(model::Put{first});
  transaction.actions.push_back(model::Put{std::move(ingress)});
  transaction.actions.push_back(model::Put{predefined("bridge", rng)});
  transaction.actions.push_back(model::Put{predefined("host", rng)});
  return transaction;
}

Result<void> validate_cluster_spec(const model::ClusterSpec& spec) {
  if (spec.annotations.name != "default") return invalid("modification of cluster name is not allowed");
  if (const auto wrong = model::out_of_bounds(spec); !wrong.empty()) return invalid(wrong.front());
  for (const auto& ca : spec.ca.external_cas)
    if (ca.protocol != "cfssl") return invalid("unrecognized external CA protocol: " + ca.protocol);
  return {};
}

Result<model::Transaction> update_cluster(const store::Store& store, const ClusterUpdate& update) {
  if (const auto valid = validate_cluster_spec(update.spec); !valid) return valid.error();
  const model::Cluster* stored = store.cluster();
  if (stored == nullptr) return plain_error(Code::not_found, "cluster not found");
  if (stored->meta.version != update.version) return rpc_error(Code::unknown, "update out of sequence");
  // The docker CLI's text: it asks by itself before it asks the API.
  if (update.rotate_unlock_key && !update.spec.auto_lock_managers)
    return plain_error(Code::invalid_argument, "cannot rotate because autolock is not turned on");
  model::Cluster next = *stored;
  next.spec = update.spec;
  if (update.root_ca) next.root_ca = *update.root_ca;
  if (update.join_token_worker) next.root_ca.join_token_worker = *update.join_token_worker;
  if (update.join_token_manager) next.root_ca.join_token_manager = *update.join_token_manager;
  set_unlock_key(next, update.unlock_key, update.rotate_unlock_key);
  model::Transaction transaction;
  transaction.actions.push_back(model::Put{std::move(next)});
  return transaction;
}

}  // namespace swarm::control
