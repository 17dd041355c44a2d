// `ping [-c COUNT] HOST`, as the images alpine and busybox have it: a line a second, for helloworld services.
// Nothing is sent: the machine may have no network, and a task's lines must not depend on one.
#pragma once

namespace swarm::web {

int ping(int count, char** words);

}  // namespace swarm::web
