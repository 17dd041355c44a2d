// SWARM_MISTAKE("room.what-is-wrong"): a mistake on purpose, to see that the simulator finds it.
//
// True only in a build with SWARM_TEETH, in a program that was told to make this mistake; in every other
// build it is the word `false`, and the compiler drops what it guards. docs/design/teeth.md lists all of
// them, with the check that finds each; `make teeth` proves it. Invariant: a mistake is one short condition
// in the line that it spoils.
#pragma once

#ifdef SWARM_TEETH

#include <string_view>

namespace swarm {

// Chooses the mistake that this process makes from now on; before anything else is done.
void make_mistake(std::string_view name);
bool is_mistaken(std::string_view name);

}  // namespace swarm

// Asked for once at each place: some are on the way of every message.
#define SWARM_MISTAKE(name)                              \
  ([] {                                                  \
    static const bool made = ::swarm::is_mistaken(name); \
    return made;                                         \
  }())

#else

#define SWARM_MISTAKE(name) false

#endif
