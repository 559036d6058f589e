#!/usr/bin/env bash
# Puts the program and everything it needs into .venv, from the lock file. Quick when nothing has changed.
set -euo pipefail
cd "$(dirname "$0")/.."
stamp=.venv/.installed
if [ -f "$stamp" ] && [ "$stamp" -nt uv.lock ] && [ "$stamp" -nt pyproject.toml ]; then exit 0; fi
python=${PYTHON:-python3}
"$python" - <<'PY' || { echo "Python 3.11 or newer is needed (set PYTHON=/path/to/python3.11)." >&2; exit 1; }
import sys
sys.exit(sys.version_info < (3, 11))
PY
if [ ! -x .venv/bin/python ]; then
  "$python" -m venv .venv 2>/dev/null || {
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
      rm -rf .venv && "$python" -m venv .venv
    else
      echo "Python's venv module is missing. Install it: sudo apt-get install python3-venv" >&2; exit 1
    fi
  }
fi
# Printing (WeasyPrint) needs these beside its wheels; everything else runs without, and says so when somebody prints.
if ! "$python" -c 'import ctypes, sys; [ctypes.CDLL(name) for name in ("libpango-1.0.so.0", "libpangoft2-1.0.so.0", "libharfbuzz-subset.so.0")]' 2>/dev/null; then
  libraries="libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $libraries >/dev/null; } || echo "Printing is not available: install $libraries" >&2
  else
    echo "Printing is not available until these are installed: sudo apt-get install $libraries" >&2
  fi
fi
uv=$(command -v uv || true)
if [ -z "$uv" ]; then
  if [ ! -x .venv/bin/uv ]; then
    .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip -q
    .venv/bin/python -m pip install -q --disable-pip-version-check uv
  fi
  uv=.venv/bin/uv
fi
VIRTUAL_ENV="$PWD/.venv" "$uv" sync --frozen --inexact -q --python .venv/bin/python
echo "Compiling the matcher (once) ..." >&2
# Half of the start of every process would go into reading the sources of these, where the environment forbids Python to keep what it compiled.
.venv/bin/python -m compileall -q .venv/lib/python*/site-packages/{numba,llvmlite,numpy} || true
.venv/bin/python tools/compile_matcher.py
touch "$stamp"
