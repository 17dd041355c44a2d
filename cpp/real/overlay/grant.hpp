// What this machine grants of overlay networks, found by trying: in namespaces that are thrown away at once,
// and never in the one that the process is in.
#pragma once

#include <cstdint>
#include <string>

namespace swarm::real {

enum class Grant : std::uint8_t {
  all,                // this process may make network namespaces and what is in them
  in_user_namespace,  // a process may, in a user namespace of its own: one machine's nodes, kept by a holder
  none,
};

struct Granted {
  Grant grant = Grant::none;
  std::string sentence;  // for `docker info` and for the refusal of an overlay network
};

Granted overlay_grant();

}  // namespace swarm::real
