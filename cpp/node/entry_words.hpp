// EntryWords: a log entry as one line for people: "service web: update", "task web.3: running".
//
// Names are those that the store has now; an object that it has not (yet, or any more) is told by its id.
#pragma once

#include "docker/inside.hpp"
#include "raft/message.hpp"
#include "store/store.hpp"

namespace swarm::node {

docker::LogRow row_of(const raft::Entry& entry, const store::Store& store);

}  // namespace swarm::node
