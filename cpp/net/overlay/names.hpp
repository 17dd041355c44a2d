// What the interfaces of an overlay are called in the kernel. A name follows from ids alone, so that a daemon
// knows its own again; it begins with "sw", the mark of their owner, and has 15 characters at most
// (IFNAMSIZ).
//
// A VNI is one network's on a node: the kernel has one VXLAN device of a VNI and a port in a network
// namespace.
#pragma once

#include <cstdint>
#include <string>

#include "base/id.hpp"

namespace swarm::overlay {

std::string bridge_name(std::uint32_t vni);  // "swb4097"
std::string tunnel_name(std::uint32_t vni);  // "swx4097": the VXLAN device
std::string cable_name(TaskId task,
                       std::uint8_t index);      // "swv" and the end of the id: the bridge's end of a veth
std::string interface_name(std::uint8_t index);  // "eth0": the task's end

}  // namespace swarm::overlay
