"""What goes wrong, at random and from a seed: processes die and hang, lines fail, disks fill, clocks differ, the database falls over."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.system.line import Line
from tests.system.skewed import SKEW
from tests.system.world import Made

HOUR = 3600
DISK = "512m"


@dataclass
class Tried(Made):
    """A node that partners reach over a line, with a small disk of its own where this machine allows, and a clock that can be wrong."""

    line: Line | None = None
    ahead: int = field(default=0, init=False)
    has_disk: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.home.parent.mkdir(parents=True, exist_ok=True)
        if os.getuid() == 0:
            words = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=700", "tmpfs", str(self.home.parent)]
            self.has_disk = subprocess.run(words, check=False, capture_output=True).returncode == 0

    @property
    def url(self) -> str:
        self.line = self.line or Line(self.port)
        return f"http://127.0.0.1:{self.line.port}"

    @property
    def program(self) -> list[str]:
        return [sys.executable, "-m", "tests.system.skewed"]

    def environment(self, officer: str = "") -> dict[str, str]:
        return super().environment(officer) | {SKEW: str(self.ahead)}

    def set_clock(self, ahead: int) -> None:
        """Start everything anew, ``ahead`` seconds ahead."""
        self.stop()
        self.hands.kill()
        self.ahead = ahead
        self.start(wait=90)

    def unmount(self) -> None:
        """Take the disk away when everything has ended."""
        if self.has_disk:
            subprocess.run(["umount", "-l", str(self.home.parent)], check=False, capture_output=True)


class Faults(threading.Thread):
    """Brings about one fault after another until it is told to end; whatever it did is made good when it has ended."""

    def __init__(self, made: Sequence[Tried], seed: int) -> None:
        super().__init__(daemon=True)
        self.made, self.chance = made, random.Random(seed)
        self.done = threading.Event()
        self.count: Counter[str] = Counter()
        self.broken: list[BaseException] = []
        kinds: list[Callable[[Tried], None]] = [
            self.kill_one,
            self.kill_all,
            self.hang,
            self.cut,
            self.slow,
            self.corrupt,
        ]
        if any(node.has_disk for node in made):
            kinds.append(self.fill_disk)
        if made[0].database_url:
            kinds.append(self.crash_database)
        self.kinds = kinds

    def run(self) -> None:
        order: list[Callable[[Tried], None]] = []
        while not self.done.wait(self.chance.uniform(0.3, 1.2)):
            order = order or self.chance.sample(
                self.kinds, len(self.kinds)
            )  # each in its turn: none is left out by chance
            fault = order.pop()
            try:
                fault(self.chance.choice(self.made))
            except BaseException as error:
                self.broken.append(error)
                return
            self.count[fault.__name__] += 1

    def has_done_each(self) -> bool:
        """Whether every kind of fault has been there."""
        return len(self.count) == len(self.kinds)

    def end(self) -> None:
        """No more faults; every node runs again. Raises what broke this thread."""
        self.done.set()
        self.join(180)
        if self.broken:
            raise self.broken[0]
        for node in self.made:
            if node.process is None:
                node.start(wait=90)
            node.wait_until_well(90)

    def kill_one(self, node: Tried) -> None:
        """kill -9 of the server or the worker; the supervisor starts it again."""
        if children := node.children():
            node.kill(self.chance.choice(children))

    def kill_all(self, node: Tried) -> None:
        """kill -9 of all at once, and a start some time later."""
        node.kill()
        time.sleep(self.chance.uniform(0, 1))
        node.start(wait=90)

    def hang(self, node: Tried) -> None:
        """A process stands still for a while (SIGSTOP)."""
        children = node.children()
        if not children:
            return
        held = self.chance.choice(children)
        with contextlib.suppress(ProcessLookupError):
            os.kill(held, signal.SIGSTOP)
            self.done.wait(self.chance.uniform(1, 5))
            os.kill(held, signal.SIGCONT)

    def cut(self, node: Tried) -> None:
        """The line is cut in the middle of what it carries, and nobody answers for a moment."""
        assert node.line
        node.line.pause = self.chance.uniform(0.2, 3)
        node.line.cut()

    def slow(self, node: Tried) -> None:
        """The line carries 20 kB a second."""
        assert node.line
        with node.line.treated(slow=20_000):
            self.done.wait(self.chance.uniform(1, 4))

    def corrupt(self, node: Tried) -> None:
        """One byte in some thousand is another."""
        assert node.line
        with node.line.treated(spoil=self.chance.choice([1_000, 10_000])):
            self.done.wait(self.chance.uniform(1, 4))

    def fill_disk(self, node: Tried) -> None:
        """Nothing can be written for a while."""
        filler = node.home.parent / "filler"
        try:
            with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(1 << 16))
            self.done.wait(self.chance.uniform(1, 4))
        finally:
            filler.unlink(missing_ok=True)

    def crash_database(self, node: Tried) -> None:
        """kill -9 of one backend: PostgreSQL ends every session and recovers, as after a power cut."""
        import psycopg

        with contextlib.suppress(psycopg.Error), psycopg.connect(node.database_url, autocommit=True) as connection:
            row = connection.execute("SELECT pg_backend_pid()").fetchone()
            assert row
            try:
                os.kill(int(row[0]), signal.SIGKILL)
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.ESRCH):
                    raise
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                )
        self.done.wait(self.chance.uniform(0.5, 2))
