#!/bin/sh
# Every target under libFuzzer, which looks for inputs that take new paths, with clang's checks of memory and of undefined
# behaviour. What is found ends it, with the input's path: put it into tests/fuzz/TARGET/ with the mend.
#   SECONDS_EACH=60        for each target; or RUNS=10000000, so many inputs of each
#   fuzz.sh frame http     these targets only
set -eu
cd "$(dirname "$0")/.."
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1 CCACHE_EXTRAFILES="$PWD/cmake/meant_wraps.txt"
tree=build/sanitize
if [ -n "${RUNS:-}" ]; then until="-runs=$RUNS"; else until="-max_total_time=${SECONDS_EACH:-60}"; fi

mkdir -p build
log=build/fuzz.log
cmake --preset sanitize >"$log" 2>&1 || { cat "$log"; exit 1; }
cmake --build --preset sanitize --target swarm_fuzz swarm_libfuzzer
programs=$tree/cpp/tools/swarm_fuzz
"$programs/swarm_fuzz" --seeds "$tree/corpus"
[ $# -gt 0 ] || set -- $("$programs/swarm_fuzz" --list | cut -f1)
for target in "$@"; do
  corpus=$tree/corpus/$target
  [ -d "$corpus" ] || { echo "fuzz: there is no target $target; there are: $("$programs/swarm_fuzz" --list | cut -f1 | tr '\n' ' ')" >&2; exit 2; }
  echo "fuzz: $target"
  if ! SWARM_FUZZ_TARGET=$target "$programs/swarm_libfuzzer" "$corpus" $(ls -d "tests/fuzz/$target" 2>/dev/null) \
      "$until" -max_len=4096 -rss_limit_mb=2048 -timeout=20 -artifact_prefix="$tree/$target-" -print_final_stats=1 >"$log" 2>&1; then
    tail -40 "$log"
    exit 1
  fi
  grep -E 'number_of_executed_units|new_units_added' "$log" | tr '\n' ' '
  echo
done
