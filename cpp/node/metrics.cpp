// GET /metrics: what this node counted, and what it knows now, as families of Prometheus. Made for each
// request; nothing here costs more with more tasks.
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "docker/inside.hpp"
#include "model/node.hpp"
#include "model/task.hpp"
#include "node/impl.hpp"
#include "node/meters.hpp"
#include "node/node.hpp"
#include "node/permissions.hpp"
#include "node/replica.hpp"
#include "raft/message.hpp"
#include "raft/raft.hpp"

namespace swarm::node {
namespace {

using docker::Metric;

constexpr const char* kMessageWords[kRaftMessageTypes] = {"campaign",
                                                          "beat",
                                                          "propose",
                                                          "append",
                                                          "append_response",
                                                          "vote",
                                                          "vote_response",
                                                          "snapshot",
                                                          "heartbeat",
                                                          "heartbeat_response",
                                                          "unreachable",
                                                          "snapshot_status",
                                                          "check_quorum",
                                                          "transfer_leader",
                                                          "timeout_now",
                                                          "read_index",
                                                          "read_index_response",
                                                          "pre_vote",
                                                          "pre_vote_response",
                                                          "storage_append",
                                                          "storage_append_response",
                                                          "storage_apply",
                                                          "storage_apply_response",
                                                          "forget_leader"};
// Those that travel between managers.
constexpr raft::MessageType kOnTheWire[] = {raft::MessageType::app,
                                            raft::MessageType::app_resp,
                                            raft::MessageType::vote,
                                            raft::MessageType::vote_resp,
                                            raft::MessageType::snap,
                                            raft::MessageType::heartbeat,
                                            raft::MessageType::heartbeat_resp,
                                            raft::MessageType::timeout_now,
                                            raft::MessageType::read_index,
                                            raft::MessageType::read_index_resp,
                                            raft::MessageType::pre_vote,
                                            raft::MessageType::pre_vote_resp};
constexpr const char* kAnswerWords[] = {"1xx", "2xx", "3xx", "4xx", "5xx"};

constexpr std::int64_t kSecond = 1'000'000'000;

// With milliseconds, as clients of Prometheus write it; a time before 1970 is 0.
std::string seconds(WallTime time) {
  if (time.ns <= 0) return "0";
  std::string part = std::to_string(time.ns % kSecond / 1'000'000);
  return std::to_string(time.ns / kSecond) + '.' + std::string(3 - part.size(), '0') + part;
}

// The families of one answer, in the order in which they are added.
class Families {
 public:
  void counter(const char* name, const char* help, std::uint64_t value) {
    add(name, help, Metric::Type::counter).samples.push_back({{}, std::to_string(value)});
  }
  void gauge(const char* name, const char* help, std::uint64_t value) {
    add(name, help, Metric::Type::gauge).samples.push_back({{}, std::to_string(value)});
  }
  void gauge(const char* name, const char* help, std::string value) {
    add(name, help, Metric::Type::gauge).samples.push_back({{}, std::move(value)});
  }
  Metric& add(const char* name, const char* help, Metric::Type type) {
    out_.push_back({name, help, type, {}});
    return out_.back();
  }
  std::vector<Metric> take() { return std::move(out_); }

 private:
  std::vector<Metric> out_;
};

void add_messages(Families& to, const char* name, const char* help,
                  const std::array<std::uint64_t, kRaftMessageTypes>& counts) {
  Metric& metric = to.add(name, help, Metric::Type::counter);
  for (const raft::MessageType type : kOnTheWire) {
    const auto at = static_cast<std::size_t>(type);
    metric.samples.push_back({{{"type", kMessageWords[at]}}, std::to_string(counts[at])});
  }
}

void add_raft_counters(Families& to, const Meters& meters) {
  to.counter("raft_elections_total", "Elections that this manager stood for.", meters.elections);
  to.counter("raft_leader_changes_total", "Changes of the leader that this manager saw.",
             meters.leader_changes);
  to.counter("raft_proposals_total", "Transactions that this manager proposed as the leader.",
             meters.proposals);
  to.counter("raft_proposals_refused_total", "Transactions that Raft did not take.",
             meters.proposals_refused);
  add_messages(to, "raft_messages_sent_total", "Raft messages handed to the network, by type.", meters.sent);
  add_messages(to, "raft_messages_received_total", "Raft messages that came from other managers, by type.",
               meters.received);
  to.counter("raft_snapshots_sent_total", "Snapshots that this manager sent to others.",
             meters.snapshots_sent);
  to.counter("raft_snapshots_installed_total", "Snapshots that took the place of this manager's store.",
             meters.snapshots_installed);
  to.counter("raft_states_differing_total",
             "Managers whose state this manager, as the leader, found to differ from its own.",
             meters.states_differing);
}

void add_raft(Families& to, const Replica& replica) {
  const raft::RawNode& raft = replica.raft();
  to.gauge("raft_term", "The Raft term that this manager is in.", raft.term());
  to.gauge("raft_is_leader", "1 if this manager leads, else 0.", replica.leads() ? 1 : 0);
  to.gauge("raft_has_leader", "1 if this manager knows a leader, else 0.", replica.leader() != 0 ? 1 : 0);
  to.gauge("raft_commit_index", "The last log entry that is known to be committed.", raft.commit());
  to.gauge("raft_applied_index", "The last log entry that is in this manager's store.",
           replica.store().version());
  to.gauge("raft_first_index", "The first log entry that is kept in memory.", raft.first_index());
  to.gauge("raft_last_index", "The last log entry, committed or not.", raft.last_index());
  to.gauge("raft_voters", "Members of the Raft group that vote.", replica.voters().size());
  to.gauge("raft_learners", "Members of the Raft group without a vote yet.", replica.learners().size());
}

void add_node_counters(Families& to, const Meters& meters) {
  Metric& answers =
      to.add("api_requests_total", "API requests answered at this node's door, by class of status.",
             Metric::Type::counter);
  for (std::size_t i = 0; i < std::size(kAnswerWords); ++i)
    answers.samples.push_back({{{"code", kAnswerWords[i]}}, std::to_string(meters.answers[i])});
  Metric& denied = to.add("links_frames_denied_total",
                          "Frames from other nodes that were refused, by reason.", Metric::Type::counter);
  for (std::size_t i = 0; i < kDenials; ++i)
    denied.samples.push_back(
        {{{"reason", row_of(static_cast<Denial>(i)).word}}, std::to_string(meters.denied[i])});
  to.counter("disk_batches_total", "Batches written to this node's disk.", meters.disk_batches);
  to.counter("disk_syncs_total", "Batches that had to be durable before anything was said.",
             meters.disk_syncs);
  to.counter("engine_turns_total", "Turns that this node took.", meters.turns);
}

void add_swarm(Families& to, const store::Store& store) {
  Metric& nodes =
      to.add("swarm_nodes", "Nodes of the swarm in this manager's store, by state.", Metric::Type::gauge);
  for (const auto& [state, count] : store.node_counts())
    nodes.samples.push_back({{{"state", model::to_string(state)}}, std::to_string(count)});
  to.gauge("swarm_services", "Services in this manager's store.", store.services().size());
  Metric& tasks = to.add("swarm_tasks", "Tasks in this manager's store, past ones too, by observed state.",
                         Metric::Type::gauge);
  for (const auto& [state, count] : store.task_counts())
    tasks.samples.push_back({{{"state", model::to_string(state)}}, std::to_string(count)});
}

// One that is or was a manager.
void add_counters(Families& to, const Meters& meters, bool manages) {
  if (manages || meters.leader_changes != 0) add_raft_counters(to, meters);
  add_node_counters(to, meters);
}

}  // namespace

std::vector<Metric> counters(const Meters& meters) {
  Families out;
  add_counters(out, meters, false);
  return out.take();
}

std::vector<Metric> Node::Impl::metrics() const {
  Families out;
  add_counters(out, core_.meters, replica_ != nullptr);
  if (replica_) {
    add_raft(out, *replica_);
    if (replica_->store().cluster() != nullptr) add_swarm(out, replica_->store());
    // This node's own agent has no link.
    const std::size_t own = leader_ && agent_ ? 1 : 0;
    out.gauge("dispatcher_sessions", "Agents that are registered at this node as the leader.",
              (leader_ ? leader_->sessions.size() : 0) + own);
  }
  out.gauge("api_requests_open", "API requests that are not answered to their end.", router_.open_requests());
  out.gauge("agent_tasks", "Tasks that this node keeps, past ones too.",
            agent_ ? agent_->worker().tasks().size() : 0);
  out.gauge("links_open", "Connections to other nodes.", core_.links.open_count());
  out.gauge("process_start_time_seconds", "When this node was started, in seconds since 1970.",
            seconds(local_.started_at));
  return out.take();
}

}  // namespace swarm::node
