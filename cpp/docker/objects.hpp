// JSON of the swarm's objects (docker-api: Swarm, Node, Service, Task, Network).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "docker/api.hpp"
#include "docker/described.hpp"
#include "docker/json.hpp"

namespace swarm::docker {

// The id, "Version":{"Index":n}, "CreatedAt", "UpdatedAt".
void write_head(Json& json, const std::string& id, const model::Meta& meta);
// ClusterInfo; `with_tokens` for GET /swarm, without for /info.
void write_cluster(Json& json, const model::Cluster& cluster, const Context& context, bool with_tokens);
void write_node(Json& json, const model::Node& node, const Context& context);
// `places`: what is on the network, as far as it is known: "Peers", "Services".
void write_network(Json& json, const model::Network& network, const InPlaces& places = {});

struct ServiceCounts {
  std::uint64_t running = 0, desired = 0;
};
void write_service(Json& json, const model::Service& service, bool defaults);

// Writes many services, again and again: a client that watches a swarm asks for the same list all the time,
// so the text of a service is kept until its version changes.
class ServiceWriter {
 public:
  void write(Json& json, const model::Service& service, const std::optional<ServiceCounts>& counts);

 private:
  static constexpr std::size_t kMost = 1024;  // some 2 MB
  struct Text {
    std::uint64_t version = 0;
    std::string members;
  };
  const std::string& members_of(const model::Service& service);
  std::map<ServiceId, Text> texts_;
};

// Writes many tasks: specs that tasks share are turned into text once.
class TaskWriter {
 public:
  // Finds the networks that the tasks are on; null for one that is gone.
  using FindNetwork = std::function<store::Ref<model::Network>(NetworkId)>;
  void write(Json& json, const model::Task& task, const FindNetwork& find);

 private:
  void write_attachments(Json& json, const model::Task& task, const FindNetwork& find);

  std::map<std::pair<ServiceId, std::uint64_t>, std::string> specs_;
  std::map<NetworkId, std::string> networks_;
};

}  // namespace swarm::docker
