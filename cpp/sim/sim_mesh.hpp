// SimMesh: the packet path of one machine in virtual time, at the grain of whole requests: accepted, dialled,
// answered. The decisions are those of net/mesh, as in the real relay. MeshNet: the packet paths of all
// machines, and the requests on their way between them.
//
// A request takes its link's latency between machines and vanishes on a cut; what a link loses is sent again,
// as TCP does. A task answers while its process runs. Checked at every dial: the task's agent and process
// allow the request; the balancer of net/mesh decides without their knowledge. NOT here: bytes, flow control,
// half-closed connections.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "net/mesh/balancer.hpp"
#include "sim/network.hpp"
#include "sim/shared.hpp"

namespace swarm::sim {

class MeshNet;

class SimMesh final : public ports::Mesh {
 public:
  SimMesh(MeshNet& net, MachineIndex machine) : net_(net), index_(machine) {}
  void join(ClusterId cluster, NodeId self) override;
  void leave() override;
  void set_table(std::shared_ptr<const model::ForwardingTable> table) override;
  void task_up(const model::MeshTask& task) override;
  void task_stopping(TaskId task) override;
  void task_gone(TaskId task) override;
  const std::set<model::PortKey>& listening() const { return listening_; }

 private:
  friend class MeshNet;
  MeshNet& net_;
  MachineIndex index_;
  bool joined_ = false;
  NodeId self_;
  std::set<model::PortKey> listening_, occupied_;
  std::vector<std::string> problems_;
  mesh::Balancer balancer_;
};

class MeshNet {
 public:
  // What the net needs of the machines: the page of a task, "" when its process does not run; why a task may
  // get no request, "" when it may.
  struct Facts {
    std::function<std::string(MachineIndex, TaskId, std::uint32_t port)> page;
    std::function<std::string(MachineIndex, TaskId)> objection;
    std::function<std::uint32_t(MachineIndex)> life;
  };
  MeshNet(Shared& shared, Network& network, Rng rng, Facts facts)
      : shared_(shared), network_(network), rng_(rng), facts_(std::move(facts)) {}
  void reseed(Rng rng) { rng_ = rng; }

  void add_machine(SimMesh& machine, const Address& address);
  void machine_ended(MachineIndex machine, bool silent);
  // Another program has, or gives back, a port of a machine.
  void occupy(MachineIndex machine, const model::PortKey& port, bool taken);
  bool listens(MachineIndex machine, const model::PortKey& port) const {
    return machines_[machine]->listening_.contains(port);
  }

  // To a TCP port. `load`: the load that it belongs to; the reply of such a request is only logged
  // (Shared::requests).
  RequestId request(MachineIndex machine, std::uint32_t port, LoadId load = 0);
  RequestId refused(MachineIndex machine, std::uint32_t port, LoadId load = 0);  // the machine does not run
  HttpReply* find(RequestId id);
  void forget(RequestId id) { replies_.erase(id); }
  void arrived(MachineIndex machine, const MeshStep& step);

 private:
  friend class SimMesh;
  struct Flight {
    MachineIndex machine = 0;
    bool stream = false;  // another machine's: `origin` and its numbers
    MachineIndex origin = 0;
    std::uint64_t origin_conn = 0, origin_attempt = 0;
    TaskId task;
    std::uint32_t target = 0;  // the port that is dialled, where the task is on this machine
    MachineIndex owner = 0;    // where the task is
    std::uint64_t attempt = 0;
    bool open = false;
  };
  void perform(MachineIndex machine);
  void perform(SimMesh& at, const mesh::Effect& effect);
  void refuse(SimMesh& at, mesh::ConnId conn);
  void dial(SimMesh& at, const mesh::DialLocal& effect);
  void dial(SimMesh& at, const mesh::DialPeer& effect);
  void on_stream(SimMesh& at, const MeshStep& step);
  void on_dialed(SimMesh& at, std::uint64_t conn, Flight& flight);
  void on_answer(SimMesh& at, const MeshStep& step, Flight& flight);
  void reply(std::uint64_t conn, Flight& flight, const std::string& page);
  void finish(std::uint64_t conn, std::uint32_t status, std::string body, std::string error);
  void listen(SimMesh& at, const model::PortKey& port);
  void push(MachineIndex machine, Duration after, MeshStep step);
  void send(MachineIndex from, MachineIndex to, MeshStep step);
  bool may_link(const SimMesh& at, MachineIndex to) const;

  Shared& shared_;
  Network& network_;
  Rng rng_;
  Facts facts_;
  std::vector<SimMesh*> machines_;
  std::map<std::array<std::uint8_t, 16>, MachineIndex> by_ip_;
  std::map<std::uint64_t, Flight> flights_;  // requests, by their id, and streams
  std::map<RequestId, HttpReply> replies_;
  std::uint64_t last_ = 0;
};

}  // namespace swarm::sim
