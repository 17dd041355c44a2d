// Descriptors that pass between processes beside a short text, on unix sockets that keep messages apart
// (SOCK_SEQPACKET; SCM_RIGHTS of unix(7)). Calls block.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "real/stream/fd.hpp"

namespace swarm::real {

constexpr std::size_t kMostPassed = 2;

struct PassedMessage {
  std::string text;
  std::vector<Fd> fds;  // closed on exec
};
// Returns false, with errno, on failure. At most kMostPassed descriptors; the caller keeps its own.
bool send_with_fds(int socket, const std::string& text, const std::vector<int>& fds);
// Nothing at the end of the connection, or on failure.
std::optional<PassedMessage> receive_with_fds(int socket, std::size_t largest);
// Connects to the socket at `path`; an invalid one, with errno, on failure.
Fd connect_seqpacket(const std::string& path);

}  // namespace swarm::real
