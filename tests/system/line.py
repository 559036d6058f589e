"""A line between two nodes that can be cut, slowed and corrupted: a small TCP forwarder on the loopback."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Line:
    """Forwards whatever comes to ``port`` to ``target``; cuts every connection when the byte counts in ``cuts`` have passed towards the caller."""

    def __init__(self, target: int, cuts: list[int] | None = None, *, pause: float = 0.5) -> None:
        self.target, self.cuts, self.pause = target, sorted(cuts or []), pause
        self.carried = 0
        self.cut_at: list[int] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.open: set[socket.socket] = set()
        self.lock = threading.Lock()
        self.down_until = 0.0
        self.slow_to = 0
        self.spoil_one_in = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """The line is gone."""
        self.listener.close()
        self.cut()

    def cut(self) -> None:
        """Cut every connection, in the middle of whatever it carries, and answer nobody for a moment."""
        self.down_until = time.monotonic() + self.pause
        with self.lock:
            for one in self.open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def treated(self, *, slow: int = 0, spoil: int = 0) -> Iterator[None]:
        """Meanwhile carry ``slow`` bytes a second at most, and change one byte in ``spoil``; 0: not at all."""
        self.slow_to, self.spoil_one_in = slow, spoil
        try:
            yield
        finally:
            self.slow_to = self.spoil_one_in = 0

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self.listener.accept()
                threading.Thread(target=self._connect, args=(caller,), daemon=True).start()

    def _connect(self, caller: socket.socket) -> None:
        if time.monotonic() < self.down_until:
            caller.close()
            return
        try:
            far = socket.create_connection(("127.0.0.1", self.target), timeout=30)
        except OSError:
            caller.close()
            return
        far.settimeout(None)
        with self.lock:
            self.open |= {caller, far}
        threading.Thread(target=self._pump, args=(caller, far, False), daemon=True).start()
        self._pump(far, caller, True)

    def _pump(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        with contextlib.suppress(OSError):
            while raw := source.recv(256 * 1024):
                self._send(target, raw)
                if counted:
                    self._count(len(raw))
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        with self.lock:
            self.open -= {source, target}

    def _send(self, target: socket.socket, raw: bytes) -> None:
        place = 0
        while place < len(raw):
            slow, spoil = self.slow_to, self.spoil_one_in
            piece = raw[place : place + max(1, slow // 20)] if slow else raw[place:]
            place += len(piece)
            if spoil and random.random() < len(piece) / spoil:
                at = random.randrange(len(piece))
                piece = piece[:at] + bytes([piece[at] ^ (1 << random.randrange(8))]) + piece[at + 1 :]
            target.sendall(piece)
            if slow:
                time.sleep(len(piece) / slow)

    def _count(self, length: int) -> None:
        self.carried += length
        if self.cuts and self.carried >= self.cuts[0]:
            self.cut_at.append(self.cuts.pop(0))
            self.cut()
