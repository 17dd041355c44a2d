// Inside: questions that only the node can answer, and what it tells: Raft in detail, its log in words, what
// Raft did lately, what was counted. The API asks when a client asks (docker::Ask), and the node tells it at
// once (Api::told); otherwise nothing of this is worked out. Values only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"

namespace swarm::docker {

// What the leader knows of one member's log.
struct RaftProgress {
  std::uint64_t match = 0;  // it has the log up to here
  std::uint64_t next = 0;   // what is sent to it next
  std::string state;        // "probe", "replicate" or "snapshot"
};

struct RaftMember {
  std::uint64_t raft_id = 0;
  NodeId node;
  std::string name, addr;
  bool voter = false;
  bool reachable = false;
  std::optional<RaftProgress> progress;  // on the leader only
};

struct RaftDetail {
  std::uint64_t vote = 0;
  std::string leader_name, vote_name;  // "": none
  bool pre_candidate = false;
  std::uint64_t first_index = 0, last_index = 0;        // of the log in memory; last < first: it is empty
  std::uint64_t snapshot_index = 0, snapshot_term = 0;  // of the log before the first entry
  std::vector<RaftMember> members;
};

struct LogRow {
  std::uint64_t index = 0, term = 0;
  std::string kind;        // "transaction", "membership" or "empty"
  std::uint64_t size = 0;  // bytes
  std::string what;
  std::uint64_t digest = 0;  // of its kind and data: the same on every manager that has the same entry
};

struct RaftLogPart {
  std::uint64_t first_index = 0, last_index = 0;  // of the whole log in memory
  std::vector<LogRow> rows;
};

struct RaftEvent {
  std::uint64_t number = 0;  // 1, 2, ...: in the order in which this manager saw them
  WallTime time;
  std::uint64_t term = 0;
  std::string action;                    // "leader", "voted", ...: node/raft_story.hpp has all
  std::uint64_t subject = 0, other = 0;  // Raft ids; 0: none
  std::string subject_name, other_name;
  NodeId node;              // the subject's
  std::uint64_t index = 0;  // of the log, where there is one
  bool voter = false;       // of a member that came
};

struct RaftPast {
  WallTime began;               // if it differs from last time, numbers began anew
  std::uint64_t last = 0;       // the newest number
  std::uint64_t forgotten = 0;  // nothing is kept up to this number
  std::vector<RaftEvent> events;
  std::optional<std::string> name;   // this manager's; nothing before it is a member
  std::vector<std::string> members;  // the names of all
};

// A family of Prometheus' text format.
struct Metric {
  enum class Type : std::uint8_t { counter, gauge };
  struct Sample {
    std::vector<std::pair<std::string, std::string>> labels;
    std::string value;  // a number, as it is written
  };
  std::string name, help;
  Type type = Type::gauge;
  std::vector<Sample> samples;
};

// ---- the questions, and what answers each

// Of managers: RaftDetail.
struct AskRaft {};
// Of managers: RaftLogPart, `limit` rows at most.
struct AskRaftLog {
  std::optional<std::uint64_t> from;  // nothing: the first entry in memory
  std::uint64_t limit = 0;
};
// Of managers: RaftPast, with the events that have a greater number.
struct AskRaftPast {
  std::uint64_t after = 0;
};
// Of every node: its metrics.
struct AskMetrics {};
using Question = std::variant<AskRaft, AskRaftLog, AskRaftPast, AskMetrics>;
using Told = std::variant<RaftDetail, RaftLogPart, RaftPast, std::vector<Metric>>;

}  // namespace swarm::docker
