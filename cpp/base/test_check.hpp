// For tests: what a failed SWARM_CHECK says.
#pragma once

#include <stdexcept>
#include <string>

#include "base/check.hpp"

namespace swarm {

// Returns the sentence of the check that fails while `act` runs; "" if none does.
template <class Act>
std::string failed_check(Act act) {
  const CheckHandler before =
      set_check_handler([](const std::string& sentence) { throw std::runtime_error(sentence); });
  std::string sentence;
  try {
    act();
  } catch (const std::runtime_error& failure) {
    sentence = failure.what();
  }
  set_check_handler(before);
  return sentence;
}

}  // namespace swarm
