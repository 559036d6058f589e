"""Judgements: a named officer's word, revocable, never a merge."""

from __future__ import annotations

from datetime import datetime

import pytest

from tansiq.engine.errors import Conflict, Rejected
from tansiq.node.register import actions, queries
from tansiq.node.register.models import Judgement, StatementRow, Subject
from tests.node.register.officers import ANALYST, COLLEAGUE, CONTENT, PROTECTOR, STRANGER

pytestmark = pytest.mark.django_db


@pytest.fixture
def subjects(now: datetime) -> list[Subject]:
    return [actions.add_subject(ANALYST, CONTENT, circle="unit:narcotics", now=now) for _ in range(4)]


def judge(one: Subject, other: Subject, verdict: str, now: datetime) -> Judgement:
    return actions.judge(
        ANALYST, one.subject_id, other.subject_id, verdict=verdict, reason="compared photographs", now=now
    )


def test_a_judgement_links_and_does_not_merge(subjects: list[Subject], now: datetime) -> None:
    before = list(StatementRow.objects.values_list("subject_id", "token"))
    judgement = judge(subjects[2], subjects[0], "same", now)
    assert judgement.left_id < judgement.right_id
    assert list(StatementRow.objects.values_list("subject_id", "token")) == before
    (linked,) = queries.judgements_of(COLLEAGUE, subjects[0])
    assert (linked.verdict, linked.officer, linked.reason) == ("same", ANALYST.reference, "compared photographs")
    assert queries.judgements_of(STRANGER, subjects[0]) == []


def test_sameness_is_followed_through_and_undone(subjects: list[Subject], now: datetime) -> None:
    a, b, c, d = subjects
    middle = judge(a, b, "same", now)
    judge(b, c, "same", now)
    judge(c, d, "unsure", now)
    ids = {str(s.subject_id) for s in (a, b, c)}
    assert queries.judged_same(a.subject_id) == ids
    actions.undo_judgement(COLLEAGUE, middle.judgement_id, reason="wrong photograph", now=now)
    assert queries.judged_same(a.subject_id) == {str(a.subject_id)}
    assert queries.judgements_of(ANALYST, a) == []
    (undone,) = queries.judgements_of(ANALYST, a, with_revoked=True)
    assert (undone.revoked_by, undone.revoked_for) == (COLLEAGUE.reference, "wrong photograph")
    judge(a, b, "different", now)
    pair = (str(b.subject_id), str(a.subject_id))
    assert queries.judged_different([pair, (str(a.subject_id), str(c.subject_id))]) == {pair}


def test_one_judgement_stands_at_a_time(subjects: list[Subject], now: datetime) -> None:
    judge(subjects[0], subjects[1], "same", now)
    with pytest.raises(Conflict) as refused:
        judge(subjects[1], subjects[0], "different", now)
    assert refused.value.code == "register.already_judged"


def test_a_judgement_that_breaks_a_rule_is_not_kept(subjects: list[Subject], now: datetime) -> None:
    for verdict, other, reason, code in (
        ("maybe", subjects[1], "x", "register.unknown_verdict"),
        ("same", subjects[0], "x", "register.same_subject"),
        ("same", subjects[1], "", "register.reason_needed"),
    ):
        with pytest.raises(Rejected) as refused:
            actions.judge(ANALYST, subjects[0].subject_id, other.subject_id, verdict=verdict, reason=reason, now=now)
        assert refused.value.code == code
    assert not Judgement.objects.exists()


def test_nobody_judges_what_is_hidden_from_them(subjects: list[Subject], now: datetime) -> None:
    mine = actions.add_subject(STRANGER, CONTENT, circle="unit:borders", now=now)
    with pytest.raises(Rejected) as refused:
        actions.judge(STRANGER, mine.subject_id, subjects[0].subject_id, verdict="same", reason="x", now=now)
    assert refused.value.code == "register.subject_not_found"
    hidden = judge(subjects[0], subjects[1], "same", now)
    with pytest.raises(Rejected) as unseen:
        actions.undo_judgement(STRANGER, hidden.judgement_id, reason="x", now=now)
    assert unseen.value.code == "register.judgement_not_found"
    actions.erase_subject(PROTECTOR, subjects[0].subject_id, ground="mistake", now=now)
    assert not Judgement.objects.exists()
