#!/bin/sh
# Builds the release preset, and puts the programs where users find them: inside the package, and on .venv/bin.
#   build.sh            all of it: the programs, the Python extension, the tests
#   build.sh programs   the daemon and the web server only: what `make demo` and `swarmpy up` run
set -eu
cd "$(dirname "$0")/.."
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1
what=${1:-all}
python=$PWD/.venv/bin/python

# CMake refuses a folder that it made somewhere else.
for cache in build/*/CMakeCache.txt; do
  [ -f "$cache" ] || continue
  place=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$cache")
  [ "$(realpath -m "$place")" = "$(pwd -P)" ] && continue
  echo "this folder was moved or copied: $(dirname "$cache") is built anew"
  rm -rf "$(dirname "$cache")"
done

if [ "$what" = programs ]; then
  target=demo-programs components=programs
  set --
  # A tree that builds more already goes on with that.
  [ -f build/release/CMakeCache.txt ] || set -- -DSWARM_BUILD_TESTS=OFF -DSWARM_BUILD_PYTHON=OFF
else
  target=all components="programs python"
  set -- -DSWARM_BUILD_TESTS=ON -DSWARM_BUILD_PYTHON=ON
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# What wheels.sh asked for is not asked for by this one: an interpreter may be gone.
cmake --preset release "$@" -USWARM_OTHER_PYTHONS >"$log" 2>&1 || { cat "$log"; exit 1; }
"$python" scripts/progress.py cmake --build --preset release --target "$target"

# The Python package is used from the source tree; the extension, swarmd and swarm-web are put into it.
for component in $components; do
  cmake --install build/release --prefix "$PWD/python/swarmpy" --component "$component" >/dev/null
done
site=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
echo "$PWD/python" >"$site/swarmpy-source.pth"

for program in swarmd swarm-web; do
  ln -sf "$PWD/python/swarmpy/bin/$program" ".venv/bin/$program"
done
for program in raft_datadriven swarm_sim swarm_scenario; do
  built=$(find "$PWD/build/release/cpp" -type f -name "$program" -perm -u+x | head -n 1)
  [ -z "$built" ] || ln -sf "$built" ".venv/bin/$program"
done
# By way of sh: a path with a space, or a long one, is no interpreter to the kernel.
rm -f .venv/bin/swarmpy
cat >.venv/bin/swarmpy <<END
#!/bin/sh
'''exec' "$python" "\$0" "\$@"
' '''
import sys

from swarmpy.cli import main

sys.exit(main())
END
chmod +x .venv/bin/swarmpy
