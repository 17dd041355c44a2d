#!/bin/sh
# The same seed has the same trace with every compiler: builds the simulator with clang besides, and compares the
# trace hashes of 100 seeds (or of SEEDS) with those of the build that users get, by gcc.
set -eu
cd "$(dirname "$0")/.."
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1
seeds=${SEEDS:-100}
theirs=build/release/cpp/tools/swarm_sim/swarm_sim
ours=build/sim-clang/cpp/tools/swarm_sim/swarm_sim

[ -x "$theirs" ] || { echo "compilers: nothing is built; run: make build" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --preset sim-clang >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
cmake --build --preset sim-clang

"$ours" --pinned tests/seeds/pinned.txt
"$theirs" --hashes --seeds "$seeds" >"$work/gcc" &
"$ours" --hashes --seeds "$seeds" >"$work/clang"
wait $!
diff "$work/gcc" "$work/clang" || { echo "compilers: gcc (<) and clang (>) make different traces" >&2; exit 1; }
echo "$(wc -l <"$work/gcc") seeds have the same trace with gcc and with clang"
