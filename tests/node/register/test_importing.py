"""Import of a list: report, dry run, nothing twice, nothing lost, killed at any point."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import IO, Any

import pytest

from tansiq.engine.errors import Conflict, Refused, Rejected
from tansiq.engine.matching import Query
from tansiq.node.audit.models import Event
from tansiq.node.register import actions, import_looking, importing, index, queries
from tansiq.node.register.import_reports import ImportReport
from tansiq.node.register.importing import import_list
from tansiq.node.register.models import ImportProblem, ImportRun, ListSource, RegisterChange, StatementRow, Subject
from tansiq.node.register.policy import labels_for
from tests.engine.entities.invented import FIRM, FIRST, SECOND, un_list
from tests.node.register.officers import ADMINISTRATOR, ANALYST, PROTECTOR, STRANGER
from tests.shared import shared_path

pytestmark = pytest.mark.django_db

LATER = "2027-01-01T00:00:00+00:00"


@pytest.fixture(autouse=True)
def fresh_index() -> Iterator[None]:
    index.forget()
    yield
    index.forget()


def opener(raw: bytes) -> Callable[[], IO[bytes]]:
    return lambda: io.BytesIO(raw)


def load(raw: bytes, now: datetime, **more: Any) -> ImportReport:
    return import_list(ANALYST, "un", opener(raw), now=now, **more)


def many(count: int, first: int = 1) -> list[str]:
    return [
        re.sub("900002", str(n), SECOND)
        .replace("TSi.002", f"TSi.{n}")
        .replace("EXAMPLE", f"EXAMPLE {'ABCDEFGHIJ'[n % 10]}{n}")
        for n in range(first, first + count)
    ]


def subject(key_number: str) -> Subject:
    for row in Subject.objects.all():
        if ["list_number", key_number] in row.card["identifiers"]:
            return row
    raise LookupError(key_number)


def state() -> list[Any]:
    """Everything that an import may change, but for the marks that a row was seen."""
    return [
        list(Subject.objects.order_by("pk").values("pk", "fingerprint", "delisted_at", "updated_at", "schema")),
        list(StatementRow.objects.order_by("pk").values("pk", "token", "retired_at")),
        list(RegisterChange.objects.order_by("pk").values()),
    ]


def test_a_list_becomes_subjects_with_its_provenance(now: datetime) -> None:
    report = load(un_list(FIRST, SECOND, entities=FIRM), now)
    assert report.counts["added"] == report.counts["rows"] == 3
    assert queries.count_for(STRANGER) == 3
    person = subject("TSi.001")
    assert (person.origin, person.schema, person.circle, person.discoverability) == ("list", "Person", "", "hit")
    assert queries.caption(person, "ar") == "نجيب المسافر"
    view = queries.statements_of(person)[0].statement
    assert (view.provenance.kind, view.provenance.source_id, view.provenance.origin) == ("list", "un", "TSi.001")
    assert view.entity_id == str(person.subject_id)
    (run,) = queries.import_runs("un")
    assert (run.state, run.rows_done, run.row_count) == ("done", 3, 3)
    assert queries.list_sources()[0].imported_at == now
    assert list(Event.objects.order_by("id").values_list("event", flat=True)) == [
        "register.import_started",
        "register.import_finished",
    ]


def test_listed_subjects_are_found_in_another_script(now: datetime) -> None:
    load(un_list(FIRST, SECOND), now)
    found = index.holder().search(Query(names=("نجيب المسافر",)), labels_for(STRANGER))
    assert found[0].subject_id == str(subject("TSi.001").pk)


def test_a_dry_run_tells_and_writes_nothing(now: datetime) -> None:
    told: list[tuple[str, int, int | None]] = []
    report = load(
        un_list(FIRST, SECOND), now, is_dry=True, progress=lambda phase, done, total: told.append((phase, done, total))
    )
    assert (report.is_dry, report.counts["added"], report.run_id) == (True, 2, "")
    assert told == [("read", 2, None)]
    assert not any(model.objects.exists() for model in (Subject, ListSource, ImportRun, ImportProblem, Event))
    load(un_list(FIRST, SECOND), now)
    before = state()
    changed = un_list(FIRST.replace("Broker", "Agent"), entities=FIRM)
    report = load(changed, now, is_dry=True)
    assert {k: v for k, v in report.counts.items() if v} == {"rows": 2, "added": 1, "changed": 1, "delisted": 1}
    assert state() == before


def test_a_second_import_changes_nothing(now: datetime) -> None:
    raw = un_list(FIRST, SECOND, entities=FIRM)
    load(raw, now)
    before = state()
    report = load(raw, now + timedelta(days=1))
    assert report.is_without_effect
    assert report.counts["unchanged"] == 3
    assert state() == before


def test_a_changed_row_is_brought_up_to_date(now: datetime) -> None:
    load(un_list(FIRST, SECOND), now)
    person = subject("TSi.001")
    later = now + timedelta(days=1)
    changed = FIRST.replace("<VALUE>Broker</VALUE>", "<VALUE>Agent</VALUE>").replace("AB1234567", "AB7654321")
    report = load(un_list(changed, SECOND, generated=LATER), later)
    assert (report.counts["changed"], report.counts["unchanged"]) == (1, 1)
    person.refresh_from_db()
    said = queries.statements_of(person, with_retired=True)
    by_value = {view.statement.value: view for view in said if view.statement.prop in ("position", "passportNumber")}
    assert by_value["Broker"].retired_at == later
    assert by_value["Agent"].retired_at is None
    person.refresh_from_db()
    assert ["passport", "AB7654321"] in person.card["identifiers"]
    assert ["passport", "AB1234567"] not in person.card["identifiers"]
    load(un_list(FIRST, SECOND, generated=LATER), later + timedelta(days=1))
    person.refresh_from_db()
    revived = {v.statement.value for v in queries.statements_of(person) if v.statement.prop == "position"}
    assert revived == {"Captain of a boat", "Broker"}


def test_what_officers_said_and_retired_outlives_every_edition(now: datetime) -> None:
    load(un_list(FIRST, SECOND), now)
    person = subject("TSi.001")
    more = {"schema": "Person", "properties": {"phone": ["+212661234567"]}}
    actions.add_statements(ANALYST, person.subject_id, more, now=now)
    broker = next(v.number for v in queries.statements_of(person) if v.statement.value == "Broker")
    actions.retire_statement(ANALYST, person.subject_id, broker, reason="known to be false", now=now)
    load(un_list(FIRST.replace("Captain", "Skipper"), SECOND), now)
    load(un_list(FIRST, SECOND), now)
    person.refresh_from_db()
    values = {v.statement.value for v in queries.statements_of(person)}
    assert "+212661234567" in values
    assert "Captain of a boat" in values
    assert "Broker" not in values
    person.refresh_from_db()
    assert ["phone", "+212661234567"] in person.card["identifiers"]


def test_a_vanished_row_is_delisted_not_deleted_and_may_return(now: datetime) -> None:
    load(un_list(FIRST, SECOND), now)
    later = now + timedelta(days=1)
    report = load(un_list(FIRST, generated=LATER), later)
    assert report.counts["delisted"] == 1
    gone = subject("TSi.002")
    assert gone.delisted_at == later
    assert queries.statements_of(gone)
    asked = Query(names=("Salma Example",))
    assert index.holder().search(asked, labels_for(ANALYST)) == []
    former = index.holder().search(asked, labels_for(ANALYST, is_former_wanted=True))
    assert [match.subject_id for match in former] == [str(gone.pk)]
    assert load(un_list(FIRST, generated=LATER), later).is_without_effect
    report = load(un_list(FIRST, SECOND, generated=LATER), later)
    assert report.counts["relisted"] == 1
    assert index.holder().search(asked, labels_for(ANALYST))[0].subject_id == str(gone.pk)


@pytest.mark.parametrize("cut", [-30, -400, 2000, 0])
def test_a_damaged_file_loses_nothing_that_was_there(cut: int, now: datetime) -> None:
    raw = un_list(FIRST, SECOND, entities=FIRM)
    load(raw, now)
    before = state()
    with pytest.raises(Rejected) as refused:
        load(un_list(FIRST, entities=FIRM, generated=LATER)[:cut], now)
    assert refused.value.code == "list.not_well_formed"
    assert state() == before
    assert ImportRun.objects.count() == 1


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (un_list(generated=LATER), "register.import_would_delist"),
        (un_list(FIRST, generated="2020-01-01T00:00:00+00:00"), "register.import_older"),
    ],
)
def test_an_improbable_file_must_be_confirmed(raw: bytes, code: str, now: datetime) -> None:
    load(un_list(FIRST, SECOND), now)
    before = state()
    with pytest.raises(Refused) as refused:
        load(raw, now)
    assert refused.value.code == code
    assert state() == before
    assert load(raw, now, is_dry=True).refused == [code]
    report = load(raw, now, confirm=frozenset({"older", "delisting"}))
    assert report.counts["delisted"] > 0


def test_a_large_part_missing_is_improbable_a_small_one_is_not(now: datetime) -> None:
    load(un_list(*many(60)), now)
    with pytest.raises(Refused):
        load(un_list(*many(45)), now)
    assert load(un_list(*many(50)), now).counts["delisted"] == 10


def test_an_unreadable_row_is_not_delisted(now: datetime) -> None:
    rows = many(5)
    load(un_list(*rows), now)
    nameless = re.sub(r"<FIRST_NAME>.*?</SECOND_NAME>", "", rows[2])
    report = load(un_list(*rows[:2], nameless, *rows[3:]), now)
    assert (report.counts["delisted"], report.counts["lost"], report.delisting_withheld) == (0, 1, 0)
    keyless = rows[2].replace("<DATAID>3</DATAID>", "")
    report = load(un_list(*rows[:2], keyless, *rows[4:]), now)
    assert (report.counts["delisted"], report.delisting_withheld) == (0, 2)
    assert not Subject.objects.exclude(delisted_at=None).exists()
    twice = load(un_list(*rows, rows[0]), now)
    assert (twice.counts["lost"], twice.counts["delisted"]) == (1, 0)
    assert load(un_list(*rows[:4], rows[0]), now).counts["delisted"] == 1


def test_a_damaged_value_does_not_take_the_good_one_away(now: datetime) -> None:
    load(un_list(SECOND), now)
    damaged = SECOND.replace("<YEAR>1980</YEAR><NOTE>Sep.</NOTE>", "<NOTE>29 years old</NOTE>")
    report = load(un_list(damaged), now)
    assert [p.rule for p in report.problems] == ["list.date_not_understood"]
    assert report.counts["changed"] == 1
    assert subject("TSi.002").card["birth_dates"] == ["1980-09"]
    assert load(un_list(damaged), now + timedelta(days=1)).is_without_effect
    (run, *_) = queries.import_runs()
    (problem,) = queries.problems_of(run)
    assert (problem.rule, problem.told["value"]) == ("list.date_not_understood", "EXACT 29 years old")
    assert problem.place.endswith("INDIVIDUAL[1]/INDIVIDUAL_DATE_OF_BIRTH[1]")


def test_killed_between_batches_nothing_is_half_stored_and_the_next_run_finishes(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_looking, "BATCH", 4)
    raw = un_list(*many(18))

    class PowerCutError(Exception):
        pass

    for dies_at in (1, 3):
        written = 0
        whole = importing.write

        def dying(*args: Any, dies_at: int = dies_at, whole: Any = whole) -> Any:
            nonlocal written
            written += 1
            done = whole(*args)
            if written > dies_at:
                raise PowerCutError
            return done

        with monkeypatch.context() as patch:
            patch.setattr(importing, "write", dying)
            with pytest.raises(PowerCutError):
                load(raw, now)
        for row in Subject.objects.all():
            assert len(queries.statements_of(row)) > 5
        assert Subject.objects.count() % 4 in (0, 3)
        assert Subject.objects.count() < 18
        assert not Subject.objects.exclude(delisted_at=None).exists()
    load(raw, now)
    assert Subject.objects.count() == 18
    assert {run.state for run in ImportRun.objects.all()} == {"done", "superseded"}
    assert load(raw, now).is_without_effect


def test_the_newer_of_two_imports_wins(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_looking, "BATCH", 4)
    newer = un_list(*many(20), generated=LATER)
    inner: list[ImportReport] = []

    def meanwhile(phase: str, done: int, total: int | None) -> None:
        if phase == "store" and not inner:
            inner.append(load(newer, now))

    with pytest.raises(Conflict) as refused:
        load(un_list(*many(18)), now, progress=meanwhile)
    assert refused.value.code == "register.import_superseded"
    assert Subject.objects.filter(delisted_at=None).count() == 20
    assert load(newer, now).is_without_effect


def test_a_file_that_changes_under_us_delists_nothing(now: datetime) -> None:
    load(un_list(*many(6)), now)
    files = iter([un_list(*many(7)), un_list(*many(3))])
    with pytest.raises(Conflict) as refused:
        import_list(ANALYST, "un", lambda: io.BytesIO(next(files)), now=now)
    assert refused.value.code == "register.import_file_changed"
    assert Subject.objects.filter(delisted_at=None).count() == 6


def test_an_erased_listing_comes_back_unless_barred(now: datetime) -> None:
    raw = un_list(FIRST, SECOND, entities=FIRM)
    load(raw, now)
    actions.erase_subject(PROTECTOR, subject("TSi.001").pk, ground="court_order", is_barred=True, now=now)
    actions.erase_subject(PROTECTOR, subject("TSi.002").pk, ground="mistake", now=now)
    report = load(raw, now)
    assert (report.counts["barred"], report.counts["added"], report.counts["unchanged"]) == (1, 1, 1)
    with pytest.raises(LookupError):
        subject("TSi.001")


def test_an_erased_subject_leaves_no_row_report_behind(now: datetime) -> None:
    load(un_list(FIRST, SECOND.replace("Italy", "Possibly Italian")), now)
    assert ImportProblem.objects.count() == 1
    actions.erase_subject(PROTECTOR, subject("TSi.002").pk, ground="mistake", now=now)
    assert not ImportProblem.objects.exists()


def test_who_may_not_import_does_not(now: datetime) -> None:
    with pytest.raises(Refused) as refused:
        import_list(ADMINISTRATOR, "un", opener(un_list(FIRST)), now=now)
    assert refused.value.code == "account.role"
    with pytest.raises(Rejected) as unknown:
        import_list(ANALYST, "phone-book", opener(un_list(FIRST)), now=now)
    assert unknown.value.code == "register.unknown_list"
    assert not ListSource.objects.exists()


def test_a_report_is_json(now: datetime) -> None:
    report = load(un_list(FIRST, SECOND.replace("Italy", "Possibly Italian")), now).to_json()
    assert report["counts"]["problems"] == 1
    assert report["problems"][0]["value"] == "Possibly Italian"
    assert report["edition_at"] == "2026-10-29T23:09:49.856Z"


def test_the_real_list_is_imported_and_imported_again(now: datetime) -> None:
    path = shared_path("data/lists/un_consolidated.xml")
    told: list[tuple[str, int, int | None]] = []

    def run() -> ImportReport:
        progress = lambda phase, done, total: told.append((phase, done, total))  # noqa: E731
        return import_list(ANALYST, "un", lambda: path.open("rb"), progress=progress, now=now)

    first = run()
    assert (first.counts["added"], first.counts["rows"], first.counts["lost"]) == (1093, 1093, 0)
    assert told[-1] == ("store", 1093, 1093)
    assert run().is_without_effect
    assert index.holder().follow() == 1093
    some = list(Subject.objects.all()[::97])
    for row in some:
        asked = Query(names=(queries.caption(row),), schema=row.schema)
        assert str(row.pk) in {match.subject_id for match in index.holder().search(asked, labels_for(ANALYST))}
