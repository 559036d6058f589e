"""Linkage of whole registers beside splink on DuckDB: the same files, the same columns, one run, each in a process of its own.

    python -m bench.matching.linkage --task febrl4
    python -m bench.matching.linkage --task febrl3
    python -m bench.matching.linkage --task invented --size 1000000

splink (``uv sync --group bench``) gets comparisons from its own library, term frequencies, and the pairs of columns that its tutorials
would block on; its parameters are trained as its manual says. Both answer one to one (FEBRL 4, invented) or with pairs (FEBRL 1-3).
``best_f1`` is F1 at the best of many bounds, for each: nobody knows it beforehand. Each way first links two registers of 300 records, so that
what it loads and compiles once stands apart (``start_s``, from the beginning of its process; ours compiles for ten seconds more where it
has never run).
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from bench.matching.invented import write
from bench.matching.split import SHARED

Link = tuple[str, str, float]
FEBRL = (
    "given_name:name~surname,surname:name~given_name,date_of_birth:date,postcode:code,suburb:text,"
    "address_1:text,address_2:text,street_number:code,state:category"
)
INVENTED = "given_name:name~surname,surname:name~given_name,birth_date:date,street:text,postcode:code,city:text"
BOUNDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999)


def febrl(number: str, folder: Path) -> Path:
    """A FEBRL file with the spaces after its commas taken away."""
    target = folder / f"febrl{number}.csv"
    with (SHARED / f"data/febrl/dataset{number}.csv").open(newline="") as stream, target.open("w", newline="") as out:
        csv.writer(out).writerows([cell.strip() for cell in row] for row in csv.reader(stream) if row)
    return target


def ids_of(path: Path) -> list[str]:
    """The first column."""
    with path.open(newline="") as stream:
        return [row[0] for row in itertools.islice(csv.reader(stream), 1, None)]


def truth_of(task: str, left: Path, right: Path | None) -> set[tuple[str, str]]:
    """The pairs that are one subject."""
    if right is None:
        groups = defaultdict(list)
        for known in ids_of(left):
            groups[known.split("-")[1]].append(known)
        return {pair for group in groups.values() for pair in itertools.combinations(sorted(group), 2)}
    if task == "febrl4":
        return {(known, known.replace("-org", "-dup-0")) for known in ids_of(left)}
    theirs = ids_of(right)
    return {(f"a{known[1:]}", known) for known in theirs if int(known[1:]) < len(theirs) // 2}


def once(links: list[Link]) -> list[Link]:
    """Each record in one link at most, the best first."""
    used: tuple[set[str], set[str]] = (set(), set())
    kept = []
    for left, right, score in sorted(links, key=lambda link: (-link[2], link[0], link[1])):
        if left not in used[0] and right not in used[1]:
            used[0].add(left)
            used[1].add(right)
            kept.append((left, right, score))
    return kept


def quality(links: list[Link], truth: set[tuple[str, str]]) -> dict[str, float]:
    """Precision, recall and F1 at 0.5, and F1 at the best bound."""

    def at(bound: float) -> tuple[float, float, float]:
        said = [(a, b) for a, b, score in links if score >= bound]
        right = sum(pair in truth for pair in said)
        precision, recall = right / max(len(said), 1), right / len(truth)
        return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)

    precision, recall, f1 = at(0.5)
    best = max(at(bound)[2] for bound in BOUNDS)
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4), "best_f1": round(best, 4)}


def ours(left: Path, right: Path | None, fields: str, row_id: str) -> tuple[list[Link], float]:
    """``tansiq match link`` and ``dedupe``."""
    from tansiq.engine.matching.linkage import read_plan
    from tansiq.linkage.local import Register, link

    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as work:
        other = Register(right, row_id) if right else None
        found = link(Register(left, row_id), other, read_plan(fields), folder=Path(work), least=0.01)
        took = time.perf_counter() - began
    return [(*(sorted(pair[:2]) if right is None else pair[:2]), pair[2]) for pair in found.links], took  # type: ignore[misc]


def splink(left: Path, right: Path | None, fields: str, row_id: str) -> tuple[list[Link], float]:
    """splink on DuckDB with two threads."""
    import logging

    import duckdb
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    logging.getLogger("splink").setLevel(logging.ERROR)
    began = time.perf_counter()
    names = {f.split(":")[0]: f.split(":")[1].split("~")[0] for f in fields.split(",")}
    date = next(name for name, kind in names.items() if kind == "date")
    given, family = "given_name", "surname"
    comparisons = [
        cl.ForenameSurnameComparison(given, family, forename_surname_concat_col_name="both_names"),
        cl.DateOfBirthComparison(
            date, input_is_string=True, datetime_format="%Y%m%d" if "febrl" in str(left) else "%Y-%m-%d"
        ),
    ]
    for name, kind in names.items():
        if kind == "text":
            comparisons.append(
                cl.JaroWinklerAtThresholds(name, [0.93, 0.85]).configure(term_frequency_adjustments=True)
            )
        elif kind == "code":
            comparisons.append(
                cl.DamerauLevenshteinAtThresholds(name, [1, 2]).configure(term_frequency_adjustments=True)
            )
        elif kind == "category":
            comparisons.append(cl.ExactMatch(name).configure(term_frequency_adjustments=True))
    others = [name for name, kind in names.items() if kind in ("text", "code")]
    rules = [block_on(given, family), block_on(given, date), block_on(family, date)]
    rules += [block_on(date, name) for name in others] + [block_on(family, name) for name in others]
    rules += [block_on(given, name) for name in others] + [f"l.{given} = r.{family} and l.{family} = r.{given}"]
    settings = SettingsCreator(
        link_type="dedupe_only" if right is None else "link_only",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=rules,
        unique_id_column_name=row_id,
        retain_matching_columns=False,
        max_iterations=20,
    )
    connection = duckdb.connect(config={"threads": "2"})
    api = DuckDBAPI(connection=connection)
    both = f"nullif(concat_ws(' ', {given}, {family}), '') AS both_names"
    cells = ", ".join(f"nullif(trim({name}), '') AS {name}" for name in names)
    tables = []
    for place, path in enumerate([left] if right is None else [left, right]):
        connection.execute(
            f"CREATE TABLE read{place} AS SELECT {row_id}, {cells}, {both} FROM read_csv(?, header=true, all_varchar=true)",
            [str(path)],
        )
        tables.append(api.register(connection.table(f"read{place}"), dataset_display_name=f"side{place}"))
    linker = Linker(tables if right else tables[0], settings, log_level=None)
    certain = [block_on(given, family, date), block_on(given, family, others[-1]), block_on(family, date, others[-1])]
    linker.training.estimate_probability_two_random_records_match(certain, recall=0.8)
    linker.training.estimate_u_using_random_sampling(max_pairs=1_000_000)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on(given, family))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on(date, others[-1]))
    table = linker.inference.predict(threshold_match_probability=0.01).physical_name
    found = connection.execute(f"SELECT {row_id}_l, {row_id}_r, match_probability FROM {table}").fetchall()
    took = time.perf_counter() - began
    links = [(str(a), str(b), float(p)) for a, b, p in found]
    if right is None:
        return [(*sorted(pair[:2]), pair[2]) for pair in links], took  # type: ignore[misc]
    if links and links[0][0] not in set(ids_of(left)):
        links = [(b, a, p) for a, b, p in links]
    return once(links), took


WAYS: dict[str, Callable[[Path, Path | None, str, str], tuple[list[Link], float]]] = {"tansiq": ours, "splink": splink}


def measure(way: str, task: str, files: list[Path]) -> dict[str, object]:
    """One way on one task, in this process."""
    left, right = files[0], files[1] if len(files) > 1 else None
    fields, row_id = (INVENTED, "id") if task == "invented" else (FEBRL, "rec_id")
    try:
        start = warmed(way, files, fields, row_id)
    except ImportError as wrong:
        raise SystemExit(f"{way}: not installed, not measured ({wrong})") from wrong
    used = time.process_time()
    links, took = WAYS[way](left, right, fields, row_id)
    used = time.process_time() - used
    told = quality(links, truth_of(task, left, right))
    cost = {"seconds": round(took, 1), "cpu_s": round(used, 1), "start_s": round(start, 1)}
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"task": task, "records": _records(left), "way": way, **cost, **told, "links": len(links), "rss_mb": memory}


def _records(path: Path) -> int:
    with path.open("rb") as stream:
        return sum(1 for _ in stream) - 1


def warmed(way: str, files: list[Path], fields: str, row_id: str) -> float:
    """Link the first 300 records of each register; returns the seconds since this process began."""
    with tempfile.TemporaryDirectory() as folder:
        small = [Path(folder) / path.name for path in files]
        for path, target in zip(files, small, strict=True):
            with path.open() as stream:
                target.write_text("".join(itertools.islice(stream, 301)))
        WAYS[way](small[0], small[1] if len(small) > 1 else None, fields, row_id)
    return time.time() - _began()


def _began() -> float:
    """When this process was started."""
    ticks = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19]) / os.sysconf("SC_CLK_TCK")
    return time.time() - float(Path("/proc/uptime").read_text().split()[0]) + ticks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=("febrl1", "febrl2", "febrl3", "febrl4", "invented"), default="febrl4")
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--ways", nargs="*", default=list(WAYS))
    parser.add_argument("--files", nargs="*", type=Path, help="made by bench.matching.invented, instead of new ones")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        print(json.dumps(measure(options.inside, options.task, options.files)), flush=True)
        return
    with tempfile.TemporaryDirectory() as folder:
        files = options.files or (
            list(write(options.size, Path(folder)))
            if options.task == "invented"
            else [febrl(n, Path(folder)) for n in (("4a", "4b") if options.task == "febrl4" else (options.task[-1],))]
        )
        for way in options.ways:
            command = [sys.executable, "-m", "bench.matching.linkage", "--task", options.task, "--inside", way]
            subprocess.run([*command, "--files", *map(str, files)], check=False)


if __name__ == "__main__":
    main()
