"""Blind questions between nodes, in both directions, against a far node made of engine functions: what is found, what is told, what is
kept, and what goes wrong.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings

from tansiq.engine.blind import filters
from tansiq.engine.blind.keys import SCHEME, question_keys
from tansiq.engine.blind.schemes import SCHEMES
from tansiq.engine.envelopes import bodies
from tansiq.engine.errors import Rejected
from tansiq.engine.formats import canonical
from tansiq.engine.formats.ids import b64decode, b64encode
from tansiq.node.audit.models import Event
from tansiq.node.desk.queries import list_for
from tansiq.node.exchange.models import Item
from tansiq.node.flows import blind_asking, blind_holding, searching
from tansiq.node.flows.searching import Fields
from tansiq.node.register import actions as register
from tansiq.node.search import blind_queries, epoch_keys, queries
from tansiq.node.search.models import Asked, BlindEpoch, BlindFilter, BlindRecord, HeldEpoch, HeldPiece, InboundQuery
from tests.node.far import repeatable
from tests.node.far_blind import BLIND, BORN, FAMILIES, NAME, PASSPORT, Asker, Holder, invented, renamed
from tests.node.world import World, leaves_nothing

CLEAR = [NAME, "Talbi", "سمير الطالبي", BORN, PASSPORT]


def held(world: World, discoverability: str = "hit", *, name: str = NAME, born: str = BORN) -> str:
    """A record here that partners may hit, or not."""
    content = {
        "schema": "Person",
        "properties": {"name": [name], "birthDate": [born], "passportNumber": [PASSPORT]},
    }
    row = register.add_subject(
        world.officer("stranger"), content, circle="unit:borders", discoverability=discoverability, now=world.now
    )
    return str(row.subject_id)


@pytest.fixture(autouse=True)
def no_keys_of_other_tests() -> Iterator[None]:
    """A test's rows are rolled back; the files of its keys are not."""
    yield
    shutil.rmtree(settings.NODE.home / epoch_keys.FOLDER, ignore_errors=True)


def asker(world: World, **blind: Any) -> Asker:
    """Morocco, which may ask us blindly; our filters are made and have arrived there."""
    world.accord("ma", search={"mode": "none", "budget_per_day": 0}, blind={**BLIND, **blind})
    world.settle()
    found = Asker(world, world.fars["ma"])
    found.take()
    return found


def person(name: str = "سمير الطالبي", born: str = BORN, passport: str = "") -> dict[str, list[str]]:
    return question_keys([name], [born], [("passport", passport)] if passport else [], families=FAMILIES)


# -- being asked ---------------------------------------------------------------------------------------------------------


def test_a_partner_finds_across_scripts_what_it_may_hit_and_nothing_else(world: World) -> None:
    held(world)
    held(world, "contact", name="Karim Idrissi", born="1979-06-30")
    held(world, "silent", name="Nadia Berrada", born="1990-01-05")
    held(world, "none", name="Omar Lahlou", born="1991-02-06")
    ma = asker(world)
    assert ma.ask(person(passport=PASSPORT)) == {"identifier", "pair_day", "word_day"}
    assert ma.ask(person("كريم الادريسي", "1979-06-30")) == {"pair_day", "word_day"}
    assert ma.ask(person("Nadia Berrada", "1990-01-05")) == set()
    assert ma.ask(person("Omar Lahlou", "1991-02-06")) == set()
    assert ma.ask(person("Zineb Tazi", "1988-09-09", "AA0000001")) == set()


def test_neither_rows_nor_log_here_hold_what_was_asked_or_whether_it_hit(world: World) -> None:
    held(world)
    ma = asker(world)
    rows = set(BlindRecord.objects.values_list("pk", flat=True))
    assert ma.ask(person(passport=PASSPORT)) == {"identifier", "pair_day", "word_day"}
    hit = InboundQuery.objects.get()
    assert ma.ask(person("Zineb Tazi", "1988-09-09", "AA0000001")) == set()
    miss = InboundQuery.objects.exclude(pk=hit.pk).get()
    known = ("purpose", "crime_area", "outcome", "hits", "is_blind", "asked_by")
    assert [getattr(hit, name) for name in known] == [getattr(miss, name) for name in known]
    told = [e.told["facts"] for e in Event.objects.filter(event="blind.answered_for").order_by("pk")]
    assert told[0].keys() == told[1].keys()
    assert not any(word in str(told) for word in CLEAR)
    assert set(BlindRecord.objects.values_list("pk", flat=True)) == rows
    assert list(list_for(world.officer("stranger"), now=world.now).tasks) == []


def test_what_a_partner_gets_shows_no_word_of_a_record_and_no_true_size(world: World) -> None:
    held(world)
    one = asker(world)
    raw = canonical.dumps([*one.far.items("blind_epoch"), *one.far.items("blind_piece")])
    assert not any(word.encode() in raw for word in CLEAR)
    assert {len(found) for found in one.filters.values()} == {1536}


def test_the_same_question_again_is_answered_once_and_takes_no_more_of_the_budget(world: World) -> None:
    held(world)
    ma = asker(world)
    item, _, _ = ma.question(person())
    world.arrive(ma.far, item)
    world.settle()
    with leaves_nothing(
        but=("audit.Event", "audit.Tree", "exchange.InEnvelope", "exchange.Link", "jobs.Job", "partners.Partner")
    ):
        world.arrive(ma.far, item)
        world.work()
    assert len(ma.far.items("blind_answer")) == 1
    assert blind_queries.spent_blindly_by("ma", world.now) == 1


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"purpose": "prosecution"}, "decide.purpose_not_covered"),
        ({"families": ["identifier", "pair"]}, "decide.blind_family_not_covered"),
        ({"epoch": 9}, "search.blind_epoch_ended"),
    ],
)
def test_what_may_not_be_asked_is_refused_by_code_and_costs_nothing(
    world: World, changed: dict[str, Any], code: str
) -> None:
    held(world)
    ma = asker(world)
    assert ma.ask(person(), **changed) == code
    assert blind_queries.spent_blindly_by("ma", world.now) == 0


def test_both_budgets_end_and_the_data_protection_officer_hears_of_it_before(world: World) -> None:
    held(world)
    ma = asker(world, budget_per_day=5, budget_per_officer=3)
    told = [ma.ask(person(), asked_by="officer-7") for _ in range(4)]
    assert told[:3] == [{"pair_day", "word_day"}] * 3
    assert told[3] == "decide.blind_officer_budget_spent"
    assert [t.title_code for t in list_for(world.officer("dpo"), now=world.now).tasks if t.kind == "blind_alarm"] == [
        "desk.blind_alarm"
    ]
    assert ma.ask(person(), asked_by="officer-8") == {"pair_day", "word_day"}
    assert ma.ask(person(), asked_by="officer-8") == {"pair_day", "word_day"}
    assert ma.ask(person(), asked_by="officer-9") == "decide.blind_budget_spent"
    world.later(days=1)
    assert ma.ask(person(), asked_by="officer-9") == {"pair_day", "word_day"}


def test_a_partner_that_goes_on_asking_what_is_refused_is_told_of(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blind_holding, "ALARM_REFUSALS", 3)
    ma = asker(world)
    for number in range(3):
        tasks = [t.title_code for t in list_for(world.officer("dpo"), now=world.now).tasks]
        assert "desk.blind_probing" not in tasks, number
        assert ma.ask(person(), families=["pair"]) == "decide.blind_family_not_covered"
    assert "desk.blind_probing" in [t.title_code for t in list_for(world.officer("dpo"), now=world.now).tasks]


@pytest.mark.parametrize(
    ("changed", "at"),
    [
        ({"query": "no id"}, "/query"),
        ({"epoch": "1"}, "/epoch"),
        ({"epoch": True}, "/epoch"),
        ({"families": []}, "/families"),
        ({"families": ["everything"]}, "/families"),
        ({"asked_by": "x" * 65}, "/asked_by"),
        ({"purpose": "so what?"}, "/purpose"),
        ({"elements": "A"}, "/elements"),
        ({"elements": b64encode(bytes(31))}, "/elements"),
        ({"elements": b64encode(bytes(32 * 17))}, "/elements"),
        ({"elements": b64encode(bytes(32 * 16))}, "/elements/0"),
        ({"elements": b64encode(b"\xff" * 32 * 16)}, "/elements/0"),
    ],
)
def test_a_malformed_question_is_noted_and_changes_nothing(world: World, changed: dict[str, Any], at: str) -> None:
    ma = asker(world)
    item, _, _ = ma.question(person(), **changed)
    before = InboundQuery.objects.count(), Item.objects.filter(type="blind_answer").count()
    world.arrive(ma.far, item)
    assert (InboundQuery.objects.count(), Item.objects.filter(type="blind_answer").count()) == before
    assert Event.objects.filter(event="item.refused").count() == 1
    with pytest.raises(Rejected) as caught:
        blind_holding.take_question("ma", item.content, world.now)
    assert caught.value.facts["at"] == at


# -- epochs --------------------------------------------------------------------------------------------------------------


def test_what_comes_and_goes_reaches_the_filter_within_a_day_and_the_change_tells_nothing(world: World) -> None:
    subject = held(world)
    ma = asker(world)
    held(world, name="Karim Idrissi", born="1979-06-30")
    register.erase_subject(world.officer("dpo"), subject, ground="review", now=world.now)
    assert ma.ask(person()) == {"pair_day", "word_day"}
    world.later(hours=13)
    world.settle()
    ma.take()
    assert ma.ask(person()) == set()
    assert ma.ask(person("Karim Idrissi", "1979-06-30")) == {"pair_day", "word_day"}
    world.later(hours=13)
    world.settle()
    changes = [b64decode(p["content"]) for p in ma.far.items("blind_piece") if len(p["place"]) == 64]
    assert len(changes) == 2 * len(FAMILIES)
    assert {len(c) for c in changes} == {len(changes[0])}
    assert {len(filters.delta_from_bytes(c).added) for c in changes} == {blind_holding.STEP}


def test_an_epoch_is_renewed_before_it_ends_and_the_old_one_is_answered_for_two_days_more(world: World) -> None:
    held(world)
    ma = asker(world)
    first = ma.epoch
    world.later(days=30, hours=13)
    world.settle()
    assert ma.epoch["epoch"] == first["epoch"] + 1
    assert ma.epoch["public"] != first["public"]
    assert ma.ask(person(), epoch=first["epoch"]) == {"pair_day", "word_day"}
    ma.take()
    assert ma.ask(person()) == {"pair_day", "word_day"}
    world.later(days=2)
    world.settle()
    assert ma.ask(person(), epoch=first["epoch"]) == "search.blind_epoch_ended"
    assert epoch_keys.load("fr", "ma", first["epoch"]) is None
    assert not BlindRecord.objects.filter(epoch__number=first["epoch"]).exists()


def test_a_lost_key_ends_its_epoch_and_begins_another(world: World) -> None:
    held(world)
    ma = asker(world)
    epoch_keys.destroy("ma", ma.epoch["epoch"])
    assert ma.ask(person()) == "search.blind_epoch_ended"
    world.later(hours=13)
    world.settle()
    assert [e["state"] for e in ma.far.items("blind_epoch")] == ["open", "ended", "open"]
    ma.take()
    assert ma.ask(person()) == {"pair_day", "word_day"}


def test_without_the_accord_there_is_no_epoch_and_its_end_ends_it(world: World) -> None:
    held(world)
    accord = world.accord("ma", blind=BLIND)
    world.settle()
    assert BlindEpoch.objects.get().state == BlindEpoch.OPEN
    world.act("boss", "accord", "suspend", accord)
    world.settle()
    world.later(hours=1)
    blind_holding.begin(world.now)
    world.settle()
    assert BlindEpoch.objects.get().state == BlindEpoch.ENDED
    assert not BlindFilter.objects.exists()
    assert world.fars["ma"].items("blind_epoch")[-1]["state"] == "ended"


def test_the_work_goes_on_from_its_rows_wherever_it_was_killed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(7):
        held(world, name=f"Samir Talbi{number}", born=f"198{number}-03-17")
    monkeypatch.setattr(blind_holding, "SLICE", 2)
    world.accord("ma", blind=BLIND)
    real = blind_holding.actions.put_records
    calls = iter(range(100))

    def dying(*given: Any) -> None:
        real(*given)
        if next(calls) in (1, 3):
            raise MemoryError

    monkeypatch.setattr(blind_holding.actions, "put_records", dying)
    for _ in range(12):
        world.settle()
        world.later(minutes=5)
    epoch = BlindEpoch.objects.get()
    assert (epoch.state, BlindRecord.objects.filter(epoch=epoch).count()) == (BlindEpoch.OPEN, 7)
    ma = Asker(world, world.fars["ma"])
    ma.take()
    assert ma.ask(person("Samir Talbi6", "1986-03-17")) == {"pair_day", "word_day"}


# -- asking --------------------------------------------------------------------------------------------------------------


def holder(world: World, **changed: Any) -> Holder:
    """Morocco, which we may ask blindly."""
    world.accord("ma", **{"search": {"mode": "none", "budget_per_day": 0}, "blind": BLIND, **changed})
    found = Holder(world, world.fars["ma"])
    found.tell()
    return found


def asked(world: World, *partners: str, name: str = NAME, born: str = BORN, blindly: bool = True) -> Any:
    fields = Fields(names=(name,), birth_dates=(born,))
    return searching.search(
        world.officer("liaison"),
        fields,
        purpose="investigation",
        crime_area="0601",
        reference="PV 1",
        ask=partners or ("ma",),
        blindly=blindly,
        now=world.now,
    )


def outcome(search: Any) -> tuple[str, list[str], str]:
    row = Asked.objects.get(search=search)
    return row.state, row.met, row.code


@pytest.mark.parametrize(
    ("name", "born", "met"),
    [
        (NAME, BORN, ["pair_day", "word_day"]),
        ("Samira Bennani", BORN, ["word_day"]),
        ("Zineb Tazi", "1988-09-09", []),
    ],
)
def test_an_officer_learns_hit_or_no_hit_and_how_strong_it_is(
    world: World, name: str, born: str, met: list[str]
) -> None:
    ma = holder(world)
    search = asked(world, name=name, born=born)
    world.settle()
    (question,) = ma.far.items("blind_query")
    assert not any(word in str(question) for word in [*CLEAR, name, born])
    world.arrive(ma.far, ma.answer(question))
    assert outcome(search) == ("hit" if met else "nothing", met, "")
    assert Asked.objects.get().blinds is None


def test_both_logs_name_the_same_question_so_that_they_can_be_reconciled(world: World) -> None:
    ma = holder(world)
    search = asked(world)
    world.settle()
    (question,) = ma.far.items("blind_query")
    facts = Event.objects.get(event="blind.asked").told["facts"]
    assert (facts["query"], facts["purpose"], sorted(facts["families"])) == (
        question["query"],
        question["purpose"],
        sorted(question["families"]),
    )
    assert question["asked_by"] == world.officer("liaison").reference
    assert str(search.search_id) == question["query"]


def test_a_partner_that_allows_blind_questions_only_is_asked_blindly_by_itself(world: World) -> None:
    ma = holder(world)
    asked(world, blindly=False)
    world.settle()
    assert len(ma.far.items("blind_query")) == 1
    assert ma.far.items("query") == []


def test_a_wrong_proof_is_no_answer_and_an_officer_is_warned(world: World) -> None:
    ma = holder(world)
    search = asked(world)
    world.settle()
    (question,) = ma.far.items("blind_query")
    other = Holder(world, ma.far, number=2)
    world.arrive(ma.far, other.answer(question))
    assert outcome(search) == ("refused", [], "blind.proof_invalid")
    tasks = list_for(world.officer("liaison"), now=world.now).tasks
    assert "desk.blind_unsound" in [t.title_code for t in tasks]
    world.arrive(ma.far, ma.answer(question))
    assert outcome(search)[0] == "refused"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"elements": b64encode(bytes(32))}, "blind.batch_mismatch"),
        ({"proof": b64encode(bytes(64))}, "blind.proof_invalid"),
        ({"code": "decide.blind_budget_spent", "elements": "", "proof": ""}, "decide.blind_budget_spent"),
    ],
)
def test_an_answer_that_does_not_hold_is_told_by_its_code(world: World, changed: dict[str, Any], code: str) -> None:
    ma = holder(world)
    search = asked(world)
    world.settle()
    (question,) = ma.far.items("blind_query")
    world.arrive(ma.far, ma.answer(question, **changed))
    assert outcome(search) == ("refused", [], code)


def test_an_answer_under_a_key_period_that_is_over_is_told_as_such(world: World) -> None:
    ma = holder(world)
    search = asked(world)
    world.settle()
    (question,) = ma.far.items("blind_query")
    world.arrive(ma.far, bodies.Item("blind_epoch", {"v": 1, "epoch": 1, "state": "ended"}), ma.answer(question))
    assert outcome(search) == ("refused", [], "search.blind_epoch_ended")


def test_an_answer_to_what_was_never_asked_changes_nothing(world: World) -> None:
    ma = holder(world)
    told = {"query": str(UUID(int=77, version=4)), "elements": b64encode(bytes(32))}
    with pytest.raises(Rejected) as caught:
        blind_asking.take_answer("ma", {**told, "v": 1, "code": "", "proof": ""}, world.now)
    assert caught.value.code == "search.not_asked"
    del ma


def test_before_the_filters_are_here_nothing_is_sent_and_the_officer_is_told(world: World) -> None:
    world.accord("ma", search={"mode": "none", "budget_per_day": 0}, blind=BLIND)
    ma = Holder(world, world.fars["ma"])
    world.arrive(ma.far, ma.announcement(), *ma.pieces()[:-1])
    with pytest.raises(Rejected) as caught, leaves_nothing():
        asked(world)
    assert caught.value.code == "search.blind_not_ready"
    world.arrive(ma.far, ma.pieces()[-1])
    asked(world)


def test_a_name_without_a_date_gives_no_key_that_this_accord_allows(world: World) -> None:
    holder(world)
    with pytest.raises(Rejected) as caught, leaves_nothing():
        searching.search(
            world.officer("liaison"),
            Fields(names=(NAME,)),
            purpose="investigation",
            reference="PV 1",
            ask=("ma",),
            blindly=True,
            now=world.now,
        )
    assert caught.value.code == "search.blind_no_key"


def test_the_accord_bars_a_blind_question_as_it_bars_any_other(world: World) -> None:
    world.accord("ma")
    search = asked(world)
    assert outcome(search) == ("barred", [], "decide.blind_not_covered")


def test_a_stale_filter_does_not_fit_and_the_change_waits_for_its_place(world: World) -> None:
    ma = holder(world)
    family = "word_day"
    old = ma.known[family]
    first = filters.plan(
        old,
        added=filters.marks_of([], 9),
        removed=filters.marks_of([], 9),
        filling=old.marks[:100],
        step=16,
        random=repeatable("a"),
    )
    second = filters.plan(
        first.filter,
        added=filters.marks_of([], 9),
        removed=filters.marks_of([], 9),
        filling=first.filling,
        step=16,
        random=repeatable("b"),
    )
    for planned in (second, first):
        content = {
            "v": 1,
            "epoch": 1,
            "family": family,
            "place": planned.delta.base,
            "content": b64encode(planned.delta.to_bytes()),
        }
        world.arrive(ma.far, bodies.Item("blind_piece", content))
    epoch = HeldEpoch.objects.get()
    found = blind_queries.held_filter(epoch, family)
    assert found is not None
    assert found.digest() == second.filter.digest()


def test_a_second_announcement_of_one_number_that_says_otherwise_is_refused(world: World) -> None:
    ma = holder(world)
    world.arrive(ma.far, ma.announcement())
    other = Holder(world, ma.far, number=5)
    other.number = 1
    with pytest.raises(Rejected) as caught:
        blind_asking.take_epoch("ma", other.announcement().content, world.now)
    assert caught.value.code == "blind.epoch_differs"


def test_what_nobody_answers_is_given_up_after_a_day(world: World) -> None:
    holder(world)
    search = asked(world)
    world.later(hours=25)
    blind_asking.give_up_late(world.now)
    assert outcome(search) == ("refused", [], "search.blind_unanswered")
    assert queries.is_complete(queries.get_search_for(world.officer("liaison"), str(search.search_id)))


# -- two key schemes -----------------------------------------------------------------------------------------------------


@pytest.fixture
def two_schemes() -> Iterator[None]:
    """A program that speaks a newer scheme beside the one it spoke before."""
    before = dict(SCHEMES)
    SCHEMES.clear()
    SCHEMES.update({"tsk2": invented("tsk2"), **before})
    yield
    SCHEMES.clear()
    SCHEMES.update(before)


@pytest.mark.usefixtures("two_schemes")
def test_a_partner_that_speaks_both_schemes_is_answered_under_either_side_by_side(world: World) -> None:
    held(world)
    world.accord("ma", search={"mode": "none", "budget_per_day": 0}, blind=BLIND)
    ma = world.fars["ma"]
    world.arrive(ma, Holder(world, ma).announcement(speaks=["tsk2", SCHEME]))
    world.later(hours=1)
    blind_holding.begin(world.now)
    world.settle()
    for scheme in ("tsk2", SCHEME):
        side = Asker(world, ma, scheme=scheme, number=10 * len(scheme) + len(ma.items("blind_answer")))
        side.take()
        assert side.epoch["speaks"] == ["tsk2", SCHEME]
        assert side.ask(renamed(person(), scheme)) == {"pair_day", "word_day"}
        assert side.ask(renamed(person("Zineb Tazi", "1988-09-09"), scheme)) == set()
    assert sorted(BlindEpoch.objects.filter(state="open").values_list("scheme", flat=True)) == [SCHEME, "tsk2"]


@pytest.mark.usefixtures("two_schemes")
def test_a_partner_that_never_said_what_it_speaks_is_held_to_the_oldest(world: World) -> None:
    held(world)
    ma = asker(world)
    assert list(BlindEpoch.objects.values_list("scheme", flat=True)) == [SCHEME]
    assert ma.ask(person()) == {"pair_day", "word_day"}


@pytest.mark.usefixtures("two_schemes")
def test_we_ask_under_the_newest_scheme_that_both_speak_and_under_no_other(world: World) -> None:
    first = holder(world)
    second, unknown = Holder(world, first.far, number=2, scheme="tsk2"), Holder(world, first.far, number=3)
    second.tell()
    world.arrive(first.far, unknown.announcement(scheme="tsk9"))
    search = asked(world)
    world.settle()
    (question,) = first.far.items("blind_query")
    assert question["epoch"] == 2
    world.arrive(first.far, second.answer(question))
    assert outcome(search) == ("hit", ["pair_day", "word_day"], "")
    assert blind_queries.usable_epoch("ma", 1) is not None, "the older one is still of use for what was asked under it"


def test_pieces_that_nobody_announced_do_not_stay(world: World) -> None:
    world.accord("ma", search={"mode": "none", "budget_per_day": 0}, blind=BLIND)
    ma = Holder(world, world.fars["ma"])
    world.arrive(ma.far, *ma.pieces())
    world.later(days=8)
    blind_asking.give_up_late(world.now)
    assert not HeldPiece.objects.exists()
