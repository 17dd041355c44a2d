// Ledger: what a swarm has promised. An answer of success is a promise; a request that was not answered
// leaves two possibilities. Facts are named by words ("service web", "key a", "role m2").
#pragma once

#include <map>
#include <set>
#include <string>

#include "store/store.hpp"

namespace swarm::tools {

inline constexpr const char* kAbsent = "absent";

class Ledger {
 public:
  // It is asked for: from now on the fact may be this, too.
  void asked(const std::string& fact, const std::string& value) { place(fact).insert(value); }
  // It is promised, or was seen.
  void holds(const std::string& fact, const std::string& value) { facts_[fact] = {value}; }
  const std::set<std::string>& may_be(const std::string& fact) const;
  bool must_be(const std::string& fact, const std::string& value) const {
    return may_be(fact) == std::set<std::string>{value};
  }
  // The first promise that this store does not keep, in words; "" for none.
  std::string broken_by(const store::Store& store) const;

 private:
  std::set<std::string>& place(const std::string& fact) {
    return facts_.try_emplace(fact, std::set<std::string>{kAbsent}).first->second;
  }
  std::map<std::string, std::set<std::string>> facts_;
};

// "nginx:1.10 x 3": a service as the ledger has it.
std::string look_of(const std::string& image, std::uint64_t replicas);

}  // namespace swarm::tools
