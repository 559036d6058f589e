"""Several measurements in one run: each is a process of its own, and at the end stands one report that can go into the documents.

A line of JSON that a measurement prints is a row of its table; whatever else it prints stands below as it is. One whose data or peer is
absent says so, one that fails is named, and the run goes on.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.matching.split import SHARED

PACKAGES = ("numpy", "numba", "rapidfuzz", "nomenklatura", "arabic-name-romanizer", "tantivy", "duckdb", "splink", "pyspark",
            "openmined-psi", "django", "cryptography")  # fmt: skip


@dataclass(frozen=True)
class Measurement:
    """What ``python -m command`` measures; ``quick`` is the same at a size that shows only that it runs.

    ``minutes`` is how long it takes on two quiet cores, ``needs`` what it reads of the shared material.
    """

    name: str
    title: str
    command: str
    quick: str
    minutes: float
    needs: tuple[str, ...] = ()


@dataclass
class Outcome:
    """What came of one measurement."""

    measurement: Measurement
    command: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    seconds: float = 0.0
    wrong: str = ""


def run_all(measurements: Sequence[Measurement], *, doc: str, program: str) -> int:
    """The command line of a list of measurements; returns its exit status."""
    given = _options(measurements, doc)
    if given.list:
        for one in measurements:
            print(f"{one.name:16} {one.minutes:5.1f} min  python -m {one.command}")
        print(f"{'together':16} {sum(one.minutes for one in measurements):5.1f} min")
        return 0
    chosen = [m for m in measurements if (not given.only or m.name in given.only) and m.name not in given.without]
    began, load = time.monotonic(), os.getloadavg()[0]
    outcomes = list(_outcomes(chosen, quick=given.quick, budget=given.budget))
    told = " ".join([f"python -m {program}", *map(shlex.quote, sys.argv[1:])])
    minutes = (time.monotonic() - began) / 60
    head = f"`{told}` – {machine()}; load {load:.1f} at the beginning; {minutes:.1f} minutes."
    text = "\n".join([head, "", *(line for outcome in outcomes for line in as_markdown(outcome))])
    print(f"\n{text}")
    if given.out:
        given.out.write_text(text, encoding="utf-8")
    return int(any(outcome.wrong.startswith("failed") for outcome in outcomes))


def _options(measurements: Sequence[Measurement], doc: str) -> argparse.Namespace:
    names = [one.name for one in measurements]
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="small sizes: shows that all of it runs, figures mean little"
    )
    parser.add_argument("--only", nargs="*", choices=names, default=[], metavar="NAME", help=", ".join(names))
    parser.add_argument("--without", nargs="*", choices=names, default=[], metavar="NAME")
    parser.add_argument("--budget", type=float, help="minutes; what would not fit any more is named and left out")
    parser.add_argument("--list", action="store_true", help="name the measurements, their commands and minutes")
    parser.add_argument("--out", type=Path, help="write the report there too (Markdown)")
    return parser.parse_args()


def _outcomes(chosen: Sequence[Measurement], *, quick: bool, budget: float | None) -> Iterator[Outcome]:
    began = time.monotonic()
    for one in chosen:
        outcome = Outcome(one, one.quick if quick else one.command)
        absent = [path for path in one.needs if not (SHARED / path).exists()]
        spent = (time.monotonic() - began) / 60
        if absent:
            outcome.wrong = f"not measured: {', '.join(absent)} is not in the shared material ({SHARED.name})"
        elif budget is not None and not quick and spent + one.minutes > budget:
            outcome.wrong = f"not measured: {one.minutes:g} minutes would not fit into what is left of {budget:g}"
        else:
            _measure(outcome)
        if outcome.wrong:
            print(f"{one.name}: {outcome.wrong}", file=sys.stderr, flush=True)
        yield outcome


def _measure(outcome: Outcome) -> None:
    print(f"== python -m {outcome.command}", flush=True)
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", *shlex.split(outcome.command)], stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert process.stdout is not None
    for line in process.stdout:
        print(line, end="", flush=True)
        row = _row(line)
        if row is None:
            outcome.lines.append(line.rstrip())
        else:
            outcome.rows.append(row)
    status = process.wait()
    outcome.seconds = time.monotonic() - began
    if status:
        outcome.wrong = f"failed with status {status}"


def _row(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        row: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError:
        return None
    return row


# ---- the report


def as_markdown(outcome: Outcome) -> Iterator[str]:
    """The part of a report that one measurement is: title, command, table."""
    yield f"### {outcome.measurement.title}"
    yield ""
    yield f"`python -m {outcome.command}`" + (f" ({outcome.seconds:.0f} s)" if outcome.seconds else "")
    yield ""
    if outcome.wrong:
        yield f"**{outcome.wrong}**"
        yield ""
    if outcome.rows:
        yield from table(outcome.rows)
        yield ""
    if lines := [line for line in outcome.lines if line.strip()]:
        yield from ["```", *lines, "```", ""]


def table(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Rows as a table of Markdown: a column for each key, in the order in which they are first met."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    yield "| " + " | ".join(key.replace("_", " ") for key in keys) + " |"
    yield "|" + "---|" * len(keys)
    for row in rows:
        yield "| " + " | ".join(_cell(row.get(key)) for key in keys) + " |"


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, dict):
        return " · ".join(f"{key} {_cell(inside)}" for key, inside in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def machine() -> str:
    """Processor, cores, memory, system, and the versions that figures depend on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    parts = [_processor(), f"{os.cpu_count()} cores", f"{memory:.0f} GB", platform.platform(terse=True)]
    return ", ".join([*parts, f"Python {platform.python_version()}", *_versions()])


def _processor() -> str:
    try:
        lines: Iterable[str] = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _versions() -> Iterator[str]:
    for package in PACKAGES:
        try:
            yield f"{package} {importlib.metadata.version(package)}"
        except importlib.metadata.PackageNotFoundError:
            continue
