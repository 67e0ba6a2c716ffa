#!/usr/bin/env bash
# What some tests need beside Python, from Debian's packages: a browser, fonts with Chinese glyphs, Slurm, and a C
# compiler.
# Without root or apt nothing is installed, and those tests are skipped with the reason.
set -euo pipefail

packages=(chromium fonts-noto-cjk slurmctld slurmd slurm-client munge gcc libc6-dev)

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "Not installed, since this needs root and apt-get: ${packages[*]}"
  exit 0
fi
missing=()
for package in "${packages[@]}"; do
  dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
done
[ "${#missing[@]}" != 0 ] || exit 0
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
