// Three managers and two workers, and faults by their text: for tests.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "faults/nearest.hpp"
#include "sim/client.hpp"
#include "sim/injector.hpp"
#include "sim/sim_crypto.hpp"
#include "sim/workload.hpp"

namespace swarm::sim {

struct Swarm {
  explicit Swarm(std::uint64_t seed = 1) : Swarm(options(seed)) {}
  explicit Swarm(const WorldOptions& options) : world(options) {
    for (const auto* name : {"m1", "m2", "m3", "w1", "w2"})
      world.add_machine({name, {}, {}, {4'000'000'000, 8LL << 30, 0, {}}});
    EXPECT_EQ(form_swarm(world, {"m1", "m2", "m3"}, {"w1", "w2"}), "");
    settle();
  }
  static WorldOptions options(std::uint64_t seed) {
    WorldOptions made;
    made.seed = seed;
    return made;
  }
  void settle() {
    EXPECT_TRUE(world.run_until([&] { return not_converged(world, 5).empty(); }, Duration::seconds(60)));
  }
  FaultId begin(std::string_view text) {
    const auto id = world.begin_fault(*faults::parse(text));
    EXPECT_TRUE(id.ok()) << text << ": " << (id.ok() ? "" : id.error().message);
    return id.ok() ? *id : 0;
  }
  std::string refused(std::string_view text) {
    const auto id = world.begin_fault(*faults::parse(text));
    return id.ok() ? "begun" : faults::sentence(id.error());
  }
  std::vector<std::string> active() const {
    std::vector<std::string> lines;
    for (const auto& [id, fault] : world.active_faults()) lines.push_back(faults::to_text(fault));
    return lines;
  }
  // As the leader would sign it, of any length of life: for links of a program that has its key.
  model::Certificate certificate_of(const std::string& name) {
    const auto seen = world.node(name).inspect();
    const auto role = seen.is_manager ? model::NodeRole::manager : model::NodeRole::worker;
    return {
        seen.id, role,        seen.cluster,
        {},      {INT64_MAX}, root_ids(world.node("m1").inspect().store->cluster()->root_ca.cert_pem).at(0),
        {}};
  }
  std::uint32_t create(const std::string& name, std::uint64_t replicas, std::uint32_t port = 0) {
    ServiceWish wish;
    wish.name = name;
    wish.replicas = replicas;
    if (port != 0) wish.published_port = port, wish.target_port = 80;
    const std::string leader = world.leader();
    return world.ask(leader.empty() ? "m1" : leader, post("/services/create", to_json(wish))).head.status;
  }
  bool has_service(const std::string& machine, const std::string& name) const {
    return world.node(machine).inspect().store->service_named(name) != nullptr;
  }
  bool runs_on(const std::string& machine, const std::string& service) const {
    for (const auto& [id, local] : world.node(machine).inspect().worker->tasks())
      if (local.task.templ->service.name == service) return true;
    return false;
  }
  World world;
};

}  // namespace swarm::sim
