// JoinGuard: how many wrong join tokens are compared. Each address has a few tries and gets one more a
// second, and so have all addresses together, with more. A right token costs no try. What an address is
// refused for, it is refused before its token is looked at: the answer says nothing about it.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/time.hpp"

namespace swarm::ca {

class JoinGuard {
 public:
  static constexpr std::int64_t kTriesOfOne = 10, kTriesOfAll = 100;
  static constexpr std::int64_t kAllPerSecond = 10;
  static constexpr std::size_t kMostAddresses = 1'024;  // remembered

  // Returns true if a token from `host` may be compared now.
  bool may_try(const std::string& host, Instant now) const;
  // It was compared, and is none.
  void failed(const std::string& host, Instant now);

 private:
  // Tries that were used; they come back with time.
  struct Used {
    std::int64_t tries = 0;
    Instant since;
    std::int64_t at(Instant now, std::int64_t per_second) const;
    void add(Instant now, std::int64_t per_second);
  };
  void forget_those_that_rest(Instant now);

  std::map<std::string, Used> hosts_;
  Used all_;
};

}  // namespace swarm::ca
