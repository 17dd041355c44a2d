// POST /networks/create
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/id.hpp"
#include "base/result.hpp"
#include "control/network.hpp"
#include "docker/api.hpp"
#include "docker/call.hpp"
#include "docker/described.hpp"
#include "docker/errors.hpp"
#include "docker/fields.hpp"
#include "docker/handlers.hpp"
#include "docker/json.hpp"
#include "docker/local_networks.hpp"
#include "docker/waits.hpp"
#include "model/describe/network.hpp"
#include "model/network.hpp"
#include "model/transaction.hpp"

namespace swarm::docker {
namespace {

constexpr const char* kMtuOption = "com.docker.network.driver.mtu";

Result<void> check_driver(const std::string& driver) {
  if (driver == "overlay") return {};
  // Without --driver the CLI asks for bridge.
  if (driver.empty() || driver == "bridge" || driver == "host" || driver == "null" || driver == "macvlan" ||
      driver == "ipvlan")
    return not_yet("networks of driver " + (driver.empty() ? "bridge" : driver) +
                   " cannot be made: this engine has overlay networks (`docker network create -d overlay`)");
  return plain_error(Code::not_found, "plugin \"" + driver + "\" not found");
}

Result<void> check_wishes(const Fields& from, const model::Network& network) {
  if (is_local_network(network.annotations.name))
    return plain_error(Code::permission_denied,
                       "operation is not permitted on predefined " + network.annotations.name + " network");
  if (from.has("EnableIPv4") && !from.flag("EnableIPv4"))
    return plain_error(Code::invalid_argument, "IPv4 cannot be disabled in a Swarm scoped network");
  if (from.flag("EnableIPv6")) return not_yet("IPv6 in networks is not there yet");
  if (from.flag("ConfigOnly") || from.object("ConfigFrom").present())
    return not_yet("networks that only hold a configuration are not there");
  if (const std::string scope = from.text("Scope"); !scope.empty() && scope != "swarm")
    return plain_error(Code::invalid_argument,
                       "a network of driver overlay is of scope swarm, not \"" + scope + "\"");
  if (network.options.contains(model::kEncryptedOption))
    return not_yet("encrypted networks are not there yet: nothing would be encrypted");
  return {};
}

Result<void> check_ipam_driver(const Fields& ipam) {
  const std::string driver = ipam.text("Driver");
  if (driver.empty() || driver == "default") return {};
  return plain_error(Code::not_found, "plugin \"" + driver + "\" not found");
}

Result<model::Network> read_network(const Value& body) {
  Issues issues;
  const Fields from(&body, issues, "CreateRequest");
  model::Network network;
  network.annotations = {from.text("Name"), from.pairs("Labels")};
  network.driver = from.text("Driver");
  network.internal = from.flag("Internal");
  network.attachable = from.flag("Attachable");
  network.ingress = from.flag("Ingress");
  network.options = from.pairs("Options");
  const Fields ipam = from.object("IPAM");
  for (const Fields& one : ipam.objects("Config")) read_fields(one, network.ipam.emplace_back());
  if (issues.any()) return issues.first();
  if (const auto known = check_driver(network.driver); !known) return known.error();
  if (const auto known = check_ipam_driver(ipam); !known) return known.error();
  if (const auto done = check_wishes(from, network); !done) return done.error();
  return network;
}

// Docker's drivers pass over what they do not know without a word.
std::string warning_of(const model::Network& network) {
  constexpr std::array<std::string_view, 2> kKnown{kMtuOption, model::kVniOption};
  std::string unknown;
  for (const auto& [name, value] : network.options)
    if (std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end())
      unknown += (unknown.empty() ? "" : ", ") + name;
  return unknown.empty() ? unknown : "without effect on a network of driver overlay: " + unknown;
}

}  // namespace

void create_network(Call& call) {
  const auto body = call.body();
  if (!body) return call.refuse(body.error());
  auto network = read_network(*body);
  if (!network) return call.refuse(network.error());
  network->id = NetworkId::random(call.context.rng);
  const NetworkId id = network->id;
  const std::string warning = warning_of(*network);
  auto transaction = control::create_network(call.store(), std::move(*network));
  if (!transaction) return call.refuse(transaction.error());
  call.replies.propose(call.id, std::move(*transaction), NetworkCreated{id, warning});
}

void say(const NetworkCreated& then, Replies& replies, ApiId id, const model::Outcome&) {
  Json json;
  json.object([&] { json.field("Id", then.network.str()).field("Warning", then.warning); });
  replies.reply(id, 201, json.take());
}

}  // namespace swarm::docker
