"""Every other format through the one import: report, dry run, nothing twice, nothing lost, parts, flat memory."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import pytest

from tansiq.engine.entities.lists import read_csv_mapping
from tansiq.engine.errors import Rejected, TansiqError
from tansiq.node.register import index, queries
from tansiq.node.register.import_formats import FORMATS, ListFormat, csv_format, ftm_format, ofac_xml_format
from tansiq.node.register.import_reports import ImportReport
from tansiq.node.register.importing import import_list
from tansiq.node.register.models import ListSource, StatementRow, Subject
from tests.engine.entities.lists.invented_ofac import (
    ENTITY,
    ENTRY,
    FIRM,
    PERSON,
    SHIP,
    enhanced_xml,
    sdn_csv,
    sdn_xml,
)
from tests.engine.entities.lists.test_ftm import EDGE, PASSPORT, Generated, lines
from tests.engine.entities.lists.test_ftm import FIRM as FTM_FIRM
from tests.engine.entities.lists.test_ftm import PERSON as FTM_PERSON
from tests.engine.entities.lists.test_mapped_csv import MAPPING, TEXT
from tests.node.register.officers import ANALYST
from tests.shared import shared_path

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_index() -> Iterator[None]:
    index.forget()
    yield
    index.forget()


def csv_list() -> ListFormat:
    return csv_format(read_csv_mapping(MAPPING.format(encoding="utf-8").encode(), form="toml"))


FILES: list[tuple[Callable[[], str | ListFormat], bytes, int]] = [
    (lambda: "ofac-sdn", sdn_csv(PERSON, FIRM, SHIP), 3),
    (lambda: ofac_xml_format(sdn_xml(ENTRY)), sdn_xml(ENTRY), 1),
    (lambda: ofac_xml_format(enhanced_xml(ENTITY)), enhanced_xml(ENTITY), 1),
    (lambda: ftm_format("invented"), lines(FTM_PERSON, PASSPORT, FTM_FIRM, EDGE), 2),
    (csv_list, TEXT.encode(), 2),
]


def load(wanted: str | ListFormat, raw: bytes | Path, now: datetime, **more: Any) -> ImportReport:
    def opened() -> IO[bytes]:
        return raw.open("rb") if isinstance(raw, Path) else io.BytesIO(raw)

    return import_list(ANALYST, wanted, opened, now=now, **more)


def state() -> list[Any]:
    return [
        list(Subject.objects.order_by("pk").values("pk", "fingerprint", "delisted_at", "schema")),
        list(StatementRow.objects.order_by("pk").values("pk", "token", "retired_at")),
    ]


@pytest.mark.parametrize(("wanted", "raw", "count"), FILES)
def test_dry_run_import_and_second_import(wanted: Any, raw: bytes, count: int, now: datetime) -> None:
    dry = load(wanted(), raw, now, is_dry=True)
    assert (dry.counts["added"], len(dry.sample), Subject.objects.count()) == (count, count, 0)
    assert dry.sample[0]["entities"][0]["properties"]["name"]
    json.dumps(dry.to_json())
    first = load(wanted(), raw, now)
    assert first.counts["added"] == Subject.objects.count() == count
    assert first.sample == []
    before = state()
    assert load(wanted(), raw, now).is_without_effect
    assert state() == before


def test_an_apparent_change_of_format_is_refused() -> None:
    for key in FORMATS:
        with pytest.raises(Rejected) as refused:
            ftm_format(key)
        assert refused.value.code == "register.list_of_another_format"
    with pytest.raises(Rejected) as refused:
        ftm_format("Not A Key")
    assert refused.value.code == "register.unknown_list_key"
    assert ofac_xml_format(sdn_xml(ENTRY), list_key="ofac-sdn-xml").key == "ofac-sdn-xml"


def test_belongings_move_with_their_subject(now: datetime) -> None:
    load(ftm_format("invented"), lines(FTM_PERSON, PASSPORT), now)
    (person,) = Subject.objects.all()
    own, passport = queries.entities_of(person)
    assert own.values("name") == ("Nadia Example", "نادية المثال")
    assert passport.values("holder") == (str(person.pk),)
    assert ["passport", "AB1234567"] in person.card["identifiers"]


def test_a_part_of_a_list_delists_nothing(now: datetime) -> None:
    load(ftm_format("invented"), lines(FTM_PERSON, FTM_FIRM), now)
    more = FTM_FIRM | {"id": "f-2", "properties": {"name": ["Green Lantern"]}}
    report = load(ftm_format("invented"), lines(more), now, is_part=True)
    assert (report.counts["added"], report.counts["delisted"], report.delisting_withheld) == (1, 0, 2)
    assert Subject.objects.filter(delisted_at=None).count() == 3
    assert load(ftm_format("invented"), lines(FTM_PERSON, more), now).counts["delisted"] == 1


@pytest.mark.parametrize(("wanted", "raw", "count"), FILES)
def test_a_damaged_copy_loses_nothing_that_was_there(wanted: Any, raw: bytes, count: int, now: datetime) -> None:
    load(wanted(), raw, now)
    names = {queries.caption(subject) for subject in Subject.objects.all()}
    for damaged in (
        raw[: len(raw) * 2 // 3],
        raw[: len(raw) // 2] + b'\xff"' + raw[len(raw) // 2 :],
        b"",
        b"\x00" * 40,
    ):
        code = "list.none"
        try:
            load(wanted(), damaged, now)
        except TansiqError as refused:
            code = refused.code
        assert code.startswith(("list.", "register."))
        standing = Subject.objects.filter(delisted_at=None)
        assert standing.count() == count
        assert {queries.caption(subject) for subject in standing} == names


REAL = [
    ("ofac_sdn_2023.csv", "ofac-sdn", 11443),
    ("ofac_consolidated_nonsdn_2024-05-06.xml", "ofac-consolidated", 443),
    ("ofac_irgc_enhanced_2024-08-28.xml", "ofac-enhanced", 293),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "key", "count"), REAL)
def test_the_real_files_are_imported_and_imported_again(name: str, key: str, count: int, now: datetime) -> None:
    path = shared_path(f"data/lists/{name}")
    dry = load(key, path, now, is_dry=True)
    assert (dry.counts["added"], dry.counts["lost"], ListSource.objects.count()) == (count, 0, 0)
    assert load(key, path, now).counts["added"] == count
    assert load(key, path, now).is_without_effect
    raw = path.read_bytes()
    try:
        load(key, raw[: len(raw) - len(raw) // 20], now)
    except Rejected as refused:
        # An XML file that was cut is refused as a whole, a CSV file row by row.
        assert refused.code == "list.not_well_formed"  # noqa: PT017
    assert Subject.objects.filter(delisted_at=None).count() == count


def test_an_import_is_flat_in_memory(now: datetime) -> None:
    load(ftm_format("warm"), lines(FTM_PERSON), now)
    tracemalloc.start()
    report = import_list(ANALYST, ftm_format("many"), lambda: Generated(1_500), now=now)  # type: ignore[arg-type, return-value]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert report.counts["added"] == 1_500
    assert peak < 16_000_000


@pytest.mark.slow
def test_a_dry_run_of_fifty_thousand_lines_is_flat_in_memory(now: datetime) -> None:
    load(ftm_format("warm"), lines(FTM_PERSON), now)
    tracemalloc.start()
    report = import_list(ANALYST, ftm_format("many"), lambda: Generated(50_000), is_dry=True, now=now)  # type: ignore[arg-type, return-value]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert report.counts["added"] == 50_000
    assert peak < 16_000_000
