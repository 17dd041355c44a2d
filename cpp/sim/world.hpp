// World: a whole swarm in one process, in virtual time, from one seed. The engine is the same `node::Node`
// that swarmd runs; clock, network, disk, runner and crypto are the simulated ports beside this file.
//
// One queue of typed events ordered by (time, sequence). `step()` takes one, gives it to its node, runs that
// node's turn, and then asks every checker (sim/check); a broken invariant is a SWARM_CHECK failure whose
// sentence carries the seed and the last trace lines. The same seed and the same calls give the same trace
// hash on every machine.
//
// NOT here: random workloads and fault plans (sim/workload, sim/fault_plan use World like any other caller).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "docker/answer.hpp"
#include "faults/plan.hpp"
#include "model/annotations.hpp"
#include "model/feature_level.hpp"
#include "model/resources.hpp"
#include "ports/http.hpp"
#include "ports/transport.hpp"
#include "sim/gate.hpp"
#include "sim/load_options.hpp"

namespace swarm::node {
class Node;
}
namespace swarm::ports {
class Disk;
struct DiskBatch;
}  // namespace swarm::ports

namespace swarm::sim {

// Of every link, unless a fault says otherwise. Times are uniform in [min, max].
struct NetworkOptions {
  Duration latency_min = Duration::micros(100);
  Duration latency_max = Duration::micros(500);
  std::uint32_t loss_per_mille = 0;  // frames lost on an open link
  std::uint32_t duplicate_per_mille = 0;
  std::uint32_t reorder_per_mille = 0;  // frames held back by up to 20 latencies
};

struct WorldOptions {
  std::uint64_t seed = 0;
  NetworkOptions network;
  bool check = true;                          // invariants after every event
  bool codec = false;                         // every frame through codec and back
  bool record_trace = true;                   // keep the last trace lines as text; the hash is always kept
  WallTime epoch{1'767'225'600'000'000'000};  // 2026-01-01T00:00:00Z at instant 0
};

struct MachineOptions {
  std::string name;  // its hostname, and its name here
  Address address;   // unspecified: 127.0.X.Y of its own, chosen in order
  model::Labels engine_labels;
  model::Resources resources{4'000'000'000, 8LL << 30, 0, {}};
};

// How a simulated image behaves; found by reference ("nginx:1.10"), then by name ("nginx"), then the default.
struct ImageScript {
  bool exists = true;  // false: "No such image: ..." at prepare
  Duration prepare_min = Duration::millis(5), prepare_max = Duration::millis(20);
  Duration start_min = Duration::millis(5), start_max = Duration::millis(20);
  Duration stop_min = Duration::millis(2), stop_max = Duration::millis(10);  // after SIGTERM
  bool ignores_term = false;      // only SIGKILL, after the grace, ends it
  std::optional<Duration> lives;  // exits by itself after this long
  std::int64_t exit_code = 0;     // ... with this code
};

// One answer of the API, as far as it has come.
struct Reply {
  bool begun = false;
  bool ended = false;
  bool cut = false;  // ended in the middle: its machine did, or the rest cannot be had
  http::ResponseHead head;
  std::string body;  // all pieces not yet taken by take_body
  Instant ended_at{};
};

using CallId = std::uint64_t;

// What a look shows. It takes no time, and the run goes on as if there had been no look.
struct Look {
  enum class How : std::uint8_t {
    answered,
    takes_time,  // a change, or a stream that goes on: that is for `call`
    silent,      // the machine that is asked is stopped (SIGSTOP)
    dead,        // ... or does not run
  };
  How how = How::answered;
  bool last_known = false;  // there is no leader just now: the most up-to-date manager answered
  docker::Answer answer;
};

// A web page asked for at a published port.
struct HttpReply {
  bool ended = false;
  std::uint32_t status = 0;  // 0: none, and `error` says why
  std::string body, error;
  TaskId task;  // that answered, or was to
};
using RequestId = std::uint64_t;
using FaultId = std::uint64_t;

class Journal;
class References;
class RequestLog;
class Watch;
struct RuleSpec;
struct RecordedRun;

// Where a run stood when something that had to hold was broken first.
struct FailureMark {
  std::uint64_t steps = 0;
  std::size_t inputs = 0;  // that came before
  faults::Plan faults;     // as they were then
};

class World {
 public:
  explicit World(WorldOptions options);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // ---- machines: each a daemon of its own, outside any swarm at first
  void add_machine(MachineOptions options);   // and starts its daemon
  std::vector<std::string> machines() const;  // in the order of their making
  bool has_machine(std::string_view name) const;
  bool alive(std::string_view name) const;
  std::uint32_t lives(std::string_view name) const;  // how often its daemon was started
  std::vector<std::string> dead() const;             // those that are not
  void crash(std::string_view name);      // kill -9: unsynced writes are lost, links close, tasks die
  void power_off(std::string_view name);  // a crash whose peers see silence, not closed links
  void start(std::string_view name);      // a crashed machine goes on from its disk
  void pause(std::string_view name);      // SIGSTOP: frames and timers wait; links stay open
  void resume(std::string_view name);
  void shut_down(std::string_view name);  // SIGTERM: an orderly stop
  // Keeps a copy of the machine's disk as it is now, in place of the one that was kept before.
  void keep_copy(std::string_view name);
  // Kills the daemon, and starts it from the copy that was kept. Does nothing and returns false where the
  // machine does not run, or where another member of the Raft group counts on what the copy lacks
  // (sim/check/remembered): then what was answered could be lost, and no engine could know it.
  bool put_back(std::string_view name);
  // Starts a second machine with a copy of this one's disk as it is now, and its hostname: a clone,
  // "NAME-clone". Does nothing while it runs. `machines` does not list clones; they end by `crash` or
  // `power_off`.
  void clone(std::string_view name);
  bool has_clone(std::string_view name) const;  // that runs
  std::uint32_t lives_of_clone(std::string_view name) const;
  // Installs another build of the engine: the machine's next daemon runs it.
  void set_build(std::string_view name, const model::Build& build);
  const node::Node& node(std::string_view name) const;  // alive machines only
  Address address(std::string_view name) const;

  // ---- faults as data (faults/fault.hpp; sim/injector.hpp says how they compose)
  // Begins now, or `at` later; ends after its `for`, by `end_fault` or `heal`. Names are checked first: an
  // error has changed nothing.
  Result<FaultId> begin_fault(const faults::Fault& fault);
  Result<void> end_fault(FaultId id);  // one that is over already, or still to come, is no error
  std::vector<std::pair<FaultId, faults::Fault>> active_faults() const;
  // What happened, "leader" resolved: the same seed, the same calls and this plan give the same trace.
  faults::Plan fault_history() const;
  // The planned faults that could not begin when it was time, in order.
  const std::vector<faults::Skipped>& skipped_faults() const;
  Result<std::vector<FaultId>> run_plan(const faults::Plan& plan);
  void leave_out(std::size_t fault);  // the one that would get this number in the history, from 0 on
  void quiet(bool on);  // all faults are held back, and time stands still for them; or they go on

  // ---- faults by hand
  void cut(std::string_view from, std::string_view to);  // one way: frames vanish, links stay open
  void mend(std::string_view from, std::string_view to);
  void partition(const std::vector<std::vector<std::string>>& groups);  // both ways between groups
  // Ends all faults and drops those that were to come: machines that are down by one start, frozen ones go
  // on. Mends every cut that was made by hand.
  void heal();
  void set_network(const NetworkOptions& options);
  void set_disk_latency(std::string_view name, Duration min, Duration max);
  // A machine's disk has taken a batch or a wipe, and the turn that wanted it is over; or (`durable`) a batch
  // with all before it is durable, and its daemon has not heard of it. The daemon is killed at this moment if
  // `act` returns how many of the batches that are not durable yet are on the disk after that.
  struct DiskMoment {
    std::string machine;
    std::size_t unsynced = 0;
    bool durable = false;
  };
  using AtDisk = std::function<std::optional<std::size_t>(const DiskMoment&)>;
  void at_disk(AtDisk act);
  // All that the machine's disk takes from now on (SimDisk::record).
  std::shared_ptr<const std::vector<ports::DiskBatch>> record_disk(std::string_view name);
  // The disk of a dead machine: tests change it to what an older version might have written.
  ports::Disk& disk_of_dead(std::string_view name);
  // For links and frames of another program on the machine, of which its daemon knows nothing. A run with
  // such frames cannot be replayed.
  ports::Transport& wire_by_hand(std::string_view name);
  // A link from that machine by one who has stolen the key of the certificate, or has none.
  ports::LinkId open_by_hand(std::string_view name, const Address& to, const wire::Hello& hello,
                             const std::optional<model::Certificate>& shown);
  // The task's process ends now, as if killed by `signal` (exit code 128 + signal). False: no such process.
  bool kill_task(TaskId task, int signal = 9);
  void set_image(std::string reference, const ImageScript& script);

  // ---- the front door
  CallId call(std::string_view machine, http::Request request);  // answered while time goes on
  const Reply& reply(CallId id) const;
  std::string take_body(CallId id);  // what has come since the last take
  void hang_up(CallId id);           // the client is gone; forgets the reply
  // Runs until the reply has ended, or `timeout` of virtual time is over (then the reply is as far as it
  // came).
  Reply ask(std::string_view machine, http::Request request, Duration timeout = Duration::seconds(30));

  // Returns what a GET would be answered at this moment by `machine`; "": by the swarm's leader, the one with
  // the newest term that reaches a quorum. While one is being elected, the most up-to-date manager answers;
  // if none can be elected, Docker's refusal.
  Look look(std::string_view machine, const http::Request& request) const;
  // The machine that leads, with a quorum that it reaches; "" for none.
  std::string leader() const;
  std::vector<std::string> managers() const;  // that run
  std::vector<std::string> voters() const;    // ... and those that are down, by what is known of the swarm
  // Numbers that change as soon as looks may show something else: of the swarm and its nodes; of Raft on each
  // manager.
  std::uint64_t changes() const;
  std::uint64_t raft_changes() const;
  // What a machine's daemons counted so far, also of one that is dead: as GET /metrics says it.
  std::string counted(std::string_view name) const;
  // By what the leader knows; closed while there is none.
  bool is_open(const Gate& gate) const;

  // ---- published ports: GET / at a machine's own address
  RequestId http_get(std::string_view machine, std::uint32_t port);
  HttpReply http_reply(RequestId id) const;
  void http_forget(RequestId id);
  HttpReply fetch(std::string_view machine, std::uint32_t port);  // runs until it has ended
  // Another program takes the port of a machine, or gives it back.
  void occupy_port(std::string_view machine, std::uint32_t port, bool taken);

  // Clients that send requests at a steady rate to these machines in turn, until `end_load` or for `span`.
  // What became of each is in `requests()`.
  LoadId begin_load(const LoadOptions& options);
  void end_load(LoadId id);  // what is under way goes on
  const RequestLog& requests() const;
  void give_up_requests();  // of loads, that wait for longer than a client does

  // ---- what must hold (sim/watch)
  Watch& watch();
  void look_over();                          // checks as after an event, when something was done by hand
  std::vector<std::string> leaders() const;  // all that believe they lead
  std::uint64_t term() const;                // the newest that a manager which runs knows; 0 where none does
  // A ready-made rule (sim/watch_rules.hpp), asked from now on; its number in the watch. Nothing for an
  // unknown kind. It goes into the journal: a replay checks it again.
  std::optional<std::size_t> add_rule(const std::string& name, const RuleSpec& spec);
  // Notes that something that had to hold is broken: inputs from now on are clean-up. The first call counts.
  void mark_broken(const std::string& check, const std::string& what);
  const std::optional<FailureMark>& failure_mark() const;

  // ---- time
  Instant now() const;
  WallTime wall() const;
  bool step();                 // the next event; false when there will never be one
  Instant next_event() const;  // Instant::never() when there is none
  void run_for(Duration span);
  void run_until(Instant when);
  // Returns true as soon as `done` holds (asked after every event), false when `timeout` is over.
  bool run_until(const std::function<bool()>& done, Duration timeout);

  // ---- the journal of a run, and the run again (sim/journal.hpp)
  const Journal& journal() const;
  std::string journal_text() const;  // up to now
  // A new world, made from the options of `run`, takes that run's inputs by itself while time goes on: the
  // same run, which is over where the record ends.
  void play(std::shared_ptr<const RecordedRun> run);
  // The run no longer ends. What is left of the record's first `inputs` inputs comes as it did until a caller
  // does anything else; then they come at their times, and it is another run. `references`
  // (sim/references.hpp): what ids in them mean, where random ids will differ.
  static constexpr std::size_t kNoInputs = 0, kAllInputs = ~std::size_t{0};
  void let_go(std::size_t inputs, std::shared_ptr<const References> references = nullptr);
  std::optional<std::size_t> input_due() const;  // the number of the input that comes next, before any event
  bool plays() const;                            // it is the same run, so far
  std::uint64_t steps() const;                   // taken so far: events, and begins and ends of faults
  // What comes next: "m1: a frame arrives", "input: crash m1"; "" when nothing does.
  std::string coming() const;
  // New random draws from now on: those of links, disks, runners, the mesh and every node.
  void reseed(std::uint64_t seed);

  // ---- what happened
  std::uint64_t seed() const;
  std::uint64_t trace_hash() const;  // of every event and trace record so far
  std::uint64_t events() const;      // how many were taken
  struct TraceLine {
    Instant at;
    std::string machine, kind, text;
  };
  std::vector<TraceLine> take_trace();  // since the last take; bounded, oldest dropped first
  // A line for the trace from outside: what a script or a fault plan did.
  void note(std::string_view kind, std::string text);
  // Starts to record what a picture needs (sim/chronicle), or stops and forgets it. Changes no trace.
  void record_chronicle(bool on);
  bool records_chronicle() const;
  std::string chronicle() const;  // JSON; "" when none is recorded
  // Checks everything now, and not only what the last event could have broken.
  void check_all();
  // Returns what is not as the leader's store says, in a swarm that has come to rest; "" if all is.
  std::string not_at_rest() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace swarm::sim
