#include "docker/errors.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "docker/api.hpp"
#include "model/transaction.hpp"

namespace swarm::docker {

const char* const kNoLeaderText =
    "The swarm does not have a leader. It's possible that too few managers are online. Make sure more than "
    "half of "
    "the managers are online.";

namespace {

constexpr const char* kInactive =
    "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this "
    "node to "
    "swarm and try again.";
constexpr const char* kWorker =
    "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state. Please "
    "run this "
    "command on a manager node or promote the current node to a manager.";
constexpr const char* kPreparing =
    "This node is not a swarm manager. Manager is being prepared or has trouble connecting to the cluster.";
constexpr const char* kLocked =
    "Swarm is encrypted and needs to be unlocked before it can be used. Please use \"docker swarm unlock\" "
    "to unlock "
    "it.";

}  // namespace

std::uint32_t http_status(const Error& error) {
  if (error.http_status != 0) return static_cast<std::uint32_t>(error.http_status);
  switch (error.code) {
    case Code::invalid_argument:
    case Code::failed_precondition:
    case Code::out_of_range:
      return 400;
    case Code::not_found:
      return 404;
    case Code::already_exists:
      return 409;
    case Code::permission_denied:
      return 403;
    case Code::unauthenticated:
      return 401;
    case Code::unimplemented:
      return 501;
    case Code::unavailable:
      return 503;
    case Code::ok:
    case Code::cancelled:
    case Code::unknown:
    case Code::deadline_exceeded:
    case Code::resource_exhausted:
    case Code::aborted:
    case Code::internal:
    case Code::data_loss:
      return 500;
  }
  return 500;
}

std::string shown_text(const Error& error) {
  if (!error.from_store) return error.message;
  return std::string("rpc error: code = ") + code_name(error.code) + " desc = " + error.message;
}

std::string next_step(const Error& error) {
  if (!error.hint.empty()) return error.hint;
  if (error.message == "update out of sequence")
    return "it was changed meanwhile: read it again and send the version that it has now";
  if (error.message == kNoLeaderText)
    return "start the managers that are down; tasks go on running meanwhile";
  return {};
}

Error not_found(std::string_view kind, std::string_view name) {
  return plain_error(Code::not_found, std::string(kind) + " " + std::string(name) + " not found");
}

Error ambiguous(std::string_view kind, std::string_view name, std::size_t matches) {
  return plain_error(Code::invalid_argument, std::string(kind) + " " + std::string(name) + " is ambiguous (" +
                                                 std::to_string(matches) + " matches found)");
}

Error no_such_container(std::string_view name) {
  return plain_error(Code::not_found, "No such container: " + std::string(name));
}

Error not_yet(std::string sentence) { return plain_error(Code::unimplemented, std::move(sentence)); }

Error no_manager(const LocalNode& local) {
  switch (local.state) {
    case SwarmState::active:
      return plain_error(Code::unavailable, local.control_available ? kPreparing : kWorker);
    case SwarmState::pending:
      return plain_error(Code::unavailable, kPreparing);
    case SwarmState::error:
      return plain_error(Code::unavailable, "This node is not a swarm manager: " + local.error);
    case SwarmState::locked:
      return swarm_locked();
    case SwarmState::inactive:
      break;
  }
  return plain_error(Code::unavailable, kInactive);
}

Error not_in_swarm() { return plain_error(Code::unavailable, "This node is not part of a swarm"); }

Error swarm_locked() { return plain_error(Code::unavailable, kLocked); }

Error locked_unless_forced() {
  return plain_error(
      Code::unavailable,
      "Swarm is encrypted and locked. Please unlock it first or use `--force` to ignore this message.");
}

Error already_in_swarm() {
  return plain_error(
      Code::unavailable,
      "This node is already part of a swarm. Use \"docker swarm leave\" to leave this swarm and join "
      "another one.");
}

Error refused(const model::Outcome& outcome) {
  Code code = Code::unknown;
  if (outcome.error.starts_with("name conflicts")) code = Code::already_exists;
  if (outcome.error.starts_with("a network of the service")) code = Code::not_found;
  if (outcome.error.starts_with("network is in use")) code = Code::failed_precondition;
  return rpc_error(code, outcome.error);
}

}  // namespace swarm::docker
