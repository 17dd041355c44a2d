// References: what a run's inputs meant where they named objects by random ids and by versions. In another
// run with the same user in it (world.let_go) the service `web` has another id: what was done to `web` is
// done to `web` there, and an update that named the newest version names the newest one.
//
// Found by playing the run once. An id that no object had, or whose name no object has now, stays as it is:
// the swarm refuses it as it would refuse any such request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "sim/journal.hpp"

namespace swarm::sim {

class References {
 public:
  // Plays the run a slice at a time, so that the caller can react (to Ctrl-C, say) in between.
  class Search {
   public:
    explicit Search(std::shared_ptr<const RecordedRun> run);
    ~Search();
    bool go_on(std::uint64_t steps);  // returns true when it is done
    References take();

   private:
    std::shared_ptr<const RecordedRun> run_;
    std::unique_ptr<World> world_;
    std::unique_ptr<References> found_;
    std::size_t learned_ = 0;  // the last step may be one that breaks the engine
  };
  static References of(const RecordedRun& run);
  // Returns input number `index` of the run as it must read in `world` at this moment.
  Input said_in(const World& world, std::size_t index, const Input& input) const;

 private:
  void learn(const World& world, std::size_t index, const Input& input);

  std::map<std::string, std::string, std::less<>> names_;  // id -> "service web", "task web.1", "node w1"
  std::set<std::size_t> newest_;  // inputs that named the version which their object had
};

}  // namespace swarm::sim
