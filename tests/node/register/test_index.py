"""The index of a process follows the register by number, misses nothing and shows nobody more than their rows do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from threading import Thread

import pytest
from django.db import connections

from tansiq.engine.errors import Unavailable
from tansiq.engine.matching import Query
from tansiq.node.register import actions, index, queries, steps
from tansiq.node.register.cards import query_of, subject_of
from tansiq.node.register.index import Follower
from tansiq.node.register.models import RegisterChange, Subject
from tansiq.node.register.policy import labels_for, labels_of_others
from tansiq.node.vault import keys
from tests.node.register.officers import ANALYST, CONTENT, PROTECTOR, STRANGER, Somebody

NAME = Query(names=("Nadia Example",))


@pytest.fixture(autouse=True)
def fresh_index() -> Iterator[None]:
    index.forget()
    yield
    index.forget()


def add(now: datetime, circle: str = "unit:narcotics", name: str = "Nadia Example", reach: str = "none") -> Subject:
    content = {"schema": "Person", "properties": {"name": [name], "birthDate": ["1970-05-12"]}}
    who = Somebody(ANALYST.reference, frozenset({circle}), ["analyst"])
    return actions.add_subject(who, content, circle=circle, discoverability=reach, now=now)


def found(who: Somebody, query: Query = NAME) -> set[str]:
    return {match.subject_id for match in index.holder().search(query, labels_for(who))}


@pytest.mark.django_db
def test_a_search_sees_the_register_as_it_is(now: datetime) -> None:
    assert found(ANALYST) == set()
    subject = add(now)
    assert found(ANALYST) == {str(subject.subject_id)}
    assert found(ANALYST, Query(names=("نادية اكسمبل",))) <= {str(subject.subject_id)}
    actions.set_reach(PROTECTED, subject.subject_id, circle="team:harbour", now=now)
    assert found(ANALYST) == set()
    actions.erase_subject(PROTECTOR, subject.subject_id, ground="mistake", now=now)
    assert found(PROTECTOR) == set()
    assert RegisterChange.objects.get().what == "gone"


PROTECTED = Somebody(ANALYST.reference, frozenset({"unit:narcotics", "team:harbour"}), ["analyst"])


@pytest.mark.django_db
def test_hidden_records_do_not_change_an_answer(now: datetime) -> None:
    add(now, "unit:borders")
    before = index.holder().search(NAME, labels_for(STRANGER))
    for _ in range(5):
        add(now, "unit:narcotics")
    assert index.holder().search(NAME, labels_for(STRANGER)) == before
    assert len(found(PROTECTOR)) == 6


@pytest.mark.django_db
def test_others_reach_only_the_discoverable(now: datetime) -> None:
    reachable = {str(add(now, reach=reach).subject_id): reach for reach in ("none", "silent", "contact", "hit")}
    seen = index.holder().search(NAME, labels_of_others("contact", "hit"))
    assert {reachable[match.subject_id] for match in seen} == {"contact", "hit"}


@pytest.mark.django_db
def test_two_followers_agree_whenever_they_began(now: datetime) -> None:
    early = Follower()
    early.follow()
    subjects = [add(now, name=f"Person {word}") for word in ("Alpha", "Bravo", "Charlie", "Delta")]
    early.follow()
    more = {"schema": "Person", "properties": {"alias": ["Zulu Person"]}}
    actions.add_statements(ANALYST, subjects[1].subject_id, more, now=now)
    actions.erase_subject(PROTECTOR, subjects[2].subject_id, ground="mistake", now=now)
    late = Follower()
    for name in ("Person Alpha", "Zulu Person", "Person Charlie"):
        asked = Query(names=(name,))
        everything = labels_for(PROTECTOR)
        assert early.search(asked, everything) == late.search(asked, everything)
    assert early.number == late.number == queries.change_number()
    assert early.follow() == 0


@pytest.mark.django_db
def test_numbers_have_no_gaps_and_one_row_per_subject(now: datetime) -> None:
    subjects = [add(now) for _ in range(3)]
    for subject in (subjects[0], subjects[2], subjects[0]):
        actions.set_reach(ANALYST, subject.subject_id, discoverability="silent", now=now)
    assert queries.change_number() == 6
    rows = list(RegisterChange.objects.order_by("number").values_list("subject_id", "number"))
    assert rows == [(subjects[1].pk, 2), (subjects[2].pk, 5), (subjects[0].pk, 6)]
    changes = list(queries.subjects_for_index(2, batch=1))
    assert [change.subject_id for change in changes] == [str(subjects[2].pk), str(subjects[0].pk)]


@pytest.mark.django_db
def test_a_subject_that_changes_while_it_is_read_comes_again(now: datetime) -> None:
    first, second = add(now, name="First Person"), add(now, name="Second Person")
    changes = queries.subjects_for_index(0, batch=1)
    seen = [next(changes).subject_id]
    actions.erase_subject(PROTECTOR, first.subject_id, ground="mistake", now=now)
    rest = list(changes)
    assert seen + [c.subject_id for c in rest] == [str(first.pk), str(second.pk), str(first.pk)]
    assert rest[-1].subject is None


@pytest.mark.django_db
def test_a_register_that_went_back_in_time_is_read_anew(now: datetime) -> None:
    follower = Follower()
    kept, lost = add(now), add(now)
    follower.follow()
    Subject.objects.filter(pk=lost.pk).delete()
    RegisterChange.objects.filter(pk=lost.pk).delete()
    steps.ChangeCounter.objects.update(value=1)
    assert {m.subject_id for m in follower.search(NAME, labels_for(PROTECTOR))} == {str(kept.pk)}


@pytest.mark.django_db
def test_a_locked_node_answers_nothing(now: datetime) -> None:
    add(now)
    assert found(ANALYST)
    keys.install(None)
    with pytest.raises(Unavailable) as refused:
        found(ANALYST)
    assert refused.value.code == "vault.locked"


@pytest.mark.django_db(transaction=True)
def test_threads_share_one_index(now: datetime) -> None:
    expected = {str(add(now).subject_id) for _ in range(5)}
    answers: list[set[str]] = []

    def ask() -> None:
        answers.append(found(ANALYST))
        connections.close_all()

    threads = [Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [expected] * 6


@pytest.mark.django_db(transaction=True)
def test_whoever_follows_while_others_write_misses_nothing(now: datetime) -> None:
    entered: list[str] = []

    def write() -> None:
        entered.extend(str(add(now).subject_id) for _ in range(8))
        connections.close_all()

    threads = [Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    seen: dict[str, int] = {}
    number = 0
    is_last_look = False
    while not is_last_look:
        is_last_look = not any(thread.is_alive() for thread in threads)
        for change in queries.subjects_for_index(number, batch=3):
            assert change.number == number + 1
            number, seen[change.subject_id] = change.number, change.number
    assert set(seen) == set(entered)
    assert queries.change_number() == 24


@pytest.mark.django_db
def test_a_question_is_asked_in_the_terms_of_the_cards(now: datetime) -> None:
    subject = actions.add_subject(ANALYST, CONTENT, circle="unit:narcotics", now=now)
    said = [view.statement for view in queries.statements_of(subject)]
    indexed = subject_of("x", subject.schema, subject.card)
    asked = query_of("Person", said)
    assert (asked.names, asked.identifiers, asked.birth_dates) == (
        indexed.names,
        indexed.identifiers,
        ("1968", "1969", "1970"),
    )
    assert set(indexed.identifiers) == {("phone", "+212661234567"), ("passport", "AB1234567")}
    assert indexed.parents == ("Yusuf",)
    assert found(ANALYST, asked) == {str(subject.subject_id)}
