// NameWork: a client that creates a service with a name and a published port, removes it, and creates another
// one with the same name and port, again and again. What was given back must be free at once. NOT here: what
// services do (workload.hpp).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "sim/world.hpp"

namespace swarm::sim {

class NameWork {
 public:
  NameWork(World& world, Rng rng, std::vector<std::string> managers)
      : world_(world), rng_(rng), managers_(std::move(managers)) {}

  void poll();
  const std::string& broken() const { return broken_; }  // in words; "" for nothing

 private:
  void begin();
  void finish(std::uint32_t status, const std::string& body);

  World& world_;
  Rng rng_;
  std::vector<std::string> managers_;
  std::string broken_, asked_;
  std::uint32_t number_ = 0;  // of the name
  bool exists_ = false;
  CallId call_ = 0;
  Instant due_, give_up_;
};

}  // namespace swarm::sim
