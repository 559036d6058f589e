"""Reviews: every record has a date; a person decides; nothing is extended by itself; what nobody decides goes further up."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import Any

import pytest

from tansiq.engine.errors import Refused, Rejected, TansiqError
from tansiq.engine.matching import Query
from tansiq.node.audit.models import Event
from tansiq.node.desk.models import Task
from tansiq.node.register import actions, index, queries, reviewing, tasks
from tansiq.node.register.exporting import copies_holding, export_subjects
from tansiq.node.register.importing import import_list
from tansiq.node.register.models import Judgement, Review, StatementRow, Subject
from tansiq.node.register.policy import ESCALATE_AFTER, FORMER_KEPT, LONGEST_KEEP, labels_for
from tansiq.node.register.reviewing import Decision, decide, decide_all
from tests.engine.entities.invented import FIRM, FIRST, SECOND, un_list
from tests.node.register.officers import ANALYST, COLLEAGUE, CONTENT, PROTECTOR, STRANGER

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
ASKED = Query(names=("Nadia Example",), schema="Person")


@pytest.fixture(autouse=True)
def fresh_index() -> Any:
    index.forget()
    yield
    index.forget()


def add(now: datetime, **more: Any) -> Subject:
    return actions.add_subject(ANALYST, CONTENT, now=now, **{"circle": "unit:narcotics", **more})


def keep(until: datetime, ground: str = "investigation_open") -> Decision:
    return Decision("keep", ground, "The case goes on.", until)


ERASE = Decision("erase", "no_longer_needed", "The case was closed.")
RESTRICT = Decision("restrict", "accuracy_contested", "He says that it is not he.")


def found(now: datetime) -> bool:
    return bool(index.holder().search(ASKED, labels_for(ANALYST)))


def test_every_record_that_is_ours_to_keep_has_a_date(now: datetime) -> None:
    assert add(now).review_at == now + LONGEST_KEEP
    assert add(now, retention_until=now + DAY).review_at == now + DAY
    received = actions.store_received(
        CONTENT, entry="e" * 64, part=0, dossier="d" * 64, sender="ma", circle="unit:narcotics", now=now
    )
    assert received is not None
    assert received.review_at == now + LONGEST_KEEP


def test_a_former_listing_is_due_a_year_later_and_a_listed_one_is_not(now: datetime) -> None:
    import_list(ANALYST, "un", lambda: io.BytesIO(un_list(FIRST, SECOND, entities=FIRM)), now=now)
    assert not Subject.objects.exclude(review_at=None).exists()
    import_list(ANALYST, "un", lambda: io.BytesIO(un_list(FIRST, entities=FIRM)), now=now)
    former = Subject.objects.exclude(delisted_at=None).get()
    assert former.review_at == now + FORMER_KEPT
    import_list(ANALYST, "un", lambda: io.BytesIO(un_list(FIRST, SECOND, entities=FIRM)), now=now)
    former.refresh_from_db()
    assert (former.delisted_at, former.review_at) == (None, None)


def test_a_statement_that_is_due_makes_its_record_due(now: datetime) -> None:
    subject = add(now)
    more = {"schema": "Person", "properties": {"alias": ["Nana"]}}
    actions.add_statements(ANALYST, subject.pk, more, review_at=now + DAY, now=now)
    assert queries.subjects_due(ANALYST, now + DAY) == [subject]
    decide(ANALYST, subject.pk, keep(now + 30 * DAY), now=now + DAY)
    subject.refresh_from_db()
    assert subject.review_at == now + 30 * DAY
    row = StatementRow.objects.get(prop="alias")
    assert (row.review_at, row.told["review_at"]) == (now + 30 * DAY, "2026-12-22T09:00:00.000Z")


def test_the_oldest_is_first_and_a_circle_sees_its_own(now: datetime) -> None:
    later = add(now, review_at=now)
    first = add(now, retention_until=now - DAY)
    other = add(now, circle="", review_at=now - 2 * DAY)
    assert queries.subjects_due(ANALYST, now) == [other, first, later]
    assert queries.subjects_due(ANALYST, now, circle="unit:narcotics") == [first, later]
    assert queries.subjects_due(STRANGER, now) == [other]
    assert queries.count_due(PROTECTOR, now) == 3


def test_a_decision_has_ground_reason_and_officer_and_is_kept(now: datetime) -> None:
    subject = add(now, review_at=now)
    decide(ANALYST, subject.pk, keep(now + DAY), now=now)
    (review,) = queries.reviews_of(subject.pk)
    assert (review.verdict, review.officer, review.was_due_at, review.until) == (
        "keep",
        ANALYST.reference,
        now,
        now + DAY,
    )
    assert review.reason == "The case goes on."
    assert Event.objects.filter(event="register.reviewed", actor=ANALYST.reference).count() == 1
    assert queries.subjects_due(ANALYST, now) == []


@pytest.mark.parametrize(
    ("decision", "code"),
    [
        (Decision("forget", "inaccurate", "x"), "register.unknown_review_verdict"),
        (Decision("erase", "because", "x"), "codes.unknown_code"),
        (Decision("erase", "investigation_open", "x"), "register.ground_not_for"),
        (Decision("erase", "inaccurate", "  "), "register.reason_needed"),
        (Decision("keep", "threat_persists", "x"), "register.review_until_needed"),
        (Decision("keep", "threat_persists", "x", datetime.fromisoformat("2020-01-01T00:00:00Z")),
         "register.review_until_needed"),
        (Decision("keep", "threat_persists", "x", datetime.fromisoformat("2036-01-01T00:00:00Z")),
         "register.review_too_far"),
    ],
)  # fmt: skip
def test_what_cannot_be_decided_is_refused_and_nothing_moves(decision: Decision, code: str, now: datetime) -> None:
    subject = add(now, review_at=now)
    with pytest.raises(Rejected) as refused:
        decide_all(ANALYST, [subject.pk], decision, now=now)
    assert refused.value.code == code
    assert queries.subjects_due(ANALYST, now) == [subject]
    assert not Review.objects.exists()


def test_who_may_not_does_not_decide(now: datetime) -> None:
    subject = add(now, review_at=now)
    for officer, decision, code in (
        (STRANGER, keep(now + DAY), "register.subject_not_found"),
        (COLLEAGUE, ERASE, "register.may_not_erase"),
    ):
        with pytest.raises(TansiqError) as refused:
            decide(officer, subject.pk, decision, now=now)
        assert refused.value.code == code
    assert queries.subjects_due(ANALYST, now) == [subject]


def test_only_the_data_protection_officer_keeps_beyond_the_retention(now: datetime) -> None:
    subject = add(now, retention_until=now)
    for decision in (keep(now + DAY), RESTRICT):
        with pytest.raises(Refused) as refused:
            decide(ANALYST, subject.pk, decision, now=now)
        assert refused.value.code == "register.review_retention_ended"
    decide(PROTECTOR, subject.pk, keep(now + DAY, "legal_obligation"), now=now)
    subject.refresh_from_db()
    assert (subject.review_at, subject.retention_until) == (now + DAY, now + DAY)


def test_a_restricted_record_is_kept_and_neither_found_nor_exported_until_it_is_lifted(now: datetime) -> None:
    subject = add(now, review_at=now)
    assert found(now)
    decide(ANALYST, subject.pk, RESTRICT, now=now)
    assert not found(now)
    report = export_subjects(ANALYST, "ftm", io.BytesIO(), purpose="investigation", now=now)
    assert (report.subjects, report.left_out) == (0, {"restricted": 1})
    assert queries.get_subject_for(ANALYST, subject.pk).restricted_at == now
    reviewing.lift_restriction(ANALYST, subject.pk, reason="It was established.", now=now)
    assert found(now)
    assert queries.subjects_due(ANALYST, now) == [subject]
    with pytest.raises(Rejected):
        reviewing.lift_restriction(ANALYST, subject.pk, reason="Again.", now=now)


def test_erasing_from_the_queue_reaches_all_that_the_register_holds(now: datetime) -> None:
    subject, other = add(now, review_at=now), add(now)
    actions.judge(ANALYST, subject.pk, other.pk, verdict="same", reason="the same passport", now=now)
    export_subjects(ANALYST, "ftm", io.BytesIO(), purpose="investigation", now=now)
    index.holder().follow()
    decide(ANALYST, subject.pk, ERASE, now=now)
    assert not StatementRow.objects.filter(subject_id=subject.pk).exists()
    assert not Judgement.objects.exists()
    hits = index.holder().search(ASKED, labels_for(ANALYST))
    assert [hit.subject_id for hit in hits] == [str(other.pk)]
    (copy,) = copies_holding(subject.pk)
    asked = Task.objects.get(title_code="register.copy_holds_erased")
    assert (asked.owner, asked.facts["copy"]) == (ANALYST.reference, copy.copy_number)
    (review,) = queries.reviews_of(subject.pk)
    assert review.ground == "no_longer_needed"


def test_an_erased_listing_does_not_come_back(now: datetime) -> None:
    raw = un_list(FIRST, SECOND)
    import_list(ANALYST, "un", lambda: io.BytesIO(raw), now=now)
    decide(PROTECTOR, Subject.objects.all()[0].pk, ERASE, now=now)
    report = import_list(ANALYST, "un", lambda: io.BytesIO(raw), now=now)
    assert (report.counts["barred"], report.counts["unchanged"]) == (1, 1)


def test_several_are_decided_alike_and_a_refusal_does_not_undo_the_others(now: datetime) -> None:
    mine = add(now, review_at=now)
    theirs = actions.add_subject(COLLEAGUE, CONTENT, circle="unit:narcotics", review_at=now, now=now)
    outcomes = decide_all(ANALYST, [mine.pk, theirs.pk, mine.pk], ERASE, now=now)
    refused = outcomes[str(theirs.pk)]
    assert outcomes[str(mine.pk)] is None
    assert refused is not None
    assert refused.code == "register.may_not_erase"
    assert queries.subjects_due(ANALYST, now) == [theirs]
    with pytest.raises(Rejected) as many:
        decide_all(ANALYST, range(201), ERASE, now=now)
    assert many.value.code == "register.too_many_at_once"


def test_the_task_goes_with_the_last_decision(now: datetime) -> None:
    one, two = add(now, review_at=now), add(now, review_at=now)
    tasks.remind_of_reviews({}, now)
    decide(ANALYST, one.pk, keep(now + DAY), now=now)
    assert Task.objects.get(kind="register_review").state == "open"
    decide(ANALYST, two.pk, ERASE, now=now)
    assert Task.objects.get(kind="register_review").state == "settled"


def test_what_nobody_decides_goes_further_up_and_is_not_extended(now: datetime) -> None:
    subject = add(now, review_at=now)
    tasks.remind_of_reviews({}, now + ESCALATE_AFTER - DAY)
    assert not Task.objects.filter(kind="register_overdue").exists()
    tasks.remind_of_reviews({}, now + ESCALATE_AFTER)
    tasks.remind_of_reviews({}, now + ESCALATE_AFTER)
    assert Task.objects.get(kind="register_overdue").facts == {"count": 1, "days": 14}
    assert Event.objects.filter(event="register.review_escalated").exists()
    subject.refresh_from_db()
    assert subject.review_at == now
    decide(ANALYST, subject.pk, keep(now + 60 * DAY), now=now + ESCALATE_AFTER)
    tasks.remind_of_reviews({}, now + ESCALATE_AFTER)
    assert Task.objects.get(kind="register_overdue").state == "settled"
