// EventQueue: everything that is going to happen, ordered by (time, sequence). Events are values, not
// closures: they can be counted, named, hashed and put aside for a paused machine.
//
// The heap holds small keys; the events lie in slots that are used again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "ports/ports.hpp"
#include "sim/machine_index.hpp"

namespace swarm::sim {

using ConnectionId = std::uint64_t;

// ---- an event for the node, passed on unchanged
struct Deliver {
  ports::Event event;
};
// ---- the node asked to be woken
struct Wake {};
// ---- disk: batches up to `number` are durable when `synced`
struct DiskWritten {
  std::uint64_t token = 0;
  std::uint64_t number = 0;
  bool synced = false;
};
// ---- network
struct ConnectArrives {
  ConnectionId connection = 0;
};
struct AcceptArrives {
  ConnectionId connection = 0;
  wire::Hello hello;
  std::optional<model::Certificate> shown;
};
struct FrameArrives {
  ConnectionId connection = 0;
  std::uint8_t side = 0;  // of the receiver
  ports::Frame frame;
  std::uint64_t message = 0;  // its number in the chronicle
};
struct CloseArrives {
  ConnectionId connection = 0;
  std::uint8_t side = 0;
  std::string reason;
};
struct LinkTimeout {  // the time by which it had to open, or something had to get through
  ConnectionId connection = 0;
  std::uint8_t side = 0;
  bool opening = false;
};
// ---- runner
struct TaskMoves {
  enum class Step : std::uint8_t { prepared, started, exited };
  TaskId task;
  Step step = Step::prepared;
  std::uint32_t plan = 0;  // an exit that was overtaken by an earlier one has an old number
  std::int64_t exit_code = 0;
};
// ---- the mesh: one step of a request (sim_mesh.cpp)
struct MeshStep {
  enum class Step : std::uint8_t { request, stream, dialed, served, answer, lost, timeout, retry };
  Step step = Step::request;
  std::uint64_t conn = 0;
  std::uint64_t attempt = 0;  // an answer to an earlier dial is dropped
  bool ok = false;
  TaskId task;
  std::uint32_t number = 0;  // a port
  MachineIndex origin = 0;
  std::string page;
};
// ---- the next request of a load is due
struct LoadTick {
  std::uint64_t load = 0;
};
// ---- an orderly stop took too long
struct GiveUpStopping {};

// ---- a throttled machine has done with its last turn
struct TurnOver {};

using Happening =
    std::variant<Deliver, Wake, DiskWritten, ConnectArrives, AcceptArrives, FrameArrives, CloseArrives,
                 LinkTimeout, TaskMoves, GiveUpStopping, MeshStep, TurnOver, LoadTick>;

// What it is, for readers.
inline std::string_view word(const Happening& what) {
  constexpr std::string_view kWords[] = {"gets an event",
                                         "wakes",
                                         "its disk is done",
                                         "a node connects",
                                         "its connection is accepted",
                                         "a frame arrives",
                                         "a link closes",
                                         "a link is silent",
                                         "a task moves",
                                         "has had its time to stop",
                                         "a step of a request",
                                         "its turn is over",
                                         "the next request of a load is sent"};
  static_assert(std::size(kWords) == std::variant_size_v<Happening>);
  return kWords[what.index()];
}

struct Event {
  Instant at;
  MachineIndex machine = 0;
  std::uint32_t life = 0;  // of the daemon that it is meant for; 0: the one that runs there
  Happening what;
};

class EventQueue {
 public:
  void push(Instant at, MachineIndex machine, std::uint32_t life, Happening what) {
    const std::uint32_t slot = take_slot();
    slots_[slot] = Event{at, machine, life, std::move(what)};
    heap_.push_back({at.ns, next_++, slot});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  Instant next() const { return heap_.empty() ? Instant::never() : Instant{heap_.front().at}; }
  const Event& front() const { return slots_[heap_.front().slot]; }
  Event pop() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const std::uint32_t slot = heap_.back().slot;
    heap_.pop_back();
    free_.push_back(slot);
    return std::move(slots_[slot]);
  }

 private:
  struct Key {
    std::int64_t at;
    std::uint64_t sequence;
    std::uint32_t slot;
  };
  static bool later(const Key& a, const Key& b) {
    return a.at != b.at ? a.at > b.at : a.sequence > b.sequence;
  }
  std::uint32_t take_slot() {
    if (free_.empty()) {
      slots_.emplace_back();
      return static_cast<std::uint32_t>(slots_.size() - 1);
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    return slot;
  }

  std::vector<Key> heap_;
  std::vector<Event> slots_;
  std::vector<std::uint32_t> free_;
  std::uint64_t next_ = 0;
};

}  // namespace swarm::sim
