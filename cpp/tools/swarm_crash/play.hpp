// Play: one workload on one simulated swarm, which a crash may end at any operation of any disk; and what
// must be true of the swarm when the machine that crashed has started again.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ledger.hpp"
#include "sim/client.hpp"
#include "sim/world.hpp"

namespace swarm::tools {

class Play {
 public:
  Play(std::uint64_t seed, bool record_trace);

  sim::World& world() { return *world_; }
  // A machine was killed: the workload takes no further step.
  void end() { over_ = true; }
  bool over() const { return over_; }

  void on_machines(std::function<void()> act) { on_machines_ = std::move(act); }  // some were added

  // ---- what people do; nothing once it is over. A refusal of what must be possible is a failure.
  void machines(const std::vector<std::string>& names);
  void init(const std::string& name, const sim::LogLength& log = {});
  void join(const std::string& name, const std::string& role);
  void form(const std::vector<std::string>& managers, const std::vector<std::string>& workers,
            const sim::LogLength& log = {});
  void leave(const std::string& name);
  void role(const std::string& name, const std::string& role);
  void create(const std::string& name, std::uint64_t replicas);
  void change(const std::string& name, const std::string& image, std::uint64_t replicas);
  void remove(const std::string& name);
  void put(const std::string& key, const std::string& value);
  void force_new_cluster(const std::string& name);
  void crash(const std::string& name);  // by the story: it stays down
  void start(const std::string& name);
  void fault(const std::string& text);
  void upgrade(const std::string& name, std::uint32_t level);
  void pass(Duration span);
  void settle();

  // ---- after a kill
  bool is_down(const std::string& name) const { return down_.contains(name); }  // by the story
  void go_on() { over_ = false; }                                               // people do something again
  // All start again but those that the story took down, until all is well. Returns what is broken, or "".
  std::string recover();
  // What was left outside can come in, and the swarm takes another write.
  std::string prove();
  // What is not at rest yet, or is not as promised; "" when all is well.
  std::string trouble();

 private:
  sim::Reply ask(const std::string& at, http::Request request);
  // The request that brings the fact about, by way of the leader.
  bool ask_for(const std::string& fact, const std::string& value, http::Request request);
  std::string door() const;
  std::string node_id(const std::string& name) const;
  std::string trouble_of(const std::string& name);
  void begin_again();
  void remove_strangers();

  std::unique_ptr<sim::World> world_;
  Ledger ledger_;
  std::set<std::string> down_;  // by the story
  bool over_ = false;
  std::function<void()> on_machines_ = [] {};
};

}  // namespace swarm::tools
