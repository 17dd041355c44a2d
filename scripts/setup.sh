#!/bin/sh
# Makes a bare Debian 12 ready to build swarmpy: system packages, and a virtual environment in .venv.
# Does only what is missing; quick when nothing is.
set -eu
cd "$(dirname "$0")/.."

stamp=.venv/.setup-stamp
inputs="scripts/setup.sh scripts/debian-packages.txt requirements-dev.txt"
wanted=$(cat $inputs | cksum)
[ -x .venv/bin/python ] && [ "$(cat $stamp 2>/dev/null)" = "$wanted" ] && exit 0

missing=""
for package in $(grep -v '^#' scripts/debian-packages.txt); do
  status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
  [ "$status" = "install ok installed" ] || missing="$missing $package"
done
if [ -n "$missing" ]; then
  echo "installing Debian packages:$missing"
  sudo=""
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "setup: run this as root, or install sudo" >&2; exit 1; }
    sudo=sudo
  fi
  $sudo apt-get update -qq
  # shellcheck disable=SC2086
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

[ -x .venv/bin/python ] || /usr/bin/python3 -m venv .venv
.venv/bin/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
echo "$wanted" >$stamp
