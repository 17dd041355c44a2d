// Inside the codec: specs.
#pragma once

#include "codec/convert.hpp"
#include "model/service_spec.hpp"

namespace swarm::codec {

void put(const model::Meta& from, swarmpy::Meta* to);
void get(const swarmpy::Meta& from, model::Meta& to, Reading& reading);
void put(const model::Annotations& from, swarmpy::Annotations* to);
void get(const swarmpy::Annotations& from, model::Annotations& to, Reading& reading);
void put(const model::Driver& from, swarmpy::Driver* to);
void get(const swarmpy::Driver& from, model::Driver& to, Reading& reading);
void put(const model::Resources& from, swarmpy::Resources* to);
void get(const swarmpy::Resources& from, model::Resources& to, Reading& reading);
void put(const model::Platform& from, swarmpy::Platform* to);
void get(const swarmpy::Platform& from, model::Platform& to, Reading& reading);
void put(const model::TaskSpec& from, swarmpy::TaskSpec* to);
void get(const swarmpy::TaskSpec& from, model::TaskSpec& to, Reading& reading);
void put(const model::PortConfig& from, swarmpy::PortConfig* to);
void get(const swarmpy::PortConfig& from, model::PortConfig& to, Reading& reading);
void put(const model::EndpointSpec& from, swarmpy::EndpointSpec* to);
void get(const swarmpy::EndpointSpec& from, model::EndpointSpec& to, Reading& reading);
void put(const model::ServiceSpec& from, swarmpy::ServiceSpec* to);
void get(const swarmpy::ServiceSpec& from, model::ServiceSpec& to, Reading& reading);
void put(const model::ContainerSpec& from, swarmpy::ContainerSpec* to);
void get(const swarmpy::ContainerSpec& from, model::ContainerSpec& to, Reading& reading);

// ---- lists of any of the above
template <class T, class Repeated>
void put_all(const std::vector<T>& values, Repeated* out) {
  for (const T& value : values) put(value, out->Add());
}
template <class T, class Repeated>
void get_all(const Repeated& in, std::vector<T>& out, Reading& reading) {
  out.reserve(static_cast<std::size_t>(in.size()));
  for (const auto& one : in) get(one, out.emplace_back(), reading);
}

}  // namespace swarm::codec
