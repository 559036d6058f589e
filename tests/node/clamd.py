"""A clamd for tests: the real one with a signature of one harmless test file where it is installed, and a small door that speaks as it does."""

from __future__ import annotations

import shutil
import socket
import socketserver
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TEST_FILE = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"
"""The test file of EICAR, in two pieces: whole, it would make scanners shout at this source."""


class _Door(socketserver.BaseRequestHandler):
    limit = 1 << 20

    def handle(self) -> None:
        line: socket.socket = self.request
        assert line.recv(10, socket.MSG_WAITALL) == b"zINSTREAM\0"
        held = b""
        while size := struct.unpack(">I", line.recv(4, socket.MSG_WAITALL))[0]:
            held += line.recv(size, socket.MSG_WAITALL)
            if len(held) > self.limit:
                line.sendall(b"INSTREAM size limit exceeded. ERROR\0")
                return
        line.sendall(b"stream: Eicar-Test FOUND\0" if TEST_FILE in held else b"stream: OK\0")


@contextmanager
def door() -> Iterator[str]:
    """A door that knows the test file and takes a megabyte; its setting."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Door) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"clamd:127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def is_installed() -> bool:
    """Whether the real one can run here."""
    return shutil.which("clamd") is not None


@contextmanager
def real(folder: Path) -> Iterator[str]:
    """The real one, behind a socket in ``folder``; its setting."""
    signatures, place, config = folder / "db", folder / "s", folder / "clamd.conf"
    signatures.mkdir()
    (signatures / "test.ndb").write_text(f"Eicar-Test:0:*:{TEST_FILE.hex()}\n")
    config.write_text(f"LocalSocket {place}\nDatabaseDirectory {signatures}\nForeground yes\nStreamMaxLength 1M\n")
    process = subprocess.Popen(["clamd", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            if place.exists() or process.poll() is not None:
                break
            time.sleep(0.1)
        yield f"clamd:{place}"
    finally:
        process.kill()
        process.wait()
