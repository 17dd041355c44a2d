// Refusals: counts and logs the frames that were denied (node/permissions) or broke a rule
// (node/judge). Every one is counted. The log
// gets at most one line a second, with the number of those it leaves out: a peer that floods cannot fill a
// disk.
#pragma once

#include <cstdint>
#include <string>

#include "node/core.hpp"
#include "node/permissions.hpp"

namespace swarm::node {

class Refusals {
 public:
  explicit Refusals(Core& core) : core_(core) {}
  // `rule`: which one it broke, in words; none for the other denials.
  void note(const Speaker& from, const char* message, Denial denial, bool closes, const char* rule = nullptr);

 private:
  std::string sentence(const Speaker& from, const char* message, Denial denial, const char* rule) const;

  Core& core_;
  Instant quiet_until_{};
  std::uint64_t unsaid_ = 0;
};

}  // namespace swarm::node
