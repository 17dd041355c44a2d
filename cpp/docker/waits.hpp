// What an open request waits for, as data: what it is answered with when its proposal is applied, when its
// operation is done, when the node has told what was asked or when a container ends; log lines; events; the
// next beat. The function that writes each answer is in the file of its resource.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "docker/api.hpp"
#include "docker/events.hpp"
#include "docker/logs.hpp"

namespace swarm::docker {

class Replies;

// ---- answers to come
struct EmptyAnswer {
  std::uint32_t status = 200;
};
struct ServiceCreated {
  ServiceId service;
  std::vector<std::string> warnings;
};
struct ServiceUpdated {
  std::vector<std::string> warnings;
};
struct NetworkCreated {
  NetworkId network;
  std::string warning;
};
struct NetworksPruned {
  std::vector<std::string> names;
};
struct KeyWritten {
  model::WriteKey write;
};
using OnApplied =
    std::variant<EmptyAnswer, ServiceCreated, ServiceUpdated, NetworkCreated, NetworksPruned, KeyWritten>;

struct SwarmInitialised {};
struct ImageAdded {};
struct ContainerKilled {
  TaskId task;
  int signal = 0;
};
struct ContainerStopped {  // the reply waits until the process has ended
  TaskId task;
};
using OnDone = std::variant<EmptyAnswer, SwarmInitialised, ImageAdded, ContainerKilled, ContainerStopped>;

// ---- answers that go on in beats
struct StatsSample {
  ports::Usage usage;
  Duration system;  // the time of all CPUs so far
  WallTime read;
};
struct StatsBeat {
  TaskId task;
  StatsSample before;
  bool goes_on = true;
};
struct RaftBeat {
  std::uint64_t after = 0;
  WallTime since;
  std::optional<WallTime> began;  // nothing before the first beat
};
using Beat = std::variant<StatsBeat, RaftBeat>;

// ---- answers that take what only the node can tell (docker/inside.hpp)
struct ShowsRaft {};
struct ShowsRaftLog {};
struct ShowsRaftEvents {
  std::uint64_t after = 0;
  WallTime since;
};
struct ShowsMetrics {};
using OnTold = std::variant<ShowsRaft, ShowsRaftLog, ShowsRaftEvents, RaftBeat, ShowsMetrics>;

// ---- one for each open request
struct AwaitsLog {  // the proposal
  OnApplied then;
};
struct AwaitsOperation {
  OnDone then;
};
struct AwaitsTold {
  OnTold then;
};
struct AwaitsEnd {  // of a container, or of its record
  TaskId task;
  bool until_removed = false;
  bool says_code = false;  // else the reply is empty
};
struct FollowsEvents {
  EventFilter filter;
  std::optional<Instant> until;
};
struct Beats {
  Beat beat;
  Instant next;
};
using Wait = std::variant<AwaitsLog, AwaitsOperation, AwaitsTold, AwaitsEnd, LogStream, FollowsEvents, Beats>;
// When the wait ends by itself.
std::optional<Instant> deadline_of(const Wait& wait);

// ---- writes each answer: when a proposal was applied
void say(const EmptyAnswer& then, Replies& replies, ApiId id, const model::Outcome& outcome);
void say(const ServiceCreated& then, Replies& replies, ApiId id, const model::Outcome& outcome);
void say(const ServiceUpdated& then, Replies& replies, ApiId id, const model::Outcome& outcome);
void say(const NetworkCreated& then, Replies& replies, ApiId id, const model::Outcome& outcome);
void say(const NetworksPruned& then, Replies& replies, ApiId id, const model::Outcome& outcome);
void say(const KeyWritten& then, Replies& replies, ApiId id, const model::Outcome& outcome);
// ... or refused when it was, in place of Docker's text
void say_refused(const KeyWritten& then, Replies& replies, ApiId id, const model::Outcome& outcome,
                 const Context& context);
// when an operation is done
void say(const EmptyAnswer& then, Replies& replies, ApiId id, const OperationResult& result,
         const Context& context);
void say(const SwarmInitialised& then, Replies& replies, ApiId id, const OperationResult& result,
         const Context& context);
void say(const ImageAdded& then, Replies& replies, ApiId id, const OperationResult& result,
         const Context& context);
void say(const ContainerKilled& then, Replies& replies, ApiId id, const OperationResult& result,
         const Context& context);
void say(const ContainerStopped& then, Replies& replies, ApiId id, const OperationResult& result,
         const Context& context);
// when the node has told what was asked
void say(const ShowsRaft& then, Replies& replies, ApiId id, const RaftDetail& detail, const Context& context);
void say(const ShowsRaftLog& then, Replies& replies, ApiId id, const RaftLogPart& log,
         const Context& context);
void say(const ShowsRaftEvents& then, Replies& replies, ApiId id, const RaftPast& past,
         const Context& context);
void say(const RaftBeat& beat, Replies& replies, ApiId id, const RaftPast& past, const Context& context);
void say(const ShowsMetrics& then, Replies& replies, ApiId id, const std::vector<Metric>& metrics,
         const Context& context);
// when a container has ended
void say_exit_code(Replies& replies, ApiId id, std::int64_t exit_code);
// when a beat is due: goes on with the next one, asks the node, or ends
void say(StatsBeat beat, Replies& replies, ApiId id, const Context& context);
void say(RaftBeat beat, Replies& replies, ApiId id, const Context& context);

}  // namespace swarm::docker
