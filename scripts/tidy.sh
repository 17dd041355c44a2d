#!/bin/sh
# clang-tidy with the checks of .clang-tidy, over the sources that are named, or over all sources of the rooms in
# scripts/tidy_rooms.txt (`make tidy`). What it says is an error.
#   tidy.sh [FILE.cpp ...]
# It reads the commands of the release tree; without one, it makes one (nothing is compiled).
set -eu
cd "$(dirname "$0")/.."
command -v clang-tidy-19 >/dev/null || { echo "tidy: clang-tidy-19 is missing; run: make setup" >&2; exit 1; }
[ -f build/release/compile_commands.json ] || cmake --preset release >/dev/null

if [ $# = 0 ]; then
  # shellcheck disable=SC2046
  set -- $(sed -e 's/#.*//' scripts/tidy_rooms.txt | xargs -I{} git ls-files 'cpp/{}/*.cpp')
fi
# In a test an optional without its value ends the test, which is what it is for.
checks() {
  case $1 in
    *_test.cpp) echo "-bugprone-unchecked-optional-access" ;;
    *) echo "" ;;
  esac
}
tidy() {
  clang-tidy-19 -p build/release --quiet --extra-arg=-Wno-deprecated-declarations \
    --checks="$(checks "$1")" "$1" 2>/dev/null
}
if [ "${TIDY_ONE:-}" ]; then
  tidy "$1"
  exit
fi
jobs=$(nproc)
export TIDY_ONE=1
printf '%s\n' "$@" | xargs -P "$jobs" -n 1 "$0" || { echo "tidy: see above" >&2; exit 1; }
echo "tidy: $# files are clean"
