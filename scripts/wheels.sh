#!/bin/sh
# Wheels in dist/, or in the folder that is given, for each version of CPython in PYTHONS whose interpreter is found on
# PATH, among pyenv's or in /usr; the others are named. The engine is compiled once: one more version costs one file, and
# takes the rest of its wheel from that of `make wheel`. Each wheel is installed into an empty environment of its own
# interpreter and plays a story there, with the same trace in all of them.
set -eu
cd "$(dirname "$0")/.."
PYTHONS=${PYTHONS:-3.11 3.12 3.13}
export CCACHE_BASEDIR="$PWD" PATH="$PWD/.venv/bin:$PATH"
out=${1:-dist}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
own=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')

# Prints the first interpreter of a version that an extension can be built for. Those that it refuses go to why-not.
interpreter_of() {
  for candidate in $(which -a "python$1" || true) "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/"python$1" \
    "/usr/bin/python$1" "/usr/local/bin/python$1"; do
    [ -x "$candidate" ] || continue
    found=$("$candidate" -c 'import sys; print(sys.executable)' 2>/dev/null) || continue # pyenv's stand-in for none
    if why=$("$found" scripts/interpreter.py 2>&1 >/dev/null); then
      echo "$found"
      return
    fi
    echo "$found $why" >>"$work/why-not"
  done
}

others=""
for version in $PYTHONS; do
  [ "$version" = "$own" ] && continue
  rm -f "$work/why-not"
  interpreter=$(interpreter_of "$version")
  if [ -n "$interpreter" ]; then
    others="$others${others:+;}$interpreter"
  else
    echo "no wheel for Python $version: $(sort -u "$work/why-not" 2>/dev/null || echo "no interpreter was found")"
  fi
done

mkdir -p "$out" "$work/wheels"
scripts/wheel.sh "$work/wheels" "$work/packed" >/dev/null
cmake --preset release -DSWARM_OTHER_PYTHONS="$others" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }

# The wheel of $1: that of `make wheel`, with the extension for this interpreter.
make_wheel() {
  tag=$("$1" scripts/interpreter.py | cut -d';' -f1)
  python scripts/progress.py cmake --build --preset release --target "_core_$tag"
  mkdir "$work/$tag"
  python -m wheel unpack --dest "$work/$tag" "$work/packed"/*.whl >/dev/null
  rm "$work/$tag"/*/swarmpy/_core*.so
  cp "build/release/cpp/bindings/$tag"/_core*.so "$work/$tag"/*/swarmpy
  python -m wheel pack --dest-dir "$work/$tag" "$work/$tag"/swarmpy-* >/dev/null
  python -m wheel tags --remove --python-tag "$tag" --abi-tag "$tag" "$work/$tag"/*.whl >/dev/null
  auditwheel repair --only-plat --wheel-dir "$work/wheels" "$work/$tag"/*.whl 2>"$work/log" ||
    { cat "$work/log"; exit 1; }
}

# Prints the trace of a story that the wheel of $1 plays.
try_wheel() {
  tag=$("$1" scripts/interpreter.py | cut -d';' -f1)
  "$1" -m venv --without-pip "$work/venv-$tag"
  # By our pip, as that version's would choose: theirs may be missing, and an old pip does not run on a new Python.
  version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  python -m pip --quiet --disable-pip-version-check install --no-index --no-deps --only-binary=:all: \
    --python-version "$version" --target "$work/venv-$tag/lib/python$version/site-packages" \
    "$work/wheels"/swarmpy-*-"$tag"-*.whl
  (cd "$work" && env -u PYTHONPATH "$work/venv-$tag/bin/python" -I -W error -c '
import swarmpy as sp

with sp.Swarm(managers=3, workers=2, seed=42) as swarm:
    web = swarm.services.create("nginx:1.10", name="web", replicas=4)
    assert web.wait() and web.running == 4
    print(swarm.trace_hash)')
}

own_python=$(python -c 'import sys; print(sys._base_executable)')
first=$(try_wheel "$own_python")
IFS=";"
for interpreter in $others; do
  unset IFS
  make_wheel "$interpreter"
  trace=$(try_wheel "$interpreter")
  [ "$trace" = "$first" ] || { echo "wheels: $interpreter plays $trace, Python $own plays $first" >&2; exit 1; }
done
unset IFS
case " $PYTHONS " in
  *" $own "*) ;;
  *) rm "$work/wheels"/*-"$(python scripts/interpreter.py | cut -d';' -f1)"-*.whl ;;
esac
mv "$work/wheels"/*.whl "$out"
python scripts/wheel_parts.py "$out"/swarmpy-*.whl
