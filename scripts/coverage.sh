#!/bin/sh
# Prints which share of the lines the tests reach, room by room: of C++ by the unit tests, the stories and 20 seeds, of
# Python by the tests without real daemons. The pages with each line of C++ are in build/coverage/html.
#   coverage.sh [cpp|python]    one of the two; without a word: both
set -eu
cd "$(dirname "$0")/.."
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1
log=$(mktemp)
trap 'rm -f "$log"' EXIT

cover_cpp() {
  cmake --preset coverage >"$log" 2>&1 || { cat "$log"; exit 1; }
  cmake --build --preset coverage
  find build/coverage -name '*.gcda' -delete
  ctest --test-dir build/coverage --output-on-failure -j 2 -E '^(simulation_seeds|pinned_traces)$' >"$log" ||
    { cat "$log"; exit 1; }
  build/coverage/cpp/tools/swarm_sim/swarm_sim --seeds 20 >/dev/null
  mkdir -p build/coverage/html
  .venv/bin/gcovr --root . --filter cpp/ --exclude '.*_test\.cpp' --exclude '.*/test_[a-z_]*\.hpp' \
    --exclude-throw-branches --html-details build/coverage/html/index.html --json-summary "$log" build/coverage
  .venv/bin/python scripts/coverage_rooms.py "$log"
}

cover_python() {
  export COVERAGE_FILE=build/coverage-of-python
  mkdir -p build
  .venv/bin/python -m coverage run --source python/swarmpy -m pytest tests/python -q -m 'not real' >"$log" 2>&1 ||
    { cat "$log"; exit 1; }
  echo "Python: $(.venv/bin/python -m coverage report --format total) % of lines"
}

case ${1:-both} in
  cpp) cover_cpp ;;
  python) cover_python ;;
  *)
    cover_cpp
    cover_python
    ;;
esac
