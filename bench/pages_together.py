"""What officers wait for at a grown node while everything runs: its pages, its worker, a partner that acts, and an import, on the same cores.

A real node (SQLite, or PostgreSQL with ``--postgres``) is grown – dossiers copied in its store, a register by the ordinary import, one dossier of
a thousand entries by acts –, started, and asked for its pages over HTTP by a signed-in officer, one after another, first at rest and then
while the partner's officer acts twice a second and ``tansiq import`` reads a list of a quarter as many lines again and again. Told is the
time from asking to the whole page.

    python -m bench.pages_together                                     # 2,000 dossiers, 10,000 lines of register
    python -m bench.pages_together --dossiers 100000 --lines 200000    # 1,000,000 values of register
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from bench.pages import copy_dossiers
from bench.register_import import write_file
from tansiq.demo.browser import Person
from tansiq.demo.nodes import PASSWORD, wait_for
from tests.system import intents
from tests.system.world import HERE, Driver, Made, agreed

sys.path.insert(0, str(HERE / "tools"))


def main() -> None:
    """Grow a node, ask its pages, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dossiers", type=int, default=2_000)
    parser.add_argument("--entries", type=int, default=1_000, help="of the long dossier")
    parser.add_argument("--lines", type=int, default=10_000, help="of the register: about five values each")
    parser.add_argument("--calls", type=int, default=40, help="of every page, at rest and under load")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--grow", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.grow:
        return grow(*given.grow)
    import private_postgres

    store = "PostgreSQL" if given.postgres else "SQLite"
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {store}", flush=True)
    with (
        private_postgres.server() if given.postgres else nullcontext("") as url,
        tempfile.TemporaryDirectory() as folder,
    ):
        if url:
            os.environ["TANSIQ_TEST_DB"] = url
        with agreed(Path(folder)) as (made, drivers):
            measure(made["fr"], drivers, Path(folder), given)
    return None


def grow(source: str, count: str) -> None:
    """Copies of a dossier, in the store of the node in whose environment this runs."""
    from tests.system.driver import unlocked

    unlocked()
    from tansiq.node.cli.session import now

    copy_dossiers(source, int(count), now())


def measure(node: Made, drivers: dict[str, Driver], folder: Path, given: argparse.Namespace) -> None:
    """Grow it, then ask, at rest and under load."""
    dossier = drivers["fr"]("act", officer="liaison", intent=intents.request("ma"))["dossier"]
    wait_for("the receipt", lambda: drivers["fr"]("entries", dossier=dossier)["phase"] == "received")
    acts = [intents.act("request", dossier, "remind")] * (given.entries - 2)
    drivers["fr"]("burst", officer="liaison", intents=acts, every=0)
    asked = drivers["ma"]("act", officer="liaison", intent=intents.request("fr", name="Amina Bennani"))["dossier"]
    node.stop()
    began = time.time()
    run(node, ["-m", "bench.pages_together", "--grow", dossier, str(given.dossiers)])
    lists = [folder / "first.ftm.json", folder / "second.ftm.json"]
    write_file(lists[0], given.lines)
    write_file(lists[1], max(given.lines // 4, 1000))
    run(node, words_of_import(lists[0], "first"))
    print(
        f"grown in {time.time() - began:.0f} s: {given.dossiers} dossiers, {given.lines} lines of register", flush=True
    )
    node.start(wait=300)
    person = Person(node.url, "liaison", PASSWORD)
    person.http.timeout = 600
    pages = {name: ask(person, address) for name, address in addresses(dossier).items()} | {"search": search(person)}
    for what in pages.values():
        what()  # the index of names is built by the first question
    at_rest = {name: cuts(what, given.calls) for name, what in pages.items()}
    with busy(node, drivers["ma"], asked, lists[1]):
        under_load = {name: cuts(what, given.calls) for name, what in pages.items()}
    print(f"{'page':12} {'at rest p50':>12} {'p95':>8} {'under load p50':>15} {'p95':>8}   ms")
    for name in pages:
        (a, b), (c, d) = at_rest[name], under_load[name]
        print(f"{name:12} {a:12.0f} {b:8.0f} {c:15.0f} {d:8.0f}", flush=True)


def run(node: Made, words: list[str]) -> None:
    """Run something with the node's environment."""
    told = {**node.environment("liaison"), "PYTHONPATH": f"{HERE}:{HERE / 'src'}"}
    subprocess.run([sys.executable, *words], env=told, cwd=HERE, check=True, stdout=subprocess.DEVNULL)


def words_of_import(path: Path, name: str) -> list[str]:
    """The command that imports a list."""
    return ["-m", "tansiq.node.cli", "import", "ftm", str(path), "--list", name]


def addresses(dossier: str) -> dict[str, str]:
    """The pages that are opened."""
    return {"desk": "/", "dossiers": "/dossiers/", "dossier": f"/dossiers/{dossier}/", "statistics": "/statistics/"}


def ask(person: Person, address: str) -> Callable[[], Any]:
    """Opening a page."""
    return lambda: person.http.get(address).raise_for_status()


def search(person: Person) -> Callable[[], Any]:
    """A question to the own register, from the form to its answer."""
    page = person.open("/search/")
    form = page.form(having="names")
    return lambda: person.send(page, form, names="Amina Karim Example", purpose="investigation")


def cuts(what: Callable[[], Any], calls: int) -> tuple[float, float]:
    """The 50th and the 95th of a hundred, in ms."""
    times = []
    for _ in range(calls):
        began = time.perf_counter()
        what()
        times.append((time.perf_counter() - began) * 1000)
    points = statistics.quantiles(times, n=100)
    return points[49], points[94]


@contextmanager
def busy(node: Made, partner: Driver, dossier: str, path: Path) -> Iterator[None]:
    """The partner's officer acts twice a second, and a list is imported again and again, until the block ends."""
    over = threading.Event()

    def acting() -> None:
        while not over.is_set():
            partner("burst", officer="liaison", intents=[intents.act("request", dossier, "remind")] * 4, every=0.5)

    def importing() -> None:
        while not over.is_set():
            run(node, words_of_import(path, "second"))

    threads = [threading.Thread(target=acting), threading.Thread(target=importing)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main()
