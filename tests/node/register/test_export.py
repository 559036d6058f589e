"""A copy that leaves: what it holds, what is left out and counted, its number, its audit, and no formula in it."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from tansiq.engine.accords.decide import AccordInForce
from tansiq.engine.accords.terms import Terms
from tansiq.engine.errors import Refused, Rejected
from tansiq.node.audit.models import Event
from tansiq.node.dossiers.models import Dossier
from tansiq.node.partners.models import Accord
from tansiq.node.register import actions, exporting, steps
from tansiq.node.register.export_forms import guarded
from tansiq.node.register.exporting import ExportReport, Selection, Words, copies_holding, export_subjects
from tansiq.node.register.import_formats import ftm_format
from tansiq.node.register.importing import import_list
from tansiq.node.register.models import Export, Subject
from tests.engine.entities.invented import FIRST, SECOND, un_list
from tests.node.register.officers import ADMINISTRATOR, ANALYST, CONTENT, PROTECTOR, STRANGER

pytestmark = pytest.mark.django_db

FREE = {"level": 0, "handling": ["H0"]}
DOSSIER, ACCORD = "d" * 64, "a" * 64


def export(form: str = "ftm", officer: Any = ANALYST, *, now: datetime, **more: Any) -> tuple[ExportReport, bytes]:
    sink = io.BytesIO()
    report = export_subjects(officer, form, sink, purpose=more.pop("purpose", "investigation"), now=now, **more)
    return report, sink.getvalue()


def ours(now: datetime, name: str = "Nadia Example", **more: Any) -> Subject:
    content = {"schema": "Person", "properties": {"name": [name]}}
    return actions.add_subject(ANALYST, more.pop("content", content), circle=more.pop("circle", ""), now=now, **more)


def received(now: datetime, marking: Any, *, part: int = 1, dossier: str = DOSSIER) -> Subject:
    stored = actions.store_received(
        {"schema": "Person", "properties": {"name": [f"Received Example {part}"]}},
        entry="e" * 64,
        part=part,
        dossier=dossier,
        sender="ma-dgsn",
        circle="",
        marking=marking,
        now=now,
    )
    assert stored is not None
    return stored


def under_an_accord(settings: Any, now: datetime, **changes: Any) -> None:
    """The dossier from which information came, and the accord it stands under."""
    me = settings.NODE.node_id
    given: dict[str, Any] = {
        "title": {"en": "Invented accord"},
        "parties": (me, "ma-dgsn"),
        "kinds": ("request",),
        "purposes": ("investigation", "prosecution"),
        "crime_areas": ("*",),
        "max_level": 1,
        "onward": "free",
        "evidence": "free",
        "retention_days": 1000,
        "review_days": 365,
        "in_force_from": now.replace(year=2025),
    }
    terms = Terms(**(given | changes))
    accord = AccordInForce(ACCORD, terms.digest, terms, ratified=frozenset({me, "ma-dgsn"}))
    Accord.objects.create(accord_id=ACCORD, status="in_force", in_force=accord.to_json(), updated_at=now)
    Dossier.objects.create(
        dossier_id=DOSSIER,
        kind="request",
        kind_version=1,
        participants=[me, "ma-dgsn"],
        opened_by="ma-dgsn",
        accord=ACCORD,
        accord_version=terms.digest,
        folded={},
        phase="open",
        opened_at=now,
        changed_at=now,
        circle="",
    )


def test_a_copy_is_numbered_and_audited(now: datetime) -> None:
    subject = ours(now, content=CONTENT)
    report, raw = export(now=now)
    again, _ = export(now=now)
    assert again.copy_number > report.copy_number
    person, passport = (json.loads(line) for line in raw.splitlines())
    assert (person["id"], person["schema"], person["caption"]) == (str(subject.pk), "Person", "Nadia Example")
    assert person["properties"]["birthDate"] == ["1968", "1969", "1970"]
    assert person["tansiq"]["copy_number"] == report.copy_number
    assert passport["properties"]["holder"] == [str(subject.pk)]
    assert (report.subjects, report.entities) == (1, 2)
    events = list(Event.objects.filter(event__startswith="register.export").order_by("id"))
    assert [event.event for event in events][:2] == ["register.export_started", "register.exported"]
    facts = events[1].told["facts"]
    assert (facts["copy_number"], facts["purpose"], facts["subjects"]) == (report.copy_number, "investigation", 1)
    assert facts["file_digest"] == report.file_digest
    assert "Nadia" not in json.dumps(facts)
    assert Export.objects.get(pk=report.copy_number).file_digest == report.file_digest


def test_a_copy_is_known_to_hold_a_subject_after_its_erasure(now: datetime) -> None:
    subject = ours(now)
    report, _ = export(now=now)
    actions.erase_subject(PROTECTOR, subject.pk, ground="mistake", now=now)
    assert [copy.copy_number for copy in copies_holding(subject.pk)] == [report.copy_number]
    assert copies_holding("no id") == []


def test_what_was_exported_is_imported_as_it_was(now: datetime) -> None:
    ours(now, content=CONTENT)
    import_list(ANALYST, "un", lambda: io.BytesIO(un_list(FIRST)), now=now)
    _, raw = export(now=now)
    report = import_list(ANALYST, ftm_format("copy"), lambda: io.BytesIO(raw), now=now)
    assert (report.counts["added"], report.counts["problems"]) == (2, 0)
    for copied in Subject.objects.filter(source="copy"):
        original = next(
            s for s in Subject.objects.exclude(source="copy") if s.card["names"][0] == copied.card["names"][0]
        )
        assert sorted(copied.card["identifiers"]) == sorted(original.card["identifiers"])
        said = [
            sorted(
                (s.schema, s.prop, s.value.replace(str(row.pk), "") if "#" not in s.value else "")
                for s in steps.statements_in_force(row)
                if s.prop != "birthDate"
            )
            for row in (copied, original)
        ]
        assert said[0] == said[1]


def test_an_officer_exports_what_that_officer_may_see(now: datetime) -> None:
    ours(now, circle="unit:narcotics")
    ours(now, "Salma Example")
    import_list(ANALYST, "un", lambda: io.BytesIO(un_list(FIRST, SECOND)), now=now)
    import_list(ANALYST, "un", lambda: io.BytesIO(un_list(FIRST)), now=now)
    assert export(now=now)[0].subjects == 3
    assert export(officer=STRANGER, now=now)[0].subjects == 2
    assert export(selection=Selection(origin="list"), now=now)[0].subjects == 1
    assert export(selection=Selection(source="un", with_delisted=True), now=now)[0].subjects == 2
    assert export(selection=Selection(circle="unit:narcotics"), now=now)[0].subjects == 1
    assert export(selection=Selection(schema="Vessel"), now=now)[0].subjects == 0


@pytest.mark.parametrize(
    ("officer", "form", "purpose", "code"),
    [
        (ADMINISTRATOR, "ftm", "investigation", "account.role"),
        (PROTECTOR, "ftm", "investigation", "account.role"),
        (ANALYST, "pdf", "investigation", "register.unknown_export_form"),
        (ANALYST, "csv", "curiosity", "codes.unknown_code"),
    ],
)
def test_a_refused_copy_has_no_number(officer: Any, form: str, purpose: str, code: str, now: datetime) -> None:
    with pytest.raises((Refused, Rejected)) as refused:
        export(form, officer, purpose=purpose, now=now)
    assert refused.value.code == code
    assert not Export.objects.exists()


@pytest.mark.parametrize(
    ("marking", "reason"),
    [
        (FREE, None),
        ({"level": 0, "handling": []}, None),
        ({"level": 1, "handling": []}, "level"),
        ({"level": 0, "handling": ["H2"]}, "onward"),
        ({"level": 0, "handling": [], "tlp": "AMBER"}, "onward"),
        ({"level": 0, "handling": ["H3"]}, "handling_note"),
        ({"level": 0, "handling": [], "novel": 1}, "conditions_unknown"),
        (None, "conditions_unknown"),
    ],
)
def test_conditions_decide_what_was_received(marking: Any, reason: str | None, settings: Any, now: datetime) -> None:
    under_an_accord(settings, now)
    received(now, marking)
    report, raw = export(now=now)
    assert report.subjects == (reason is None)
    assert dict(report.left_out) == ({} if reason is None else {reason: 1})
    assert (b"Received Example" in raw) is (reason is None)


@pytest.mark.parametrize(
    ("changes", "purpose", "reason"),
    [
        ({}, "investigation", None),
        ({}, "prosecution", None),
        ({}, "sanctions", "accord"),
        ({"onward": "consent"}, "investigation", "onward"),
        ({"onward": "never"}, "investigation", "onward"),
        ({"evidence": "consent"}, "prosecution", "accord"),
        ({"parties": ("xx", "ma-dgsn")}, "investigation", "accord"),
    ],
)
def test_the_accord_decides_what_was_received(
    changes: Any, purpose: str, reason: str | None, settings: Any, now: datetime
) -> None:
    under_an_accord(settings, now, **changes)
    received(now, FREE)
    received(now, {"level": 0, "handling": ["H1"]}, part=2)
    report, _ = export(purpose=purpose, now=now)
    if reason is None:
        h1_kept = purpose != "prosecution"
        assert (report.subjects, dict(report.left_out)) == (1 + h1_kept, {} if h1_kept else {"accord": 1})
    else:
        assert (report.subjects, dict(report.left_out)) == (0, {reason: 2})


def test_information_without_its_dossier_stays(now: datetime) -> None:
    received(now, FREE, dossier="f" * 64)
    assert dict(export(now=now)[0].left_out) == {"no_dossier": 1}


def test_a_classified_statement_is_left_out_of_its_subject(now: datetime) -> None:
    subject = ours(now)
    more = {"schema": "Person", "properties": {"phone": ["+212661234567"]}}
    actions.add_statements(ANALYST, subject.pk, more, marking={"level": 2, "handling": []}, now=now)
    report, raw = export(now=now)
    assert (report.subjects, dict(report.statements_left_out)) == (1, {"level": 1})
    assert b"+212661234567" not in raw


def test_a_table_opens_without_harm(now: datetime) -> None:
    properties = {
        "name": ['=HYPERLINK("http://x")', "نادية | المثال"],
        "phone": ["+212661234567"],
        "notes": ["a\n=1+1"],
    }
    ours(now, content={"schema": "Person", "properties": properties})
    report, raw = export("csv", now=now)
    assert raw.startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""))
    assert row["name"] == '\'=HYPERLINK("http://x")|نادية / المثال'
    assert row["phone"] == "'+212661234567"
    assert row["notes"] == "a =1+1"
    assert (row["copy_number"], row["sources"]) == (str(report.copy_number), "officer")


@given(st.text(max_size=30))
def test_no_cell_begins_a_formula(text: str) -> None:
    assert not guarded(text).lstrip(" \u00a0").startswith(("=", "+", "-", "@", "\t", "\r"))
    assert guarded(text).endswith(text)


@pytest.mark.parametrize(
    ("marking", "changes", "code"),
    [
        ({"level": 1, "handling": []}, {}, "register.export_level"),
        ({"level": 0, "handling": ["H2"]}, {}, "register.export_onward"),
        ({"level": 0, "handling": ["H3"]}, {}, "register.export_handling_note"),
        (None, {}, "register.export_conditions_unknown"),
        (FREE, {"purposes": ("prosecution",)}, "decide."),
    ],
)
def test_one_subject_that_may_not_leave_is_refused_with_the_clause(
    marking: Any, changes: dict[str, Any], code: str, settings: Any, now: datetime
) -> None:
    under_an_accord(settings, now, **changes)
    row = received(now, marking)
    with pytest.raises(Refused) as refused:
        export(selection=Selection(subject=str(row.pk)), now=now)
    assert refused.value.code.startswith(code)
    told = Event.objects.order_by("id").last()
    assert told is not None
    assert (told.event, told.told["facts"]["subject"]) == ("register.export_refused", str(row.pk))
    if code == "decide.":
        assert refused.value.facts["clause"] == told.told["facts"]["clause"] != ""
    assert not Export.objects.exists()


def test_one_subject_is_exported_alone_with_its_belongings(now: datetime) -> None:
    row = ours(now, content=CONTENT, circle="unit:narcotics")
    ours(now, "Salma Example")
    report, raw = export(selection=Selection(subject=str(row.pk)), now=now)
    assert (report.subjects, report.entities, len(raw.splitlines())) == (1, 2, 2)
    with pytest.raises(Rejected) as refused:
        export(officer=STRANGER, selection=Selection(subject=str(row.pk)), now=now)
    assert refused.value.code == "register.subject_not_found"


def test_former_listings_can_be_exported_alone(now: datetime) -> None:
    import_list(ANALYST, "un", lambda: io.BytesIO(un_list(FIRST, SECOND)), now=now)
    import_list(ANALYST, "un", lambda: io.BytesIO(un_list(FIRST)), now=now)
    report, raw = export(selection=Selection(with_delisted=True, only_delisted=True), now=now)
    assert (report.subjects, b"EXAMPLE" in raw) == (1, True)


def test_a_copy_that_is_cut_off_says_so_and_is_known_to_hold_what_had_left(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "BATCH", 2)
    for number in range(5):
        ours(now, f"Nadia Example {number}")
    opened = exporting.open_copy(ANALYST, "ftm", purpose="investigation", now=now)
    head, first = next(opened.pieces), next(opened.pieces)
    assert (head, len(first.splitlines())) == (b"", 2)
    opened.pieces.close()  # type: ignore[attr-defined]
    (row,) = exporting.copies_for(ANALYST)
    assert (row.copy_number, row.file_digest, row.ended_at) == (opened.number, "", None)
    held = [json.loads(line)["id"] for line in first.splitlines()]
    assert all([copy.copy_number for copy in copies_holding(one)] == [opened.number] for one in held)


def test_why_and_for_whom_are_sealed_with_the_copy_and_not_in_the_log(now: datetime) -> None:
    ours(now)
    export(words=Words("Audience du 3 décembre", "Tribunal d’Exemple"), now=now)
    (row,) = exporting.copies_for(PROTECTOR)
    assert (row.reason, row.recipient) == ("Audience du 3 décembre", "Tribunal d’Exemple")
    assert "Exemple" not in "".join(json.dumps(event.told, ensure_ascii=False) for event in Event.objects.all())
    assert exporting.copies_for(STRANGER) == []


VALUES = st.text(st.characters(exclude_categories=("C", "Zl", "Zp", "Zs")), min_size=1, max_size=12)


@settings_of(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(VALUES, min_size=1, max_size=3),
    notes=st.lists(VALUES, min_size=1, max_size=2),
    year=st.integers(1930, 2020),
)
def test_what_is_exported_comes_back_word_for_word(
    now: datetime, names: list[str], notes: list[str], year: int
) -> None:
    given_properties = {"name": names, "notes": notes, "birthDate": [str(year)]}
    with transaction.atomic():
        row = ours(now, content={"schema": "Person", "properties": given_properties})
        _, raw = export(selection=Selection(subject=str(row.pk)), now=now)
        report = import_list(ANALYST, ftm_format("back"), lambda: io.BytesIO(raw), now=now)
        assert (report.counts["added"], report.counts["problems"]) == (1, 0)
        copied = Subject.objects.get(source="back")
        assert said_of(copied) == said_of(row)
        assert import_list(ANALYST, ftm_format("back"), lambda: io.BytesIO(raw), now=now).is_without_effect
        transaction.set_rollback(True)


def said_of(row: Subject) -> list[tuple[str, str]]:
    return sorted((said.prop, said.value) for said in steps.statements_in_force(row))
