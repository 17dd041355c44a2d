#include "docker/objects.hpp"

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "docker/api.hpp"
#include "docker/described.hpp"
#include "docker/json.hpp"
#include "docker/specs.hpp"
#include "model/cluster.hpp"
#include "model/describe/cluster.hpp"
#include "model/describe/network.hpp"
#include "model/describe/node.hpp"
#include "model/describe/service.hpp"
#include "model/describe/task.hpp"
#include "model/meta.hpp"
#include "model/network.hpp"
#include "model/node.hpp"
#include "model/restart.hpp"
#include "model/service.hpp"
#include "model/task.hpp"

namespace swarm::docker {
namespace {

void write_tls_info(Json& json, const model::TlsInfo& tls) {
  json.object([&] {
    json.field_if("TrustRoot", tls.trust_root)
        .field_if("CertIssuerSubject", to_base64(tls.issuer_subject))
        .field_if("CertIssuerPublicKey", to_base64(tls.issuer_public_key));
  });
}

// The root that the swarm has, or the one on the way to which it is.
std::string tls_info_of(const model::RootCa& roots, const Context& context) {
  const std::string& root = roots.rotation ? roots.rotation->cert_pem : roots.cert_pem;
  Json json;
  if (root.empty()) {
    write_tls_info(json, {});
  } else {
    const auto issuer = context.crypto.issuer_of(root);
    write_tls_info(json, {root, {}, issuer.subject_der, issuer.public_key_der});
  }
  return json.take();
}

void write_description(Json& json, const model::NodeDescription& description) {
  json.object("Description", [&] {
    write_fields(json, description);
    json.key("TLSInfo");
    write_tls_info(json, description.tls.value_or(model::TlsInfo{}));
  });
}

model::Reachability reachability(const model::ManagerStatus& manager, const Context& context) {
  const auto peer = context.raft.reachable.find(manager.raft_id);
  if (peer == context.raft.reachable.end()) return model::Reachability::unknown;
  return peer->second ? model::Reachability::reachable : model::Reachability::unreachable;
}

void write_manager(Json& json, const model::Node& node, const Context& context) {
  if (!node.manager) return;
  const model::ManagerStatus& manager = *node.manager;
  json.object("ManagerStatus", [&] {
    json.field_if("Leader", context.raft.leader != 0 && context.raft.leader == manager.raft_id)
        .field("Reachability", model::to_string(reachability(manager, context)))
        .field("Addr", manager.addr);
  });
}

void write_task_status(Json& json, const model::Task& task) {
  model::TaskStatus shown = task.status;
  shown.err = model::error_of(task);
  write_field(json, "Status", shown);
}

}  // namespace

void write_head(Json& json, const std::string& id, const model::Meta& meta) {
  json.field("ID", id);
  write_fields(json, meta);
}

void write_cluster(Json& json, const model::Cluster& cluster, const Context& context, bool with_tokens) {
  InPlaces places{{"TLSInfo", tls_info_of(cluster.root_ca, context)},
                  {"RootRotationInProgress", cluster.root_ca.rotation ? "true" : "false"}};
  if (with_tokens) {
    Json tokens;
    write_value(tokens, cluster.root_ca);
    places.push_back({"JoinTokens", tokens.take()});
  }
  json.object([&] { write_fields(json, cluster, places); });
}

void write_node(Json& json, const model::Node& node, const Context& context) {
  json.object([&] {
    write_head(json, node.id.str(), node.meta);
    json.key("Spec");
    write_node_spec(json, node.spec);
    write_description(json, node.description);
    write_field(json, "Status", node.status);
    write_manager(json, node, context);
  });
}

void write_network(Json& json, const model::Network& network, const InPlaces& places) {
  json.object([&] { write_fields(json, network, places); });
}

namespace {

void write_members(Json& json, const model::Service& service, bool defaults) {
  write_head(json, service.id.str(), service.meta);
  json.key("Spec");
  write_service_spec(json, service.spec, defaults);
  if (service.previous_spec) {
    json.key("PreviousSpec");
    write_service_spec(json, *service.previous_spec, false);  // swarmkit fills in the current one only
  }
  json.object("Endpoint", [&] {
    json.object("Spec", [&] {
      if (service.spec.endpoint) write_fields(json, *service.spec.endpoint);
    });
    write_unless_empty(json, "Ports", service.ports);
    write_unless_empty(json, "VirtualIPs", service.virtual_ips);
  });
  write_unless_empty(json, "UpdateStatus", service.update_status);
}

}  // namespace

void write_service(Json& json, const model::Service& service, bool defaults) {
  json.object([&] { write_members(json, service, defaults); });
}

void ServiceWriter::write(Json& json, const model::Service& service,
                          const std::optional<ServiceCounts>& counts) {
  json.object([&] {
    json.raw(members_of(service));
    if (counts)
      json.object("ServiceStatus", [&] {
        json.field("RunningTasks", counts->running)
            .field("DesiredTasks", counts->desired)
            .field("CompletedTasks", std::uint64_t{0});
      });
  });
}

const std::string& ServiceWriter::members_of(const model::Service& service) {
  if (texts_.size() >= kMost && !texts_.contains(service.id)) texts_.clear();
  Text& text = texts_[service.id];
  if (text.version != service.meta.version) {
    Json json;
    write_members(json, service, false);
    text = {service.meta.version, json.take()};
  }
  return text.members;
}

namespace {

// As swarmkit's api/network.proto has it (moby daemon/cluster/convert/network.go).
void write_swarm_network(Json& json, const model::Network& network) {
  json.object([&] {
    write_head(json, network.id.str(), network.meta);
    json.object("Spec", [&] {
      json.field("Name", network.annotations.name).field("Labels", network.annotations.labels);
      json.object("DriverConfiguration", [&] { json.field("Name", network.shown_driver()); });
      json.field_if("Internal", network.internal)
          .field_if("Attachable", network.attachable)
          .field_if("Ingress", network.ingress);
      json.object("IPAMOptions", [&] { json.object("Driver", [] {}); });
      json.field("Scope", "swarm");
    });
    json.object("DriverState", [&] {
      json.field("Name", network.shown_driver()).field("Options", network.shown_options());
    });
    json.object("IPAMOptions", [&] {
      json.object("Driver", [&] { json.field("Name", "default"); });
      write_field(json, "Configs", network.shown_ipam());
    });
  });
}

}  // namespace

void TaskWriter::write_attachments(Json& json, const model::Task& task, const FindNetwork& find) {
  if (task.attachments.empty()) return;
  json.array("NetworksAttachments", [&] {
    for (const auto& attachment : task.attachments) {
      std::string& text = networks_[attachment.network_id];
      const auto network = text.empty() ? find(attachment.network_id) : nullptr;
      if (text.empty() && !network) continue;
      if (network) {
        Json one;
        write_swarm_network(one, *network);
        text = one.take();
      }
      json.object([&] { json.key("Network").raw(text).field("Addresses", attachment.addresses); });
    }
  });
}

void TaskWriter::write(Json& json, const model::Task& task, const FindNetwork& find) {
  std::string& spec = specs_[{task.service_id, task.spec_version}];
  if (spec.empty()) {
    Json text;
    write_task_spec(text, task.spec());
    spec = text.take();
  }
  json.object([&] {
    write_head(json, task.id.str(), task.meta);
    json.object("Labels", [] {});
    json.key("Spec").raw(spec);
    json.field("ServiceID", task.service_id.str())
        .field_if("Slot", task.slot)
        .field_if("NodeID", task.node_id.str());
    write_task_status(json, task);
    json.field("DesiredState", model::to_string(task.desired_state));
    write_attachments(json, task, find);
    json.null("Volumes");
  });
}

}  // namespace swarm::docker
