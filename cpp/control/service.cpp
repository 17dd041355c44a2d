#include "control/service.hpp"
#include "base/mistake.hpp"
#include "model/container_spec.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/spec_networks.hpp"
#include "model/transaction.hpp"
#include "store/store.hpp"

namespace swarm::control {
namespace {

using model::PortConfig;
using model::PublishMode;
using Check = Result<void>;

Error not_found(ServiceId id) { return plain_error(Code::not_found, "service " + id.str() + " not found"); }

template <class Object>
model::Transaction put(Object object) {
  model::Transaction transaction;
  transaction.actions.push_back(model::Put{std::move(object)});
  return transaction;
}

// ---- published ports

std::vector<PortConfig> ports_of(const model::Service& service) {
  std::vector<PortConfig> ports = service.ports;
  if (service.spec.endpoint)
    ports.insert(ports.end(), service.spec.endpoint->ports.begin(), service.spec.endpoint->ports.end());
  return ports;
}

// Two host-mode ports may be equal: the scheduler keeps them on different nodes.
bool clash(const PortConfig& a, const PortConfig& b) {
  return a.published_port != 0 && a.published_port == b.published_port && a.protocol == b.protocol &&
         (a.publish_mode == PublishMode::ingress || b.publish_mode == PublishMode::ingress);
}

Check check_ports(const store::Store& store, const model::ServiceSpec& spec, ServiceId self) {
  if (!spec.endpoint || spec.endpoint->ports.empty()) return {};
  for (const auto& [id, other] : store.services()) {
    if (id == self) continue;
    for (const PortConfig& taken : ports_of(*other))
      for (const PortConfig& wanted : spec.endpoint->ports)
        if (clash(wanted, taken))
          return rpc_error(
              Code::invalid_argument,
              "port '" + std::to_string(wanted.published_port) + "' is already in use by service '" +
                  other->spec.annotations.name + "' (" + id.str() + ") as " +
                  (taken.publish_mode == PublishMode::ingress ? "an ingress port" : "a host-published port"));
  }
  return {};
}

Check check_ingress(const store::Store& store, const model::ServiceSpec& spec) {
  if (!model::needs_ingress(spec.endpoint)) return {};
  const auto& networks = store.networks();
  const bool there = std::any_of(networks.begin(), networks.end(),
                                 [](const auto& network) { return network.second->ingress; });
  if (there) return {};
  return rpc_error(Code::failed_precondition,
                   "service needs ingress network, but no ingress network is present");
}

// ---- what a spec refers to

Check check_networks(const store::Store& store, const model::ServiceSpec& spec) {
  std::vector<model::NetworkAttachment> all = spec.networks;
  all.insert(all.end(), spec.task.networks.begin(), spec.task.networks.end());
  for (const auto& attachment : all) {
    const auto id = NetworkId::parse(attachment.target);
    const auto network = id ? store.network(*id) : store.network_named(attachment.target);
    if (network && network->ingress)
      return rpc_error(Code::invalid_argument,
                       "Service cannot be explicitly attached to the ingress network \"" +
                           network->annotations.name + "\"");
  }
  return {};
}

Check check_missing(const char* kind, const std::vector<std::string>& names) {
  if (names.empty()) return {};
  std::string text = std::string(kind) + (names.size() > 1 ? "s not found: " : " not found: ");
  for (std::size_t i = 0; i < names.size(); ++i) text += (i == 0 ? "" : ", ") + names[i];
  return rpc_error(Code::invalid_argument, std::move(text));
}

// There are no secrets and configs in this swarm yet: a spec that names one is refused, as Docker does for a
// missing one.
Check check_files(const model::ServiceSpec& spec) {
  const auto& container = spec.task.container;
  if (!container) return {};
  std::vector<std::string> secrets, configs;
  for (const auto& secret : container->secrets) secrets.push_back(secret.secret_name);
  for (const auto& config : container->configs) configs.push_back(config.config_name);
  if (const auto found = check_missing("secret", secrets); !found) return found;
  return check_missing("config", configs);
}

// ---- updating

// Swaps the two, so that a second rollback goes forward again.
Result<model::Service> rolled_back(const model::Service& service, WallTime time) {
  if (!service.previous_spec)
    return rpc_error(Code::failed_precondition,
                     "service " + service.id.str() + " does not have a previous spec");
  SWARM_CHECK(service.previous_spec_version != service.spec_version, "service", service.id);
  model::Service next = service;
  next.spec = *service.previous_spec;
  if (SWARM_MISTAKE("control.rollback-keeps-the-replicas")) next.spec.mode = service.spec.mode;
  next.previous_spec = service.spec;
  next.spec_version = service.previous_spec_version;
  next.previous_spec_version = service.spec_version;
  next.update_status.emplace();
  next.update_status->state = model::UpdateState::rollback_started;
  next.update_status->message = "manually requested rollback";
  if (time != WallTime{}) next.update_status->started_at = time;
  return next;
}

// What the spec before names may be gone by now: its tasks would wait for ever.
Check check_rollback(const store::Store& store, const model::Service& service) {
  if (!service.previous_spec) return {};
  for (const auto& attachment : service.previous_spec->task.networks)
    if (const auto id = NetworkId::parse(attachment.target); id && !store.network(*id))
      return rpc_error(Code::failed_precondition, "network " + id->str() +
                                                      ", which the previous spec of service " +
                                                      service.id.str() + " names, is not there any more");
  return {};
}

Check check_update(const store::Store& store, const model::Service& service, const model::ServiceSpec& spec) {
  if (const auto networks = check_networks(store, spec); !networks) return networks;
  if (spec.endpoint != service.spec.endpoint)
    if (const auto ports = check_ports(store, spec, service.id); !ports) return ports;
  if (spec.networks != service.spec.networks)
    return rpc_error(Code::unimplemented, "networks must be migrated to TaskSpec before being changed");
  if (const auto files = check_files(spec); !files) return files;
  if (spec.mode.index() != service.spec.mode.index())
    return rpc_error(Code::unimplemented, "service mode change is not allowed");
  if (spec.annotations.name != service.spec.annotations.name)
    return rpc_error(Code::unimplemented, "renaming services is not supported");
  return check_ingress(store, spec);
}

}  // namespace

Result<model::Transaction> create_service(const store::Store& store, ServiceId id, model::ServiceSpec spec) {
  if (const auto valid = validate_service_spec(spec); !valid) return valid.error();
  if (const auto networks = check_networks(store, spec); !networks) return networks.error();
  if (const auto files = check_files(spec); !files) return files.error();
  if (const auto ports = check_ports(store, spec, id); !ports) return ports.error();
  if (const auto ingress = check_ingress(store, spec); !ingress) return ingress.error();
  if (store.service_named(spec.annotations.name))
    return rpc_error(Code::already_exists, "name conflicts with an existing object: service " +
                                               spec.annotations.name + " already exists");
  model::Service service;
  service.id = id;
  service.spec = std::move(spec);
  return put(std::move(service));
}

Result<model::Transaction> update_service(const store::Store& store, ServiceUpdate update) {
  if (!update.rollback)
    if (const auto valid = validate_service_spec(update.spec); !valid) return valid.error();
  const auto service = store.service(update.id);
  if (!service) return not_found(update.id);
  if (!update.rollback)
    if (const auto allowed = check_update(store, *service, update.spec); !allowed) return allowed.error();
  const bool any = SWARM_MISTAKE("control.updates-from-any-version");
  if (service->meta.version != update.version && !any)
    return rpc_error(Code::unknown, "update out of sequence");
  if (update.rollback) {
    if (const auto there = check_rollback(store, *service); !there) return there.error();
    auto back = rolled_back(*service, update.time);
    if (!back) return back.error();
    return put(std::move(*back));
  }
  model::Service next = *service;
  next.previous_spec = service->spec;
  next.previous_spec_version = service->spec_version;
  next.spec = std::move(update.spec);
  next.spec_version = update.version;
  next.update_status.reset();
  return put(std::move(next));
}

Result<model::Transaction> remove_service(const store::Store& store, ServiceId id) {
  if (!store.service(id)) return not_found(id);
  model::Transaction transaction;
  transaction.actions.push_back(model::Remove::of<model::Service>(id));
  return transaction;
}

}  // namespace swarm::control
