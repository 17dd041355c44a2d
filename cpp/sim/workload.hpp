// Workload: users at work on a swarm, through the API of a random node: they create services, scale, update,
// roll back and remove them, kill tasks, drain nodes and take them back. And they remember what was promised:
// an answer of 2xx is a promise, a refusal (4xx) a denial, everything else leaves both possible.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sim/client.hpp"

namespace swarm::sim {

class Workload {
 public:
  // `habits`: for what was added to the workload later; older draws stay as they are.
  Workload(World& world, Rng rng, Rng habits, std::vector<std::string> managers);

  void act();   // one of the things that users do
  void poll();  // looks after the requests under way
  bool idle() const { return requests_.empty(); }

  // ---- when the storm is over
  // Asks for what lets the swarm converge: nodes active, services that can run. Returns false while something
  // is under way or was not accepted yet: call it again.
  bool repair();
  // The first promise that is not kept, or "".
  std::string broken_promise(const store::Store& store) const;

 private:
  enum class Verb { create, update, rollback, remove, availability };
  struct Request {
    Verb verb = Verb::create;
    std::string subject;  // a service's or a machine's name
    ServiceWish wish;
    std::string availability;
    bool reading = false;  // the version, before the write
    CallId call = 0;
    std::string asked;  // which machine
    Instant give_up;
  };
  using Look = std::pair<std::string, std::uint64_t>;  // image and replicas
  struct Service {
    ServiceWish wish;                          // as last asked for
    std::set<Look> looks;                      // what it may be like now
    bool acknowledged = false, maybe = false;  // created
    bool removal_asked = false, removed = false;
    bool rolled_back = false;  // or may be, by itself
    bool busy = false;
    bool in_repair = false, repaired = false;  // what is asked for now can run; that was accepted
  };
  std::string node_of(const std::string& machine) const;
  std::string some_machine();
  std::string some_service();
  ServiceWish some_wish(std::string name);
  void add_habits(ServiceWish& wish);
  void change(ServiceWish& wish);
  void begin(Request request);
  void write(Request request, std::uint64_t version);
  void finished(Request request);
  void settle(const Request& request, std::uint32_t status);
  void kill_some_task();
  void visit_ports();
  bool wants_port_of_another(const std::string& name) const;
  std::uint32_t port_of_its_own(const std::string& name) const;

  World& world_;
  Rng rng_, habits_;
  std::vector<std::string> managers_;
  std::size_t most_services_;
  std::map<std::string, Service> services_;
  std::map<std::string, std::string> availability_;  // as last acknowledged
  std::vector<Request> requests_;
  std::vector<RequestId> visits_;
  std::uint64_t last_service_ = 0;
  bool failing_images_;
};

// The first reason why the swarm is not as its services want it, or "". `machines` nodes must be ready; 0:
// however many are not down.
std::string not_converged(const World& world, std::size_t machines);

}  // namespace swarm::sim
