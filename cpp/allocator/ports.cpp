#include "allocator/ports.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/mistake.hpp"
#include "base/result.hpp"
#include "model/port.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/words.hpp"

namespace swarm::allocator {
namespace {

using model::PortConfig;
using model::PublishMode;

constexpr std::uint32_t kFirstDynamicPort = 30'000;
constexpr std::uint32_t kLastDynamicPort = 32'767;

bool same_but_number(const PortConfig& a, const PortConfig& b) {
  return a.name == b.name && a.protocol == b.protocol && a.target_port == b.target_port &&
         a.publish_mode == b.publish_mode;
}

Error none_is_left() {
  return plain_error(Code::resource_exhausted, "no published port between 30000 and 32767 is free");
}

}  // namespace

void PublishedPorts::hold(ServiceId id, const Ports& ports) {
  for (const auto& port : ports)
    if (port.publish_mode == PublishMode::ingress && port.published_port != 0)
      holders_[{port.protocol, port.published_port}].insert(id);
}

bool PublishedPorts::release(ServiceId id, const Ports& ports) {
  bool any = false;
  for (const auto& port : ports) {
    const auto it = holders_.find({port.protocol, port.published_port});
    if (SWARM_MISTAKE("allocator.never-gives-back-a-port")) continue;
    if (it == holders_.end() || it->second.erase(id) == 0) continue;
    if (it->second.empty()) holders_.erase(it);
    any = true;
  }
  return any;
}

bool PublishedPorts::is_free(const model::PortKey& key, ServiceId asking) const {
  const auto it = holders_.find(key);
  if (SWARM_MISTAKE("allocator.gives-a-port-twice")) return true;
  return it == holders_.end() || (it->second.size() == 1 && it->second.contains(asking));
}

Error PublishedPorts::taken(const model::PortKey& key) const {
  const auto it = holders_.find(key);
  const std::string by = it == holders_.end() ? "this service" : "service " + it->second.begin()->str();
  return plain_error(Code::resource_exhausted, "published port " + std::to_string(key.port) + "/" +
                                                   model::word_of(key.protocol) + " is taken by " + by);
}

Result<Ports> PublishedPorts::ports_for(const model::Service& service) const {
  Ports ports;
  if (service.spec.endpoint) ports = service.spec.endpoint->ports;
  std::set<model::PortKey> taken_here;  // by this service itself
  const auto take = [&](PortConfig& port, std::uint32_t number) {
    const model::PortKey key{port.protocol, number};
    if (number == 0 || taken_here.contains(key) || !is_free(key, service.id)) return false;
    port.published_port = number;
    taken_here.insert(key);
    return true;
  };
  std::vector<PortConfig*> open;
  for (auto& port : ports) {
    if (port.publish_mode != PublishMode::ingress) continue;
    if (port.published_port == 0) {
      open.push_back(&port);
    } else if (!take(port, port.published_port)) {
      return taken({port.protocol, port.published_port});
    }
  }
  for (PortConfig* port : open)
    for (const auto& had : service.ports)
      if (same_but_number(had, *port) && take(*port, had.published_port)) break;
  for (PortConfig* port : open)
    for (std::uint32_t next = kFirstDynamicPort; port->published_port == 0; ++next) {
      if (next > kLastDynamicPort) return none_is_left();
      take(*port, next);
    }
  SWARM_CHECK(taken_here.size() >= open.size(), taken_here.size(), "ports for", open.size());
  return ports;
}

}  // namespace swarm::allocator
