#include "sim/churn.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "model/cluster.hpp"
#include "model/node.hpp"
#include "ports/http.hpp"
#include "raft/raft.hpp"
#include "sim/client.hpp"
#include "sim/world.hpp"

#include "node/node.hpp"

namespace swarm::sim {
namespace {

constexpr Duration kPatience = Duration::seconds(8);
constexpr Duration kStranded = Duration::seconds(10);  // a manager that starts is soon one again

using Kind = model::NodeRole;

http::Request set_role(const std::string& node, std::uint64_t version, const std::string& role) {
  return post("/nodes/" + node + "/update?version=" + std::to_string(version),
              R"({"Availability":"active","Role":")" + role + R"("})");
}

// `swarm`: as it is.
http::Request rotate_root(const std::string& swarm) {
  const std::string key = "\"ForceRotate\":";
  const std::size_t at = swarm.find(key);
  const auto count =
      at == std::string::npos ? 0 : std::strtoull(swarm.c_str() + at + key.size(), nullptr, 10);
  return post("/swarm/update?version=" + std::to_string(version_of(swarm)),
              R"({"CAConfig":{"ForceRotate":)" + std::to_string(count + 1) + "}}");
}

}  // namespace

Churn::Churn(World& world, Rng rng, std::vector<std::string> managers, std::vector<std::string> workers,
             bool of_any)
    : world_(world),
      rng_(rng),
      managers_(std::move(managers)),
      workers_(std::move(workers)),
      of_any_(of_any),
      leaver_(workers_.back()) {}

// As the leader has it now: a rotation of the root changes it. "" without a leader: the join is refused.
std::string Churn::token(const std::string& role) const {
  const std::string leader = leader_of(world_);
  const auto* cluster = leader.empty() ? nullptr : world_.node(leader).inspect().store->cluster();
  if (cluster == nullptr) return {};
  return role == "manager" ? cluster->root_ca.join_token_manager : cluster->root_ca.join_token_worker;
}

std::string Churn::node_of(const std::string& machine) const {
  if (!world_.alive(machine)) return {};
  const NodeId id = world_.node(machine).inspect().id;
  return id.empty() ? std::string() : id.str();
}

bool Churn::is_manager(const std::string& machine) const {
  return world_.alive(machine) && world_.node(machine).inspect().is_manager;
}

// Of the two that stay, or any that is one now.
std::string Churn::some_manager() {
  if (!of_any_) return managers_[rng_.below(2)];
  std::vector<std::string> now;
  for (const auto& name : world_.machines())
    if (is_manager(name)) now.push_back(name);
  return now.empty() ? managers_.front() : now[rng_.below(now.size())];
}

std::vector<std::string> Churn::movable() const {
  std::vector<std::string> names = workers_;
  names.insert(names.end(), managers_.begin() + (of_any_ ? 0 : 2), managers_.end());
  return names;
}

std::optional<Churn::Wish> Churn::clearing() {
  const std::string leader = leader_of(world_);
  if (leader.empty()) return std::nullopt;
  std::vector<std::string> known;
  for (const auto& name : world_.machines()) {
    if (!world_.alive(name)) return std::nullopt;  // its node may be any
    known.push_back(node_of(name));
  }
  for (const auto& [id, node] : world_.node(leader).inspect().store->nodes()) {
    if (std::find(known.begin(), known.end(), id.str()) != known.end()) continue;
    Wish wish;
    wish.node = id.str();
    wish.role = "worker";
    // One that never came into the Raft group cannot be demoted, as with Docker: it can be removed.
    const bool demoted = node->spec.desired_role == Kind::worker || !node->manager;
    wish.kind = demoted ? Wish::Kind::remove : Wish::Kind::role;
    wish.reading = !demoted;
    return wish;
  }
  return std::nullopt;
}

std::optional<Churn::Wish> Churn::some_wish() {
  const std::uint64_t dice = rng_.below(100);
  Wish wish;
  wish.role = rng_.chance(1, 2) ? "manager" : "worker";
  if (world_.alive(leaver_) && node_of(leaver_).empty() && dice < 50) {
    wish.kind = Wish::Kind::join;
    wish.machine = leaver_;
    wish.wrong_token = of_any_ && rng_.chance(1, 3);
    return wish;
  }
  if (dice >= 94) {
    wish.kind = Wish::Kind::rotate;
    wish.machine = wish.role = {};
    wish.reading = true;
    return wish;
  }
  if (dice < 20) return clearing();
  if (dice < 35) {
    // One dead member is what the group can bear: the last one is cleared away first.
    if (leader_of(world_).empty() || clearing() || node_of(leaver_).empty()) return std::nullopt;
    if (of_any_ && is_manager(leaver_)) return std::nullopt;  // it may be one of the last
    wish.kind = Wish::Kind::leave;
    wish.machine = leaver_;
    return wish;
  }
  const std::vector<std::string> all = movable();
  wish.machine = all[rng_.below(all.size())];
  wish.node = node_of(wish.machine);
  wish.reading = true;
  return wish.node.empty() ? std::nullopt : std::optional(wish);
}

void Churn::act() {
  if (wish_) return;
  auto wish = some_wish();
  if (!wish) return;
  const std::string machine = wish->machine;
  begin(std::move(*wish));
  if (rng_.chance(1, 3)) kill_somebody(machine);
}

void Churn::kill_somebody(const std::string& asked) {
  world_.run_for(Duration::micros(rng_.chance(1, 2) ? rng_.between(0, 5'000) : rng_.between(0, 200'000)));
  poll();
  const std::string leader = leader_of(world_);
  std::string victim = asked.empty() || rng_.chance(1, 2) ? leader : asked;
  if (of_any_ && rng_.chance(1, 2)) victim = some_manager();
  if (victim.empty()) return;
  world_.note("churn", "kill " + victim);
  world_.crash(victim);
  if (rng_.chance(2, 3)) world_.run_for(Duration::millis(rng_.between(0, 1'500)));
  world_.start(victim);
}

void Churn::begin(Wish wish) {
  wish.asked = wish.machine;
  wish.give_up = world_.now() + kPatience;
  http::Request request;
  if (wish.kind == Wish::Kind::leave) {
    request = post("/swarm/leave?force=1");
  } else if (wish.kind == Wish::Kind::join) {
    std::string joining = token(wish.role);
    if (wish.wrong_token && !joining.empty()) joining.back() = joining.back() == 'a' ? 'b' : 'a';
    request = swarm_join(world_.address(wish.machine), world_.address(some_manager()), joining);
  } else {
    wish.asked = some_manager();
    request = wish.kind == Wish::Kind::remove   ? del("/nodes/" + wish.node + "?force=1")
              : wish.kind == Wish::Kind::rotate ? get("/swarm")
                                                : get("/nodes/" + wish.node);
  }
  world_.note("churn", request.method + " " + request.target + " at " + wish.asked + " " + wish.role);
  wish.call = world_.call(wish.asked, std::move(request));
  wish_ = std::move(wish);
}

void Churn::poll() {
  if (!wish_) return;
  const Reply reply = world_.reply(wish_->call);
  if (!reply.ended && world_.now() < wish_->give_up) return;
  world_.hang_up(wish_->call);
  if (wish_->reading && reply.ended && reply.head.status == 200) {
    wish_->reading = false;
    wish_->call = world_.call(wish_->asked, wish_->kind == Wish::Kind::rotate
                                                ? rotate_root(reply.body)
                                                : set_role(wish_->node, version_of(reply.body), wish_->role));
    return;
  }
  if (wish_->wrong_token && reply.ended && reply.head.status == 200)
    broken_ = wish_->machine + " is let into the swarm with a wrong token";
  world_.note("churn", "answer of " + wish_->asked + ": " + std::to_string(reply.head.status) + " " +
                           (reply.head.status >= 300 ? message_of(reply.body) : ""));
  wish_.reset();
}

// By what `docker info` of it shows: the managers that it was last told of. A worker listens at no address,
// so one that was demoted cannot name those that came after it.
bool Churn::knows_a_manager(const std::string& machine) const {
  if (is_manager(machine)) return true;
  const std::string known = world_.look(machine, get("/info")).answer.body;
  for (const auto& name : world_.machines())
    if (is_manager(name) &&
        known.find("\"Addr\":\"" + world_.address(name).host() + ":") != std::string::npos)
      return true;
  return false;
}

bool Churn::is_stranded(const std::string& machine) {
  if (!world_.alive(machine) || knows_a_manager(machine)) return knows_none_since_.erase(machine), false;
  return world_.now() - knows_none_since_.emplace(machine, world_.now()).first->second >= kStranded;
}

std::optional<Churn::Wish> Churn::next_repair() {
  const std::string leader = leader_of(world_);
  if (leader.empty()) return std::nullopt;
  for (const auto& name : world_.machines()) {
    Wish wish;
    wish.machine = name;
    wish.node = node_of(name);
    const bool manager = std::find(managers_.begin(), managers_.end(), name) != managers_.end();
    wish.role = manager ? "manager" : "worker";
    if (wish.node.empty()) {
      wish.kind = Wish::Kind::join;
      return wish;
    }
    if (is_stranded(name)) {
      knows_none_since_.erase(name);
      wish.kind = Wish::Kind::leave;
      return wish;
    }
    const auto id = NodeId::parse(wish.node).value_or(NodeId());
    const auto node = world_.node(leader).inspect().store->node(id);
    if (!node || (node->spec.desired_role == Kind::manager) == manager) continue;
    wish.reading = true;
    return wish;
  }
  return clearing();
}

bool Churn::repair() {
  poll();
  if (wish_) return false;
  auto wish = next_repair();
  if (!wish) return !leader_of(world_).empty();
  begin(std::move(*wish));
  return false;
}

std::string group_not_settled(const World& world, const std::vector<std::string>& managers) {
  const std::string leader = leader_of(world);
  if (leader.empty()) return "no manager leads";
  const node::Inspection seen = world.node(leader).inspect();
  const raft::Status status = seen.raft->status();
  const auto& voters = status.config.voters.incoming.voters;
  if (voters.size() != managers.size() || !status.config.learners.empty())
    return std::to_string(voters.size()) + " voters, " + std::to_string(status.config.learners.size()) +
           " learners";
  for (const auto& name : world.machines()) {
    const bool wanted = std::find(managers.begin(), managers.end(), name) != managers.end();
    const node::Inspection its = world.node(name).inspect();
    if (its.is_manager != wanted) return name + (wanted ? " is no manager" : " is still a manager");
    if (!wanted) continue;
    if (its.raft == nullptr) return name + " takes no part in the group";
    if (!voters.contains(its.raft->status().id)) return name + " is not the member that the others know";
    const auto node = seen.store->node(its.id);
    if (its.store->version() < seen.store->version()) return name + " has not all that the leader has";
    if (!node || node->role != Kind::manager || !node->manager) return name + " is not shown as a manager";
  }
  for (const auto& [id, node] : seen.store->nodes())
    if (node->role != node->spec.desired_role) return id.str() + " is between two roles";
  return {};
}

}  // namespace swarm::sim
