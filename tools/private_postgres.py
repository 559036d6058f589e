"""A PostgreSQL server of its own for one run: made in a temporary folder, on a loopback port, gone afterwards."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path


def programs() -> Path | None:
    """The folder with initdb and postgres, or None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    if found:
        return found[-1].parent
    beside = shutil.which("initdb")
    return Path(beside).resolve().parent if beside else None


def _as_user() -> dict[str, object]:
    """PostgreSQL refuses to run as root: then it runs as the user ``postgres`` that its package made."""
    if os.getuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Yields a URL ``postgres://…/postgres`` of a running, empty server."""
    place = programs()
    if place is None:
        raise SystemExit("PostgreSQL is not installed: sudo apt-get install postgresql")
    home = Path(tempfile.mkdtemp(prefix="tansiq-pg-"))
    who = _as_user()
    if "user" in who:
        os.chown(home, int(str(who["user"])), int(str(who["group"])))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = home / "data"
    quiet = {"stdout": subprocess.DEVNULL, "cwd": home}
    subprocess.run(
        [place / "initdb", "-D", data, "-U", "tansiq", "-A", "trust", "-E", "UTF8", "--no-locale"],
        check=True,
        **quiet,
        **who,
    )
    options = f"-c listen_addresses=127.0.0.1 -p {port} -k {home} -c fsync=off -c synchronous_commit=off -c max_connections=200"
    control = [place / "pg_ctl", "-D", data, "-w", "-l", home / "log"]
    subprocess.run([*control, "-o", options, "start"], check=True, **quiet, **who)
    try:
        yield f"postgres://tansiq@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, stderr=subprocess.DEVNULL, **quiet, **who)
        shutil.rmtree(home, ignore_errors=True)
