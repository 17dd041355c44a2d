#!/bin/sh
# The unit tests, the stories and a share of the seeds under clang's checks of memory, of undefined behaviour, and for
# overflow of unsigned numbers (cmake/meant_wraps.txt lists the wraps that are meant). What is found ends the test.
#   SEEDS=20    how many seeds of chaos; `make check-all` asks for more
set -eu
cd "$(dirname "$0")/.."
export CCACHE_BASEDIR="$PWD"
seeds=${SEEDS:-20}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
cmake --preset sanitize >"$log" 2>&1 || { cat "$log"; exit 1; }
cmake --build --preset sanitize
ctest --test-dir build/sanitize --output-on-failure -j 2 -E '^(simulation_seeds|pinned_traces)$'
build/sanitize/cpp/tools/swarm_sim/swarm_sim --seeds "$seeds"
