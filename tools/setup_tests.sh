#!/usr/bin/env bash
# What the tests need from the system: a PostgreSQL server (started privately, per run) and Chromium.
# As root they are installed; otherwise they are named, and the tests that need them say that they were skipped.
set -euo pipefail
needed=()
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || needed+=(postgresql)
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || needed+=(chromium)
[ ${#needed[@]} -eq 0 ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing ${needed[*]} ..." >&2
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${needed[@]}" >/dev/null
else
  echo "Not installed: ${needed[*]}. The tests that need them will be skipped. To run them: sudo apt-get install ${needed[*]}" >&2
fi
