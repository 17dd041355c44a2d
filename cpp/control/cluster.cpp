#include "control/cluster.hpp"

#include "base/address.hpp"

namespace swarm::control {
namespace {

Error invalid(std::string text) { return rpc_error(Code::invalid_argument, std::move(text)); }

// The first subnet of the first pool: the ingress network's, as Docker takes it.
model::IpamConfig first_subnet(const std::vector<std::string>& pools, std::uint32_t subnet_size) {
  const std::string pool = pools.empty() ? "10.0.0.0/8" : pools.front();
  auto base = Address::parse(pool.substr(0, pool.find('/')));
  if (!base) return {};
  model::IpamConfig out;
  out.subnet = base->host() + "/" + std::to_string(subnet_size);
  ++base->ip.back();
  out.gateway = base->host();
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
  cluster.root_ca = {fresh.root_cert_pem, fresh.root_key_pem, fresh.join_token_worker,
                     fresh.join_token_manager};
  if (!fresh.default_addr_pool.empty()) cluster.default_addr_pool = fresh.default_addr_pool;
  cluster.subnet_size = fresh.subnet_size;
  cluster.data_path_port = fresh.data_path_port;
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
  if (spec.heartbeat_period.ns < 0) return invalid("heartbeat time period cannot be a negative duration");
  if (spec.heartbeat_period < Duration::millis(10))
    return invalid("invalid heartbeat period " + to_string(spec.heartbeat_period) +
                   ": must be at least 10ms");
  if (spec.ca.node_cert_expiry < Duration::seconds(3600))
    return invalid("minimum certificate expiry time is: 1h0m0s");
  for (const auto& ca : spec.ca.external_cas)
    if (ca.protocol != "cfssl") return invalid("unrecognized external CA protocol: " + ca.protocol);
  const auto& raft = spec.raft;
  // An election must outlast lost heartbeats (etcd raft Config.validate).
  if (raft.heartbeat_tick == 0) return invalid("invalid number of Raft heartbeat ticks: 0");
  if (raft.election_tick <= raft.heartbeat_tick)
    return invalid("invalid number of Raft election ticks " + std::to_string(raft.election_tick) +
                   ": must be greater than the heartbeat ticks, " + std::to_string(raft.heartbeat_tick));
  return {};
}

Result<model::Transaction> update_cluster(const store::Store& store, const ClusterUpdate& update) {
  if (const auto valid = validate_cluster_spec(update.spec); !valid) return valid.error();
  const model::Cluster* stored = store.cluster();
  if (stored == nullptr) return plain_error(Code::not_found, "cluster not found");
  if (stored->meta.version != update.version) return rpc_error(Code::unknown, "update out of sequence");
  model::Cluster next = *stored;
  next.spec = update.spec;
  if (update.join_token_worker) next.root_ca.join_token_worker = *update.join_token_worker;
  if (update.join_token_manager) next.root_ca.join_token_manager = *update.join_token_manager;
  model::Transaction transaction;
  transaction.actions.push_back(model::Put{std::move(next)});
  return transaction;
}

}  // namespace swarm::control
