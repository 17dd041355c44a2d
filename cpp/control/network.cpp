#include "control/network.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "base/number.hpp"
#include "base/result.hpp"
#include "control/service.hpp"
#include "model/network.hpp"
#include "model/spec_networks.hpp"
#include "model/transaction.hpp"
#include "model/vni.hpp"
#include "store/store.hpp"

namespace swarm::control {
namespace {

using Check = Result<void>;

Error invalid(std::string text) { return rpc_error(Code::invalid_argument, std::move(text)); }
Error invalid_ipam(std::string text) { return invalid("ipam configuration: " + std::move(text)); }

// A whole block: "10.0.0.1/24" is an address in one.
std::optional<AddressBlock> whole_block(const std::string& text) {
  const auto block = AddressBlock::parse(text);
  if (!block || text.substr(0, text.find('/')) != block->first.host()) return std::nullopt;
  return block;
}

Check check_inside(const AddressBlock& subnet, const std::string& text, const std::string& address,
                   const char* what) {
  const auto parsed = Address::parse(address);
  if (!parsed || parsed->port != 0) return invalid_ipam(std::string("invalid ") + what + " " + address);
  if (subnet.contains(*parsed)) return {};
  return invalid_ipam("subnet " + text + " does not contain " + what + " " + address);
}

Check check_range(const AddressBlock& subnet, const model::IpamConfig& config) {
  if (config.ip_range.empty()) return {};
  const auto range = AddressBlock::parse(config.ip_range);
  if (!range) return invalid_ipam("invalid range " + config.ip_range);
  if (subnet.contains(range->first) && range->bits >= subnet.bits) return {};
  return invalid_ipam("subnet " + config.subnet + " does not contain range " + config.ip_range);
}

constexpr std::size_t kMaxSubnets = 64;
constexpr std::uint8_t kSmallest = 30;  // two addresses beside the network's own and the broadcast

// Not 0/8, loopback, link-local, multicast, or what is reserved beyond it (RFC 6890).
bool is_for_tasks(const AddressBlock& subnet) {
  const std::uint8_t first = subnet.first.ip[12], second = subnet.first.ip[13];
  return first != 0 && !subnet.first.is_loopback() && first < 224 && !(first == 169 && second == 254) &&
         subnet.bits >= 8;
}

// The network's own address and the broadcast are no host's.
bool is_end_of(const AddressBlock& subnet, const std::string& text) {
  const auto address = Address::parse(text);
  AddressBlock rest = subnet;
  rest.bits = 32;
  if (!address || rest.contains(*address)) return true;
  for (std::size_t bit = subnet.bits + 96U; bit < 128; ++bit)
    rest.first.ip[bit / 8] |= static_cast<std::uint8_t>(0x80U >> bit % 8);
  return rest.contains(*address);
}

Check check_config(const model::IpamConfig& config) {
  if (config.subnet.empty()) {
    if (config.gateway.empty() && config.ip_range.empty() && config.auxiliary.empty()) return {};
    return invalid_ipam("cannot be empty");  // a gateway or a range of which subnet?
  }
  const auto subnet = whole_block(config.subnet);
  if (!subnet) return invalid_ipam("invalid subnet " + config.subnet);
  if (!subnet->first.is_v4())
    return rpc_error(Code::unimplemented, "subnet " + config.subnet + ": IPv6 in networks is not there yet");
  if (subnet->bits > kSmallest || !is_for_tasks(*subnet))
    return invalid_ipam("subnet " + config.subnet + " has no addresses that tasks can have");
  if (const auto fine = check_range(*subnet, config); !fine) return fine;
  if (!config.gateway.empty()) {
    if (const auto fine = check_inside(*subnet, config.subnet, config.gateway, "gateway"); !fine) return fine;
    if (is_end_of(*subnet, config.gateway)) return invalid_ipam("invalid gateway " + config.gateway);
  }
  for (const auto& [name, address] : config.auxiliary)
    if (const auto fine = check_inside(*subnet, config.subnet, address, "auxiliary address"); !fine)
      return fine;
  return {};
}

struct Wanted {
  AddressBlock block;
  const std::string* subnet;
};

Error overlap(const std::string& wanted, const std::string& taken, const std::string& whose) {
  return invalid_ipam("subnet " + wanted + " overlaps with subnet " + taken + whose);
}

// Docker lets it pass, and the network never gets a subnet; its allocator says why, in a log. Of two networks
// that are asked for at one moment the allocator gives the subnet to one.
Check check_overlap(const store::Store& store, const std::vector<Wanted>& wanted) {
  if (wanted.empty()) return {};
  for (const auto& [id, other] : store.networks())
    for (const auto& taken : other->shown_ipam())
      if (const auto block = AddressBlock::parse(taken.subnet))
        for (const Wanted& one : wanted)
          if (block->overlaps(one.block))
            return overlap(*one.subnet, taken.subnet, " of network " + other->annotations.name);
  return {};
}

Check check_ipam(const store::Store& store, const model::Network& network) {
  if (network.ipam.size() > kMaxSubnets)
    return invalid_ipam(std::to_string(network.ipam.size()) +
                        " subnets are too many: a network has at most " + std::to_string(kMaxSubnets));
  std::vector<Wanted> wanted;
  for (const model::IpamConfig& config : network.ipam) {
    if (const auto fine = check_config(config); !fine) return fine;
    const auto block = AddressBlock::parse(config.subnet);
    if (!block) continue;
    for (const Wanted& one : wanted)
      if (one.block.overlaps(*block)) return overlap(config.subnet, *one.subnet, "");
    wanted.push_back({*block, &config.subnet});
  }
  return check_overlap(store, wanted);
}

// The numbers of its user: one for each subnet at most, of those that the allocator gives, and free.
Check check_vnis(const store::Store& store, const model::Network& network) {
  const auto option = network.options.find(model::kVniOption);
  if (option == network.options.end()) return {};
  const auto wrong = [&](const std::string& why) {
    return invalid(std::string(model::kVniOption) + "=" + option->second + ": " + why);
  };
  std::set<std::string> wanted;
  for (const std::string& text : model::split_vnis(option->second)) {
    const auto number = parse_whole<std::uint32_t>(text);
    if (!number || *number < model::kFirstVni || *number > model::kLastVni)
      return wrong("numbers from 4096 to 16777215 are wanted, with commas between them");
    if (!wanted.insert(text).second) return wrong(text + " is there twice");
  }
  if (wanted.size() > std::max<std::size_t>(network.ipam.size(), 1)) return wrong("there are fewer subnets");
  for (const auto& [id, other] : store.networks())
    for (const auto& taken : other->allocated)
      if (wanted.contains(std::to_string(taken.vni)))
        return wrong(std::to_string(taken.vni) + " is taken by network " + other->annotations.name);
  return {};
}

Check check_ingress(const store::Store& store, const model::Network& network) {
  if (!network.ingress) return {};
  if (network.attachable) return invalid("ingress network cannot be attachable");
  for (const auto& [id, other] : store.networks())
    if (other->ingress)
      return rpc_error(Code::already_exists, "ingress network (" + id.str() + ") is already present");
  return {};
}

Check check_services(const store::Store& store, const model::Network& network) {
  for (const auto& [id, service] : store.services()) {
    if (network.ingress && model::needs_ingress(service->spec.endpoint))
      return rpc_error(Code::failed_precondition,
                       "ingress network cannot be removed because service " + id.str() + " depends on it");
    if (model::networks_named(service->spec).contains(network.id))
      return rpc_error(Code::failed_precondition,
                       "network " + network.id.str() + " is in use by service " + id.str());
  }
  return {};
}

Check check_tasks(const store::Store& store, const model::Network& network) {
  if (network.ingress) return {};
  for (const TaskId id : store.tasks_on_network(network.id))
    if (store.task(id)->live())
      return rpc_error(Code::failed_precondition,
                       "network " + network.id.str() + " is in use by task " + id.str());
  return {};
}

}  // namespace

Result<model::Transaction> create_network(const store::Store& store, model::Network network) {
  if (network.annotations.labels.contains("com.docker.swarm.predefined"))
    return rpc_error(Code::permission_denied,
                     "label com.docker.swarm.predefined is for internally created predefined networks and "
                     "cannot be applied by users");
  if (const auto fine = validate_name(network.annotations.name); !fine) return fine.error();
  if (store.network_named(network.annotations.name))
    return plain_error(Code::already_exists,
                       "network with name " + network.annotations.name + " already exists");
  if (const auto fine = check_ingress(store, network); !fine) return fine.error();
  if (const auto fine = check_ipam(store, network); !fine) return fine.error();
  if (const auto fine = check_vnis(store, network); !fine) return fine.error();
  model::Transaction transaction;
  transaction.actions.push_back(model::Put{std::move(network)});
  return transaction;
}

Result<model::Transaction> remove_network(const store::Store& store, NetworkId id) {
  const auto network = store.network(id);
  if (!network) return plain_error(Code::not_found, "network " + id.str() + " not found");
  if (network->predefined)
    return rpc_error(Code::failed_precondition, "network " + id.str() + " (" + network->annotations.name +
                                                    ") is a swarm predefined network and cannot be removed");
  if (const auto free = check_services(store, *network); !free) return free.error();
  if (const auto free = check_tasks(store, *network); !free) return free.error();
  model::Transaction transaction;
  transaction.actions.push_back(model::Remove::of<model::Network>(id));
  return transaction;
}

std::set<NetworkId> unused_networks(const store::Store& store) {
  std::set<NetworkId> unused;
  for (const auto& [id, network] : store.networks())
    if (!network->predefined && !network->ingress && check_tasks(store, *network)) unused.insert(id);
  for (const auto& [id, service] : store.services())
    for (const NetworkId used : model::networks_named(service->spec)) unused.erase(used);
  return unused;
}

}  // namespace swarm::control
