// Inside the codec: the message of each kind of object, and its field in a Put. A kind without its row here
// does not compile.
#pragma once

#include "model/kinds.hpp"
#include "objects.pb.h"

namespace swarm::codec {

template <class T>
struct MessageOf;
template <class T>
struct PutField;

#define SWARM_MESSAGE(Type, message) \
  template <>                        \
  struct MessageOf<model::Type> {    \
    using type = swarmpy::message;   \
  };

#define SWARM_PUT(Type, field)                                                      \
  SWARM_MESSAGE(Type, Type)                                                         \
  template <>                                                                       \
  struct PutField<model::Type> {                                                    \
    static constexpr auto kCase = swarmpy::Put::k##Type;                            \
    static swarmpy::Type* of(swarmpy::Put& put) { return put.mutable_##field(); }   \
    static const swarmpy::Type& of(const swarmpy::Put& put) { return put.field(); } \
  };

SWARM_PUT(Cluster, cluster)
SWARM_PUT(Node, node)
SWARM_PUT(Service, service)
SWARM_PUT(Task, task)
SWARM_PUT(Network, network)
SWARM_MESSAGE(KeyValue, KeyValue)
SWARM_MESSAGE(TaskTemplateRecord, TaskTemplate)

#undef SWARM_PUT
#undef SWARM_MESSAGE

}  // namespace swarm::codec
