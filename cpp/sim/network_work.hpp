// NetworkWork: a client that makes networks, runs services on them, and takes both away again. What was said
// to be there must be found, and what nothing uses any more can be removed. NOT here: which addresses are
// given (check/address_rule).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "sim/world.hpp"

namespace swarm::sim {

class NetworkWork {
 public:
  NetworkWork(World& world, Rng rng, std::vector<std::string> managers)
      : world_(world), rng_(rng), managers_(std::move(managers)) {}

  void poll();
  const std::string& broken() const { return broken_; }  // in words; "" for nothing

 private:
  // What stands, of the present number: each step makes or takes away one thing.
  enum class Stage : std::uint8_t { nothing, network, service, leaving };

  void begin();
  void finish(std::uint32_t status, const std::string& body);
  bool asks_a_manager() const;
  bool is_for_now(std::uint32_t status, const std::string& body) const;
  void blame(const std::string& what, const std::string& body);
  std::optional<http::Request> next_request() const;
  std::string network() const { return "net" + std::to_string(number_); }
  std::string service() const { return "o" + std::to_string(number_); }

  World& world_;
  Rng rng_;
  std::vector<std::string> managers_;
  std::string broken_, asked_;
  bool was_manager_ = false;  // `asked_`, when it was asked
  std::uint32_t number_ = 0;
  std::uint64_t replicas_ = 1;
  Stage stage_ = Stage::nothing;
  CallId call_ = 0;
  Instant due_, give_up_;
};

}  // namespace swarm::sim
