// Docker's words for enums, each table once: JSON both ways, traces, errors and random values follow it.
//
// An enum's numbers stand in logs and on disks for ever; a number without a row is not known. NOT here: the
// functions to_string and parse_..., which most users need alone; they stand beside the enums.
#pragma once

#include <optional>
#include <string_view>

#include "base/check.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/task.hpp"

namespace swarm::model {

template <class Enum>
struct Words;

template <class Enum>
struct Word {
  Enum value;
  const char* word;
};

// Docker's sentence for an unknown word: the text before and after it.
struct Refusal {
  const char* before;
  const char* after = "";
};

template <>
struct Words<RestartCondition> {
  using enum RestartCondition;
  static constexpr const char* kName = "restart condition";
  static constexpr Refusal kRefusal{"invalid RestartCondition: \"", "\""};
  static constexpr Word<RestartCondition> kAll[] = {{none, "none"}, {on_failure, "on-failure"}, {any, "any"}};
};

template <>
struct Words<FailureAction> {
  using enum FailureAction;
  static constexpr const char* kName = "failure action";
  static constexpr Refusal kRefusal{"unrecognized update failure action "};
  static constexpr Word<FailureAction> kAll[] = {
      {pause, "pause"}, {continue_, "continue"}, {rollback, "rollback"}};
};

template <>
struct Words<UpdateOrder> {
  using enum UpdateOrder;
  static constexpr const char* kName = "update order";
  static constexpr Refusal kRefusal{"unrecognized update order "};
  static constexpr Word<UpdateOrder> kAll[] = {{stop_first, "stop-first"}, {start_first, "start-first"}};
};

template <>
struct Words<PortProtocol> {
  using enum PortProtocol;
  static constexpr const char* kName = "port protocol";
  static constexpr Refusal kRefusal{"unrecognized port protocol "};
  static constexpr Word<PortProtocol> kAll[] = {{tcp, "tcp"}, {udp, "udp"}, {sctp, "sctp"}};
};

template <>
struct Words<PublishMode> {
  using enum PublishMode;
  static constexpr const char* kName = "publish mode";
  static constexpr Refusal kRefusal{"unrecognized publish mode "};
  static constexpr Word<PublishMode> kAll[] = {{ingress, "ingress"}, {host, "host"}};
};

template <>
struct Words<EndpointMode> {
  using enum EndpointMode;
  static constexpr const char* kName = "endpoint mode";
  static constexpr Refusal kRefusal{"invalid resolution mode: \"", "\""};
  static constexpr Word<EndpointMode> kAll[] = {{vip, "vip"}, {dnsrr, "dnsrr"}};
};

template <>
struct Words<NodeRole> {
  using enum NodeRole;
  static constexpr const char* kName = "role";
  static constexpr Refusal kRefusal{"invalid Role: \"", "\""};
  static constexpr Word<NodeRole> kAll[] = {{worker, "worker"}, {manager, "manager"}};
};

template <>
struct Words<Availability> {
  using enum Availability;
  static constexpr const char* kName = "availability";
  static constexpr Refusal kRefusal{"invalid Availability: \"", "\""};
  static constexpr Word<Availability> kAll[] = {{active, "active"}, {pause, "pause"}, {drain, "drain"}};
};

// ---- what users only read

template <>
struct Words<UpdateState> {
  using enum UpdateState;
  static constexpr const char* kName = "update state";
  static constexpr Word<UpdateState> kAll[] = {{updating, "updating"},
                                               {paused, "paused"},
                                               {completed, "completed"},
                                               {rollback_started, "rollback_started"},
                                               {rollback_paused, "rollback_paused"},
                                               {rollback_completed, "rollback_completed"}};
};

template <>
struct Words<NodeState> {
  using enum NodeState;
  static constexpr const char* kName = "node state";
  static constexpr Word<NodeState> kAll[] = {
      {unknown, "unknown"}, {down, "down"}, {ready, "ready"}, {disconnected, "disconnected"}};
};

template <>
struct Words<Reachability> {
  using enum Reachability;
  static constexpr const char* kName = "reachability";
  static constexpr Word<Reachability> kAll[] = {
      {unknown, "unknown"}, {unreachable, "unreachable"}, {reachable, "reachable"}};
};

template <>
struct Words<TaskState> {
  using enum TaskState;
  static constexpr const char* kName = "task state";
  static constexpr Word<TaskState> kAll[] = {
      {new_, "new"},          {pending, "pending"},     {assigned, "assigned"},
      {accepted, "accepted"}, {preparing, "preparing"}, {ready, "ready"},
      {starting, "starting"}, {running, "running"},     {complete, "complete"},
      {shutdown, "shutdown"}, {failed, "failed"},       {rejected, "rejected"},
      {remove, "remove"},     {orphaned, "orphaned"}};
};

// ---- both ways

template <class Enum>
const char* word_of(Enum value) {
  for (const auto& row : Words<Enum>::kAll)
    if (row.value == value) return row.word;
  SWARM_CHECK(false, Words<Enum>::kName, static_cast<int>(value));
}

template <class Enum>
std::optional<Enum> value_of(std::string_view word) {
  for (const auto& row : Words<Enum>::kAll)
    if (row.word == word) return row.value;
  return std::nullopt;
}

}  // namespace swarm::model
