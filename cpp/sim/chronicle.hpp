// Chronicle: what a picture of a run needs, in the order of time: machines that come and go, messages with
// what became of them, Raft's roles and commits, the states of tasks, faults, requests, broken invariants.
//
// Recorded only when asked for (World::record_chronicle). Recording draws nothing, queues nothing and writes
// no trace: a run that is recorded is the same run. Memory is bounded: of each kind the newest are kept, and
// `dropped` counts the others. NOT here: pictures (python/swarmpy/_timeline) and what could be found out from
// what is here, like elections.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "sim/event_queue.hpp"
#include "store/store.hpp"

namespace swarm::sim {

struct Machine;

// The newest of one kind, each with a number that stays: 1, 2, 3, ...
template <class T>
class Newest {
 public:
  explicit Newest(std::size_t most) : most_(most) {}
  std::uint64_t add(T value) {
    if (kept_.size() == most_) {
      kept_.pop_front();
      ++dropped_;
    }
    kept_.push_back(std::move(value));
    return dropped_ + kept_.size();
  }
  // Null for 0 and for what was dropped.
  T* find(std::uint64_t number) {
    return number <= dropped_ || number > dropped_ + kept_.size() ? nullptr : &kept_[number - dropped_ - 1];
  }
  const std::deque<T>& kept() const { return kept_; }
  std::uint64_t dropped() const { return dropped_; }

 private:
  std::size_t most_;
  std::deque<T> kept_;
  std::uint64_t dropped_ = 0;
};

class Chronicle {
 public:
  static constexpr std::size_t kMostMessages = 100'000;  // some 20 MB
  static constexpr std::size_t kMostOthers = 50'000;     // of each other kind
  static constexpr MachineIndex kNobody = ~MachineIndex{0};

  // What became of a message.
  enum class Fate : std::uint8_t {
    on_its_way,
    arrived,
    lost,  // by chance
    cut,   // the link was cut
    dead,  // the receiver was gone
  };

  explicit Chronicle(Instant since) : since_(since) {}

  // ---- machines
  void machine_added(Instant at, const std::string& name);
  void machine_is(Instant at, MachineIndex machine, std::string_view state, std::string_view why);
  // What Raft, the store and the agent of the machine show after its turn, as far as it is new.
  void turned(Instant at, const Machine& machine);

  // ---- messages; each call takes the number that `sent` gave
  std::uint64_t sent(Instant at, MachineIndex from, MachineIndex to, const ports::Frame& frame);
  // Another copy of a message.
  std::uint64_t doubled(std::uint64_t message);
  // It is held back on its way by a fault, not by distance.
  void held(std::uint64_t message);
  void became(std::uint64_t message, Instant at, Fate fate);

  // ---- faults: `number` is the caller's own
  void fault_begun(Instant at, std::uint64_t number, std::string_view kind, std::string text,
                   std::vector<MachineIndex> machines);
  void fault_ended(Instant at, std::uint64_t number);

  // ---- requests, to the API and to published ports, by their ids
  void asked(Instant at, std::uint64_t call, MachineIndex machine, std::string method, std::string path);
  void answered(Instant at, std::uint64_t call, std::uint32_t status, std::string error);
  void fetching(Instant at, std::uint64_t request, MachineIndex machine, std::uint32_t port);
  void fetched(Instant at, std::uint64_t request, std::uint32_t status, TaskId task, std::string error);

  // An invariant does not hold. `machine`: kNobody for one of the whole swarm.
  void broken(Instant at, std::string name, std::string what, MachineIndex machine = kNobody);

  // Returns all of it: {"format": 1, "since": ns, "now": ns, "nodes": [...], "messages": {"columns": [...],
  // "rows": [[...]], "dropped": n}, ...}. Times are nanoseconds since the world began, machines are indexes
  // of `nodes` (-1: none).
  std::string json(Instant now, std::uint64_t seed) const;

 private:
  friend class ChronicleJson;

  struct Node {
    std::string name;
    Instant added;
    bool manages = false;  // has ever
  };
  struct State {
    Instant at;
    MachineIndex machine = 0;
    std::string state, why;
  };
  struct Message {
    Instant sent, ended;
    MachineIndex from = 0, to = 0;
    std::uint8_t kind = 0;
    Fate fate = Fate::on_its_way;
    bool refused = false, copy = false, held = false;
    std::uint32_t count = 0;  // entries, tasks, lines
    std::uint64_t bytes = 0;  // of what it carries, about
    std::uint64_t term = 0, index = 0, commit = 0;
    std::string text;
  };
  struct Role {
    Instant at;
    MachineIndex machine = 0, leader = kNobody;
    const char* role = "";
    std::uint64_t term = 0;
    bool operator==(const Role&) const = default;
  };
  struct Commit {
    Instant at;
    MachineIndex machine = 0;
    std::uint64_t commit = 0, applied = 0;
  };
  struct TaskFacts {
    std::string id, name, service, image;
    std::uint64_t slot = 0, spec_version = 0;
  };
  struct TaskMove {
    Instant at;
    std::shared_ptr<const TaskFacts> task;
    MachineIndex machine = kNobody;
    model::TaskState state = model::TaskState::new_, desired = model::TaskState::running;
    bool removed = false;
    std::string error;
  };
  struct Note {  // what else the swarm's objects went through
    Instant at;
    MachineIndex machine = kNobody;
    std::string kind, name, text;
  };
  struct Fault {
    Instant begun, ended = Instant::never();
    std::string kind, text;
    std::vector<MachineIndex> machines;
  };
  struct Request {
    Instant at, ended = Instant::never();
    MachineIndex machine = 0;
    std::string method, path;  // of the API
    std::uint32_t port = 0, status = 0;
    std::string task, error;
  };
  struct Broken {
    Instant at;
    MachineIndex machine = kNobody;
    std::string name, what;
  };

  void follow_raft(Instant at, const Machine& machine);
  void follow_store(Instant at, const Machine& machine);
  void apply(Instant at, const model::Build& build, const raft::Entry& entry);
  void adopt(Instant at, const store::Store& store);
  void note(Instant at, const store::AnyChange& change);
  void note_task(Instant at, const store::Change<model::Task>& change);
  void note_node(Instant at, const store::Change<model::Node>& change);
  void note_service(Instant at, const store::Change<model::Service>& change);
  MachineIndex machine_of(NodeId id) const;
  std::string task_called(TaskId id) const;

  Instant since_;
  std::vector<Node> nodes_;
  std::vector<Role> roles_now_;
  std::vector<std::uint64_t> commits_now_, commit_rows_, seen_entries_;
  std::map<NodeId, MachineIndex> by_node_;
  std::map<std::uint64_t, MachineIndex> by_raft_id_;
  std::map<TaskId, std::shared_ptr<const TaskFacts>> tasks_;  // of those that are there
  std::unique_ptr<store::Store> store_;                       // fed with every committed entry
  ClusterId cluster_;

  Newest<State> states_{kMostOthers};
  Newest<Message> messages_{kMostMessages};
  Newest<Role> roles_{kMostOthers};
  Newest<Commit> commits_{kMostOthers};
  Newest<TaskMove> moves_{kMostOthers};
  Newest<Note> notes_{kMostOthers};
  Newest<Fault> faults_{kMostOthers};
  Newest<Request> calls_{kMostOthers}, fetches_{kMostOthers};
  Newest<Broken> broken_{kMostOthers};
  std::map<std::uint64_t, std::uint64_t> open_faults_, open_calls_, open_fetches_;
};

}  // namespace swarm::sim
