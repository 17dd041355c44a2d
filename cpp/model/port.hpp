// PortKey: the name of a port that can be held once, by one service or on one node: a protocol and a number.
// The allocator, the scheduler and the mesh (net/mesh) know ports by it. NOT here: what a service asks for
// (PortConfig, service_spec.hpp), and which tasks answer there (mesh.hpp).
#pragma once

#include <compare>
#include <cstdint>

namespace swarm::model {

enum class PortProtocol : std::uint8_t { tcp, udp, sctp };

struct PortKey {
  PortProtocol protocol = PortProtocol::tcp;
  std::uint32_t port = 0;
  friend auto operator<=>(const PortKey&, const PortKey&) = default;
};

constexpr PortKey tcp_port(std::uint32_t port) { return {PortProtocol::tcp, port}; }

}  // namespace swarm::model
