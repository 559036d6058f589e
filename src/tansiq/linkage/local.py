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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tansiq.engine.errors import Rejected, Unavailable
from tansiq.engine.matching import linkage as work
from tansiq.engine.matching.linkage.store import Ints

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

RANDOM = 100_000
"""Random pairs from which it is learned how often values agree by chance."""
SAMPLE = 50_000
"""Pairs of each rule from which the rest of the model is learned."""
NARROW = 3
"""Pairs a record that a rule may bring from which the model is learned: many of them must be matches."""
SEED = 20260101
KEPT_BELOW = 3.0
"""Pairs down to this much below the bound are kept: groups are judged by what speaks against them too."""
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Register:
    """A file of records: CSV, TSV or Parquet with a header; ``row_id`` names the column of ids."""

    path: Path
    row_id: str

    def digest(self) -> list[str | int]:
        """What tells an unchanged file."""
        told = self.path.stat()
        return [str(self.path.absolute()), told.st_size, told.st_mtime_ns]


@dataclass(frozen=True)
class Linked:
    """What came out: ids and scores best first (links), or groups of ids (of one register), and an account of it."""

    links: list[tuple[str, str, float]]
    groups: list[list[str]]
    account: dict[str, Any]


@dataclass
class _Sides:
    left: Ints
    right: Ints
    store: work.Store
    alone: bool

    @property
    def pairs(self) -> float:
        n, m = self.left.shape[1], self.right.shape[1]
        return float(n * (n - 1) / 2) if self.alone else float(n) * m


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
        learned = _model(folder, plan, sides, keys, units, model)
        bound = float(np.log(least / (1 - least))) if least < 1 else 700.0
        kept = _scored(folder, plan, units, keys, sides, learned, bound - KEPT_BELOW, workers, progress)
        account = _account(plan, units, sides, learned, kept)
        return _answer(db, kept, sides, learned, bound, account, many=many)


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


def _sides(db: DuckDBPyConnection, plan: work.Plan, *, alone: bool) -> _Sides:
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
    return _Sides(tables[0], tables[-1], store, alone)


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


# ---- the model


def _model(
    folder: Path,
    plan: work.Plan,
    sides: _Sides,
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


def learn(plan: work.Plan, sides: _Sides, keys: Sequence[tuple[work.Keys, work.Keys]], units: work.Units) -> work.Model:
    """Learn a model from a sample that is the same on every machine."""
    chooser = np.random.default_rng(SEED)
    n, m = sides.left.shape[1], sides.right.shape[1]
    if not n or not m:
        random = np.zeros((2, 0), dtype=np.int32)
    else:
        random = np.stack([chooser.integers(0, n, RANDOM), chooser.integers(0, m, RANDOM)]).astype(np.int32)
        if sides.alone:
            random = random[:, random[0] != random[1]]
    samples = [_sample(plan, sides, keys, units, rule, chooser) for rule in range(len(plan.rules))]
    return work.train(
        plan,
        _made(plan, sides, random, frozenset(), 1.0, units, 0),
        _narrow(plan, sides, units, chooser),
        [sample for sample in samples if sample],
        pairs=sides.pairs,
        both=work.chance_of_both(sides.store, sides.left, sides.right),
    )


def _narrow(plan: work.Plan, sides: _Sides, units: work.Units, chooser: np.random.Generator) -> list[work.Sample]:
    """Pairs of narrow rules, from one key in so many that a small register has them all."""
    records = max(sides.left.shape[1], sides.right.shape[1])
    one_in = max(1, records // SAMPLE)
    found = []
    for rule in work.narrow_rules(plan.fields):
        left = work.make_keys(plan, rule, sides.store, sides.left, one_in=one_in)
        right = left if sides.alone else work.make_keys(plan, rule, sides.store, sides.right, one_in=one_in)
        cut = work.plan_units([(left, right)], records, alone=sides.alone)
        if not cut.units or cut.pairs[0] * one_in > NARROW * records:
            continue
        chosen = [
            work.pairs_of(
                unit,
                chooser.random(len(unit.left_starts)) < SAMPLE / cut.pairs[0],
                (left.rows, right.rows),
                alone=sides.alone,
            )
            for unit in cut.units
        ]
        agreed = frozenset(plan.number(field) for field, _ in rule.parts)
        found.append(_made(plan, sides, np.concatenate(chosen, axis=1), agreed, 1.0, units, 0))
    return found


def _made(
    plan: work.Plan,
    sides: _Sides,
    pairs: Ints,
    agreed: frozenset[int],
    stands_for: float,
    units: work.Units,
    rule: int,
) -> work.Sample:
    levels, rarity = work.sample_levels(plan, sides.store.values, pairs[0], pairs[1], sides.left, sides.right)
    a, b = units.met[0][:rule, pairs[0]], units.met[1][:rule, pairs[1]]
    is_new = ~((a == b) & (a != 0)).any(axis=0) if rule else np.ones(pairs.shape[1], dtype=bool)
    return work.Sample(levels, rarity, agreed, stands_for, is_new)


def _sample(
    plan: work.Plan,
    sides: _Sides,
    keys: Sequence[tuple[work.Keys, work.Keys]],
    units: work.Units,
    rule: int,
    chooser: np.random.Generator,
) -> work.Sample | None:
    """Pairs of a rule: whole blocks, chosen by chance until there are enough."""
    of_rule = [unit for unit in units.units if unit.rule == rule]
    total = units.pairs[rule]
    if not of_rule:
        return None
    share = min(1.0, SAMPLE / max(total, 1))
    parts: list[Ints] = []
    left, right = keys[rule]
    for unit in of_rule:
        chosen = chooser.random(len(unit.left_starts)) < share
        parts.append(work.pairs_of(unit, chosen, (left.rows, right.rows), alone=sides.alone))
    pairs = np.concatenate(parts, axis=1)
    if not pairs.shape[1]:
        return None
    agreed = frozenset(plan.number(field) for field, _ in plan.rules[rule].parts)
    return _made(plan, sides, pairs, agreed, total / pairs.shape[1], units, rule)


# ---- the work


def _scored(
    folder: Path,
    plan: work.Plan,
    units: work.Units,
    keys: Sequence[tuple[work.Keys, work.Keys]],
    sides: _Sides,
    model: work.Model,
    least: float,
    workers: int,
    progress: Progress,
) -> work.Pairs:
    """Score every unit that is not done yet, several at once, and put together what was found."""
    weighing = model.weighing(plan)

    def one(unit: work.Unit) -> None:
        rows = keys[unit.rule][0].rows, keys[unit.rule][1].rows
        pairs = work.score_unit(
            plan, unit, rows, units.met, sides.store.values, sides.left, sides.right,
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


def _account(plan: work.Plan, units: work.Units, sides: _Sides, model: work.Model, kept: work.Pairs) -> dict[str, Any]:
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
        "expected_matches": round(model.expected_matches, 1),
        "unread_values": {f.name: n for f, n in zip(plan.fields, sides.store.unread, strict=True) if n},
        "rules": rules,
    }


def _answer(
    db: DuckDBPyConnection,
    kept: work.Pairs,
    sides: _Sides,
    model: work.Model,
    bound: float,
    account: dict[str, Any],
    *,
    many: bool,
) -> Linked:
    lefts, rights = sides.left.shape[1], sides.right.shape[1]
    strong = kept.log_odds >= bound
    chosen = work.Pairs(kept.left[strong], kept.right[strong], kept.log_odds[strong])
    groups: list[list[str]] = []
    if sides.alone:
        group = work.together(kept, records=lefts, least=bound, unknown=min(-1.0, bound - KEPT_BELOW))
        inside = group[chosen.left] == group[chosen.right]
        chosen = work.Pairs(chosen.left[inside], chosen.right[inside], chosen.log_odds[inside])
        groups = _groups(db, group)
    elif not many:
        chosen = work.one_to_one(chosen, lefts=lefts, rights=rights)
    order = np.lexsort((chosen.right, chosen.left, -chosen.log_odds))
    chosen = work.Pairs(chosen.left[order], chosen.right[order], chosen.log_odds[order])
    said = work.said_of(chosen, expected_matches=model.expected_matches)
    account |= {"links": said.links, "expected_precision": round(said.precision, 4)}
    account |= {"expected_recall": round(said.recall, 4), **({"groups": len(groups)} if sides.alone else {})}
    scores = [round(float(p), 9) for p in work.probability(chosen.log_odds)]
    ids = _ids(db, "a", chosen.left), _ids(db, "a" if sides.alone else "b", chosen.right)
    return Linked(list(zip(*ids, scores, strict=True)), groups, account)


def _ids(db: DuckDBPyConnection, side: str, rows: Ints) -> list[str]:
    """The ids of rows, in their order."""
    if not len(rows):
        return []
    every = db.execute(f"SELECT c0 FROM {side} ORDER BY n").fetchnumpy()["c0"]  # noqa: S608 - our own names
    return [str(value) for value in every[rows]]


def _groups(db: DuckDBPyConnection, group: Ints) -> list[list[str]]:
    """Groups of two and more, as ids."""
    sizes = np.bincount(group, minlength=len(group))
    rows = np.flatnonzero(sizes[group] > 1).astype(np.int32)
    found: dict[int, list[str]] = {}
    for root, known in zip(group[rows].tolist(), _ids(db, "a", rows), strict=True):
        found.setdefault(root, []).append(known)
    return list(found.values())
