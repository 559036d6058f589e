"""Nodes for system tests: real processes with an officer's driver beside each.

What makes a node – ``tansiq init``, ``partner card``, ``partner enrol`` – is run in the one process that afterwards acts as its
officer: the same commands, without a start of Python for each of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tansiq.demo.nodes import FRANCE, MOROCCO, PASSWORD, Country, Node, enrol_each_other, wait_for
from tansiq.demo.people import terms

HERE = Path(__file__).resolve().parents[2]


class Failed(RuntimeError):
    """The driver answered with an error of the tree; ``code`` says which."""

    def __init__(self, code: str, facts: dict[str, Any]) -> None:
        super().__init__(f"{code} {facts}")
        self.code = code


@dataclass
class Driver:
    """An officer's hands on one node."""

    node: Node
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        root = self.node.source if isinstance(self.node, Made) and self.node.source else HERE
        told = {**self.node.environment(), "PYTHONPATH": f"{root}:{root / 'src'}"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.system.driver"],
            env=told,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
        )

    def _answer(self) -> Any:
        assert self.process
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the driver of {self.node.node_id} is gone")
        value = json.loads(line)
        if "error" in value:
            raise Failed(value["error"], value["facts"])
        return value["ok"]

    def __call__(self, do: str, **told: Any) -> Any:
        if self.process is None or self.process.poll() is not None:
            self.start()
        assert self.process
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"do": do, **told}) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


def database() -> str:
    """A database of its own on the test server, where the run is on PostgreSQL; else the embedded default."""
    server = os.environ.get("TANSIQ_TEST_DB", "")
    if not server:
        return ""
    import psycopg

    name = f"tansiq_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{server.rsplit('/', 1)[0]}/{name}"


@dataclass
class Made(Node):
    """A node with an officer's hands, in which its commands run as long as it is being made."""

    is_made: bool = False
    source: Path | None = None
    """The folder of another version of the program, where the node runs that."""
    hands: Driver = field(init=False)

    def __post_init__(self) -> None:
        self.hands = Driver(self)

    def environment(self, officer: str = "") -> dict[str, str]:
        told = super().environment(officer)
        return {**told, "PYTHONPATH": str(self.source / "src")} if self.source else told

    def command(self, *words: str, officer: str = "", given: Any = None) -> Any:
        if self.is_made:
            return super().command(*words, officer=officer, given=given)
        return self.hands("program", words=list(words), given=given)


@contextmanager
def nodes(
    folder: Path, countries: Sequence[Country], *, unreachable: Sequence[str] = (), kind: Callable[..., Made] = Made
) -> Iterator[dict[str, Made]]:
    """Nodes that are made, enrolled with each other and staffed; none is started. All are stopped at the end."""
    made = [
        kind(c, folder / c.node_id / "home", reachable=c.node_id not in unreachable, database_url=database())
        for c in countries
    ]
    officers = [["liaison", ["liaison", "analyst"]], ["boss", ["approver", "prosecutor"]]]
    try:
        enrolled(made)
        for node in made:
            node.hands("people", password=PASSWORD, officers=officers)
        yield {node.node_id: node for node in made}
    finally:
        for node in made:
            node.hands.kill()
            node.kill()


def enrolled(made: Sequence[Made]) -> None:
    """Make these nodes, and enrol them with each other."""
    with ThreadPoolExecutor() as pool:
        spoken = dict(zip([n.node_id for n in made], pool.map(Node.init, made), strict=True))
    enrol_each_other(made, spoken)
    for node in made:
        node.is_made = True


def start(made: Iterable[Node]) -> None:
    """Start all of these nodes at once and wait until each answers."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda node: node.start(wait=90), made))


@contextmanager
def agreed(
    folder: Path, *, unreachable: Sequence[str] = (), kind: Callable[..., Made] = Made
) -> Iterator[tuple[dict[str, Made], dict[str, Driver]]]:
    """Nodes fr and ma, running, with an accord in force between them, and the hands of an officer on each."""
    with nodes(folder, [FRANCE, MOROCCO], unreachable=unreachable, kind=kind) as made:
        start(made.values())
        drivers = {name: node.hands for name, node in made.items()}
        ratified(drivers, ["fr", "ma"])
        yield made, drivers


def ratified(
    drivers: dict[str, Driver],
    parties: Sequence[str],
    *,
    carry: Callable[[], object] = lambda: None,
    **changed: Any,
) -> str:
    """An accord among ``parties``, proposed by the first and ratified by all; returns its id. ``carry`` brings what no line does."""
    from tansiq.engine.accords.terms import read_terms

    value = {**terms(list(parties), {"en": "Test accord"}, bilateral=False), **changed}
    held = read_terms(value)
    intent = {
        "kind": "accord",
        "act": "propose",
        "participants": list(parties[1:]),
        "codes": {"terms": held.digest},
        "parts": [{"type": "terms", "content": held.to_json()}],
    }
    accord = drivers[parties[0]]("act", officer="boss", intent=intent)["dossier"]
    carry()
    for party in parties:
        wait_for(f"the accord at {party}", lambda party=party: drivers[party]("entries", dossier=accord)["entries"])
        ratify = {"kind": "accord", "act": "ratify", "dossier": accord, "codes": {"terms": held.digest}}
        drivers[party]("act", officer="boss", intent=ratify)
    carry()
    for party in parties:
        wait_for(
            f"ratifications at {party}",
            lambda party=party: drivers[party]("entries", dossier=accord)["phase"] == "in_force",
        )
    return str(accord)
