#!/bin/sh
# What `make test` leaves out because it needs much more installed: the pictures in a real browser on a JupyterLab
# page, the timeline, pandas, Dask, and the story told by Debian's docker CLI, 20.10. Installs what is missing.
set -eu
cd "$(dirname "$0")/.."
sudo=""
[ "$(id -u)" = 0 ] || sudo=sudo

if [ ! -x /usr/bin/chromium ]; then
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
fi
.venv/bin/pip install --quiet --disable-pip-version-check jupyterlab websocket-client pandas distributed

# The package brings a daemon too: only the CLI is taken out of it, and nothing is installed.
old=$PWD/build/docker-20.10
if [ ! -x "$old/usr/bin/docker" ]; then
  mkdir -p "$old"
  (cd "$old" && apt-get download -qq docker.io 2>/dev/null && dpkg-deb -x docker.io_*.deb . && rm docker.io_*.deb)
fi

.venv/bin/python -m pytest tests/python/test_view_browser.py tests/python/test_view_pictures.py \
  tests/python/test_timeline_browser.py
.venv/bin/python -m pytest tests/python/test_runner_executors.py
"$old/usr/bin/docker" --version
PATH="$old/usr/bin:$PATH" .venv/bin/python -m pytest tests/python/test_docker_cli_story.py tests/python/test_mesh.py
