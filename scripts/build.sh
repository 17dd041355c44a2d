#!/bin/sh
# Builds the release preset and puts the programs where users find them: .venv/bin.
set -eu
cd "$(dirname "$0")/.."
export CCACHE_BASEDIR="$PWD"

python=$PWD/.venv/bin/python
cmake --preset release -DPython_EXECUTABLE="$python" -DPython_ROOT_DIR="$PWD/.venv" \
  -Dpybind11_DIR="$("$python" -m pybind11 --cmakedir)" >build-configure.log 2>&1 || { cat build-configure.log; exit 1; }
rm -f build-configure.log
cmake --build --preset release
cmake --install build/release --prefix "$PWD/python/swarmpy" --component python >/dev/null
for program in raft_datadriven swarmd swarm-web swarm_sim swarm_scenario; do
  found=$(find build/release/cpp -type f -name "$program" -perm -u+x | head -n 1)
  [ -z "$found" ] || ln -sf "$PWD/$found" ".venv/bin/$program"
done
site=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
echo "$PWD/python" >"$site/swarmpy-source.pth"
