#!/bin/sh
# clang-tidy with the checks of .clang-tidy, over the sources that are named, or over all sources of cpp/ (`make tidy`).
# What it says is an error. A source that was clean, and reads only what it read then, is not checked again
# (scripts/tidy.py).
#   tidy.sh [FILE.cpp ...]
# It reads the commands of the release tree, and the headers that the build writes there; it makes both, and compiles nothing.
set -eu
cd "$(dirname "$0")/.."
command -v clang-tidy-19 >/dev/null || { echo "tidy: clang-tidy-19 is missing; run: make setup" >&2; exit 1; }
[ -f build/release/build.ninja ] || cmake --preset release >/dev/null
cmake --build build/release --target written_headers >/dev/null
exec python3 scripts/tidy.py "$@"
