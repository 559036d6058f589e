"""Whole registers linked on a cluster: what ``local.link`` answers, with the pairs found and scored by the executors of Spark.

The rules and the model are learned here first, as on one machine, from the registers themselves; where those do not fit, from a sample
beforehand, whose model (``--save-model``) names its rules too. Only scored pairs come back, and are answered here in the order of rows,
so that equal scores are decided as they are on one machine. A run that was stopped keeps its model in the folder of work and finds its
pairs anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tansiq.engine.errors import Rejected
from tansiq.engine.matching import linkage as work
from tansiq.engine.matching.linkage.store import Ints
from tansiq.linkage import local, spark
from tansiq.linkage.answering import KEPT_BELOW, Linked, Progress, answer, log_odds

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_ROW = "tansiq_row"
_DIGITS = 19


def link(
    left: local.Register,
    right: local.Register | None,
    plan: work.Plan,
    *,
    master: str,
    folder: Path,
    least: float = 0.5,
    many: bool = False,
    model: str = "",
    workers: int = 2,
    memory_mb: int = 2000,
    parts: int = spark.PARTS,
    settings: Mapping[str, str] | None = None,
    progress: Progress = lambda _what, _done, _of: None,
) -> Linked:
    """Link two registers, or (``right`` is None) find the records of one that are the same, on the cluster ``master``
    (``spark://host:7077``, ``yarn``, ``local-cluster[2,1,1024]``).

    ``parts`` is into how many pieces the keys are cut. Raises what ``local.link`` raises, and
    ``Unavailable("matching.spark_missing")``.
    """
    with _opened(master, parts, settings or {}) as session:
        if model:
            chosen = work.Plan(plan.fields, plan.rules, is_chosen=True) if plan.is_chosen else _planned(plan, model)
            learned = work.Model.from_json(model, chosen)
        else:
            chosen, learned = local.prepare(
                left, right, plan, folder=folder, workers=workers, memory_mb=memory_mb, progress=progress
            )
        sides = [_read(session, register, chosen) for register in (left, right) if register is not None]
        if model:  # what learned the model has looked already
            for register, side in zip((left, right), sides, strict=False):
                assert register is not None
                _check_ids(register, side)
        progress("pairs", 0, 1)
        found = spark.link_pairs(
            sides[0],
            sides[1] if right else None,
            chosen,
            learned,
            row_id=_ROW,
            least=log_odds(least) - KEPT_BELOW,
            parts=parts,
        ).collect()
    pairs, ids = _in_rows([(row["left"], row["right"], row["log_odds"]) for row in found], is_one=right is None)
    return answer(
        pairs,
        (ids[0].of, None if right is None else ids[1].of),
        records=(len(ids[0]), len(ids[1])),
        least=least,
        many=many,
        expected_matches=learned.expected_matches,
        account={"on": master, "kept": len(pairs), "expected_matches": round(learned.expected_matches, 1),
                 "rules": [{"rule": str(rule)} for rule in chosen.rules]},
    )  # fmt: skip


def _planned(plan: work.Plan, model: str) -> work.Plan:
    """The plan with the rules that the model was learned with."""
    fields = ",".join(f"{f.name}:{f.kind}" + (f"~{f.crosses}" if f.crosses else "") for f in plan.fields)
    return work.read_plan(fields, work.rules_of(model))


@contextmanager
def _opened(master: str, parts: int, settings: Mapping[str, str]) -> Iterator[SparkSession]:
    session = spark.session(master, **{"spark.sql.shuffle.partitions": str(parts), **settings})
    try:
        yield session
    finally:
        session.stop()


def _read(session: SparkSession, register: local.Register, plan: work.Plan) -> DataFrame:
    """A register with a column that says the place of each record in its file, and its id."""
    from pyspark.sql import functions as f

    if register.path.suffix == ".parquet":
        side = session.read.parquet(str(register.path))
    else:
        side = session.read.csv(str(register.path), header=True, sep=_separator(register.path), quote='"', escape='"')
    named = {column.strip().lower(): column for column in side.columns}
    wanted = [register.row_id, *(field.name for field in plan.fields)]
    missing = [column for column in wanted if column.lower() not in named]
    if missing:
        raise Rejected("matching.columns", at=register.path.name, columns=missing)
    place = f.lpad(f.monotonically_increasing_id().cast("string"), _DIGITS, "0")
    known = f.trim(f.col(f"`{named[register.row_id.lower()]}`").cast("string"))
    columns = [f.col(f"`{named[field.name.lower()]}`").alias(field.name) for field in plan.fields]
    return side.select(f.concat(place, f.coalesce(known, f.lit(""))).alias(_ROW), *columns)


def _separator(path: Path) -> str:
    """What separates the cells: the sign of which the header holds most."""
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        header = stream.readline(1 << 16)
    return max(",;\t|", key=header.count)


def _check_ids(register: local.Register, side: DataFrame) -> None:
    """Every record has an id of its own."""
    from pyspark.sql import functions as f

    known = f.substring(_ROW, _DIGITS + 1, 1 << 20).alias("id")
    for row in side.select(known).groupBy("id").count().where("count > 1 or id = ''").limit(1).collect():
        code = "matching.duplicate_id" if row["id"] else "matching.no_id"
        raise Rejected(code, at=register.path.name, id=row["id"][:80])


class _Rows:
    """Records that stand in a pair, numbered in the order of their file."""

    def __init__(self, named: set[str]) -> None:
        self._named = sorted(named)
        self.numbers = {name: number for number, name in enumerate(self._named)}

    def __len__(self) -> int:
        return len(self._named)

    def of(self, rows: Ints) -> list[str]:
        """The ids of rows."""
        return [self._named[row][_DIGITS:] for row in rows.tolist()]


def _in_rows(found: list[tuple[str, str, float]], *, is_one: bool) -> tuple[work.Pairs, tuple[_Rows, _Rows]]:
    """Pairs as numbers of rows."""
    lefts, rights = {a for a, _, _ in found}, {b for _, b, _ in found}
    one = _Rows(lefts | rights if is_one else lefts)
    other = one if is_one else _Rows(rights)
    columns: list[Any] = [
        np.array([one.numbers[a] for a, _, _ in found], dtype=np.int32),
        np.array([other.numbers[b] for _, b, _ in found], dtype=np.int32),
        np.array([odds for _, _, odds in found], dtype=np.float64),
    ]
    return work.Pairs.joined([work.Pairs(*columns)]), (one, other)
