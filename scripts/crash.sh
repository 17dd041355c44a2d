#!/bin/sh
# A crash at every disk operation of each workload, reopened and checked; then power failures of RocksDB.
#   SEEDS=16    so many runs of each workload, with some 7,000 recoveries each
#   ROCKS=400   power failures for each of five disks
set -eu
cd "$(dirname "$0")/.."
program=build/release/cpp/tools/swarm_crash/swarm_crash
[ -x "$program" ] || { echo "crash: the program is missing; run: make build" >&2; exit 1; }
# A real power failure is not needed: memory is quicker than a disk that flushes.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
failed=0
"$program" --seeds "${SEEDS:-16}" || failed=1
"$program" --rocks "${ROCKS:-400}" || failed=1
exit $failed
