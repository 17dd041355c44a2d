// Trace hashes of seeds, one line each: "SEED HASH". The same seed has the same hash on every machine and
// with every compiler; a file of them pins that down.
#pragma once

#include "seed_run.hpp"

namespace swarm::tools {

// Each returns the exit code of the program.
int print_hashes(const Options& options);
int check_pins(const Options& options);
// Writes the hashes of the file's seeds as they are now; comments and order stay.
int renew_pins(const Options& options);

}  // namespace swarm::tools
