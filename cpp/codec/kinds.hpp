// Inside the codec: the message of each kind of object. What a Put may carry has its field there
// (SWARM_CASE(Put, ...) beside its description); other kinds have a line here, or do not compile.
#pragma once

#include <utility>

#include "model/describe/kinds.hpp"
#include "objects.pb.h"

namespace swarm::codec {

template <class T>
struct MessageOf {
  using type =
      std::remove_cvref_t<decltype(model::Case<model::Put, T>::of.template operator()<model::Access::get>(
          std::declval<const swarmpy::Put&>()))>;
};
template <>
struct MessageOf<model::KeyValue> {
  using type = swarmpy::KeyValue;
};
template <>
struct MessageOf<model::TaskTemplateRecord> {
  using type = swarmpy::TaskTemplate;
};

}  // namespace swarm::codec
