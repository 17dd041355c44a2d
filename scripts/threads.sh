#!/bin/sh
# The tests of cpp/real, and one daemon under load, under clang's check for races between threads. The libraries that
# are not built with it are left out (cmake/tsan.txt).
set -eu
cd "$(dirname "$0")/.."
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1
[ -x build/release/cpp/tools/swarm_load/swarm_load ] || { echo "threads: the load is missing; run: make build" >&2; exit 1; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT
cmake --preset threads >"$log" 2>&1 || { cat "$log"; exit 1; }
cmake --build --preset threads
# die_after_fork: a test forks a process that writes and is killed.
TSAN_OPTIONS="suppressions=$PWD/cmake/tsan.txt halt_on_error=1 die_after_fork=0"
# Without one, a finding has addresses only: `addr2line -Cfie PROGRAM ADDRESS` reads it.
symbolizer=$(command -v llvm-symbolizer-19 || command -v llvm-symbolizer || true)
[ -z "$symbolizer" ] || TSAN_OPTIONS="$TSAN_OPTIONS external_symbolizer_path=$symbolizer"
export TSAN_OPTIONS
build/threads/cpp/real/stream/stream_test --gtest_brief=1
build/threads/cpp/real/http/http_test --gtest_brief=1
build/threads/cpp/real/real_test --gtest_brief=1
.venv/bin/python scripts/daemon_under_load.py build/threads
