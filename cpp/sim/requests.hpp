// Requests: every request at a published port that a client sent, one by one or as a load, and what became of
// it. Ended ones stay, in the order of their ends. Values only. NOT here: how a request travels (sim_mesh).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "sim/load_options.hpp"
#include "sim/machine_index.hpp"

namespace swarm::sim {

struct RequestDone {
  Instant sent, ended;  // `sent`: when it was meant to be
  MachineIndex machine = 0;
  std::uint32_t port = 0;
  std::uint32_t status = 0;  // 0: none, and `error` says why
  std::string task, node;    // that answered: "web.1" and its node; "" where the page does not say so
  std::string error;
  LoadId load = 0;
  bool ok() const { return status != 0 && status < 400; }
};

class RequestLog {
 public:
  void began(std::uint64_t id, Instant at, MachineIndex machine, std::uint32_t port, LoadId load);
  // Returns true if it was a load's: no caller asks for its reply.
  bool ended(std::uint64_t id, Instant at, std::uint32_t status, const std::string& body,
             const std::string& error);
  // Gives up those of loads that were sent before `before`: "timed out" at `now`.
  void give_up(Instant before, Instant now);

  const std::vector<RequestDone>& done() const { return done_; }
  std::size_t failed() const { return failed_; }
  std::size_t open(LoadId load) const;

 private:
  std::map<std::uint64_t, RequestDone> open_;
  std::vector<RequestDone> done_;
  std::size_t failed_ = 0;
};

}  // namespace swarm::sim
