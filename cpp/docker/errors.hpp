// Errors as Docker shows them: the status, the text, the headers that swarmpy adds.
#pragma once

#include <string>

#include "docker/api.hpp"

namespace swarm::docker {

std::uint32_t http_status(const Error& error);
// With "rpc error: code = X desc = " in front where the error comes from the cluster store.
std::string shown_text(const Error& error);
// Returns the error's own hint, or the one that belongs to its text; "" for none.
std::string next_step(const Error& error);

Error not_found(std::string_view kind, std::string_view name);  // "service X not found"
Error ambiguous(std::string_view kind, std::string_view name, std::size_t matches);
Error no_such_container(std::string_view name);
Error not_yet(std::string sentence);  // 501

// Why this node cannot answer for the swarm (moby daemon/cluster/errors.go).
Error no_manager(const LocalNode& local);
Error not_in_swarm();
Error swarm_locked();
Error locked_unless_forced();  // to leave a swarm whose manager is locked
Error already_in_swarm();

// The error of an outcome that apply refused, as the client that named the version sees it.
Error refused(const model::Outcome& outcome);

}  // namespace swarm::docker
