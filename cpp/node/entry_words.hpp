// EntryWords: a log entry as one line for people: "service web: update", "task web.3: running".
//
// Names are those in the store now; an object that is not there (yet, or any more) appears by its id.
#pragma once

#include "docker/inside.hpp"
#include "raft/message.hpp"
#include "store/store.hpp"

namespace swarm::node {

docker::LogRow row_of(const raft::Entry& entry, const store::Store& store);

}  // namespace swarm::node
