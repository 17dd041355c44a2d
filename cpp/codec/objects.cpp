// Objects as they lie on disk.
#include "codec/objects.hpp"

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "codec/codec.hpp"
#include "codec/described.hpp"
#include "codec/kinds.hpp"
#include "codec/reading.hpp"
#include "model/feature_level.hpp"
#include "model/kinds.hpp"
#include "objects.pb.h"

namespace swarm::codec {

SWARM_CONVERSION(, model::Cluster, swarmpy::Cluster)
SWARM_CONVERSION(, model::Node, swarmpy::Node)
SWARM_CONVERSION(, model::NodeDescription, swarmpy::NodeDescription)
SWARM_CONVERSION(, model::Service, swarmpy::Service)
SWARM_CONVERSION(, model::Task, swarmpy::Task)
SWARM_CONVERSION(, model::TaskStatus, swarmpy::TaskStatus)
SWARM_CONVERSION(, model::TaskTemplateRecord, swarmpy::TaskTemplate)
SWARM_CONVERSION(, model::Network, swarmpy::Network)

model::FeatureLevel feature_level_of_cluster(std::string_view bytes) {
  Scratch<swarmpy::Cluster> message;
  const bool is_readable = parse_into(*message, bytes);
  return is_readable && message->feature_level() != 0 ? message->feature_level() : model::kFirstLevel;
}

template <AnyKind T>
std::string encode(const T& object) {
  return encode_as<typename MessageOf<T>::type>(object);
}

template <AnyKind T>
Result<T> decode(std::string_view bytes) {
  return decode_as<typename MessageOf<T>::type, T>(bytes, T::kWord);
}

// Makes both functions for every kind in this file: nowhere else are the messages known.
std::size_t instances() {
  std::size_t sum = 0;
  model::Kinds::each([&]<class T>() {
    std::string (*volatile encodes)(const T&) = &encode<T>;
    Result<T> (*volatile decodes)(std::string_view) = &decode<T>;
    sum += (encodes != nullptr) + (decodes != nullptr);
  });
  return sum;
}

}  // namespace swarm::codec
