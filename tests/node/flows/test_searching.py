"""Questions between nodes: what is asked, what is told, what the owners hear, and what nobody can find out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tansiq.engine.accords.local_rules import LocalRule, LocalRules
from tansiq.engine.envelopes import bodies
from tansiq.engine.errors import Refused, Rejected
from tansiq.engine.formats import canonical
from tansiq.node.audit.models import Event
from tansiq.node.desk.queries import list_for
from tansiq.node.flows import searching
from tansiq.node.flows.searching import Fields
from tansiq.node.partners import actions as partners
from tansiq.node.register import actions as register
from tansiq.node.search import queries
from tansiq.node.search.models import Asked, GivenHit, InboundQuery, Search
from tests.node.far import Far
from tests.node.world import World, leaves_nothing

NAME = "Samir Talbi"
FIELDS = {"names": [NAME], "schema": "Person", "birth_dates": ["1984-03-17"], "countries": [], "identifiers": []}


def held(world: World, discoverability: str, *, name: str = NAME, circle: str = "unit:borders") -> str:
    """A record of the border unit."""
    content = {"schema": "Person", "properties": {"name": [name], "birthDate": ["1984-03-17"]}}
    owner = world.officer("stranger" if circle == "unit:borders" else "liaison")
    subject = register.add_subject(owner, content, circle=circle, discoverability=discoverability, now=world.now)
    return str(subject.subject_id)


def query(number: int = 1, **changed: Any) -> bodies.Item:
    """A question of a partner."""
    told = {
        "v": 1,
        "query": str(UUID(int=number, version=4)),
        "fields": FIELDS,
        "purpose": "investigation",
        "crime_area": "0601",
    }
    return bodies.Item("query", told | changed)


def answered(world: World, ma: Far, item: bodies.Item) -> dict[str, Any]:
    """What the partner is told."""
    before = len(ma.items("answer"))
    world.arrive(ma, item)
    world.settle()
    (answer,) = ma.items("answer")[before:]
    return answer


def owners_tasks(world: World) -> list[Any]:
    return [t for t in list_for(world.officer("stranger"), now=world.now).tasks if t.kind == "asked_about"]


# -- being asked ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("discoverability", "outcome", "members", "is_told"),
    [
        ("hit", "hit", {"hit", "mode", "schema", "band"}, True),
        ("contact", "contact", {"hit", "mode", "schema"}, True),
        ("silent", "nothing", None, True),
        ("none", "nothing", None, False),
    ],
)
def test_a_record_is_told_as_its_owner_lets_it_be_found(
    world: World, discoverability: str, outcome: str, members: set[str] | None, is_told: bool
) -> None:
    world.accord("ma")
    subject = held(world, discoverability)
    answer = answered(world, world.fars["ma"], query())
    assert (answer["outcome"], answer["code"]) == (outcome, "")
    assert [set(hit) for hit in answer["hits"]] == ([members] if members else [])
    assert [t.link for t in owners_tasks(world)] == ([f"/register/{subject}"] if is_told else [])
    if members:
        assert str(GivenHit.objects.get().hit_id) == answer["hits"][0]["hit"]
        assert subject not in canonical.dumps(answer).decode()


def test_where_the_accord_permits_contacts_only_a_hit_is_a_contact(world: World) -> None:
    world.accord("ma", search={"mode": "contact", "budget_per_day": 5})
    held(world, "hit")
    answer = answered(world, world.fars["ma"], query())
    assert (answer["outcome"], answer["hits"][0]["mode"], "band" in answer["hits"][0]) == ("contact", "contact", False)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"search": {"mode": "none", "budget_per_day": 5}}, "decide.search_not_covered"),
        ({"purposes": ["prevention"]}, "decide.purpose_not_covered"),
        ({"crime_areas": ["0201"]}, "decide.crime_area_not_covered"),
    ],
)
def test_what_the_accord_refuses_is_refused_with_its_code(world: World, changed: dict[str, Any], code: str) -> None:
    world.accord("ma", **changed)
    held(world, "hit")
    answer = answered(world, world.fars["ma"], query())
    assert (answer["outcome"], answer["code"], answer["hits"]) == ("refused", code, [])
    assert owners_tasks(world) == []


def test_local_reasons_never_leave_the_node(world: World) -> None:
    world.accord("ma")
    held(world, "hit")
    rule = LocalRule(clause="Art. 3 of our law", outcome="refuse", acts=("hit",))
    partners.set_local_rules(LocalRules(node="fr", rules=(rule,)), actor="dpo", now=world.now)
    answer = answered(world, world.fars["ma"], query())
    assert (answer["outcome"], answer["code"]) == ("refused", "search.not_answered")


def test_a_question_that_would_find_everybody_is_refused(world: World) -> None:
    world.accord("ma")
    held(world, "hit")
    answer = answered(world, world.fars["ma"], query(fields={**FIELDS, "names": [" "]}))
    assert (answer["outcome"], answer["code"]) == ("refused", "search.too_little")


def test_the_budget_of_a_day(world: World) -> None:
    world.accord("ma", search={"mode": "hit", "budget_per_day": 2})
    ma = world.fars["ma"]
    told = [answered(world, ma, query(number)) for number in range(1, 5)]
    assert [a["outcome"] for a in told] == ["nothing", "nothing", "refused", "refused"]
    assert {a["code"] for a in told[2:]} == {"decide.search_budget_spent"}
    world.later(days=1)
    assert answered(world, ma, query(9))["outcome"] == "nothing"


def test_the_same_question_is_answered_once(world: World) -> None:
    world.accord("ma")
    held(world, "hit")
    ma = world.fars["ma"]
    first = answered(world, ma, query())
    world.arrive(ma, query(), query())
    world.settle()
    assert ma.items("answer") == [first]
    assert InboundQuery.objects.count() == 1
    assert GivenHit.objects.count() == 1


def test_a_partner_without_accord_learns_nothing(world: World) -> None:
    held(world, "hit")
    answer = answered(world, world.fars["ma"], query())
    assert (answer["outcome"], answer["code"]) == ("refused", "decide.no_accord")


# -- the leak test -------------------------------------------------------------------------------------------------------


def _bytes(answer: dict[str, Any]) -> bytes:
    """The answer with its random hit numbers left out: they are fresh in every answer."""
    return canonical.dumps({**answer, "hits": [{k: v for k, v in hit.items() if k != "hit"} for hit in answer["hits"]]})


@pytest.mark.parametrize("hidden", ["none", "silent"])
@pytest.mark.parametrize("visible", [0, 1, 3])
def test_an_answer_is_the_same_byte_for_byte_with_and_without_a_hidden_record(
    world: World, hidden: str, visible: int
) -> None:
    world.accord("ma")
    ma = world.fars["ma"]
    for _ in range(visible):
        held(world, "hit")
    without = answered(world, ma, query(1))
    size_without = _size_of_last_envelope()
    held(world, hidden)
    held(world, hidden, name="Samir Talbi El Idrissi")
    with_it = answered(world, ma, query(2, query=str(UUID(int=1, version=4)).replace("0000", "0001", 1)))
    assert _bytes({**with_it, "query": ""}) == _bytes({**without, "query": ""})
    assert _size_of_last_envelope() == size_without


def _size_of_last_envelope() -> int:
    from tansiq.node.exchange.models import OutEnvelope

    return OutEnvelope.objects.order_by("-sequence").values_list("size", flat=True)[0] // 4096


def test_silent_records_take_no_place_among_the_matches(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were they in the top of the list and left out afterwards, a full list would come back shorter, and tell."""
    monkeypatch.setattr(searching, "LIMIT", 3)
    world.accord("ma")
    ma = world.fars["ma"]
    for _ in range(3):
        held(world, "hit")
    without = answered(world, ma, query(1))
    for _ in range(5):
        held(world, "silent")
    with_them = answered(world, ma, query(2))
    assert len(with_them["hits"]) == len(without["hits"]) == 3
    assert len(owners_tasks(world)) == 6


# -- asking --------------------------------------------------------------------------------------------------------------


def asked(world: World, **changed: Any) -> Search:
    told = {"purpose": "investigation", "crime_area": "0601", "reference": "PV 2026/1107", "ask": ["ma"]} | changed
    return searching.search(world.officer("liaison"), Fields(names=(NAME,)), now=world.now, **told)


def test_we_ask_and_keep_the_answer(world: World) -> None:
    world.accord("ma")
    ma = world.fars["ma"]
    search = asked(world)
    assert not queries.is_complete(search)
    world.settle()
    (question,) = ma.items("query")
    assert (question["fields"]["names"], question["purpose"]) == ([NAME], "investigation")
    assert "PV 2026/1107" not in canonical.dumps(question).decode()
    hit = {"hit": str(UUID(int=5, version=4)), "mode": "hit", "schema": "Person", "band": "strong", "name": "smuggled"}
    answer = {"v": 1, "query": question["query"], "outcome": "hit", "code": "", "hits": [hit]}
    world.arrive(ma, bodies.Item("answer", answer))
    row = Asked.objects.get()
    assert (row.state, row.hits) == ("hit", [{k: v for k, v in hit.items() if k != "name"}])
    assert queries.is_complete(queries.get_search_for(world.officer("liaison"), str(search.search_id)))
    with leaves_nothing(but=("audit.Event", "exchange.InEnvelope", "exchange.Link", "jobs.Job")):
        world.arrive(ma, bodies.Item("answer", {**answer, "outcome": "nothing", "hits": []}))


def test_an_answer_to_what_was_not_asked_is_refused(world: World) -> None:
    it = world.partner("it")
    world.accord("ma")
    search = asked(world)
    world.settle()
    answer = {"v": 1, "query": str(search.search_id), "outcome": "nothing", "code": "", "hits": []}
    world.arrive(it, bodies.Item("answer", answer))
    assert Asked.objects.get().state == "waiting"
    codes = [e.told["facts"]["code"] for e in Event.objects.filter(event="item.refused")]
    assert codes == ["search.not_asked"]


def test_a_barred_partner_is_not_asked_and_its_answer_is_not_kept(world: World) -> None:
    search = asked(world)
    (barred,) = search.partners.all()
    assert (barred.state, barred.code, barred.clause) == ("barred", "decide.no_accord", "founding")
    world.settle()
    assert world.fars["ma"].items("query") == []
    answer = {"v": 1, "query": str(search.search_id), "outcome": "hit", "code": "", "hits": []}
    world.arrive(world.fars["ma"], bodies.Item("answer", answer))
    assert Asked.objects.get().state == "barred"


def test_our_own_budget_bars(world: World) -> None:
    world.accord("ma", search={"mode": "hit", "budget_per_day": 1})
    asked(world)
    (second,) = asked(world).partners.all()
    assert (second.state, second.code) == ("barred", "decide.search_budget_spent")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"purpose": ""}, "codes.unknown_code"),
        ({"purpose": "curiosity"}, "codes.unknown_code"),
        ({"crime_area": "jaywalking"}, "codes.unknown_code"),
        ({"reference": " "}, "search.reference_needed"),
    ],
)
def test_an_incomplete_question_is_refused_and_leaves_nothing(world: World, changed: dict[str, Any], code: str) -> None:
    world.accord("ma")
    with leaves_nothing(), pytest.raises(Rejected) as caught:
        asked(world, **changed)
    assert caught.value.code == code


def test_too_little_is_refused(world: World) -> None:
    with leaves_nothing(), pytest.raises(Rejected, match=r"search\.too_little"):
        searching.search(world.officer("liaison"), Fields(names=("x",)), purpose="investigation", now=world.now)


def test_who_may_not_search(world: World) -> None:
    with leaves_nothing(but=()), pytest.raises(Refused, match=r"account\.role"):
        searching.search(world.officer("auditor"), Fields(names=(NAME,)), purpose="investigation", now=world.now)


def test_here_only_what_the_officer_may_see_is_found(world: World) -> None:
    held(world, "hit")
    mine = held(world, "none", circle="unit:ops")
    search = asked(world, ask=[])
    assert [found["subject"] for found in search.found_here] == [mine]


def test_a_search_is_ones_own(world: World) -> None:
    search = asked(world, ask=[])
    absent = str(UUID(int=7, version=4))
    told = []
    for wanted in (str(search.search_id), absent, "no uuid"):
        with pytest.raises(Rejected) as caught:
            queries.get_search_for(world.officer("second"), wanted)
        told.append((caught.value.code, {**caught.value.facts, "search": ""}))
    assert told[0] == told[1] == told[2]
