// RegisterWork: clients of the replicated register (/swarmpy/v1/kv) at work while all else goes on, and the
// history of what they asked and were answered. At the end it must be linearizable.
//
// Each client does one thing after another, at a random manager. The outcome of an operation is unknown if no
// answer comes in time, or an error that does not say that nothing was done. NOT here: what users do with
// services (workload.hpp).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "linearizability/history.hpp"
#include "sim/world.hpp"

namespace swarm::sim {

class RegisterWork {
 public:
  RegisterWork(World& world, Rng rng, std::vector<std::string> managers);

  void poll();  // takes answers, and begins what is due
  const linearizability::History& history() const { return history_; }
  // The operations that contradict each other, in words; "" when there are none.
  std::string contradiction() const;

 private:
  struct Client {
    std::optional<CallId> call;
    std::size_t operation = 0;  // of the history
    Instant due, give_up;
    std::string last_seen;  // what it believes the key to be
  };
  void begin(Client& client, std::size_t number);
  void finish(Client& client, CallId call);
  void rest(Client& client);
  http::Request request_of(const linearizability::Operation& op) const;
  linearizability::Operation some_operation(const Client& client);

  World& world_;
  Rng rng_;
  std::vector<std::string> managers_;
  std::vector<Client> clients_;
  linearizability::History history_;
  std::uint64_t last_value_ = 0;
};

}  // namespace swarm::sim
