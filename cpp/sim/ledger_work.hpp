// LedgerWork: clients that read and update one service, each update made from the version that the client has
// read, while all else goes on. Docker's promise is that of a register with compare-and-set: a reader sees
// the newest label, and an update that succeeds was made from the state before it. At the end the history
// must be linearizable. NOT here: the replicated register (register_work), what services do (workload).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "linearizability/history.hpp"
#include "sim/world.hpp"

namespace swarm::sim {

class LedgerWork {
 public:
  LedgerWork(World& world, Rng rng, std::vector<std::string> managers);

  void poll();                        // takes answers, and begins what is due
  std::string contradiction() const;  // in words; "" for none

 private:
  struct Client {
    std::optional<CallId> call;
    std::size_t operation = 0;  // of the history
    Instant due, give_up;
    std::string seen;                      // the label by its last read
    std::optional<std::uint64_t> version;  // of that read; 0: there is no such service
  };
  void begin(Client& client, std::size_t number);
  void finish(Client& client, CallId call);
  void take_read(Client& client, linearizability::Operation& op, const Reply& reply);
  void rest(Client& client);

  World& world_;
  Rng rng_;
  std::vector<std::string> managers_;
  std::vector<Client> clients_;
  linearizability::History history_;
  std::uint64_t last_value_ = 0;
};

}  // namespace swarm::sim
