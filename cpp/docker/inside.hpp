// Inside: facts about a node that are worked out only when a client asks: Raft in detail, its log in words,
// what Raft did lately, and what was counted. Values, and four functions that the node provides.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
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

struct Inside {
  std::function<RaftDetail()> raft;  // of managers
  std::function<std::vector<LogRow>(std::uint64_t from, std::uint64_t limit)> log;
  std::function<RaftPast(std::uint64_t after)> raft_past;
  std::function<std::vector<Metric>()> metrics;  // of every node
};

}  // namespace swarm::docker
