#include "control/request_size.hpp"

#include <cstddef>
#include <string>

#include "base/result.hpp"

namespace swarm::control {

// The text is SwarmKit's (manager/state/raft/raft.go: ErrRequestTooLarge), which Docker passes on with 500.
// It is the client's request that is wrong, so here it is 400.
Result<void> check_request_size(std::size_t bytes) {
  if (bytes <= kMaxRequestBytes) return {};
  Error error = rpc_error(Code::invalid_argument, "raft: raft message is too large and can't be sent");
  error.hint = "The objects of this request take " + std::to_string(bytes) + " bytes in the log, and " +
               std::to_string(kMaxRequestBytes) +
               " (1.5 MiB) are allowed. An update counts the spec before it, too. Keep large data in a file.";
  return error;
}

}  // namespace swarm::control
