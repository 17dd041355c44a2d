#include "base/mistake.hpp"

#ifdef SWARM_TEETH

#include <string>
#include <string_view>

namespace swarm {
namespace {

std::string& chosen() {
  static std::string name;
  return name;
}

}  // namespace

void make_mistake(std::string_view name) { chosen() = name; }
bool is_mistaken(std::string_view name) { return chosen() == name; }

}  // namespace swarm

#endif
