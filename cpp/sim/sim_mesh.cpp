#include "sim/sim_mesh.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/check.hpp"
#include "base/id.hpp"
#include "base/overloaded.hpp"
#include "base/time.hpp"
#include "model/mesh.hpp"
#include "model/port.hpp"
#include "net/mesh/balancer.hpp"
#include "ports/ports.hpp"
#include "sim/event_queue.hpp"
#include "sim/link_rules.hpp"
#include "sim/load_options.hpp"
#include "sim/machine_index.hpp"
#include "sim/shared.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

using Step = MeshStep::Step;

constexpr Duration kLoopback = Duration::micros(20);
constexpr Duration kDialTimeout = Duration::seconds(1);    // of a node that does not answer
constexpr Duration kReplyTimeout = Duration::seconds(10);  // the client's own patience
constexpr Duration kSendAgain = Duration::millis(200);     // what was lost; twice as long each time
constexpr int kMostTries = 6;
constexpr Duration kServeMin = Duration::micros(100), kServeMax = Duration::millis(1);

}  // namespace

// ---- facts from the node

void SimMesh::join(ClusterId, NodeId self) {
  joined_ = true;
  self_ = self;
  balancer_.set_self(self);
}
void SimMesh::leave() {
  joined_ = false;
  balancer_.leave();
  net_.perform(index_);
}
void SimMesh::set_table(std::shared_ptr<const model::ForwardingTable> table) {
  balancer_.set_table(std::move(table));
  net_.perform(index_);
}
void SimMesh::task_up(const model::MeshTask& task) {
  balancer_.task_up(task);
  net_.perform(index_);
}
void SimMesh::task_stopping(TaskId task) { balancer_.task_stopping(task); }
void SimMesh::task_gone(TaskId task) {
  balancer_.task_gone(task);
  net_.perform(index_);
}

// ---- machines come and go

void MeshNet::add_machine(SimMesh& machine, const Address& address) {
  by_ip_[address.ip] = static_cast<MachineIndex>(machines_.size());
  machines_.push_back(&machine);
}

void MeshNet::machine_ended(MachineIndex machine, bool silent) {
  machines_[machine]->balancer_ = {};
  machines_[machine]->joined_ = false;
  machines_[machine]->listening_.clear();
  machines_[machine]->problems_.clear();
  std::vector<std::uint64_t> over;
  for (auto& [id, flight] : flights_) {
    if (flight.machine == machine) {
      over.push_back(id);
    } else if (!flight.stream && flight.owner == machine && flight.attempt != 0 && !silent) {
      send(machine, flight.machine, {Step::lost, id, flight.attempt, false, {}, 0, 0, {}});
    }
  }
  for (const auto id : over) finish(id, 0, {}, "connection reset by peer");
}

void MeshNet::occupy(MachineIndex machine, const model::PortKey& port, bool taken) {
  SimMesh& at = *machines_[machine];
  if (taken) {
    at.occupied_.insert(port);
  } else {
    at.occupied_.erase(port);
    at.balancer_.retry_listening();
  }
  perform(machine);
}

void MeshNet::push(MachineIndex machine, Duration after, MeshStep step) {
  shared_.queue.push(shared_.now + after, machine, facts_.life(machine), std::move(step));
}

void MeshNet::send(MachineIndex from, MachineIndex to, MeshStep step) {
  Duration latency = network_.latency(rng_, from, to);
  if (network_.is_cut(from, to)) return;
  const LinkSettings* link = network_.settings(from, to);
  const std::uint32_t loss = link == nullptr ? 0 : link->loss_ppm.value_or(0);
  Duration again = kSendAgain;
  for (int tries = 0; loss != 0 && rng_.chance(loss, 1'000'000); ++tries) {
    if (tries == kMostTries) return;
    latency = latency + again;
    again = again * 2;
  }
  network_.deliver(shared_.now + latency, from, to, facts_.life(to), std::move(step));
}

// Returns true if both ends of a link would believe each other.
bool MeshNet::may_link(const SimMesh& at, MachineIndex to) const {
  const SimMesh& other = *machines_[to];
  return at.balancer_.may_link(other.self_) && other.balancer_.may_link(at.self_) &&
         network_.is_member_of(at.index_, to) && network_.is_member_of(to, at.index_);
}

// ---- requests

RequestId MeshNet::request(MachineIndex machine, std::uint32_t port, LoadId load) {
  const RequestId id = ++last_;
  shared_.requests.began(id, shared_.now, machine, port, load);
  replies_[id];
  flights_[id].machine = machine;
  if (shared_.chronicle) shared_.chronicle->fetching(shared_.now, id, machine, port);
  push(machine, kLoopback, {Step::request, id, 0, false, {}, port, 0, {}});
  push(machine, kReplyTimeout, {Step::timeout, id, 0, false, {}, 0, 0, {}});
  return id;
}

RequestId MeshNet::refused(MachineIndex machine, std::uint32_t port, LoadId load) {
  const RequestId id = ++last_;
  if (load == 0) replies_[id] = {true, 0, {}, "connection refused", {}};
  shared_.requests.began(id, shared_.now, machine, port, load);
  shared_.requests.ended(id, shared_.now, 0, {}, "connection refused");
  return id;
}

HttpReply* MeshNet::find(RequestId id) {
  const auto it = replies_.find(id);
  return it == replies_.end() ? nullptr : &it->second;
}

void MeshNet::finish(std::uint64_t conn, std::uint32_t status, std::string body, std::string error) {
  const auto it = flights_.find(conn);
  if (it == flights_.end()) return;
  machines_[it->second.machine]->balancer_.closed(conn);
  if (HttpReply* out = it->second.stream ? nullptr : find(conn)) {
    *out = {true, status, std::move(body), std::move(error), it->second.task};
    if (shared_.chronicle) shared_.chronicle->fetched(shared_.now, conn, status, out->task, out->error);
    shared_.recorder.record(shared_.now, "", "mesh.reply",
                            std::to_string(conn) + " " + std::to_string(status) + " " +
                                (status == 0 ? out->error : it->second.task.str()));
    if (shared_.requests.ended(conn, shared_.now, status, out->body, out->error)) forget(conn);
  }
  flights_.erase(it);
}

void MeshNet::arrived(MachineIndex machine, const MeshStep& step) {
  SimMesh& at = *machines_[machine];
  if (step.step == Step::stream) return on_stream(at, step);
  const auto it = flights_.find(step.conn);
  if (it == flights_.end() || it->second.machine != machine) return;
  Flight& flight = it->second;
  const bool current = step.attempt == flight.attempt;
  if (step.step == Step::request) {
    const model::PortKey port = model::tcp_port(step.number);
    if (!at.listening_.contains(port)) return finish(step.conn, 0, {}, "connection refused");
    at.balancer_.accepted(step.conn, port);
  } else if (step.step == Step::dialed && current) {
    on_dialed(at, step.conn, flight);
  } else if (step.step == Step::served && current) {
    reply(step.conn, flight, facts_.page(machine, flight.task, flight.target));
  } else if (step.step == Step::answer && current) {
    on_answer(at, step, flight);
  } else if (step.step == Step::lost && current) {
    if (flight.open) return finish(step.conn, 0, {}, "connection reset by peer");
    at.balancer_.dial_done(step.conn, false);
  } else if (step.step == Step::timeout && (step.attempt == 0 || (current && !flight.open))) {
    if (step.attempt == 0) return finish(step.conn, 0, {}, "timed out");
    at.balancer_.dial_done(step.conn, false);
  } else if (step.step == Step::retry) {
    at.balancer_.retry(step.conn);
  }
  perform(machine);
}

void MeshNet::on_stream(SimMesh& at, const MeshStep& step) {
  if (!at.joined_) return;
  if (!may_link(at, step.origin))
    return send(at.index_, step.origin, {Step::lost, step.conn, step.attempt, false, {}, 0, 0, {}});
  const std::uint64_t conn = ++last_;
  Flight& flight = flights_[conn];
  flight.machine = at.index_;
  flight.stream = true;
  flight.origin = step.origin;
  flight.origin_conn = step.conn;
  flight.origin_attempt = step.attempt;
  at.balancer_.stream_arrived(conn, step.task, step.number);
  perform(at.index_);
}

// The process is asked: it may have ended while the dial was on its way.
void MeshNet::on_dialed(SimMesh& at, std::uint64_t conn, Flight& flight) {
  const bool runs = !facts_.page(at.index_, flight.task, flight.target).empty();
  flight.open = runs;
  at.balancer_.dial_done(conn, runs);
  if (!runs) return;
  if (flight.stream)
    send(at.index_, flight.origin,
         {Step::answer, flight.origin_conn, flight.origin_attempt, true, flight.task, 0, 0, {}});
  push(at.index_, draw(rng_, kServeMin, kServeMax), {Step::served, conn, flight.attempt, true, {}, 0, 0, {}});
}

// From the node that has the task: the stream is open, or refused, or here is the page.
void MeshNet::on_answer(SimMesh& at, const MeshStep& step, Flight& flight) {
  if (!step.page.empty()) return finish(step.conn, 200, step.page, {});
  if (step.ok) flight.open = true;
  at.balancer_.dial_done(step.conn, step.ok);
}

void MeshNet::reply(std::uint64_t conn, Flight& flight, const std::string& page) {
  if (!flight.stream && !page.empty()) return finish(conn, 200, page, {});
  if (flight.stream) {
    MeshStep back{page.empty() ? Step::lost : Step::answer,
                  flight.origin_conn,
                  flight.origin_attempt,
                  true,
                  flight.task,
                  0,
                  0,
                  page};
    send(flight.machine, flight.origin, std::move(back));
  }
  finish(conn, 0, {}, "connection reset by peer");
}

// ---- effects

void MeshNet::perform(MachineIndex machine) {
  SimMesh& at = *machines_[machine];
  for (auto effects = at.balancer_.take_effects(); !effects.empty(); effects = at.balancer_.take_effects())
    for (const auto& effect : effects) perform(at, effect);
  auto problems = at.balancer_.problems();
  if (problems == at.problems_) return;
  at.problems_ = problems;
  shared_.queue.push(shared_.now, machine, facts_.life(machine),
                     Deliver{ports::MeshProblems{std::move(problems)}});
}

void MeshNet::perform(SimMesh& at, const mesh::Effect& effect) {
  std::visit(Overloaded{
                 [&](const mesh::DialLocal& local) { dial(at, local); },
                 [&](const mesh::DialPeer& peer) { dial(at, peer); },
                 [&](const mesh::ListenOn& on) { listen(at, on.port); },
                 [&](const mesh::StopListening& off) { at.listening_.erase(off.port); },
                 [&](const mesh::Wait& wait) {
                   push(at.index_, mesh::kRetryPause, {Step::retry, wait.conn, 0, false, {}, 0, 0, {}});
                 },
                 [&](const mesh::Refuse& no) { refuse(at, no.conn); },
             },
             effect);
}

void MeshNet::refuse(SimMesh& at, mesh::ConnId conn) {
  const auto it = flights_.find(conn);
  if (it == flights_.end()) return;
  const Flight& flight = it->second;
  if (flight.stream)
    send(at.index_, flight.origin,
         {Step::answer, flight.origin_conn, flight.origin_attempt, false, {}, 0, 0, {}});
  finish(conn, 0, {}, "connection refused");
}

void MeshNet::listen(SimMesh& at, const model::PortKey& port) {
  if (at.occupied_.contains(port))
    return at.balancer_.listening(port,
                                  "port " + std::to_string(port.port) + " is in use by another program");
  at.listening_.insert(port);
  at.balancer_.listening(port, {});
}

void MeshNet::dial(SimMesh& at, const mesh::DialLocal& effect) {
  const std::string objection = shared_.options.check ? facts_.objection(at.index_, effect.task) : "";
  SWARM_CHECK(objection.empty(), "a request goes to task", effect.task, "of machine", at.index_, "which",
              objection, "seed", shared_.options.seed);
  Flight& flight = flights_.at(effect.conn);
  flight.task = effect.task;
  flight.target = effect.to.port;
  flight.owner = at.index_;
  flight.open = false;
  push(at.index_, kLoopback, {Step::dialed, effect.conn, ++flight.attempt, true, {}, 0, 0, {}});
}

void MeshNet::dial(SimMesh& at, const mesh::DialPeer& effect) {
  Flight& flight = flights_.at(effect.conn);
  const auto owner = by_ip_.find(effect.node.ip);
  flight.task = effect.task;
  flight.open = false;
  ++flight.attempt;
  push(at.index_, kDialTimeout, {Step::timeout, effect.conn, flight.attempt, false, {}, 0, 0, {}});
  if (owner == by_ip_.end()) return;
  flight.owner = owner->second;
  // No program listens there, and a machine that has power says so at once.
  if (!machines_[flight.owner]->joined_ && !network_.is_silent(flight.owner) &&
      !network_.is_cut(at.index_, flight.owner))
    return send(flight.owner, at.index_, {Step::lost, effect.conn, flight.attempt, false, {}, 0, 0, {}});
  send(at.index_, flight.owner,
       {Step::stream, effect.conn, flight.attempt, true, effect.task, effect.target, at.index_, {}});
}

}  // namespace swarm::sim
