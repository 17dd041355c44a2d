// A story: blocks of lines `verb args`, a line `----`, what is seen. Told to a world of its own, line by
// line; after each line the whole world is checked.
//
//     # three nodes, one service
//     swarm managers=1 workers=2
//     service create web nginx:1.10 replicas=3
//     ----
//     m1 w1 w2
//     created web
//
// Nothing in what is seen depends on ids: names stand for them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "base/number.hpp"
#include "docker/json.hpp"
#include "node/node.hpp"
#include "sim/client.hpp"
#include "store/store.hpp"

namespace swarm::scenario {

// One line in words: "service create web nginx replicas=3" -> words and options.
struct Line {
  std::vector<std::string> words;
  std::vector<std::pair<std::string, std::string>> options;
  std::string option(std::string_view name, std::string_view otherwise = {}) const;
  bool has(std::string_view name) const;
};
Line parse_line(const std::string& text);
// What a story says must be so: text that is no number, or no duration, ends the story with a sentence.
template <class Number>
Number whole(std::string_view text) {
  const auto number = parse_whole<Number>(text);
  SWARM_CHECK(number, "\"" + std::string(text) + "\" is no number that fits here");
  return *number;
}
Duration span_of(std::string_view text);

// Ids and digests as words: they are drawn, and every change of the engine draws others.
std::string without_ids(const std::string& text);

class Teller {
 public:
  explicit Teller(std::uint64_t seed);
  ~Teller();
  // What is seen; several lines or none, each with its newline.
  std::string tell(const std::string& line);
  sim::World& world() { return *world_; }

 private:
  std::string verb(const Line& line);
  // ---- machines and time
  std::string machines(const Line& line);
  std::string form(const Line& line);
  std::string fault(const Line& line);
  std::string begin_fault(const std::string& text);
  std::string faults_now(const Line& line);
  std::string quiet(const Line& line);
  std::string disks(const Line& line);
  std::string states(const Line& line);
  std::string told(std::initializer_list<std::string_view> kinds);
  std::string install(const Line& line);
  std::string levels(const Line& line);
  std::string autolock(const Line& line);
  std::string unlock(const Line& line);
  std::string run(const Line& line);
  std::string until(const Line& line);
  std::string converge(const Line& line);
  // ---- the swarm
  std::string init(const Line& line);
  std::string join(const Line& line);
  std::string leave(const Line& line);
  std::string info(const Line& line);
  std::string nodes(const Line& line);
  std::string node(const Line& line);
  std::string leader(const Line& line);
  std::string ca(const Line& line);
  // ---- services and tasks
  std::string image(const Line& line);
  std::string service(const Line& line);
  std::string create(const Line& line);
  std::string update(const std::string& name, const Line& line);
  std::string services(const Line& line);
  std::string why(const Line& line);
  std::string tasks(const Line& line);
  std::string spread(const Line& line);
  std::string kill_task(const Line& line);
  std::string logs(const Line& line);
  std::string kv(const Line& line);
  // ---- published ports
  std::string http(const Line& line);
  std::string load(const Line& line);
  std::string requests(const Line& line);
  std::string occupy(const Line& line);
  std::string answered_by(const sim::HttpReply& reply) const;

  std::string bars_of(const docker::Value& swarm, const sim::Reply& nodes);
  sim::Reply ask(const Line& line, http::Request request);
  std::string asked(const Line& line) const;
  std::string node_name(const std::string& id);
  std::string node_id(const std::string& name, const Line& line);
  const store::Store* store() const;  // of the leader, or of another manager where none leads
  store::Ref<model::Task> task_named(std::string_view text) const;

  std::unique_ptr<sim::World> world_;
  std::map<std::string, sim::ServiceWish> wishes_;
  std::map<std::string, std::string> tokens_;
  std::map<std::string, std::string> roots_;  // names of root certificates, in the order in which they came
  std::vector<sim::RequestId> requests_;      // of `load`
  std::vector<std::string> unlock_keys_;      // that were seen, the newest last
  std::map<NodeId, std::string> names_;       // of nodes that were seen once
};

}  // namespace swarm::scenario
