"""``make demo``: three nodes, the story, and then the sites for whoever wants to look around.

``--once`` ends after the story, with exit status 0 if it came out. ``--list`` imports a UN list (file or URL) into Morocco's node first.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import signal
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tansiq.demo import people, story
from tansiq.demo.nodes import FRANCE, ITALY, MOROCCO, PASSWORD, Node, enrol_each_other
from tansiq.demo.steps import Teller


def main() -> int:
    """Run the demonstration; returns the exit status."""
    parser = argparse.ArgumentParser(prog="make demo", description="Three national nodes, one question, one answer.")
    parser.add_argument("--once", action="store_true", help="end after the story")
    parser.add_argument(
        "--list", default="", help="file or URL of the UN Security Council consolidated list (XML), for Morocco's node"
    )
    parser.add_argument("--port", type=int, default=0, help="first of three ports; any free ones if left out")
    given = parser.parse_args()
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: _stop(stopping))
    folder = Path(tempfile.mkdtemp(prefix="tansiq-demo-"))
    nodes = _nodes(folder, given.port)
    try:
        _play(nodes, given.list)
        if not given.once:
            _stay(nodes, stopping)
    except (KeyboardInterrupt, _Stopped):
        print("\nStopped.")
        return 130
    except Exception as error:  # noqa: BLE001 - the top of the program: whatever went wrong is told, and the status says so
        print(f"\nThe story did not come out: {type(error).__name__}: {error}", file=sys.stderr)
        for node in nodes.values():
            print(f"--- {node.node_id}\n{node.log()[-3000:]}", file=sys.stderr)
        return 1
    finally:
        for node in nodes.values():
            node.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


class _Stopped(BaseException):
    """Ctrl-C, wherever the story stands."""


def _stop(stopping: threading.Event) -> None:
    if stopping.is_set():
        return
    stopping.set()
    raise _Stopped


def _nodes(folder: Path, port: int) -> dict[str, Node]:
    made = {}
    for number, country in enumerate((FRANCE, ITALY, MOROCCO)):
        home = folder / country.node_id
        home.mkdir()
        node = Node(country, home / "home")
        if port:
            node.port = port + number
        made[country.node_id] = node
    return made


def _play(nodes: dict[str, Node], list_source: str) -> None:
    teller = Teller()
    print("Three authorities, each with a node of its own; no centre.\n")
    with (
        teller.step("nodes", "France, Italy and Morocco make theirs: keys, card, store"),
        ThreadPoolExecutor(2) as pool,
    ):
        fingerprints = dict(zip(nodes, pool.map(Node.init, nodes.values()), strict=True))
    with teller.step("officers", "read the fingerprints aloud, in words, and enrol each other"):
        enrol_each_other(list(nodes.values()), fingerprints)
    with (
        teller.step("officers", "get accounts; invented subjects stand in each register"),
        ThreadPoolExecutor(2) as pool,
    ):
        list(pool.map(_staff, nodes.values()))
    if list_source:
        _import_list(nodes["ma"], list_source, teller)
    with teller.step("nodes", "start: pages, partners' door, worker"):
        for node in nodes.values():
            node.start(wait=90)
    story.tell(nodes, teller, people.terms)
    print(f"\nThe story came out, {teller.count} steps in {time.monotonic() - teller.started:.0f} s.")


def _staff(node: Node) -> None:
    node.command(
        "seed", "-", given={"officers": people.OFFICERS[node.node_id], "subjects": people.SUBJECTS[node.node_id]}
    )


def _import_list(node: Node, source: str, teller: Teller) -> None:
    for what in ("imports the UN list, as it is", "imports it again: nothing changes"):
        with teller.step("Nadia", what):
            path = source if source.startswith(("http://", "https://")) else str(Path(source).resolve())
            report: Any = node.command("import", "un", path, officer="nadia")
        print(f"              {report.get('counts')}")


def _stay(nodes: dict[str, Node], stopping: threading.Event) -> None:
    print("\nThe sites stay up until Ctrl-C. Every password is:", PASSWORD, "\n")
    for node in nodes.values():
        names = ", ".join(f"{username} ({roles})" for username, _, roles, _ in people.OFFICERS[node.node_id])
        print(f"  {node.url}/   {node.country.names['fr']}\n      {names}")
    with contextlib.suppress(_Stopped):
        stopping.wait()
    print("\nStopping the nodes …")


if __name__ == "__main__":
    sys.exit(main())
