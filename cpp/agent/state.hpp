// The worker's inside, shared by worker.cpp (the life of tasks) and session.cpp (talk with the manager).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/worker.hpp"

namespace swarm::agent {

// What the runner was asked last and has not answered yet.
enum class Busy { no, preparing, starting };

// What is kept of a task besides what others may see.
struct Life {
  bool assigned = true;  // false: forgotten as soon as its process has ended
  Busy busy = Busy::no;
  bool prepared = false;  // by this run of the node: a record alone does not prepare anything
  bool stop_asked = false;
};

// A report under way.
struct SentReport {
  std::uint64_t sequence = 0;
  Instant resend;
  std::set<TaskId> tasks;
};

struct Worker::State {
  State(NodeId id, model::NodeDescription what, Rng seed)
      : node(id), description(std::move(what)), rng(seed) {}

  NodeId node;
  model::NodeDescription description;
  Rng rng;
  Instant now{};  // of the last input

  std::map<TaskId, LocalTask> tasks;
  std::map<TaskId, Life> lives;  // the same keys
  bool draining = false;
  std::shared_ptr<const model::ForwardingTable> table = std::make_shared<model::ForwardingTable>();

  // ---- effects: records come first, one for each task, however often it changed
  std::map<TaskId, bool> to_save;  // true: before what follows (SaveTask::first)
  std::vector<Effect> effects;

  // ---- session
  bool connected = false;
  std::uint64_t session = 0;   // 0: none
  std::uint64_t previous = 0;  // the last one that there was
  Instant register_again = Instant::never();
  Instant next_heartbeat = Instant::never();
  Instant silent_since_limit = Instant::never();  // if nothing comes until then, the session is over
  Duration period = Duration::millis(500);
  Duration backoff{};
  bool redirected = false;  // since the last session
  int register_tries = 0;   // on this link

  // ---- the feed
  std::uint64_t applied = 0;  // number of the last update; 0: none in this session
  // Updates of this session whose overlay networks are still being made, by the numbers of their changes: no
  // later update is acknowledged.
  std::map<std::uint64_t, std::uint64_t> overlay_under_way;
  std::uint64_t overlay_changes = 0;      // the last one's number
  bool has_overlays = false;              // rows of overlay networks came in this life
  std::optional<std::set<TaskId>> named;  // while the complete feed comes: the tasks that it has named so far
  wire::StoreMoment obeyed;               // the newest: what a manager's store must not be behind
  std::vector<std::string> problems;

  // ---- reports
  std::set<TaskId> unreported;
  // Tasks on the way to RUNNING: reported when they get there, or when it takes a while.
  std::set<TaskId> under_way;
  Instant tell_under_way = Instant::never();
  std::optional<SentReport> sent;
  std::uint64_t sequence = 0;
  std::int64_t report_timeouts = 0;  // in a row

  // ---- the life of tasks
  void resume(model::Task record, WallTime wall);
  void set_status(LocalTask& local, model::TaskState state, const char* message, const std::string& err,
                  WallTime wall);
  void fail(LocalTask& local, const std::string& err, WallTime wall);
  void event(TaskId task, const char* action, std::int64_t exit_code = 0);
  // The next single action of the task, if it is time for one.
  void drive(TaskId id, WallTime wall);
  void advance(LocalTask& local, Life& life, WallTime wall);
  void prepare(LocalTask& local, Life& life);
  bool stop(const LocalTask& local, Life& life);
  void forget(TaskId id);
  void open_host_ports(LocalTask& local);
  std::uint32_t free_host_port(model::PortProtocol protocol) const;

  // ---- the feed
  void on(const wire::FeedUpdate& update, WallTime wall);
  void apply(const wire::FeedUpdate& update, WallTime wall);
  void assign(const model::Task& task, WallTime wall);
  void unassign(TaskId id, WallTime wall);
  void unassign_unnamed(WallTime wall);
  void change_overlay(const wire::FeedUpdate& update, wire::OverlayChange change);
  void acknowledge(std::uint64_t refused = 0);
  std::uint64_t carried_out() const;  // the last update that is, with all before it

  // ---- session
  void send(wire::Message message) { effects.push_back(SendToManager{std::move(message)}); }
  void send_register();
  void send_heartbeat();
  void on(const wire::Session& message);
  void on(const wire::SessionRefused& message);
  void on(const wire::TaskReportAck& message);
  void leave_session();
  void reconnect(std::optional<Address> leader);
  Duration next_backoff();
  void take_back_report();
  void note_unreported(const LocalTask& local);
  void look_under_way();
  void send_report();
};

}  // namespace swarm::agent
