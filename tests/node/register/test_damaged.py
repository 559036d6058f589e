"""Damaged files of every format: nothing that was there is lost, nothing is half stored, and what is wrong is named by place and rule."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from django.db import transaction

from tansiq.engine.entities.lists import read_csv_mapping
from tansiq.engine.errors import TansiqError
from tansiq.node.register import index
from tansiq.node.register.import_formats import ListFormat, csv_format
from tansiq.node.register.import_reports import ImportReport
from tansiq.node.register.importing import import_list
from tansiq.node.register.models import ImportProblem, ImportRun, ListSource, StatementRow, Subject
from tansiq.node.register.steps import statements_in_force
from tests.engine.entities.invented import FIRM, FIRST, SECOND, un_list
from tests.node.register.officers import ANALYST
from tests.node.register.test_import_formats import FILES, state
from tests.shared import shared_path

pytestmark = pytest.mark.django_db

ALL: list[Any] = [(lambda: "un", un_list(FIRST, SECOND, entities=FIRM), 3), *FILES]
NAMES = ["un", "ofac-csv", "ofac-sdn-xml", "ofac-enhanced", "ftm", "csv"]
SURE = frozenset({"older", "delisting"})
LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, (b"&l%d;" % (n - 1)) * 10 if n else b"laugh") for n in range(9))


@pytest.fixture(autouse=True)
def fresh_index() -> Iterator[None]:
    index.forget()
    yield
    index.forget()


def cut(raw: bytes, drawn: random.Random) -> bytes:
    return raw[: drawn.randrange(len(raw))]


def flipped(raw: bytes, drawn: random.Random) -> bytes:
    held = bytearray(raw)
    for _ in range(drawn.randint(1, 6)):
        held[drawn.randrange(len(held))] ^= 1 << drawn.randrange(8)
    return bytes(held)


def nulls(raw: bytes, drawn: random.Random) -> bytes:
    at = drawn.randrange(len(raw))
    return raw[:at] + b"\x00" * drawn.randint(1, 64) + raw[at:]


def recoded(raw: bytes, drawn: random.Random) -> bytes:
    return raw.decode("utf-8").encode(drawn.choice(["utf-16", "cp1256", "latin-1"]), errors="replace")


def swollen(raw: bytes, drawn: random.Random) -> bytes:
    at = drawn.randrange(len(raw))
    return raw[:at] + b"A" * 3_000_000 + raw[at:]


def doubled(raw: bytes, drawn: random.Random) -> bytes:
    """A line stands twice: with it its id, or half an element."""
    lines = raw.splitlines(keepends=True)
    at = drawn.randrange(len(lines))
    return b"".join([*lines[: at + 1], *lines[at:]])


DAMAGES: list[Callable[[bytes, random.Random], bytes]] = [cut, flipped, nulls, recoded, swollen, doubled]


def load(wanted: Any, raw: bytes, now: datetime, **more: Any) -> ImportReport:
    return import_list(ANALYST, wanted(), lambda: io.BytesIO(raw), now=now, **more)


def standing() -> dict[Any, Any]:
    """What is said of each subject, wherever it is kept, and that it is listed."""
    return {
        row.pk: (row.fingerprint, row.delisted_at, sorted((s.prop, s.value) for s in statements_in_force(row)))
        for row in Subject.objects.all()
    }


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize(("wanted", "raw", "count"), ALL, ids=NAMES)
def test_whatever_is_damaged_the_whole_file_brings_everything_back(
    wanted: Any, raw: bytes, count: int, damage: Any, now: datetime
) -> None:
    assert load(wanted, raw, now).counts["added"] == count
    before, rows = standing(), state()
    for seed in range(3):
        broken = damage(raw, random.Random(seed))
        with transaction.atomic():
            try:
                report = load(wanted, broken, now, confirm=SURE)
            except TansiqError as refused:
                assert refused.code.startswith(("list.", "register.", "entity."))  # noqa: PT017
                assert state() == rows
            else:
                assert all(problem.place and problem.rule for problem in report.problems)
                assert not (report.counts["lost"] and report.counts["delisted"])
            assert set(before) <= set(Subject.objects.values_list("pk", flat=True))
            load(wanted, raw, now, confirm=SURE)
            after = standing()
            assert {pk: after[pk] for pk in before} == before
            transaction.set_rollback(True)


XML = [one for one, name in zip(ALL, NAMES, strict=True) if name in {"un", "ofac-sdn-xml", "ofac-enhanced"}]


@pytest.mark.parametrize(("wanted", "raw", "_count"), XML)
def test_entities_that_grow_are_refused_before_they_grow(wanted: Any, raw: bytes, _count: int, now: datetime) -> None:
    head, mark, rest = raw.partition(b"?>")
    bomb = (head + mark if mark else b"") + b"<!DOCTYPE l [" + LAUGHS + b"]>"
    bomb += (rest if mark else raw).replace(b"</", b"&l8;</", 1)
    with pytest.raises(TansiqError) as refused:
        load(wanted, bomb, now)
    assert refused.value.code.startswith("list.")
    assert not any(model.objects.exists() for model in (Subject, StatementRow, ImportRun, ImportProblem))


GALLERY = """
list = "gallery"
schema = "Person"
encoding = "utf-8"
delimiter = ","
key = "full_name"
dates = ["YYYY-MM-DD"]
ignore = ["first_name", "middle_name", "last_name"]
[columns]
"full_name" = "name"
"gender" = "gender"
"date_of_birth" = "birthDate"
"place_of_birth" = "birthPlace"
"nationality" = "nationality"
"""


def gallery() -> ListFormat:
    return csv_format(read_csv_mapping(GALLERY.encode(), form="toml"))


@pytest.mark.parametrize("rows", [600, pytest.param(50_000, marks=pytest.mark.slow)])
def test_names_of_the_whole_world_come_in_through_a_mapping(rows: int, now: datetime) -> None:
    path = shared_path("data/names/gallery/negatives_global.csv")
    lines = path.read_bytes().splitlines(keepends=True)[: rows + 1]
    raw = b"".join([*lines, lines[1]])
    names = [line.split(",")[0] for line in raw.decode("utf-8").splitlines()[1:]]
    dry = load(gallery, raw, now, is_dry=True)
    assert not any(model.objects.exists() for model in (Subject, StatementRow, ListSource, ImportRun, ImportProblem))
    first = load(gallery, raw, now)
    assert first.counts == dry.counts
    assert first.counts["rows"] == len(set(names))
    assert first.counts["added"] == Subject.objects.count() == len(set(names)) < len(names)
    # Two people of one name are one key here: the second is named in the report, with its line, and not dropped silently.
    twice = [problem for problem in first.problems if problem.rule == "list.duplicate_row"]
    assert first.counts["lost"] == len(names) - len(set(names)) == len(twice) > 0
    assert all(problem.place.startswith("/line[") for problem in first.problems)
    before = state()
    assert load(gallery, raw, now).is_without_effect
    assert state() == before
