#include "play.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "agent/worker.hpp"
#include "base/time.hpp"
#include "docker/api.hpp"
#include "faults/fault.hpp"
#include "model/feature_level.hpp"
#include "model/node.hpp"
#include "node/node.hpp"
#include "ports/http.hpp"
#include "sim/client.hpp"
#include "sim/workload.hpp"
#include "sim/world.hpp"
#include "tools/swarm_crash/ledger.hpp"

namespace swarm::tools {
namespace {

using sim::del;
using sim::get;
using sim::post;

constexpr Duration kPatience = Duration::seconds(60);
constexpr Duration kSlice = Duration::millis(100);

bool done(const sim::Reply& reply) { return reply.ended && !reply.cut && reply.head.status / 100 == 2; }

std::string said(const sim::Reply& reply) {
  if (!reply.begun) return "no answer";
  return std::to_string(reply.head.status) + " " + sim::message_of(reply.body);
}

sim::ServiceWish wish_of(const std::string& name, const std::string& image, std::uint64_t replicas) {
  sim::ServiceWish wish;
  wish.name = name;
  wish.image = image;
  wish.replicas = replicas;
  wish.update.monitor = Duration::millis(10);
  return wish;
}

}  // namespace

Play::Play(std::uint64_t seed, bool record_trace) {
  sim::WorldOptions options;
  options.seed = seed;
  options.record_trace = record_trace;
  world_ = std::make_unique<sim::World>(options);
}

// ---- asking

// The leader, or else the first manager that runs.
std::string Play::door() const {
  if (const std::string leader = world_->leader(); !leader.empty()) return leader;
  for (const std::string& name : world_->machines())
    if (world_->alive(name) && world_->node(name).inspect().is_manager) return name;
  for (const std::string& name : world_->machines())
    if (world_->alive(name)) return name;
  return world_->machines().front();
}

sim::Reply Play::ask(const std::string& at, http::Request request) {
  if (over_ || !world_->alive(at)) return {};
  sim::Reply reply = world_->ask(at, std::move(request), kPatience);
  if (!over_ && !done(reply)) throw std::runtime_error("the workload cannot go on: " + said(reply));
  return reply;
}

bool Play::ask_for(const std::string& fact, const std::string& value, http::Request request) {
  if (over_) return false;
  ledger_.asked(fact, value);
  if (!done(ask(door(), std::move(request)))) return false;
  ledger_.holds(fact, value);
  return true;
}

// ---- the swarm

void Play::machines(const std::vector<std::string>& names) {
  for (const std::string& name : names)
    world_->add_machine({name, {}, {}, {4'000'000'000, 8LL << 30, 0, {}}});
  on_machines_();
}

void Play::init(const std::string& name, const sim::LogLength& log) {
  if (over_) return;
  ledger_.asked("role " + name, "manager");
  if (done(ask(name, sim::swarm_init(world_->address(name), log)))) ledger_.holds("role " + name, "manager");
}

void Play::join(const std::string& name, const std::string& role) {
  const std::string at = door();
  const sim::Reply swarm = ask(at, get("/swarm"));
  if (over_) return;
  const std::string token = sim::join_token_of(swarm.body, role == "manager" ? "Manager" : "Worker");
  ledger_.asked("role " + name, role);
  if (done(ask(name, sim::swarm_join(world_->address(name), world_->address(at), token))))
    ledger_.holds("role " + name, role);
}

void Play::form(const std::vector<std::string>& managers, const std::vector<std::string>& workers,
                const sim::LogLength& log) {
  machines(managers);
  machines(workers);
  init(managers.front(), log);
  for (const std::string& name : managers)
    if (name != managers.front()) join(name, "manager");
  for (const std::string& name : workers) join(name, "worker");
  settle();
}

void Play::leave(const std::string& name) {
  if (over_) return;
  ledger_.asked("role " + name, kAbsent);
  if (done(ask(name, post("/swarm/leave?force=true")))) ledger_.holds("role " + name, kAbsent);
}

std::string Play::node_id(const std::string& name) const {
  return world_->alive(name) ? world_->node(name).inspect().id.str() : "";
}

void Play::role(const std::string& name, const std::string& role) {
  const sim::Reply node = ask(door(), get("/nodes/" + node_id(name)));
  if (over_) return;
  ask_for("role " + name, role,
          post("/nodes/" + node_id(name) + "/update?version=" + std::to_string(sim::version_of(node.body)),
               R"({"Availability":"active","Role":")" + role + "\"}"));
}

void Play::force_new_cluster(const std::string& name) {
  ask(name, post("/swarm/init", R"({"ListenAddr":"0.0.0.0:2377","ForceNewCluster":true,"Spec":{}})"));
}

// ---- services and keys

void Play::create(const std::string& name, std::uint64_t replicas) {
  const auto wish = wish_of(name, "nginx:1.10", replicas);
  ask_for("service " + name, look_of(wish.image, replicas), post("/services/create", sim::to_json(wish)));
}

void Play::change(const std::string& name, const std::string& image, std::uint64_t replicas) {
  const sim::Reply now = ask(door(), get("/services/" + name));
  if (over_) return;
  ask_for("service " + name, look_of(image, replicas),
          post("/services/" + name + "/update?version=" + std::to_string(sim::version_of(now.body)),
               sim::to_json(wish_of(name, image, replicas))));
}

void Play::remove(const std::string& name) { ask_for("service " + name, kAbsent, del("/services/" + name)); }

void Play::put(const std::string& key, const std::string& value) {
  http::Request request = post("/swarmpy/v1/kv/" + key, value);
  request.method = "PUT";
  ask_for("key " + key, value, std::move(request));
}

// ---- faults of the story

void Play::crash(const std::string& name) {
  if (over_) return;
  down_.insert(name);
  world_->crash(name);
}

void Play::start(const std::string& name) {
  if (over_) return;
  down_.erase(name);
  world_->start(name);
}

void Play::fault(const std::string& text) {
  if (over_) return;
  const auto begun = world_->begin_fault(*faults::parse(text));
  if (!begun) throw std::runtime_error(text + ": " + begun.error().message);
}

void Play::upgrade(const std::string& name, std::uint32_t level) {
  if (over_) return;
  model::Build build;
  build.feature_level = level;
  crash(name);
  world_->set_build(name, build);
  start(name);
}

void Play::pass(Duration span) {
  if (!over_) world_->run_until([this] { return over_; }, span);
}

void Play::settle() {
  for (const Instant end = world_->now() + kPatience; !over_ && !trouble().empty(); pass(kSlice))
    if (world_->now() > end) throw std::runtime_error("the workload does not come to rest: " + trouble());
}

// ---- is it well?

std::string Play::trouble_of(const std::string& name) {
  const std::string fact = "role " + name;
  if (down_.contains(name)) return {};
  if (!world_->alive(name)) return name + " does not run";
  const node::Inspection seen = world_->node(name).inspect();
  using docker::SwarmState;
  if (seen.state == SwarmState::error) return name + " is in state error";
  if (seen.state == SwarmState::pending) return name + " is on its way";
  const bool is_in = seen.state == SwarmState::active;
  if (!is_in) return ledger_.may_be(fact).contains(kAbsent) ? "" : name + " has forgotten its swarm";
  if (ledger_.must_be(fact, kAbsent)) return name + " is in the swarm, and has left";
  if (ledger_.must_be(fact, "manager") && !seen.is_manager) return name + " is no manager";
  if (ledger_.must_be(fact, "worker") && seen.is_manager) return name + " is a manager";
  if (seen.is_manager && !std::ranges::count(seen.group->voters, seen.raft_id))
    return name + " does not vote" +
           (std::ranges::count(seen.group->learners, seen.raft_id) ? ": it learns" : "");
  return seen.worker != nullptr && seen.worker->in_session() ? "" : name + " is in no session";
}

std::string Play::trouble() {
  bool is_swarm = false;
  for (const std::string& name : world_->machines()) {
    if (auto why = trouble_of(name); !why.empty()) return why;
    is_swarm |= world_->alive(name) && !world_->node(name).inspect().cluster.empty();
  }
  if (!is_swarm) return {};
  if (world_->leader().empty()) return "no manager leads";
  if (auto why = sim::not_converged(*world_, 0); !why.empty()) return why;
  return ledger_.broken_by(*world_->node(world_->leader()).inspect().store);
}

// ---- after a kill

// A node that was given its name, and crashed before it kept it: it comes again under another one. A person
// removes what is left.
void Play::remove_strangers() {
  const std::string leader = world_->leader();
  if (leader.empty()) return;
  std::set<NodeId> known;
  for (const std::string& name : world_->machines())
    if (world_->alive(name)) known.insert(world_->node(name).inspect().id);
  std::vector<model::Node> strangers;
  for (const auto& [id, node] : world_->node(leader).inspect().store->nodes())
    if (node->status.state == model::NodeState::unknown && !known.contains(id)) strangers.push_back(*node);
  for (const model::Node& node : strangers) {
    const std::string path = "/nodes/" + node.id.str();
    const std::string version = std::to_string(node.meta.version);
    if (node.spec.desired_role == model::NodeRole::manager)
      world_->ask(leader,
                  post(path + "/update?version=" + version, R"({"Availability":"active","Role":"worker"})"));
    world_->ask(leader, del(path + "?force=true"));
  }
}

std::string Play::recover() {
  std::string why;
  const Instant end = world_->now() + kPatience;
  do {
    for (const std::string& name : world_->dead())
      if (!down_.contains(name)) world_->start(name);
    world_->run_for(kSlice);
    why = trouble();
    if (world_->now() > end - kPatience / 2) remove_strangers();
  } while (!why.empty() && world_->now() < end);
  return why;
}

std::string Play::prove() {
  begin_again();
  if (world_->leader().empty()) return {};
  put("after", "the crash");
  settle();
  world_->check_all();
  return trouble();
}

void Play::begin_again() {
  for (const std::string& name : world_->machines()) {
    const std::string fact = "role " + name;
    if (!world_->alive(name) || !world_->node(name).inspect().cluster.empty()) continue;
    const auto wanted = ledger_.may_be(fact);
    ledger_.holds(fact, kAbsent);
    if (wanted == std::set<std::string>{kAbsent}) continue;
    if (world_->leader().empty()) {
      init(name);
    } else {
      join(name, wanted.contains("manager") ? "manager" : "worker");
    }
    settle();
  }
}

}  // namespace swarm::tools
