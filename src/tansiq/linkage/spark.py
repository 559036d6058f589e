"""A linkage on several machines: Spark brings the records of a block together, the same compiled code scores them there.

What ``local`` does in one memory is done here in parts, with the same result: the model is learned on the driver from a sample of
whole records or given (``model``), the frequency of every value is counted over all records and travels with the record, keys are the
same hashes, scores the same sums in the same order. A pair that several rules bring is scored by each and kept once. What needs one
view of everything – each record in one link at most, groups – is done at the end on the kept pairs alone, which are few.

Driver and executors need this package (``tansiq[spark]``) and Java 17.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tansiq.engine.errors import Unavailable
from tansiq.engine.matching import linkage as work

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

PARTS = 64
"""Pieces into which keys are divided; many small ones keep an executor's memory bounded."""


def session(master: str, *, name: str = "tansiq linkage", **settings: str) -> SparkSession:
    """A Spark session. Raises ``Unavailable("matching.spark_missing")`` without PySpark or Java."""
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError as wrong:
        raise Unavailable("matching.spark_missing") from wrong
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(master).appName(name)
    builder = builder.config("spark.ui.enabled", "false").config("spark.sql.execution.arrow.pyspark.enabled", "true")
    for key, value in settings.items():
        builder = builder.config(key, value)
    try:
        opened: SparkSession = builder.getOrCreate()
    except (PySparkException, RuntimeError, FileNotFoundError) as wrong:
        raise Unavailable("matching.spark_missing") from wrong
    return opened


def link_pairs(
    left: DataFrame,
    right: DataFrame | None,
    plan: work.Plan,
    model: work.Model,
    *,
    row_id: str,
    least: float,
    parts: int = PARTS,
) -> DataFrame:
    """Scored pairs (``left``, ``right``, ``log_odds``) of at least ``least`` log-odds, each once.

    ``plan`` must have chosen rules (those that a run on a sample took); ``right`` is None for one register.
    """
    alone = right is None
    sides = [left] if right is None else [left, right]
    counted = _with_counts([_trimmed(side, plan, row_id) for side in sides], plan)
    keyed = [_with_keys(side, plan) for side in counted]
    scored = _scored(keyed[0], keyed[-1], plan, model, least=least, alone=alone, parts=parts)
    return scored.groupBy("left", "right").agg({"log_odds": "max"}).withColumnRenamed("max(log_odds)", "log_odds")


def _trimmed(side: DataFrame, plan: work.Plan, row_id: str) -> DataFrame:
    from pyspark.sql import functions as f

    columns = [f.col(row_id).cast("string").alias("id")]
    for place, field in enumerate(plan.fields):
        text = f.trim(f.col(field.name).cast("string"))
        columns.append(f.when(text != "", text).alias(f"c{place}"))
    return side.select(*columns)


def _with_counts(sides: Sequence[DataFrame], plan: work.Plan) -> list[DataFrame]:
    """Each record with how many records hold each of its values as it is read (``n0`` …), and of how many (``t0`` …)."""
    from pyspark.sql import functions as f

    every = sides[0]
    for side in sides[1:]:
        every = every.unionByName(side)
    found = list(sides)
    for place in range(len(plan.fields)):
        forms = _forms(plan, place, every)
        total = int(forms.agg(f.sum("held")).collect()[0][0] or 0)
        counts = forms.withColumn(f"n{place}", f.sum("held").over(_window("form"))).select(f"c{place}", f"n{place}")
        found = [side.join(counts, f"c{place}", "left").withColumn(f"t{place}", f.lit(total)) for side in found]
    return found


def _window(column: str) -> Any:
    from pyspark.sql import Window

    return Window.partitionBy(column)


def _forms(plan: work.Plan, place: int, every: DataFrame) -> DataFrame:
    """The distinct values of a field, how many records hold each, and the hash of what it is when read."""
    from pyspark.sql import functions as f

    single = work.Plan((work.Field(plan.fields[place].name, plan.fields[place].kind),), ())
    column = f"c{place}"

    def read(parts: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for part in parts:
            texts = part[column].tolist()
            store = work.make_store(single, [texts], [np.ones(len(texts), dtype=np.int64)])
            yield part.assign(form=store.values.table[:, 2])

    distinct = every.where(f.col(column).isNotNull()).groupBy(column).agg(f.count("*").alias("held"))
    return distinct.mapInPandas(read, f"{column} string, held long, form long")


def _columns(plan: work.Plan) -> str:
    return ", ".join(f"c{p} string, n{p} long, t{p} long" for p in range(len(plan.fields)))


def _with_keys(side: DataFrame, plan: work.Plan) -> DataFrame:
    """A line for each record under each of its keys."""

    def keyed(parts: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        import pandas as pd

        for part in parts:
            store, ids = stored(plan, [part])
            lines = []
            for number, rule in enumerate(plan.rules):
                keys = work.make_keys(plan, rule, store, ids[0])
                lines.append(part.iloc[keys.rows].assign(rule=number, key=keys.keys.view(np.int64)))
            yield pd.concat(lines)

    return side.mapInPandas(keyed, f"id string, {_columns(plan)}, rule int, key long")


def stored(plan: work.Plan, parts: Sequence[pd.DataFrame]) -> tuple[work.Store, list[Any]]:
    """The values of some records, with the counts that they carry, and the records as value numbers."""
    columns, counts, totals, places = [], [], [], []
    for place in range(len(plan.fields)):
        known: dict[str, int] = {}
        held: list[int] = []
        rows = []
        for part in parts:
            found = np.full(len(part), -1, dtype=np.int32)
            texts, numbers = part[f"c{place}"].tolist(), part[f"n{place}"].tolist()
            for row, (text, number) in enumerate(zip(texts, numbers, strict=True)):
                if isinstance(text, str) and text:
                    at = known.setdefault(text, len(known))
                    if at == len(held):
                        held.append(int(number))
                    found[row] = at
            rows.append(found)
        columns.append(list(known))
        counts.append(np.array(held, dtype=np.int64))
        totals.append(next((int(part[f"t{place}"].iloc[0]) for part in parts if len(part)), 0))
        places.append(rows)
    store = work.make_store(plan, columns, counts, totals=totals)
    ids = [
        np.stack([work.value_numbers(store, f, places[f][side]) for f in range(len(plan.fields))])
        for side in range(len(parts))
    ]
    return store, ids


def _scored(
    left: DataFrame, right: DataFrame, plan: work.Plan, model: work.Model, *, least: float, alone: bool, parts: int
) -> DataFrame:
    from pyspark.sql import functions as f

    told, fields = model.to_json(plan), plan

    def score(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
        return score_parts(a, b, fields, work.Model.from_json(told, fields), least=least, alone=alone)

    def divided(side: DataFrame) -> DataFrame:
        return side.withColumn("part", f.pmod(f.hash("rule", "key"), f.lit(parts)))

    pairs = divided(left).groupBy("part").cogroup(divided(right).groupBy("part"))
    return pairs.applyInPandas(score, "left string, right string, log_odds double")


def score_parts(
    a: pd.DataFrame, b: pd.DataFrame, plan: work.Plan, model: work.Model, *, least: float, alone: bool
) -> pd.DataFrame:
    """The pairs of one piece of the keys, in an executor."""
    import pandas as pd

    if not len(a) or not len(b):
        return pd.DataFrame({"left": [], "right": [], "log_odds": []}).astype({"left": str, "right": str})
    sides = [part.drop_duplicates("id").sort_values("id", ignore_index=True) for part in (a, b)]
    store, ids = stored(plan, sides)
    rows = [dict(zip(part["id"], range(len(part)), strict=True)) for part in sides]
    keys = [_keys_of_both((a, b), rows, rule) for rule in range(len(plan.rules))]
    units = work.plan_units(keys, 10**9, alone=alone)
    weighing = model.weighing(plan)
    size = len(plan.rules)
    none = np.zeros((size, ids[0].shape[1]), np.uint64), np.zeros((size, ids[1].shape[1]), np.uint64)
    found = [
        work.score_unit(
            plan, unit, (keys[unit.rule][0].rows, keys[unit.rule][1].rows), none, store.values, ids[0], ids[1],
            weighing=weighing, least=least, alone=alone,
        )
        for unit in units.units
    ]  # fmt: skip
    pairs = work.Pairs.joined(found)
    names = [part["id"].to_numpy() for part in sides]
    return pd.DataFrame({"left": names[0][pairs.left], "right": names[1][pairs.right], "log_odds": pairs.log_odds})


def _keys_of_both(
    parts: tuple[pd.DataFrame, pd.DataFrame], rows: Sequence[dict[str, int]], rule: int
) -> tuple[work.Keys, work.Keys]:
    left, right = (_keys_of(part[part["rule"] == rule], known) for part, known in zip(parts, rows, strict=True))
    return left, right


def _keys_of(part: pd.DataFrame, rows: dict[str, int]) -> work.Keys:
    keys = part["key"].to_numpy(dtype=np.int64).view(np.uint64)
    numbers = np.array([rows[known] for known in part["id"]], dtype=np.int32)
    order = np.lexsort((numbers, keys))
    return work.Keys(keys[order], numbers[order], None, len(rows))
