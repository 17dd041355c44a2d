// Churn: a restless administrator. Promotes and demotes nodes, lets one leave the swarm and join again,
// removes what is left of it, rotates the root certificate, and now and then kills the machine that it has
// just asked, or the leader, in the middle of that. The first two stay managers, unless it works on any of
// them, and kills another one at that moment; what it kills it starts again: a group that lost most of its
// members for good has no way back. A stranger tries to join with a wrong token. When the storm is over it
// asks for what the swarm began with. A node that was off while each manager that it knew was demoted finds
// no other one, as with Docker: the administrator lets it leave and join again. NOT here: services
// (workload), faults that no request brought about (fault_plan).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/client.hpp"

namespace swarm::sim {

class Churn {
 public:
  // `managers`, `workers`: the swarm as it is now, and as it must be again at the end.
  Churn(World& world, Rng rng, std::vector<std::string> managers, std::vector<std::string> workers,
        bool of_any);

  void act();  // begins one of the things above; time may go by, machines may be killed
  void poll();
  // Returns false while something is still to be put right: call it again.
  bool repair();
  const std::string& broken() const { return broken_; }  // what may not be, in words; "" for nothing

 private:
  struct Wish {
    enum class Kind { role, leave, join, remove, rotate } kind = Kind::role;
    std::string machine;  // empty: a node that no machine is any more
    std::string node, role;
    bool reading = false;  // the version, before the write
    bool wrong_token = false;
    std::string asked;
    CallId call = 0;
    Instant give_up;
  };
  std::string node_of(const std::string& machine) const;
  std::string some_manager();
  bool is_manager(const std::string& machine) const;
  std::vector<std::string> movable() const;
  // A node that the leader knows and that no machine is; "" when there is none.
  std::optional<Wish> clearing();
  std::optional<Wish> some_wish();
  std::string token(const std::string& role) const;
  bool knows_a_manager(const std::string& machine) const;
  // Returns true if it has known no manager for a while.
  bool is_stranded(const std::string& machine);
  std::optional<Wish> next_repair();
  void begin(Wish wish);
  void kill_somebody(const std::string& asked);

  World& world_;
  Rng rng_;
  std::vector<std::string> managers_, workers_;
  std::optional<Wish> wish_;
  std::map<std::string, Instant> knows_none_since_;  // while putting right
  bool of_any_;
  std::string leaver_, broken_;
};

// Why the group's members are not exactly these managers, all up on one configuration; "" if they are.
std::string group_not_settled(const World& world, const std::vector<std::string>& managers);

}  // namespace swarm::sim
