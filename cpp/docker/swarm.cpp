// /swarm: show, init, join, leave, update, unlock
#include "control/cluster.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "control/node.hpp"
#include "control/unlock_key.hpp"
#include "docker/api.hpp"
#include "docker/call.hpp"
#include "docker/errors.hpp"
#include "docker/fields.hpp"
#include "docker/handlers.hpp"
#include "docker/json.hpp"
#include "docker/objects.hpp"
#include "docker/root_wishes.hpp"
#include "docker/specs.hpp"
#include "docker/waits.hpp"
#include "model/bounds.hpp"
#include "model/cluster.hpp"
#include "model/node.hpp"

namespace swarm::docker {
namespace {

constexpr const char* kNoRootAtInit =
    "a swarm begins with a root certificate of its own: give yours afterwards by docker swarm ca --rotate "
    "--ca-cert FILE --ca-key FILE";

// moby daemon/cluster/listen_addr.go resolveDataPathAddr.
Result<void> check_addresses(const Fields& from) {
  if (from.text("ListenAddr").empty())
    return plain_error(Code::invalid_argument, "invalid ListenAddr \"\": invalid empty address");
  const std::string data_path = from.text("DataPathAddr");
  const auto address = Address::parse(data_path);
  if (!data_path.empty() && (!address || address->port != 0 || address->is_unspecified()))
    return plain_error(
        Code::invalid_argument,
        "data path address must be a non-zero IP address or network interface (without a port number)");
  return {};
}

// Docker answers these with 500; what was wrong is the argument all the same.
Error bad_network(std::string sentence) {
  return Error{Code::invalid_argument, std::move(sentence), {}, false, 500};
}

// moby daemon/cluster/swarm.go validateDefaultAddrPool.
Result<AddressBlock> read_pool(const std::string& pool, std::uint32_t subnet_size) {
  const auto block = AddressBlock::parse(pool);
  if (!block) return bad_network("invalid base pool " + pool + ": invalid CIDR address: " + pool);
  if (block->bits > subnet_size)
    return bad_network("invalid CIDR: \"" + pool +
                       "\". Subnet size is too small for pool: " + std::to_string(subnet_size));
  return *block;
}

Result<void> check_pools(const SwarmInit& wish) {
  std::vector<AddressBlock> blocks;
  for (const std::string& pool : wish.default_addr_pool) {
    const auto block = read_pool(pool, wish.subnet_size);
    if (!block) return block.error();
    for (std::size_t i = 0; i < blocks.size(); ++i)
      if (blocks[i].overlaps(*block))
        return bad_network("invalid base pool " + pool + ": it overlaps with " + wish.default_addr_pool[i] +
                           "; give pools that share no address");
    blocks.push_back(*block);
  }
  return {};
}

Result<void> check_network(const SwarmInit& wish) {
  if (wish.subnet_size > model::kLongestSubnetPrefix)
    return bad_network("subnet size is out of range: " + std::to_string(wish.subnet_size));
  if (const auto pools = check_pools(wish); !pools) return pools.error();
  if (wish.data_path_port < 1024 || wish.data_path_port > 49151)
    return bad_network("Datapath port number is not in valid range (1024-49151) : " +
                       std::to_string(wish.data_path_port));
  return {};
}

// What asks for a part of the swarm that is not there.
Result<void> check_spec(const model::ClusterSpec& read) { return check_external_cas(read); }

Result<SwarmInit> read_init(const Value& body) {
  Issues issues;
  const Fields from(&body, issues, "InitRequest");
  if (const auto fine = check_addresses(from); !fine) return fine.error();
  SwarmInit out;
  out.listen_addr = from.text("ListenAddr");
  out.advertise_addr = from.text("AdvertiseAddr");
  out.data_path_addr = from.text("DataPathAddr");
  out.force_new_cluster = from.flag("ForceNewCluster");
  out.default_addr_pool = from.texts("DefaultAddrPool");
  if (const std::uint32_t size = from.count32("SubnetSize"); size != 0) out.subnet_size = size;
  if (const std::uint32_t port = from.count32("DataPathPort"); port != 0) out.data_path_port = port;
  const Fields spec = from.object("Spec");
  out.spec = read_cluster_spec(spec);
  out.spec.auto_lock_managers |= from.flag("AutoLockManagers");
  const auto availability = read_availability(from.text("Availability"));
  if (issues.any()) return issues.first();
  if (!availability) return availability.error();
  out.availability = *availability;
  if (const auto fine = check_network(out); !fine) return fine.error();
  if (const auto fine = check_spec(out.spec); !fine) return fine.error();
  if (read_root_wish(spec).any() || out.spec.ca.force_rotate != 0) return not_yet(kNoRootAtInit);
  return out;
}

Result<SwarmJoin> read_join(const Value& body) {
  Issues issues;
  const Fields from(&body, issues, "JoinRequest");
  if (const auto fine = check_addresses(from); !fine) return fine.error();
  SwarmJoin out{from.text("ListenAddr"),   from.text("AdvertiseAddr"), from.text("DataPathAddr"),
                from.texts("RemoteAddrs"), from.text("JoinToken"),     model::Availability::active};
  const auto availability = read_availability(from.text("Availability"));
  if (issues.any()) return issues.first();
  if (!availability) return availability.error();
  out.availability = *availability;
  if (out.remote_addrs.empty())
    return plain_error(Code::invalid_argument, "at least 1 RemoteAddr is required to join");
  if (out.token.empty())
    return rpc_error(Code::invalid_argument, "A valid join token is necessary to join this cluster");
  return out;
}

Result<control::ClusterUpdate> read_update(const Call& call) {
  const model::Cluster& cluster = *call.store().cluster();
  const auto worker = call.target.strict_flag("rotateWorkerToken");
  const auto manager = call.target.strict_flag("rotateManagerToken");
  const auto unlock = call.target.strict_flag("rotateManagerUnlockKey");
  for (const auto* flag : {&worker, &manager, &unlock})
    if (!*flag) return flag->error();
  const auto version = call.object_version("swarm");
  if (!version) return version.error();
  const auto body = call.body();
  if (!body) return body.error();
  Issues issues;
  const Fields from(&*body, issues, "Spec");
  control::ClusterUpdate out{*version, read_cluster_spec(from), {}, {}, {}, {}, *unlock};
  const RootWish wish = read_root_wish(from);
  if (issues.any()) return issues.first();
  if (const auto fine = check_spec(out.spec); !fine) return fine.error();
  auto roots = wanted_roots(wish, out.spec, call.store(), call.context);
  if (!roots) return roots.error();
  out.root_ca = std::move(*roots);
  out.unlock_key = call.context.crypto.random_bytes(control::kUnlockKeyBytes);
  if (*worker) out.join_token_worker = fresh_token(call.context.crypto, cluster.root_ca.cert_pem);
  if (*manager) out.join_token_manager = fresh_token(call.context.crypto, cluster.root_ca.cert_pem);
  return out;
}

}  // namespace

void show_swarm(Call& call) {
  Json json;
  write_cluster(json, *call.store().cluster(), call.context, true);
  call.reply(json.take());
}

void init_swarm(Call& call) {
  const auto body = call.body();
  if (!body) return call.refuse(body.error());
  const auto wish = read_init(*body);
  const bool forced = wish && wish->force_new_cluster;
  if (call.context.local.state != SwarmState::inactive && !forced) return call.refuse(already_in_swarm());
  if (!wish) return call.refuse(wish.error());
  if (const auto fine = control::validate_cluster_spec(wish->spec); !fine) return call.refuse(fine.error());
  call.replies.perform(call.id, *wish, SwarmInitialised{});
}

void say(const SwarmInitialised&, Replies& replies, ApiId id, const OperationResult& result, const Context&) {
  Json json;
  json.value(result.node.str());
  replies.reply(id, 200, json.take());
}

void join_swarm(Call& call) {
  const auto body = call.body();
  if (!body) return call.refuse(body.error());
  if (call.context.local.state != SwarmState::inactive) return call.refuse(already_in_swarm());
  const auto wish = read_join(*body);
  if (!wish) return call.refuse(wish.error());
  call.replies.perform(call.id, *wish, EmptyAnswer{});
}

void leave_swarm(Call& call) {
  const LocalNode& local = call.context.local;
  const bool force = call.target.flag("force");
  if (local.state == SwarmState::inactive) return call.refuse(not_in_swarm());
  if (!force && local.state == SwarmState::locked) return call.refuse(locked_unless_forced());
  if (!force && call.context.store != nullptr && call.context.store->cluster() != nullptr) {
    const auto may = control::may_leave(call.store(), local.node, call.context.raft.reachable);
    if (!may) {
      Error error = may.error();
      error.from_store = false;  // the daemon's own texts
      error.http_status = 503;
      return call.refuse(error);
    }
  }
  call.replies.perform(call.id, SwarmLeave{force}, EmptyAnswer{});
}

void update_swarm(Call& call) {
  const auto update = read_update(call);
  if (!update) return call.refuse(update.error());
  auto transaction = control::update_cluster(call.store(), *update);
  if (!transaction) return call.refuse(transaction.error());
  call.replies.propose(call.id, std::move(*transaction), EmptyAnswer{});
}

void show_unlock_key(Call& call) {
  Json json;
  json.object([&] { json.field("UnlockKey", control::unlock_key_text(call.store().cluster()->unlock_key)); });
  call.reply(json.take());
}

// moby daemon/cluster/swarm.go UnlockSwarm.
void unlock_swarm(Call& call) {
  const LocalNode& local = call.context.local;
  if (local.state == SwarmState::inactive) return call.refuse(not_in_swarm());
  if (local.state != SwarmState::locked)
    return call.refuse(call.context.store == nullptr
                           ? no_manager(local)
                           : plain_error(Code::already_exists, "swarm is not locked"));
  const auto body = call.body();
  if (!body) return call.refuse(body.error());
  Issues issues;
  const std::string text = Fields(&*body, issues, "UnlockRequest").text("UnlockKey");
  if (issues.any()) return call.refuse(issues.first());
  const auto key = control::parse_unlock_key(text);
  if (!key) return call.refuse(key.error());
  call.replies.perform(call.id, SwarmUnlock{*key}, EmptyAnswer{});
}

}  // namespace swarm::docker
