#!/bin/sh
# Makes a bare Debian 12 ready: system packages, and a virtual environment in .venv. Does only what is missing; quick
# when nothing is.
#   setup.sh            to build all of it, to test it and to work on it
#   setup.sh programs   to build the daemon and run it: no tools for developers, nothing from PyPI
set -eu
cd "$(dirname "$0")/.."
for_whom=${1:-all}

programs="scripts/setup.sh scripts/debian-packages.txt"
all="$programs scripts/debian-packages-dev.txt requirements.txt requirements-dev.txt"

# A virtual environment knows its place: in a tree that was moved or copied, its commands are those of the old place.
place=$(sed -n 's/^command = .* -m venv \(--[a-z-]* \)*//p' .venv/pyvenv.cfg 2>/dev/null || true)
if [ -n "$place" ] && [ "$(realpath -m "$place")" != "$(pwd -P)/.venv" ]; then
  echo "this folder was moved or copied: .venv is made anew"
  rm -rf .venv
fi

# shellcheck disable=SC2086
fits() { [ -x .venv/bin/python ] && [ "$(cat ".venv/.setup-$1" 2>/dev/null)" = "$(cat $2 | cksum)" ]; }
fits all "$all" && exit 0
[ "$for_whom" = programs ] && fits programs "$programs" && exit 0

lists=scripts/debian-packages.txt
[ "$for_whom" = programs ] || lists="$lists scripts/debian-packages-dev.txt"
missing=""
# shellcheck disable=SC2086
for package in $(cat $lists | grep -v '^#'); do
  status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
  [ "$status" = "install ok installed" ] || missing="$missing $package"
done
if [ -n "$missing" ]; then
  echo "installing Debian packages, a minute or two:$missing"
  sudo=""
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "setup: run this as root, or install sudo" >&2; exit 1; }
    sudo=sudo
  fi
  $sudo apt-get update -qq
  # shellcheck disable=SC2086
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

[ -x .venv/bin/python ] || { rm -rf .venv; /usr/bin/python3 -m venv --without-pip .venv; }
if [ "$for_whom" = programs ]; then
  # shellcheck disable=SC2086
  cat $programs | cksum >.venv/.setup-programs
  exit 0
fi
[ -x .venv/bin/pip ] || /usr/bin/python3 -m venv .venv
.venv/bin/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
# shellcheck disable=SC2086
cat $all | cksum >.venv/.setup-all
