#include "sim/workload.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "model/container_spec.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/task.hpp"
#include "node/node.hpp"
#include "ports/http.hpp"
#include "sim/client.hpp"
#include "sim/world.hpp"
#include "store/store.hpp"

namespace swarm::sim {
namespace {

constexpr Duration kPatience = Duration::seconds(8);
constexpr std::size_t kMostServices = 8, kManyMachines = 5;
constexpr std::uint32_t kFirstPort = 8000, kPorts = 3;

bool is_sound(const std::string& image) { return image.starts_with("nginx:"); }

}  // namespace

Workload::Workload(World& world, Rng rng, Rng habits, std::vector<std::string> managers)
    : world_(world), rng_(rng), habits_(habits), managers_(std::move(managers)) {
  most_services_ = habits_.below(kMostServices) + 1;
  failing_images_ = rng_.chance(1, 2);
  ImageScript flaky;
  flaky.lives = Duration::millis(700);
  flaky.exit_code = 1;
  world_.set_image("flaky:1", flaky);
  ImageScript stubborn;
  stubborn.ignores_term = true;
  world_.set_image("nginx:stubborn", stubborn);
  ImageScript missing;
  missing.exists = false;
  world_.set_image("missing:1", missing);
  for (const auto& name : world_.machines()) {
    availability_[name] = "active";
  }
}

// As it is now: a node that leaves and joins again is another one.
std::string Workload::node_of(const std::string& machine) const {
  if (!world_.alive(machine)) return "none";
  const NodeId id = world_.node(machine).inspect().id;
  return id.empty() ? "none" : id.str();
}

std::string Workload::some_machine() { return managers_[rng_.below(managers_.size())]; }

// One that exists as far as its user knows, and of which nothing is under way.
std::string Workload::some_service() {
  std::vector<std::string> names;
  for (const auto& [name, service] : services_)
    if (service.acknowledged && !service.removal_asked && !service.busy) names.push_back(name);
  return names.empty() ? std::string() : names[rng_.below(names.size())];
}

void Workload::change(ServiceWish& wish) {
  constexpr const char* kImages[] = {"nginx:1.10",     "nginx:1.11", "nginx:1.12",
                                     "nginx:stubborn", "flaky:1",    "missing:1"};
  const std::uint64_t choices = failing_images_ ? 6 : 4;
  switch (rng_.below(4)) {
    case 0:
      wish.image = kImages[rng_.below(choices)];
      break;
    case 1:
      wish.replicas = rng_.below(9);
      break;
    case 2:
      wish.image = kImages[rng_.below(3)];
      wish.replicas = rng_.below(9);
      break;
    default:
      ++wish.force_update;
  }
}

ServiceWish Workload::some_wish(std::string name) {
  ServiceWish wish;
  wish.name = std::move(name);
  wish.global = rng_.chance(1, 6);
  wish.replicas = rng_.below(7);
  wish.restart_delay = Duration::millis(rng_.chance(1, 2) ? 0 : rng_.between(50, 2'000));
  wish.stop_grace = Duration::millis(rng_.between(50, 3'000));
  if (rng_.chance(1, 4)) wish.reserve_nano_cpus = rng_.between(1, 5) * 100'000'000;
  if (rng_.chance(1, 5)) wish.constraints = {"node.hostname!=m1"};
  if (!wish.global && rng_.chance(1, 6)) wish.max_per_node = 3;
  for (auto* update : {&wish.update, &wish.rollback}) {
    update->parallelism = rng_.below(4);
    update->delay = Duration::millis(rng_.chance(1, 2) ? 0 : rng_.between(10, 800));
    update->monitor = Duration::millis(rng_.between(50, 1'500));
    update->order = rng_.chance(1, 3) ? "start-first" : "stop-first";
    if (rng_.chance(1, 3)) update->failure_action = "continue";
  }
  if (rng_.chance(1, 3)) wish.update.failure_action = "rollback";
  if (rng_.chance(1, 2)) {
    wish.published_port = kFirstPort + static_cast<std::uint32_t>(rng_.below(kPorts));
    wish.target_port = 80;
  }
  add_habits(wish);
  return wish;
}

// Restart limits; rollbacks that go the way of updates. Few machines have no room for tasks that keep apart.
void Workload::add_habits(ServiceWish& wish) {
  if (habits_.chance(1, 3)) {
    wish.max_attempts = habits_.below(3) + 1;
    if (habits_.chance(1, 2)) wish.restart_window = Duration::millis(habits_.between(200, 20'000));
    if (habits_.chance(1, 2)) wish.restart_condition = "on-failure";
  }
  if (habits_.chance(1, 2)) wish.rollback.order = wish.update.order;
  if (wish.target_port != 0 && habits_.chance(1, 3)) wish.published_port = 0;  // the swarm chooses it
  if (world_.machines().size() >= kManyMachines) return;
  wish.max_per_node = 0;
  if (world_.machines().size() < 2) wish.constraints.clear();
}

// What comes back matters little in a storm; the checker looks at where it goes.
void Workload::visit_ports() {
  std::erase_if(visits_, [&](RequestId id) {
    if (!world_.http_reply(id).ended) return false;
    world_.http_forget(id);
    return true;
  });
  const auto names = world_.machines();
  for (std::uint32_t port = 0; port < kPorts; ++port)
    visits_.push_back(world_.http_get(names[rng_.below(names.size())], kFirstPort + port));
}

void Workload::act() {
  const std::uint64_t dice = rng_.below(100);
  if (dice < 25) return kill_some_task();
  if (dice < 33) {
    const auto names = world_.machines();
    const std::string& name = names[rng_.below(names.size())];
    Request request{Verb::availability, name, {}, {}, true, 0, {}, {}};
    const std::uint64_t kind = rng_.below(5);
    request.availability = kind == 0 ? "pause" : kind == 1 ? "drain" : "active";
    return begin(std::move(request));
  }
  const auto alive = std::count_if(services_.begin(), services_.end(),
                                   [](const auto& entry) { return !entry.second.removal_asked; });
  if (static_cast<std::size_t>(alive) < most_services_ && (dice < 50 || alive == 0)) {
    const std::string name = "s" + std::to_string(++last_service_);
    services_[name].wish = some_wish(name);
    return begin({Verb::create, name, services_[name].wish, {}, false, 0, {}, {}});
  }
  const std::string name = some_service();
  if (name.empty()) return;
  if (dice < 57) return begin({Verb::remove, name, {}, {}, false, 0, {}, {}});
  if (dice < 63) return begin({Verb::rollback, name, services_[name].wish, {}, true, 0, {}, {}});
  ServiceWish wish = services_[name].wish;
  change(wish);
  begin({Verb::update, name, std::move(wish), {}, true, 0, {}, {}});
}

void Workload::kill_some_task() {
  const std::string leader = leader_of(world_);
  if (leader.empty()) return;
  std::vector<TaskId> running;
  for (const auto& [id, task] : world_.node(leader).inspect().store->tasks())
    if (task->state() == model::TaskState::running) running.push_back(id);
  if (running.empty()) return;
  const TaskId victim = running[rng_.below(running.size())];
  world_.note("workload", "kill task " + victim.str());
  world_.kill_task(victim);
}

// ---- requests

void Workload::begin(Request request) {
  if (request.verb != Verb::availability) services_[request.subject].busy = true;
  request.asked = some_machine();
  request.give_up = world_.now() + kPatience;
  if (!request.reading) return write(std::move(request), 0);
  request.call = request.verb == Verb::availability
                     ? world_.call(request.asked, get("/nodes/" + node_of(request.subject)))
                     : world_.call(request.asked, get("/services/" + request.subject));
  requests_.push_back(std::move(request));
}

void Workload::write(Request request, std::uint64_t version) {
  request.reading = false;
  const std::string at = "?version=" + std::to_string(version);
  http::Request out;
  if (request.verb == Verb::availability) {
    const bool manager = std::find(managers_.begin(), managers_.end(), request.subject) != managers_.end();
    out = post("/nodes/" + node_of(request.subject) + "/update" + at,
               R"({"Availability":")" + request.availability + R"(","Role":")" +
                   (manager ? "manager" : "worker") + R"("})");
  } else {
    Service& service = services_[request.subject];
    if (request.verb == Verb::create) out = post("/services/create", to_json(request.wish));
    if (request.verb == Verb::remove) out = del("/services/" + request.subject);
    if (request.verb == Verb::update)
      out = post("/services/" + request.subject + "/update" + at, to_json(request.wish));
    if (request.verb == Verb::rollback)
      out =
          post("/services/" + request.subject + "/update" + at + "&rollback=previous", to_json(request.wish));
    // From here on it may have happened.
    if (request.verb == Verb::create || request.verb == Verb::update)
      service.looks.insert({request.wish.image, request.wish.replicas});
    if (request.verb == Verb::create) service.maybe = true;
    if (request.verb == Verb::remove) service.removal_asked = true;
    if (request.verb == Verb::rollback || request.wish.update.failure_action == "rollback")
      service.rolled_back = true;
  }
  world_.note("workload", out.method + " " + out.target + " at " + request.asked);
  request.call = world_.call(request.asked, std::move(out));
  requests_.push_back(std::move(request));
}

void Workload::poll() {
  visit_ports();
  std::vector<Request> over;
  std::erase_if(requests_, [&](Request& request) {
    if (!world_.reply(request.call).ended && world_.now() < request.give_up) return false;
    over.push_back(std::move(request));
    return true;
  });
  for (auto& request : over) finished(std::move(request));
}

void Workload::finished(Request request) {
  const Reply reply = world_.reply(request.call);
  world_.hang_up(request.call);
  const std::uint32_t status = reply.ended && reply.begun ? reply.head.status : 0;
  if (request.reading && status == 200) return write(std::move(request), version_of(reply.body));
  if (request.verb != Verb::availability) services_[request.subject].busy = false;
  world_.note("workload", "answer of " + request.asked + " about " + request.subject + ": " +
                              std::to_string(status) + (status >= 300 ? " " + message_of(reply.body) : ""));
  if (!request.reading) return settle(request, status);
  // What only may have been there is not there: nothing to repair.
  if (status == 404 && request.verb == Verb::update) services_[request.subject].repaired = true;
}

void Workload::settle(const Request& request, std::uint32_t status) {
  const bool accepted = status >= 200 && status < 300, refused = status >= 400 && status < 500;
  if (request.verb == Verb::availability) {
    availability_[request.subject] = accepted ? request.availability : "?";
    return;
  }
  Service& service = services_[request.subject];
  const Look look{request.wish.image, request.wish.replicas};
  switch (request.verb) {
    case Verb::create:
      service.acknowledged = accepted;
      service.maybe = !accepted && !refused;
      if (refused) services_.erase(request.subject);
      break;
    case Verb::update:
      if (accepted) {
        service.looks = {look};
        service.wish = request.wish;
        service.repaired = service.in_repair;
      }
      break;
    case Verb::remove:
      service.removed = accepted;
      break;
    case Verb::rollback:
    case Verb::availability:
    default:
      break;
  }
}

// ---- afterwards

// Both were created while neither was known: the later one waits for the port for as long as both want it.
bool Workload::wants_port_of_another(const std::string& name) const {
  const std::uint32_t port = services_.at(name).wish.published_port;
  return port != 0 && std::any_of(services_.begin(), services_.find(name), [&](const auto& entry) {
           const Service& other = entry.second;
           return other.wish.published_port == port && !other.removed && (other.acknowledged || other.maybe);
         });
}

// Not 0: a service to which the swarm is to give any number keeps the one that it has, which the other waits
// for.
std::uint32_t Workload::port_of_its_own(const std::string& name) const {
  const auto before = std::distance(services_.begin(), services_.find(name));
  return kFirstPort + kPorts + static_cast<std::uint32_t>(before);
}

bool Workload::repair() {
  if (!idle()) return false;
  bool done = true;
  for (const auto& [name, word] : availability_)
    if (word != "active") {
      done = false;
      begin({Verb::availability, name, {}, "active", true, 0, {}, {}});
    }
  for (auto& [name, service] : services_) {
    if ((!service.acknowledged && !service.maybe) || service.removed || service.repaired) continue;
    const bool odd = std::any_of(service.looks.begin(), service.looks.end(),
                                 [](const Look& look) { return !is_sound(look.first); });
    const bool clash = wants_port_of_another(name), limited = service.wish.max_attempts != 0;
    if (!odd && !clash && !limited && !service.rolled_back && service.looks.size() == 1) continue;
    done = false;
    service.in_repair = true;
    ServiceWish wish = service.wish;
    wish.image = "nginx:1.12";
    wish.update.failure_action = "continue";
    wish.max_attempts = 0;
    wish.restart_condition = "any";
    if (clash) wish.published_port = port_of_its_own(name);
    ++wish.force_update;
    begin({Verb::update, name, std::move(wish), {}, true, 0, {}, {}});
  }
  return done && idle();
}

std::string Workload::broken_promise(const store::Store& store) const {
  for (const auto& [name, service] : services_) {
    const auto stored = store.service_named(name);
    if (service.acknowledged && !service.removal_asked && !stored)
      return "the acknowledged service " + name + " is gone";
    if (service.removed && stored)
      return "the service " + name + " is there after its removal was acknowledged";
    if (!stored || service.rolled_back || service.looks.empty()) continue;
    const std::string image = stored->spec.task.container ? stored->spec.task.container->image : "";
    const bool known = std::any_of(service.looks.begin(), service.looks.end(), [&](const Look& look) {
      return look.first == image && (stored->spec.is_global() || look.second == stored->spec.replicas());
    });
    if (!known)
      return "the service " + name + " is not what was asked for: " + image + " x " +
             std::to_string(stored->spec.replicas());
  }
  return {};
}

namespace {

std::string service_not_converged(const store::Store& store, const model::Service& service) {
  const std::string& name = service.spec.annotations.name;
  const auto& update = service.update_status;
  const bool paused = update && (update->state == model::UpdateState::paused ||
                                 update->state == model::UpdateState::rollback_paused);
  std::set<std::pair<std::uint64_t, NodeId>> places;
  std::uint64_t running = 0;
  std::uint64_t eligible = service.spec.replicas();
  if (service.spec.is_global())
    for (const auto& [id, node] : store.nodes()) eligible += node->accepts_tasks();
  if (service.spec.is_global() && service.spec.task.placement &&
      !service.spec.task.placement->constraints.empty())
    --eligible;  // the workload's one constraint excludes one node
  for (const auto& [slot, id] : store.tasks_of_service(service.id)) {
    const auto task = store.task(id);
    const auto node = store.node(task->node_id);
    if (!task->live()) {
      if (node && node->status.state != model::NodeState::down && !model::is_terminal(task->state()) &&
          task->desired_state > model::TaskState::running && task->state() >= model::TaskState::assigned)
        return "a task of " + name + " is to stop and has not";
      continue;
    }
    // A change of the number alone makes no task old.
    const bool newest = task->spec_version == service.spec_version || task->spec() == service.spec.task;
    if (task->state() != model::TaskState::running)
      return "a task of " + name + " is " + model::to_string(task->state()) + " " + task->status.err;
    if (!newest && !paused) return "a task of " + name + " is of an old spec";
    places.insert({slot, service.spec.is_global() ? task->node_id : NodeId()});
    ++running;
  }
  if (places.size() != eligible || running != eligible)
    return name + " has " + std::to_string(running) + " tasks running instead of " + std::to_string(eligible);
  return {};
}

}  // namespace

std::string not_converged(const World& world, std::size_t machines) {
  const std::string leader = leader_of(world);
  if (leader.empty()) return "no manager leads";
  const store::Store& store = *world.node(leader).inspect().store;
  std::size_t ready = 0;
  for (const auto& [id, node] : store.nodes()) {
    if (machines == 0 && node->status.state == model::NodeState::down) continue;
    if (node->status.state != model::NodeState::ready)
      return node->display_name() + " is " + model::to_string(node->status.state);
    ++ready;
  }
  if (machines != 0 && ready != machines)
    return std::to_string(ready) + " nodes of " + std::to_string(machines);
  for (const auto& [id, service] : store.services())
    if (auto why = service_not_converged(store, *service); !why.empty()) return why;
  for (const auto& [id, tasks] : store.service_index())
    if (!tasks.empty() && !store.service(id)) return "a task outlives its service";
  return {};
}

}  // namespace swarm::sim
