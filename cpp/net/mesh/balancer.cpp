#include "net/mesh/balancer.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/check.hpp"
#include "base/id.hpp"
#include "base/mistake.hpp"
#include "base/overloaded.hpp"
#include "model/mesh.hpp"

namespace swarm::mesh {
namespace {

constexpr std::size_t kMaxTries = 16;

}  // namespace

// ---- facts

void Balancer::set_table(std::shared_ptr<const model::ForwardingTable> table) {
  table_ = std::move(table);
  std::erase_if(turns_, [this](const auto& turn) { return table_->find(turn.first) == nullptr; });
  review_listeners();
}

void Balancer::task_up(const model::MeshTask& task) {
  tasks_[task.task] = {task, false};
  for (const auto& port : task.host_ports)
    host_ports_.try_emplace(port.published, std::pair{task.task, port.target});
  if (!task.host_ports.empty()) review_listeners();
}

void Balancer::task_stopping(TaskId task) {
  const auto it = tasks_.find(task);
  if (it != tasks_.end()) it->second.stopping = true;
}

void Balancer::task_gone(TaskId task) {
  if (tasks_.erase(task) == 0) return;
  if (std::erase_if(host_ports_, [task](const auto& port) { return port.second.first == task; }) != 0)
    review_listeners();
}

void Balancer::leave() {
  tasks_.clear();
  host_ports_.clear();
  set_table(std::make_shared<model::ForwardingTable>());
}

bool Balancer::may_serve(TaskId task) const {
  const auto it = tasks_.find(task);
  const bool any = SWARM_MISTAKE("mesh.connects-to-tasks-that-stop");
  return it != tasks_.end() && (any || !it->second.stopping);
}

// ---- listeners

void Balancer::review_listeners() {
  std::set<PortKey> wanted;
  for (const auto& route : table_->routes) wanted.insert(route.port.published);
  for (const auto& [port, target] : host_ports_) wanted.insert(port);
  for (const PortKey& port : listeners_)
    if (!wanted.contains(port)) {
      problems_.erase(port);
      if (!SWARM_MISTAKE("mesh.listens-for-ever")) effects_.push_back(StopListening{port});
    }
  for (const PortKey& port : wanted)
    if (!listeners_.contains(port)) effects_.push_back(ListenOn{port});
  listeners_ = std::move(wanted);
  SWARM_CHECK(problems_.size() <= listeners_.size(), problems_.size(), "problems of", listeners_.size(),
              "listeners");
}

void Balancer::listening(const PortKey& port, std::string problem) {
  if (problem.empty() || !listeners_.contains(port)) {
    problems_.erase(port);
  } else {
    problems_[port] = std::move(problem);
  }
}

void Balancer::retry_listening() {
  for (const auto& [port, problem] : problems_) effects_.push_back(ListenOn{port});
}

std::vector<std::string> Balancer::problems() const {
  std::vector<std::string> out;
  for (const auto& [port, problem] : problems_) out.push_back(problem);
  return out;
}

// ---- connections

void Balancer::accepted(ConnId id, const PortKey& port) {
  Conn& conn = conns_[id];
  conn.port = port;
  try_next(id, conn);
}

void Balancer::stream_arrived(ConnId id, TaskId task, std::uint32_t target) {
  Conn& conn = conns_[id];
  if (!dial_local(id, conn, task, target)) refuse(id);
}

void Balancer::dial_done(ConnId id, bool ok) {
  const auto it = conns_.find(id);
  if (it == conns_.end() || ok) return;
  if (!it->second.port) return refuse(id);
  try_next(id, it->second);
}

void Balancer::reset_unused(ConnId id, bool told) {
  if (const auto it = conns_.find(id); it != conns_.end()) it->second.told |= told;
  dial_done(id, false);
}

void Balancer::try_next(ConnId id, Conn& conn) {
  SWARM_CHECK(conn.port, "connection", id, "came from another node, which chose its task");
  const PortKey& port = *conn.port;
  const model::Route* route = table_->find(port);
  const auto host = host_ports_.find(port);
  if (route == nullptr && host != host_ports_.end()) {
    const auto [task, target] = host->second;
    if (!conn.tried.empty() || !dial_local(id, conn, task, target)) wait(id, conn);
    return;
  }
  const std::size_t count = route != nullptr ? route->backends->size() : 0;
  if (count == 0) return refuse(id);
  if (conn.tried.size() >= kMaxTries) return wait(id, conn);
  // Each node begins somewhere else: five nodes that get one request each should not ask the same task.
  auto [turn, is_new] = turns_.try_emplace(port, 0);
  if (is_new) turn->second = static_cast<std::size_t>(static_cast<std::uint64_t>(self_.value()) % count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = (turn->second + i) % count;
    if (!dial(id, conn, (*route->backends)[at], route->port.target)) continue;
    turn->second = at + 1;
    return;
  }
  wait(id, conn);
}

void Balancer::wait(ConnId id, Conn& conn) {
  if (conn.told) return refuse(id);
  conn.tried.clear();
  conn.waited = conn.waited + kRetryPause;
  if (conn.waited > kPatience) return refuse(id);
  effects_.push_back(Wait{id});
}

void Balancer::retry(ConnId id) {
  if (const auto it = conns_.find(id); it != conns_.end()) try_next(id, it->second);
}

bool Balancer::dial(ConnId id, Conn& conn, const model::MeshBackend& backend, std::uint32_t target) {
  if (std::find(conn.tried.begin(), conn.tried.end(), backend.task) != conn.tried.end()) return false;
  if (backend.node == self_) return dial_local(id, conn, backend.task, target);
  conn.task = backend.task;
  conn.tried.push_back(backend.task);
  effects_.push_back(DialPeer{id, backend.task, target, backend.data});
  return true;
}

bool Balancer::dial_local(ConnId id, Conn& conn, TaskId task, std::uint32_t target) {
  if (!may_serve(task)) return false;
  const model::MeshTask& local = tasks_.at(task).task;
  if (std::find(local.targets.begin(), local.targets.end(), target) == local.targets.end()) return false;
  conn.task = task;
  conn.tried.push_back(task);
  Address to = local.address;
  to.port = static_cast<std::uint16_t>(target);
  effects_.push_back(DialLocal{id, task, to});
  return true;
}

void Balancer::refuse(ConnId id) {
  conns_.erase(id);
  effects_.push_back(Refuse{id});
}

void Balancer::handle(const Event& event) {
  std::visit(
      Overloaded{[this](const Accepted& e) { accepted(e.conn, e.port); },
                 [this](const StreamArrived& e) { stream_arrived(e.conn, e.task, e.target); },
                 [this](const DialDone& e) { dial_done(e.conn, e.ok); },
                 [this](const ResetUnused& e) { reset_unused(e.conn, e.told); },
                 [this](const Retry& e) { retry(e.conn); }, [this](const Closed& e) { closed(e.conn); },
                 [this](const RetryListening&) { retry_listening(); }},
      event);
}

std::vector<Effect> Balancer::take_effects() { return std::exchange(effects_, {}); }

}  // namespace swarm::mesh
