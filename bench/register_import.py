"""Import and export of FollowTheMoney entities through the register of a fresh node: rate, peak memory, size.

nice python -m bench.register_import --count 20000
nice python -m bench.register_import --count 1000000 --keep /var/tmp/bench   # the file and the node stay
TANSIQ_DATABASE_URL=postgres://… python -m bench.register_import   # on PostgreSQL; an empty database

The file is generated (persons that do not exist, every tenth with a passport line) and is on disk before the clock
starts; the node is real: SQLite in WAL mode with full synchronisation, values sealed, audit written. Peak memory is of
the whole process, the FollowTheMoney model and the database's pages mapped into it (at most 128 MB) included;
``own_grown`` is how much the process's own memory (Linux: RssAnon) grew after the first thousand rows were stored.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

GIVEN = "Amina Karim Nadia Yusuf Salma Omar Giulia Marco Claire Hugo Leïla Tarek Paola Denis Samir Huda".split()  # noqa: SIM905
FAMILY = "Example Specimen Invented Placeholder Muster Esempio Exemple Mithal Namuna Sample".split()  # noqa: SIM905
STEPS = ("import", "again", "changed", "export")
COUNTRIES = ("ma", "fr", "it", "es", "tn", "dz", "eg", "de", "be", "nl")


def entities(count: int) -> Iterator[dict[str, Any]]:
    """Invented persons; the same in every run."""
    drawn = random.Random(3)
    for number in range(count):
        name = f"{drawn.choice(GIVEN)} {drawn.choice(GIVEN)} {drawn.choice(FAMILY)}-{number}"
        properties = {
            "name": [name],
            "alias": [f"{name.split(maxsplit=1)[0]} {drawn.choice(FAMILY)}"],
            "birthDate": [f"{drawn.randint(1940, 2005)}-{drawn.randint(1, 12):02}-{drawn.randint(1, 28):02}"],
            "nationality": [drawn.choice(COUNTRIES)],
            "country": [drawn.choice(COUNTRIES)],
        }
        yield {"id": f"person-{number}", "schema": "Person", "properties": properties}
        if number % 10 == 0:
            passport = {"holder": [f"person-{number}"], "number": [f"AB{number:07}"], "country": ["ma"]}
            yield {"id": f"passport-{number}", "schema": "Passport", "properties": passport}


def write_file(path: Path, count: int) -> None:
    """``count`` lines of a person or passport."""
    with path.open("w", encoding="utf-8") as sink:
        for done, entity in enumerate(entities(count)):
            if done == count:
                return
            sink.write(json.dumps(entity, ensure_ascii=False, separators=(",", ":")) + "\n")


def start_node(home: Path) -> None:
    """The node of this folder in this process, unlocked; a fresh one with keys of its own if there is none."""
    again = home / "keys.json"
    (home / "node.toml").write_text('node_id = "fr"\nstate = "FR"\nlanguage = "en"\nnames = {en = "Bench"}\n')
    from tansiq.node.cli.session import start_django

    start_django(home)
    from django.core.management import call_command

    from tansiq.node.vault import keys

    call_command("migrate", verbosity=0, interactive=False)
    made = keys.Keys.from_json(json.loads(again.read_text())) if again.exists() else None
    keys.install(made or keys.generate(datetime.now(UTC), os.urandom))
    # Invented persons: their keys may lie beside them, so that a later step can go on in the same node.
    again.write_text(json.dumps(keys.current().to_json()))


class Analyst:
    """The officer who imports."""

    reference = "00000000-0000-0000-0000-000000000001"
    circles: frozenset[str] = frozenset()
    roles = ["analyst"]


def peak_mb() -> float:
    """The most memory this process has used, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)


def own_mb() -> float:
    """The memory that is this process's own now, without pages of files mapped into it, in MB; 0 where not told."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon")), 0.0)


def cpu_seconds() -> float:
    """Processor time of this process and of those that it started and that have ended."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)


def timed(count: int, act: Callable[[], Any]) -> tuple[dict[str, Any], Any]:
    """What ``act`` took, by the clock and in processor time, and what it gave."""
    began, spent = time.perf_counter(), cpu_seconds()
    given = act()
    took, spent = time.perf_counter() - began, cpu_seconds() - spent
    rates = {"seconds": round(took, 1), "lines_a_second": round(count / took)}
    return rates | {"cpu_seconds": round(spent, 1), "lines_a_cpu_second": round(count / spent)}, given


def change_one_in_a_hundred(source: Path, target: Path) -> None:
    """The file again with another date of birth in every hundredth line."""
    with source.open(encoding="utf-8") as lines, target.open("w", encoding="utf-8") as sink:
        for number, line in enumerate(lines):
            sink.write(line if number % 100 else line.replace('"birthDate":["', '"birthDate":["1939","'))


def measure(folder: Path, count: int, steps: Collection[str]) -> dict[str, Any]:
    """Import ``count`` lines, import them again, import them with one in a hundred changed, export what they made."""
    from tansiq.engine.entities import model
    from tansiq.node.register.exporting import export_subjects
    from tansiq.node.register.import_formats import ftm_format
    from tansiq.node.register.importing import import_list

    source, changed, own = folder / "entities.ftm.json", folder / "changed.ftm.json", [0.0]
    if not source.exists():
        write_file(source, count)
        change_one_in_a_hundred(source, changed)
    model()

    def watch(phase: str, done: int, total: int | None) -> None:
        if done >= 1_000:
            own.append(own_mb())
        if sys.stderr.isatty():
            print(f"\r{phase} {done:,} of {total or count:,}  {peak_mb():,.0f} MB ", end="", file=sys.stderr)

    def bring_in(path: Path) -> Any:
        now = datetime.now(UTC)
        return import_list(Analyst(), ftm_format("bench"), lambda: path.open("rb"), progress=watch, now=now)

    found: dict[str, Any] = {"lines": count, "file_mb": round(source.stat().st_size / 1e6, 1)}
    for name, path in (("import", source), ("again", source), ("changed", changed)):
        if name not in steps:
            continue
        rates, report = timed(count, partial(bring_in, path))
        found[name] = rates | {"counts": {word: number for word, number in report.counts.items() if number}}
    if "export" in steps:
        with (folder / "copy.ftm.json").open("wb") as sink:
            taken = partial(export_subjects, Analyst(), "ftm", sink, purpose="investigation", now=datetime.now(UTC))
            found["export"], _ = timed(count, taken)
    database = sum(path.stat().st_size for path in folder.rglob("*.sqlite3*"))
    found["memory_mb"] = {
        "peak": round(peak_mb()),
        "own": round(max(own)),
        "own_grown": round(max(own) - own[min(1, len(own) - 1)]),
    }
    return found | {"database_mb": round(database / 1e6, 1)}


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--keep", type=Path, help="an empty folder to work in, which stays")
    parser.add_argument("--steps", nargs="*", choices=STEPS, default=STEPS, help="only these, in the node of --keep")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() if given.keep is None else nullcontext(given.keep) as folder:
        start_node(Path(folder))
        found = measure(Path(folder), given.count, given.steps)
    print(
        json.dumps(
            {"machine": platform.platform(), "python": platform.python_version(), "cores": os.cpu_count(), **found},
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
