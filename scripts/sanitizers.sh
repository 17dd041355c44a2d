#!/bin/sh
# The unit tests, the stories and a share of the seeds under clang's checks of memory, of undefined behaviour, and for
# overflow of unsigned numbers (cmake/meant_wraps.txt lists the wraps that are meant). What is found ends the test.
#   sanitizers.sh         all of it
#   sanitizers.sh core    the quick share: the tests of base and of the simulator, numbers at their extremes among them, and seeds
#   SEEDS=20              how many seeds of chaos; `make check-all` asks for more
set -eu
cd "$(dirname "$0")/.."
# The list of meant wraps is part of the command; ccache does not see by itself that it changed.
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1 CCACHE_EXTRAFILES="$PWD/cmake/meant_wraps.txt"
seeds=${SEEDS:-20}
tree=build/sanitize

log=$(mktemp)
trap 'rm -f "$log"' EXIT
cmake --preset sanitize >"$log" 2>&1 || { cat "$log"; exit 1; }
if [ "${1:-all}" = core ]; then
  cmake --build --preset sanitize --target base_test sim_test swarm_sim_tool
  $tree/cpp/base/base_test --gtest_brief=1
  $tree/cpp/sim/sim_test --gtest_brief=1
else
  cmake --build --preset sanitize
  ctest --test-dir $tree --output-on-failure -j 2 -E '^(simulation_seeds|pinned_traces)$'
fi
$tree/cpp/tools/swarm_sim/swarm_sim --seeds "$seeds"
