// OneSession: one identity is one daemon. While a node's daemon is in session and is heard, the leader gives
// no session to another daemon with a copy of its data root (docs/security.md).
//
// Judged by what the leader itself says, on its own clock: a session that it has granted or confirmed less
// than three quarters of a second ago, on a link whose end it still has, is one that lives. NOT here: what a
// clone does without a session; whose session it is when both were silent.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "sim/machine.hpp"

namespace swarm::sim {

class OneSession {
 public:
  // Returns why this frame grants a session that may not be; nothing if it does not.
  std::optional<std::string> said(const Machine& from, ports::LinkId link, const Machine& to,
                                  const ports::Frame& frame);
  void ended(MachineIndex machine);  // its daemon, and the sessions that it gave

 private:
  struct Given {
    MachineIndex to = 0;
    std::uint64_t session = 0;
    ports::LinkId link = 0;
    raft::Term term = 0;
    Instant confirmed;  // on the leader's clock
  };
  std::map<std::pair<MachineIndex, MachineIndex>, Given> given_;  // by leader and original machine
};

}  // namespace swarm::sim
