"""What a partner sent: kept as it came, under its conditions, never merged, gone when it is recalled."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tansiq.engine.entities import Grading
from tansiq.engine.errors import Refused
from tansiq.node.register import actions, queries
from tansiq.node.register.models import Erasure, Subject
from tests.node.register.officers import ANALYST, CONTENT, STRANGER

pytestmark = pytest.mark.django_db

ENTRY = "e" * 64
MARKING = {"level": 1, "handling": ["H2"], "tlp": "AMBER"}


def store(now: datetime, **more: Any) -> Subject | None:
    given: dict[str, Any] = {
        "entry": ENTRY,
        "part": 1,
        "dossier": "d" * 64,
        "sender": "ma-dgsn",
        "circle": "unit:narcotics",
        "marking": MARKING,
        "grading": Grading("4x4", "B", "2"),
        "now": now,
    }
    return actions.store_received(CONTENT, **(given | more))


def test_a_received_subject_keeps_its_conditions_and_its_owner(now: datetime) -> None:
    ours = actions.add_subject(ANALYST, CONTENT, circle="unit:narcotics", now=now)
    subject = store(now)
    assert subject is not None
    assert subject.subject_id != ours.subject_id
    assert (subject.owner, subject.origin, subject.discoverability) == ("ma-dgsn", "received", "none")
    for view in queries.statements_of(subject):
        source = view.statement.provenance
        assert (source.kind, source.source_id, source.origin) == ("received", ENTRY, "1")
        assert source.marking == MARKING
        assert source.grading == Grading("4x4", "B", "2")
    assert queries.received_from(ENTRY) == [subject]
    assert queries.judged_same(subject.subject_id) == {str(subject.subject_id)}
    assert queries.subjects_for(STRANGER).subjects == ()


def test_the_same_part_twice_is_one_subject(now: datetime) -> None:
    assert store(now) == store(now)
    assert Subject.objects.count() == 1
    assert store(now, part=2) is not None
    assert Subject.objects.count() == 2


def test_what_a_partner_said_is_not_ours_to_correct(now: datetime) -> None:
    subject = store(now)
    assert subject is not None
    number = queries.statements_of(subject)[0].number
    with pytest.raises(Refused) as refused:
        actions.correct_statement(ANALYST, subject.subject_id, number, value="X Y", reason="typo", now=now)
    assert refused.value.code == "register.not_ours_to_correct"


def test_a_recalled_part_takes_its_subject_away_for_good(now: datetime) -> None:
    store(now)
    assert actions.erase_received(ENTRY, 1, ground="recalled", now=now)
    assert not Subject.objects.exists()
    assert Erasure.objects.get().entry == ENTRY
    assert store(now) is None
    assert not actions.erase_received(ENTRY, 1, ground="recalled", now=now)
