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
from functools import partial
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
        raise Unavailable("matching.spark_missing", missing="PySpark", install="pip install 'tansiq[spark]'") from wrong
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(master).appName(name)
    builder = builder.config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false")
    builder = builder.config("spark.sql.execution.arrow.pyspark.enabled", "true")
    for key, value in settings.items():
        builder = builder.config(key, value)
    try:
        opened: SparkSession = builder.getOrCreate()
    except (PySparkException, RuntimeError, FileNotFoundError) as wrong:
        raise Unavailable("matching.spark_missing", missing="Java 17", install="openjdk-17-jre-headless") from wrong
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
    """Each record with how many records hold each of its values as it is read (``n0`` …), and of how many (``t0`` …).

    All fields go the same way at once, a line for each value that a record holds: so there are as many shuffles as for one.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    every = sides[0].withColumn("side", f.lit(0))
    for number, side in enumerate(sides[1:], start=1):
        every = every.unionByName(side.withColumn("side", f.lit(number)))
    columns = [f"c{place}" for place in range(len(plan.fields))]
    totals = every.agg(*(f.count(column).alias(column) for column in columns)).collect()[0]
    lines = every.select("side", "id", f.posexplode(f.array(*columns)).alias("place", "value")).where(
        "value IS NOT NULL"
    )
    held = lines.groupBy("place", "value").agg(f.count("*").alias("held"))
    read = held.mapInPandas(partial(_forms, plan), "place int, value string, held long, form long")
    counted = read.withColumn("n", f.sum("held").over(Window.partitionBy("place", "form"))).select(
        "place", "value", "n"
    )
    of_field = [[f.when(f.col("place") == p, f.col(c)) for c in ("value", "n")] for p in range(len(columns))]
    wide = [f.max(one).alias(f"{c}{p}") for p, both in enumerate(of_field) for c, one in zip("cn", both, strict=True)]
    records = lines.join(counted, ["place", "value"]).groupBy("side", "id").agg(*wide)
    for place, column in enumerate(columns):
        records = records.withColumn(f"t{place}", f.lit(int(totals[column])))
    records = records.persist()
    return [records.where(f.col("side") == number).drop("side") for number in range(len(sides))]


def _forms(plan: work.Plan, parts: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Distinct values with the hash of what each is when it is read; in an executor."""
    for part in parts:
        forms = np.zeros(len(part), dtype=np.int64)
        for place, field in enumerate(plan.fields):
            mine = (part["place"] == place).to_numpy()
            texts = part["value"][mine].tolist()
            if texts:
                single = work.Plan((work.Field(field.name, field.kind),), ())
                store = work.make_store(single, [texts], [np.ones(len(texts), dtype=np.int64)])
                forms[mine] = store.values.table[:, 2]
        yield part.assign(form=forms)


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

    columns = [f"{kind}{place}" for place in range(len(plan.fields)) for kind in "cnt"]
    return side.select("id", *columns).mapInPandas(keyed, f"id string, {_columns(plan)}, rule int, key long")


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

    told, schema = model.to_json(plan), "left string, right string, log_odds double"

    def score(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
        return score_parts(a, b, plan, work.Model.from_json(told, plan), least=least, alone=alone)

    def divided(side: DataFrame) -> Any:
        return side.withColumn("part", f.pmod(f.hash("rule", "key"), f.lit(parts))).groupBy("part")

    found: DataFrame = (
        divided(left).applyInPandas(lambda part: score(part, part), schema)
        if alone
        else divided(left).cogroup(divided(right)).applyInPandas(score, schema)
    )
    return found


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
