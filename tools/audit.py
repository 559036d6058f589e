"""Known vulnerabilities of what the lock file names, by pip-audit from the public database OSV.

    python tools/audit.py

Exit status 0: none is known; 1: some are, and stand on the terminal; 2: the database cannot be reached from here, and **nothing was audited**. It
is no part of `make check`, which must say the same without a network; run it where there is one, before every release.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVICE = ("api.osv.dev", 443)
PATIENCE = 5.0
NOT_AUDITED = 2


def is_reachable(service: tuple[str, int], *, patience: float = PATIENCE) -> bool:
    """Whether somebody answers there."""
    try:
        socket.create_connection(service, timeout=patience).close()
    except OSError:
        return False
    return True


def main(service: tuple[str, int] = SERVICE) -> int:
    """Audit, or say that nothing was."""
    if not is_reachable(service):
        print(
            f"NOT AUDITED: {service[0]} cannot be reached from here. Nothing is known about vulnerabilities.",
            file=sys.stderr,
        )
        return NOT_AUDITED
    uv = shutil.which("uv") or str(ROOT / ".venv" / "bin" / "uv")
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "requirements.txt"
        export = ["export", "--frozen", "--no-emit-project", "--format", "requirements-txt", "-o", str(listed)]
        subprocess.run([uv, *export], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        audit = ["pip-audit", "--requirement", str(listed), "--disable-pip", "--vulnerability-service", "osv"]
        return subprocess.run([uv, "tool", "run", *audit], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
