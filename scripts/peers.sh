#!/bin/sh
# Installs the peers that `make bench PEERS=1` measures beside: nginx (also as a TCP proxy) and haproxy, from Debian.
# They are only installed: the benchmarks start and end their own, and the system's services stay off.
set -eu
packages="nginx-light libnginx-mod-stream haproxy"
missing=""
for package in $packages; do
  status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
  [ "$status" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
sudo=""
[ "$(id -u)" = 0 ] || sudo=sudo
$sudo apt-get update -qq
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
if [ -d /run/systemd/system ]; then
  $sudo systemctl disable --now nginx haproxy >/dev/null 2>&1 || true
fi
