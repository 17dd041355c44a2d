// Inside the codec: objects.
#pragma once

#include "codec/codec.hpp"
#include "codec/kinds.hpp"
#include "codec/specs.hpp"
#include "objects.pb.h"

namespace swarm::codec {

void put(const model::TaskStatus& from, swarmpy::TaskStatus* to);
void get(const swarmpy::TaskStatus& from, model::TaskStatus& to, Reading& reading);
void put(const model::NodeDescription& from, swarmpy::NodeDescription* to);
void get(const swarmpy::NodeDescription& from, model::NodeDescription& to, Reading& reading);
void put(const model::NodeStatus& from, swarmpy::NodeStatus* to);
void get(const swarmpy::NodeStatus& from, model::NodeStatus& to, Reading& reading);
void put(const model::ManagerStatus& from, swarmpy::ManagerStatus* to);
void get(const swarmpy::ManagerStatus& from, model::ManagerStatus& to, Reading& reading);
void put(const model::Cluster& from, swarmpy::Cluster* to);
void get(const swarmpy::Cluster& from, model::Cluster& to, Reading& reading);
void put(const model::Node& from, swarmpy::Node* to);
void get(const swarmpy::Node& from, model::Node& to, Reading& reading);
void put(const model::Service& from, swarmpy::Service* to);
void get(const swarmpy::Service& from, model::Service& to, Reading& reading);
void put(const model::Task& from, swarmpy::Task* to);
void get(const swarmpy::Task& from, model::Task& to, Reading& reading);
void put(const model::Network& from, swarmpy::Network* to);
void get(const swarmpy::Network& from, model::Network& to, Reading& reading);
void put(const model::KeyValue& from, swarmpy::KeyValue* to);
void get(const swarmpy::KeyValue& from, model::KeyValue& to, Reading& reading);
void put(const model::TaskTemplateRecord& from, swarmpy::TaskTemplate* to);
void get(const swarmpy::TaskTemplate& from, model::TaskTemplateRecord& to, Reading& reading);
model::TaskState task_state(std::uint32_t value, Reading& reading);

}  // namespace swarm::codec
