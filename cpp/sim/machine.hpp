// Machine: one daemon with its ports. The disk and the address outlive the daemon; the rest ends with it.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "node/node.hpp"
#include "sim/network.hpp"
#include "sim/sim_crypto.hpp"
#include "sim/sim_disk.hpp"
#include "sim/sim_mesh.hpp"
#include "sim/sim_overlay.hpp"
#include "sim/sim_runner.hpp"
#include "sim/virtual_clock.hpp"

namespace swarm::sim {

class MachineTrace final : public ports::Trace {
 public:
  MachineTrace(Shared& shared, const std::string& name) : shared_(shared), name_(name) {}
  bool enabled() const override { return true; }
  void record(std::string_view kind, std::string text) override {
    shared_.recorder.record(shared_.now, name_, kind, std::move(text));
  }

 private:
  Shared& shared_;
  const std::string& name_;
};

// Collects the API's answers of all machines.
struct Call {
  MachineIndex machine = 0;
  Reply reply;
};
class CallBook final : public ports::ApiSink {
 public:
  explicit CallBook(Shared& shared) : shared_(shared) {}
  void begin(ports::ApiId id, http::ResponseHead head) override;
  void piece(ports::ApiId id, std::string bytes) override;
  void end(ports::ApiId id) override;
  void cut(ports::ApiId id) override;
  CallId open(MachineIndex machine);
  void machine_ended(MachineIndex machine);
  Call* find(CallId id);
  void forget(CallId id) { calls_.erase(id); }

 private:
  void note_end(CallId id, Reply& reply);

  Shared& shared_;
  std::map<CallId, Call> calls_;
  CallId last_ = 0;
};

struct Machine {
  Machine(Shared& shared, Network& network, MeshNet& mesh_net, CallBook& calls, MachineIndex machine_index,
          MachineOptions machine_options);

  // The daemon's life. `start` and `turn` leave a wake-up in the queue.
  std::string start();  // why it cannot, if its disk is damaged; or ""
  void turn();
  void handle(ports::Event event) { node->handle(std::move(event)); }
  void wake(Instant at);
  void end(bool silent);
  void pause() { paused = true; }
  void resume();
  void shut_down();
  void reseed(std::uint64_t seed);  // new random draws from now on; its keys and secrets stay
  bool alive() const { return node != nullptr; }
  bool is_clone() const { return shared.clones.contains(index); }

  Shared& shared;
  Network& network;
  CallBook& calls;
  MachineIndex index;
  MachineOptions options;
  std::string hostname;  // a clone has that of the machine it was made from
  VirtualClock clock;
  SimTransport transport;
  SimDisk disk;
  SimRunner runner;
  MeshNet& mesh_net;
  SimMesh mesh;
  SimOverlay overlay;
  SimCrypto crypto;
  MachineTrace trace;
  std::shared_ptr<node::Meters> meters = std::make_shared<node::Meters>();  // of all its lives
  std::unique_ptr<node::Node> node;
  model::Build build;  // of the engine, from the next start on
  std::uint32_t life = 0;
  std::uint64_t operations_seen = 0;  // of its disk
  bool paused = false;
  bool disk_failed = false;  // and that is why it is down
  // How long each turn takes; none: no time at all.
  Duration turn_takes;
  Instant busy_until;
  void set_turn(Duration takes);
  // Returns true if the event is not to be handled now; one that must wait is set aside.
  bool must_wait(Event& event);
  bool stopping = false;
  node::Visible visible;      // of the node, when it was last looked over
  std::deque<Event> waiting;  // what came while paused, or before its turn
  void replan();              // its clock runs differently from now on

 private:
  void plan_wake();
  void let_go();
  Instant wake_ = Instant::never();
  Instant last_wake_;
  int wakes_now_ = 0;
};

using Machines = std::vector<std::unique_ptr<Machine>>;

}  // namespace swarm::sim
