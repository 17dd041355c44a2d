#!/bin/sh
# Builds the release preset, and puts the programs where users find them: inside the package, and on .venv/bin.
set -eu
cd "$(dirname "$0")/.."
export CCACHE_BASEDIR="$PWD"

python=$PWD/.venv/bin/python
log=$(mktemp)
trap 'rm -f "$log"' EXIT
cmake --preset release -DPython_EXECUTABLE="$python" -DPython_ROOT_DIR="$PWD/.venv" \
  -Dpybind11_DIR="$("$python" -m pybind11 --cmakedir)" >"$log" 2>&1 || { cat "$log"; exit 1; }
cmake --build --preset release

# The Python package is used from the source tree; the extension, swarmd and swarm-web are put into it.
cmake --install build/release --prefix "$PWD/python/swarmpy" --component python >/dev/null
site=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
echo "$PWD/python" >"$site/swarmpy-source.pth"

for program in swarmd swarm-web; do
  ln -sf "$PWD/python/swarmpy/bin/$program" ".venv/bin/$program"
done
for program in raft_datadriven swarm_sim swarm_scenario; do
  ln -sf "$(find "$PWD/build/release/cpp" -type f -name "$program" -perm -u+x | head -n 1)" ".venv/bin/$program"
done
rm -f .venv/bin/swarmpy
cat >.venv/bin/swarmpy <<END
#!$python
import sys

from swarmpy.cli import main

sys.exit(main())
END
chmod +x .venv/bin/swarmpy
