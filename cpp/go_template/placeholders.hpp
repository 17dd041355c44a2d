// Docker's placeholders in a container's spec: {{.Service.Name}}, {{.Task.Slot}}, {{index .Service.Labels
// "a"}}...
//
// Which fields have them is swarmkit's template/expand.go: the hostname, the values of variables (not their
// names), sources and targets of mounts, and the values of a volume's labels and driver options. Elsewhere
// "{{" is a text like any other.
#pragma once

#include "base/result.hpp"
#include "model/node.hpp"
#include "model/task.hpp"

namespace swarm::go_template {

// What a placeholder may name (swarmkit template/context.go).
struct Facts {
  std::string service_id, service_name;
  model::Labels service_labels;
  std::string node_id, node_hostname;
  model::Platform platform;
  std::string task_id, task_name;
  std::string slot;  // of a global service: the node's id, so that tasks differ
};

Facts facts_of(const model::Task& task, const model::NodeDescription& node);

// Docker's error: `expanding hostname failed: template: expansion:1:7: executing ...`.
Result<model::ContainerSpec> expand(model::ContainerSpec spec, const Facts& facts);
// Before there is a task: with the service's own name and labels, and stand-ins for what only a node knows.
Result<model::ContainerSpec> try_expand(const model::ContainerSpec& spec, const model::Annotations& service);

}  // namespace swarm::go_template
