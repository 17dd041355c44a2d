// Refusals: counts and logs the frames that were denied (node/permissions) or broke a rule
// (node/judge). Every one is counted. The log
// gets at most one line a second, with the number of those it leaves out: a peer that floods cannot fill a
// disk. So it is with connections that end because of a certificate.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "node/core.hpp"
#include "node/permissions.hpp"
#include "ports/refusal.hpp"

namespace swarm::node {

class Refusals {
 public:
  explicit Refusals(Core& core) : core_(core) {}
  // `rule`: which one it broke, in words; none for the other denials.
  void note(const Speaker& from, const char* message, Denial denial, bool closes, const char* rule = nullptr);
  // One end of a connection has refused the other's certificate (ports/refusal). Said once for each host
  // and reason, until a link to the host opens; and then, too, no more often than a line in ten seconds.
  void note_link(const std::string& host, const ports::Refusal& refusal);
  void forget_links(const Address& remote);

 private:
  std::string sentence(const Speaker& from, const char* message, Denial denial, const char* rule) const;

  Core& core_;
  Instant quiet_until_{};
  std::uint64_t unsaid_ = 0;
  std::set<std::pair<std::string, std::string>> said_of_links_;  // host, what
  Instant links_quiet_until_{};
  std::uint64_t links_unsaid_ = 0;
};

}  // namespace swarm::node
