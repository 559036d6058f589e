"""Subjects: entered, said more about, corrected, retired, read by those who may, erased without trace."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from tansiq.engine.entities import Grading
from tansiq.engine.errors import Conflict, Refused, Rejected, TansiqError
from tansiq.node.audit.models import Event
from tansiq.node.desk.models import Task
from tansiq.node.jobs.models import Job
from tansiq.node.register import actions, queries, tasks
from tansiq.node.register.models import Erasure, Judgement, StatementRow, Subject
from tests.node.register.officers import (
    ADMINISTRATOR,
    ANALYST,
    COLLEAGUE,
    CONTENT,
    PROTECTOR,
    STRANGER,
    Somebody,
)

pytestmark = pytest.mark.django_db


def add(who: Somebody = ANALYST, *, now: datetime, **more: Any) -> Subject:
    return actions.add_subject(who, CONTENT, **{"circle": "unit:narcotics", "now": now, **more})


def said(subject: Subject, prop: str) -> list[str]:
    return [view.statement.value for view in queries.statements_of(subject) if view.statement.prop == prop]


def number_of(subject: Subject, prop: str) -> int:
    return next(view.number for view in queries.statements_of(subject) if view.statement.prop == prop)


def events() -> list[str]:
    return list(Event.objects.order_by("id").values_list("event", flat=True))


def test_a_subject_is_its_statements(now: datetime) -> None:
    graded = Grading("6x6", "B", "2")
    subject = add(now=now, grading=graded, marking={"level": 1, "handling": ["H1"]}, review_at=now + timedelta(days=90))
    found = queries.get_subject_for(COLLEAGUE, str(subject.subject_id))
    person, passport = queries.entities_of(found)
    assert (person.schema, passport.schema) == ("Person", "Passport")
    assert person.values("nationality") == ("ma",)
    assert passport.values("holder") == (str(subject.subject_id),)
    view = queries.statements_of(found)[0].statement
    assert view.provenance.grading == graded
    assert view.provenance.marking == {"level": 1, "handling": ["H1"]}
    assert (view.provenance.kind, view.provenance.source_id) == ("officer", ANALYST.reference)
    assert view.first_seen == now
    assert queries.caption(found, "ar") == "نادية المثال"
    assert queries.caption(found, "fr") == "Nadia Example"
    assert events() == ["register.subject_added"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"circle": "unit:borders"}, "register.circle_not_yours"),
        ({"discoverability": "sometimes"}, "register.unknown_discoverability"),
        ({"grading": Grading("6x6", "Z", "9")}, "codes.unknown_code"),
    ],
)
def test_a_subject_that_breaks_a_rule_is_not_entered(change: dict[str, Any], code: str, now: datetime) -> None:
    with pytest.raises(Rejected) as refused:
        add(now=now, **change)
    assert refused.value.code == code
    assert not Subject.objects.exists()
    assert not StatementRow.objects.exists()
    assert events() == []


def test_wrong_content_leaves_nothing_behind(now: datetime) -> None:
    wrong = {**CONTENT, "properties": {**CONTENT["properties"], "birthDate": ["12 May"]}}
    with pytest.raises(Rejected) as refused:
        actions.add_subject(ANALYST, wrong, circle="", now=now)
    assert refused.value.facts["at"] == "/properties/birthDate/0"
    assert not Subject.objects.exists()


@pytest.mark.parametrize("who", [STRANGER, ADMINISTRATOR])
def test_not_allowed_looks_like_not_found(who: Somebody, now: datetime) -> None:
    subject = add(now=now)

    def answer(subject_id: object) -> tuple[str, dict[str, Any]]:
        with pytest.raises(Rejected) as refused:
            queries.get_subject_for(who, subject_id)
        return refused.value.code, {**refused.value.facts, "subject": ""}

    hidden, absent = answer(subject.subject_id), answer("018f0000-0000-7000-8000-00000000ffff")
    assert hidden == absent == answer("no id at all") == ("register.subject_not_found", {"subject": ""})
    assert queries.subjects_by_id_for(who, [subject.subject_id, "nonsense"]) == {}
    assert queries.subjects_for(who).subjects == ()
    assert queries.count_for(who) == 0


def test_a_record_of_the_whole_node_is_for_every_reading_role(now: datetime) -> None:
    subject = add(now=now, circle="")
    assert queries.get_subject_for(STRANGER, subject.subject_id) == subject
    with pytest.raises(Rejected):
        queries.get_subject_for(ADMINISTRATOR, subject.subject_id)


def test_pages_go_through_everything_once(now: datetime) -> None:
    entered = {add(now=now + timedelta(seconds=n), circle="").subject_id for n in range(7)}
    seen: list[object] = []
    after: str | None = None
    while True:
        page = queries.subjects_for(ANALYST, limit=3, after=after)
        seen += [row.subject_id for row in page.subjects]
        after = page.next_after
        if after is None:
            break
    assert len(seen) == 7
    assert set(seen) == entered
    assert seen == sorted(seen, reverse=True)


def test_more_is_said_in_the_name_of_whoever_says_it(now: datetime) -> None:
    subject = add(now=now)
    more = {"schema": "Person", "properties": {"name": ["Nadia Example"], "alias": ["La Passeuse"]}}
    added = actions.add_statements(COLLEAGUE, subject.subject_id, more, now=now)
    assert added == 2
    found = queries.get_subject_for(ANALYST, subject.subject_id)
    assert said(found, "name").count("Nadia Example") == 2
    assert ["La Passeuse", "alias"] in found.card["names"]
    assert actions.add_statements(COLLEAGUE, subject.subject_id, more, now=now) == 0


def test_saying_more_can_narrow_what_it_is_but_not_change_it(now: datetime) -> None:
    vague = {"schema": "LegalEntity", "properties": {"name": ["Somebody"]}}
    subject = actions.add_subject(ANALYST, vague, circle="", now=now)
    person = {"schema": "Person", "properties": {"birthDate": ["1970"]}}
    actions.add_statements(ANALYST, subject.subject_id, person, now=now)
    assert queries.get_subject_for(ANALYST, subject.subject_id).schema == "Person"
    with pytest.raises(Rejected) as refused:
        actions.add_statements(
            ANALYST, subject.subject_id, {"schema": "Vessel", "properties": {"name": ["A"]}}, now=now
        )
    assert refused.value.code == "entity.schemata_disagree"
    assert said(subject, "name") == ["Somebody"]


def test_a_correction_retires_the_wrong_and_says_the_right(now: datetime) -> None:
    subject = add(now=now, marking={"level": 1, "handling": ["H2"]})
    wrong = number_of(subject, "phone")
    later = now + timedelta(days=1)
    actions.correct_statement(
        COLLEAGUE, subject.subject_id, wrong, value="+212 661-234568", reason="misread", now=later
    )
    found = queries.get_subject_for(ANALYST, subject.subject_id)
    assert said(found, "phone") == ["+212661234568"]
    assert ["phone", "+212661234568"] in found.card["identifiers"]
    assert ["phone", "+212661234567"] not in found.card["identifiers"]
    (old,) = [v for v in queries.statements_of(found, with_retired=True) if v.number == wrong]
    assert (old.retired_at, old.retired_by, old.reason) == (later, COLLEAGUE.reference, "misread")
    (new,) = [v for v in queries.statements_of(found) if v.statement.prop == "phone"]
    assert new.statement.provenance.marking == {"level": 1, "handling": ["H2"]}
    assert new.statement.provenance.source_id == COLLEAGUE.reference


@pytest.mark.parametrize(
    ("value", "reason", "code"),
    [
        ("0661 234568", "misread", "entity.phone_not_international"),
        ("+212661234567", "misread", "register.nothing_corrected"),
        ("+212661234568", "  ", "register.reason_needed"),
    ],
)
def test_a_correction_that_breaks_a_rule_changes_nothing(value: str, reason: str, code: str, now: datetime) -> None:
    subject = add(now=now)
    before = queries.statements_of(subject, with_retired=True)
    with pytest.raises(Rejected) as refused:
        actions.correct_statement(
            ANALYST, subject.subject_id, number_of(subject, "phone"), value=value, reason=reason, now=now
        )
    assert refused.value.code == code
    assert queries.statements_of(subject, with_retired=True) == before


def test_what_an_officer_retired_is_not_said_again_by_accident(now: datetime) -> None:
    subject = add(now=now)
    actions.retire_statement(ANALYST, subject.subject_id, number_of(subject, "phone"), reason="not hers", now=now)
    assert said(subject, "phone") == []
    again = {"schema": "Person", "properties": {"phone": ["+212661234567"]}}
    with pytest.raises(Conflict) as refused:
        actions.add_statements(ANALYST, subject.subject_id, again, now=now)
    assert refused.value.code == "register.statement_retired"
    with pytest.raises(Rejected) as gone:
        actions.retire_statement(ANALYST, subject.subject_id, 999_999, reason="x", now=now)
    assert gone.value.code == "register.statement_not_found"


def test_who_may_read_may_not_therefore_write(now: datetime) -> None:
    subject = add(now=now)
    with pytest.raises(Refused) as refused:
        actions.add_statements(
            PROTECTOR, subject.subject_id, {"schema": "Person", "properties": {"name": ["X"]}}, now=now
        )
    assert refused.value.code == "register.may_not_write"
    with pytest.raises(Refused) as refused:
        actions.add_subject(PROTECTOR, CONTENT, circle="", now=now)
    assert refused.value.code == "account.role"


def test_reach_is_changed_by_those_who_may(now: datetime) -> None:
    subject = add(now=now)
    actions.set_reach(COLLEAGUE, subject.subject_id, circle="team:harbour", discoverability="contact", now=now)
    with pytest.raises(Rejected):
        queries.get_subject_for(ANALYST, subject.subject_id)
    moved = queries.get_subject_for(COLLEAGUE, subject.subject_id)
    assert (moved.circle, moved.discoverability) == ("team:harbour", "contact")
    with pytest.raises(Rejected) as refused:
        actions.set_reach(COLLEAGUE, subject.subject_id, circle="unit:borders", now=now)
    assert refused.value.code == "register.circle_not_yours"


def test_what_is_due_for_review_is_found(now: datetime) -> None:
    due = add(now=now, review_at=now - timedelta(days=1))
    add(now=now, review_at=now + timedelta(days=1))
    ended = add(now=now, retention_until=now)
    assert set(queries.subjects_due(ANALYST, now)) == {due, ended}
    assert queries.subjects_due(STRANGER, now) == []


def test_each_circle_is_reminded_of_its_reviews_and_again_tomorrow(now: datetime) -> None:
    add(now=now, review_at=now)
    add(now=now, circle="", retention_until=now)
    tasks.remind_of_reviews({}, now)
    tasks.remind_of_reviews({}, now)
    assert sorted(Task.objects.values_list("circle", "title_code")) == [
        ("", "register.review_due"),
        ("unit:narcotics", "register.review_due"),
    ]
    assert Job.objects.get().run_at == now + timedelta(days=1)


def test_reach_tells_whom_to_ask_and_nothing_else(now: datetime) -> None:
    subject = add(now=now, discoverability="contact")
    (reach,) = queries.reach_of([subject.subject_id, "nonsense"]).values()
    assert (reach.circle, reach.discoverability, reach.origin) == ("unit:narcotics", "contact", "officer")
    assert "Nadia" not in repr(reach)


def test_a_read_leaves_a_mark(now: datetime) -> None:
    subject = add(now=now)
    actions.note_read(COLLEAGUE, subject, purpose="prevention", now=now)
    event = Event.objects.get(event="register.subject_read")
    assert (event.actor, event.log) == (COLLEAGUE.reference, "internal")


def test_an_erased_subject_is_gone_with_all_that_hangs_on_it(now: datetime) -> None:
    subject, other = add(now=now), add(now=now)
    actions.judge(ANALYST, subject.subject_id, other.subject_id, verdict="same", reason="same phone", now=now)
    actions.erase_subject(PROTECTOR, subject.subject_id, ground="retention_ended", now=now)
    assert list(Subject.objects.all()) == [other]
    assert not StatementRow.objects.exclude(subject=other).exists()
    assert not Judgement.objects.exists()
    kept = Erasure.objects.get()
    assert (kept.subject_id, kept.ground, kept.officer) == (subject.subject_id, "retention_ended", PROTECTOR.reference)
    assert "register.subject_erased" in events()


def test_only_data_protection_or_the_author_erases(now: datetime) -> None:
    subject = add(now=now)
    with pytest.raises(Refused) as refused:
        actions.erase_subject(COLLEAGUE, subject.subject_id, ground="mistake", now=now)
    assert refused.value.code == "register.may_not_erase"
    with pytest.raises(Rejected):
        actions.erase_subject(STRANGER, subject.subject_id, ground="mistake", now=now)
    with pytest.raises(Rejected) as wordy:
        actions.erase_subject(ANALYST, subject.subject_id, ground="because Nadia asked", now=now)
    assert wordy.value.code == "register.ground_not_a_code"
    actions.erase_subject(ANALYST, subject.subject_id, ground="mistake", now=now)
    assert not Subject.objects.exists()


def test_a_restore_erases_again(now: datetime) -> None:
    subject = add(now=now)
    before = {"row": Subject.objects.get(), "statements": list(StatementRow.objects.all())}
    actions.erase_subject(PROTECTOR, subject.subject_id, ground="retention_ended", now=now)
    ledger = list(queries.erasures())
    before["row"].save(force_insert=True)
    StatementRow.objects.bulk_create(before["statements"])
    assert actions.replay_erasures(ledger, now=now) == 1
    assert not Subject.objects.exists()
    assert not StatementRow.objects.exists()
    assert actions.replay_erasures(ledger, now=now) == 0


def test_nothing_that_names_anybody_stands_in_clear(now: datetime) -> None:
    one, other = add(now=now), add(now=now)
    actions.judge(ANALYST, one.subject_id, other.subject_id, verdict="unsure", reason="secret reason", now=now)
    actions.retire_statement(ANALYST, one.subject_id, number_of(one, "phone"), reason="secret reason", now=now)
    secrets = ["Nadia", "نادية", "212661234567", "AB1234567", "1968/1970", "Yusuf", "secret reason"]
    tables = [t for t in connection.introspection.table_names() if t.startswith(("register_", "audit_"))]
    dumped = b""
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                dumped += b"|".join(bytes(v) if isinstance(v, (bytes, memoryview)) else str(v).encode() for v in row)
    assert len(tables) > 8
    assert str(one.subject_id).encode() in dumped or one.subject_id.hex.encode() in dumped
    assert not [secret for secret in secrets if secret.encode() in dumped]


def test_errors_carry_no_content(now: datetime) -> None:
    subject = add(now=now)
    wrong = {"schema": "Person", "properties": {"birthDate": ["Nadia was born in May"]}}
    with pytest.raises(TansiqError) as refused:
        actions.add_statements(ANALYST, subject.subject_id, wrong, now=now)
    assert "Nadia" not in str(refused.value)
