"""One large file between two real nodes over a line that is cut: sent, followed to its signed receipt, measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tansiq.demo.nodes import wait_for
from tests.system import intents
from tests.system.line import Line
from tests.system.world import Driver, Made, agreed

MB = 1024 * 1024


@dataclass
class Behind(Made):
    """A node that its partners reach over a line."""

    line: Line | None = None

    @property
    def url(self) -> str:
        self.line = self.line or Line(self.port)
        return f"http://127.0.0.1:{self.line.port}"


@dataclass
class Pair:
    """Two nodes; ``fr`` stands behind the line."""

    made: dict[str, Made]
    drivers: dict[str, Driver]
    done: list[str] = field(default_factory=list)

    @property
    def line(self) -> Line:
        node = self.made["fr"]
        assert isinstance(node, Behind)
        assert node.line is not None
        return node.line

    def peaks(self) -> dict[str, int]:
        """The most memory (MB) that each process of both nodes has held."""
        found = {}
        for name, node in self.made.items():
            for pid in node.children():
                status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
                peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
                found[f"{name} {node.part_of(pid)}"] = int(peak.split()[1]) // 1024
        return found

    def send(self, size: int) -> tuple[str, dict[str, Any]]:
        """A request with one file; returns the dossier and what its part says."""
        told = self.drivers["fr"]("attach", officer="liaison", size=size)
        intent = intents.request("ma")
        intent["parts"].append({"type": "file", "content": told})
        return str(self.drivers["fr"]("act", officer="liaison", intent=intent)["dossier"]), told

    def follow(self, dossier: str, *, seconds: float, each: Callable[[dict[str, Any]], None] | None = None) -> float:
        """Wait until the sender has the signed word of the recipient; returns how long it took."""
        begin = time.monotonic()

        def verified() -> bool:
            if each is not None:
                each(self.drivers["ma"]("files", entry=dossier))
            (one,) = self.drivers["fr"]("files", entry=dossier)
            return bool(one["copies"]) and one["copies"][0]["state"] == "verified"

        wait_for("the word that it arrived", verified, seconds=seconds, every=0.5)
        return time.monotonic() - begin


@contextmanager
def pair(folder: Path, *, unreachable: tuple[str, ...] = ()) -> Iterator[Pair]:
    """Two running nodes with an accord; ``fr`` behind a line that can be cut."""
    with agreed(folder, unreachable=unreachable, kind=Behind) as (made, drivers):
        try:
            yield Pair(made, drivers)
        finally:
            for node in made.values():
                if isinstance(node, Behind) and node.line:
                    node.line.close()
