"""A linkage on one machine: DuckDB reads and keeps the registers, compiled code scores them, unit by unit.

In a folder of work stand the registers as DuckDB holds them, the model, and one file for each unit that is done. A run
that was killed goes on with the first unit that has no file. Memory: for each record four bytes a column and eight a
rule, for each distinct value about a hundred; DuckDB itself keeps to ``memory_mb`` and spills to the folder.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tansiq.engine.errors import Rejected, Unavailable
from tansiq.engine.matching import linkage as work
from tansiq.engine.matching.linkage.store import Ints
from tansiq.linkage.answering import KEPT_BELOW, Linked, Progress, answer, log_odds
from tansiq.linkage.learning import Sides, learn

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Register:
    """A file of records: CSV, TSV or Parquet with a header; ``row_id`` names the column of ids."""

    path: Path
    row_id: str

    def digest(self) -> list[str | int]:
        """What tells an unchanged file."""
        told = self.path.stat()
        return [str(self.path.absolute()), told.st_size, told.st_mtime_ns]


def connect(folder: Path, *, memory_mb: int, workers: int) -> DuckDBPyConnection:
    """DuckDB over a file in ``folder``. Raises ``Unavailable("matching.duckdb_missing")`` where it is not installed."""
    try:
        import duckdb
    except ImportError as wrong:
        raise Unavailable("matching.duckdb_missing") from wrong
    settings: dict[str, Any] = {
        "memory_limit": f"{memory_mb}MB",
        "threads": str(workers),
        "temp_directory": str(folder / "spill"),
    }
    opened = duckdb.connect(str(folder / "registers.duckdb"), config=settings)
    opened.execute("SET enable_progress_bar = false; SET preserve_insertion_order = true")
    return opened


def link(
    left: Register,
    right: Register | None,
    plan: work.Plan,
    *,
    folder: Path,
    least: float = 0.5,
    many: bool = False,
    model: str = "",
    workers: int = 2,
    memory_mb: int = 2000,
    progress: Progress = lambda _what, _done, _of: None,
) -> Linked:
    """Link two registers, or (``right`` is None) find the records of one that are the same.

    ``least`` is the lowest probability that links; ``many`` allows a record several links. Work stands in ``folder``;
    what was done for the same files, plan and model is not done again. ``model`` is the text of a model to be used
    instead of a learned one. Raises ``Rejected`` with the place: ``matching.columns``, ``matching.plan``,
    ``matching.duplicate_id``, ``matching.model``.
    """
    with _prepared(left, right, plan, folder, model, least, memory_mb, workers, progress) as made:
        bound = log_odds(least)
        kept = _scored(folder, made, bound - KEPT_BELOW, workers, progress)
        sides, alone = made.sides, right is None
        return answer(
            kept,
            (partial(_ids, made.db, "a"), None if alone else partial(_ids, made.db, "b")),
            records=(sides.left.shape[1], sides.right.shape[1]),
            least=least,
            many=many,
            expected_matches=made.model.expected_matches,
            account=_account(made, kept),
        )


def prepare(
    left: Register,
    right: Register | None,
    plan: work.Plan,
    *,
    folder: Path,
    workers: int = 2,
    memory_mb: int = 2000,
    progress: Progress = lambda _what, _done, _of: None,
) -> tuple[work.Plan, work.Model]:
    """The rules that ``link`` would work off, and the model that it would learn, without scoring anything."""
    with _prepared(left, right, plan, folder, "", 0.0, memory_mb, workers, progress) as made:
        taken = tuple(rule for place, rule in enumerate(made.plan.rules) if place not in made.units.dropped)
        return replace(made.plan, rules=taken, is_chosen=True), made.model


@dataclass(frozen=True)
class _Prepared:
    """Everything that stands before the first pair is scored."""

    db: DuckDBPyConnection
    plan: work.Plan
    sides: Sides
    keys: Sequence[tuple[work.Keys, work.Keys]]
    units: work.Units
    model: work.Model


@contextmanager
def _prepared(
    left: Register,
    right: Register | None,
    plan: work.Plan,
    folder: Path,
    model: str,
    least: float,
    memory_mb: int,
    workers: int,
    progress: Progress,
) -> Iterator[_Prepared]:
    folder.mkdir(parents=True, exist_ok=True)
    _begin(folder, left, right, plan, model, least)
    with connect(folder, memory_mb=memory_mb, workers=workers) as db:
        progress("read", 0, 1)
        for side, register in (("a", left), ("b", right)):
            if register is not None:
                load(db, side, register, plan)
        sides = _sides(db, plan, alone=right is None)
        progress("keys", 0, 1)
        plan, keys = work.choose_rules(plan, sides.store, sides.left, sides.right)
        units = work.plan_units(keys, max(sides.left.shape[1], sides.right.shape[1]), alone=sides.alone)
        yield _Prepared(db, plan, sides, keys, units, _model(folder, plan, sides, keys, units, model))


def _begin(folder: Path, left: Register, right: Register | None, plan: work.Plan, model: str, least: float) -> None:
    """Throw away work that was done for something else."""
    told = [left.digest(), right.digest() if right else None, left.row_id, plan.digest, model, least]
    digest = hashlib.sha256(json.dumps(told).encode()).hexdigest()
    mark = folder / "run.json"
    if mark.exists() and mark.read_text() == digest:
        return
    for old in [*folder.glob("unit-*.npz"), *folder.glob("registers.duckdb*"), folder / "model.json"]:
        old.unlink(missing_ok=True)
    _write(mark, digest.encode())


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)


# ---- the registers in DuckDB


def quoted(name: str) -> str:
    """A column's name inside SQL."""
    return '"' + name.replace('"', '""') + '"'


def load(db: DuckDBPyConnection, side: str, register: Register, plan: work.Plan) -> None:
    """Read a register into table ``side``: its ids and the columns of the plan, as text; empty is missing."""
    import duckdb

    if db.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [side]).fetchone():
        return
    columns = [register.row_id, *(field.name for field in plan.fields)]
    reader = "read_parquet(?)" if register.path.suffix == ".parquet" else "read_csv(?, header=true, all_varchar=true)"
    try:
        found = db.execute(f"SELECT * FROM {reader} LIMIT 0", [str(register.path)])  # noqa: S608 - no value in it
    except duckdb.Error as wrong:
        raise Rejected("matching.columns", at=register.path.name, columns=[str(wrong).splitlines()[0][:200]]) from wrong
    named = {str(told[0]).strip().lower(): str(told[0]) for told in found.description or ()}
    missing = [column for column in columns if column.lower() not in named]
    if missing:
        raise Rejected("matching.columns", at=register.path.name, columns=missing)
    chosen = ", ".join(
        f"nullif(trim(CAST({quoted(named[column.lower()])} AS VARCHAR)), '') AS c{place}"
        for place, column in enumerate(columns)
    )
    try:
        db.execute("BEGIN")
        db.execute(
            f"CREATE TABLE {side} AS SELECT row_number() OVER () - 1 AS n, {chosen} FROM {reader}",  # noqa: S608
            [str(register.path)],
        )
        db.execute("COMMIT")
    except duckdb.Error as wrong:
        raise Rejected("matching.columns", at=register.path.name, columns=[str(wrong).splitlines()[0][:200]]) from wrong
    _check_ids(db, side, register)


def _check_ids(db: DuckDBPyConnection, side: str, register: Register) -> None:
    empty = db.execute(f"SELECT min(n) + 2 FROM {side} WHERE c0 IS NULL").fetchone()  # noqa: S608 - our own names
    if empty and empty[0] is not None:
        raise Rejected("matching.no_id", at=f"{register.path.name}, line {empty[0]}")
    twice = db.execute(
        f"SELECT c0, max(n) + 2 FROM {side} GROUP BY c0 HAVING count(*) > 1 ORDER BY 2 LIMIT 1"  # noqa: S608
    ).fetchone()
    if twice:
        raise Rejected("matching.duplicate_id", at=f"{register.path.name}, line {twice[1]}", id=str(twice[0])[:80])


def _sides(db: DuckDBPyConnection, plan: work.Plan, *, alone: bool) -> Sides:
    """Each distinct value once, and each record as the numbers of its values."""
    sides = ["a"] if alone else ["a", "b"]
    columns, counts = [], []
    for place in range(1, len(plan.fields) + 1):
        every = " UNION ALL ".join(f"SELECT c{place} AS v FROM {side}" for side in sides)  # noqa: S608 - our own names
        db.execute(
            f"CREATE OR REPLACE TEMP TABLE v{place} AS SELECT v, count(*) AS held, row_number() OVER (ORDER BY v) - 1 "  # noqa: S608
            f"AS k FROM ({every}) WHERE v IS NOT NULL GROUP BY v"
        )
        found = db.execute(f"SELECT v, held FROM v{place} ORDER BY k").fetchnumpy()  # noqa: S608 - our own names
        columns.append(found["v"].tolist())
        counts.append(np.asarray(found["held"], dtype=np.int64))
    store = work.make_store(plan, columns, counts)
    tables = [_numbers(db, plan, side, store) for side in sides]
    return Sides(tables[0], tables[-1], store, alone)


def _numbers(db: DuckDBPyConnection, plan: work.Plan, side: str, store: work.Store) -> Ints:
    rows = db.execute(f"SELECT count(*) FROM {side}").fetchone()  # noqa: S608 - our own names
    found = np.empty((len(plan.fields), rows[0] if rows else 0), dtype=np.int32)
    for f in range(len(plan.fields)):
        told = db.execute(
            f"SELECT s.n AS n, CAST(coalesce(v.k, -1) AS INTEGER) AS k "  # noqa: S608 - our own names
            f"FROM {side} s LEFT JOIN v{f + 1} v ON s.c{f + 1} = v.v"
        ).fetchnumpy()
        places = np.empty(found.shape[1], dtype=np.int32)
        places[np.asarray(told["n"], dtype=np.int64)] = np.asarray(told["k"], dtype=np.int32)
        found[f] = work.value_numbers(store, f, places)
    return found


def _model(
    folder: Path,
    plan: work.Plan,
    sides: Sides,
    keys: Sequence[tuple[work.Keys, work.Keys]],
    units: work.Units,
    given: str,
) -> work.Model:
    stored = folder / "model.json"
    if given:
        return work.Model.from_json(given, plan)
    if stored.exists():
        return work.Model.from_json(stored.read_text(), plan)
    learned = learn(plan, sides, keys, units)
    _write(stored, learned.to_json(plan).encode())
    return learned


# ---- the work


def _scored(folder: Path, made: _Prepared, least: float, workers: int, progress: Progress) -> work.Pairs:
    """Score every unit that is not done yet, several at once, and put together what was found."""
    weighing, sides, units = made.model.weighing(made.plan), made.sides, made.units

    def one(unit: work.Unit) -> None:
        rows = made.keys[unit.rule][0].rows, made.keys[unit.rule][1].rows
        pairs = work.score_unit(
            made.plan, unit, rows, units.met, sides.store.values, sides.left, sides.right,
            weighing=weighing, least=least, alone=sides.alone,
        )  # fmt: skip
        fresh = folder / f"unit-{unit.number:06}.new.npz"
        np.savez(fresh, left=pairs.left, right=pairs.right, log_odds=pairs.log_odds)
        fresh.replace(folder / f"unit-{unit.number:06}.npz")

    for stale in folder.glob("unit-*.new.npz"):
        stale.unlink()
    owed = [unit for unit in units.units if not (folder / f"unit-{unit.number:06}.npz").exists()]
    done = len(units.units) - len(owed)
    progress("pairs", done, len(units.units))
    with ThreadPoolExecutor(workers) as pool:
        for _ in _bounded(pool, one, owed, workers):
            done += 1
            progress("pairs", done, len(units.units))
    return work.Pairs.joined([_read_unit(folder / f"unit-{unit.number:06}.npz") for unit in units.units])


def _bounded(
    pool: ThreadPoolExecutor, do: Callable[[work.Unit], None], owed: Sequence[work.Unit], workers: int
) -> Iterator[None]:
    """Do all, at most as many at once as there are workers; the first failure is raised."""
    running: set[Future[None]] = set()
    waiting = list(reversed(owed))
    while running or waiting:
        while waiting and len(running) < workers:
            running.add(pool.submit(do, waiting.pop()))
        ended, running = wait(running, return_when=FIRST_COMPLETED)
        for one in ended:
            one.result()
            yield None


def _read_unit(path: Path) -> work.Pairs:
    with np.load(path) as stored:
        return work.Pairs(stored["left"], stored["right"], stored["log_odds"])


# ---- the answer


def _account(made: _Prepared, kept: work.Pairs) -> dict[str, Any]:
    plan, units, sides = made.plan, made.units, made.sides
    rules = [
        {
            "rule": str(rule),
            "pairs": units.pairs[number],
            "large_blocks_left_out": units.large_blocks[number],
            "pairs_in_them": units.large_pairs[number],
            **({"left_out": True} if number in units.dropped else {}),
        }
        for number, rule in enumerate(plan.rules)
    ]
    return {
        "left": sides.left.shape[1],
        **({} if sides.alone else {"right": sides.right.shape[1]}),
        "compared": sum(units.pairs),
        "kept": len(kept),
        "expected_matches": round(made.model.expected_matches, 1),
        "unread_values": {f.name: n for f, n in zip(plan.fields, sides.store.unread, strict=True) if n},
        "rules": rules,
    }


def _ids(db: DuckDBPyConnection, side: str, rows: Ints) -> list[str]:
    """The ids of rows, in their order."""
    if not len(rows):
        return []
    every = db.execute(f"SELECT c0 FROM {side} ORDER BY n").fetchnumpy()["c0"]  # noqa: S608 - our own names
    return [str(value) for value in every[rows]]
