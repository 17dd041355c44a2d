#!/bin/sh
# `make demo`: builds what the story runs and nothing else, then tells it. Says first how long that takes.
set -eu
cd "$(dirname "$0")/.."
BUILD_SECONDS=650 # of one processor, without ccache

if [ ! -x python/swarmpy/bin/swarmd ]; then
  processors=$(nproc)
  minutes=$(((BUILD_SECONDS / processors + 59) / 60))
  echo "The first time this takes about $((minutes + 3)) minutes: Debian packages (up to 2), building the daemon on" \
    "$processors processors ($minutes), the story itself (1)."
else
  echo "Looking whether anything must be built anew; the story itself takes a minute."
fi
scripts/setup.sh programs
scripts/build.sh programs
exec .venv/bin/swarmpy demo
