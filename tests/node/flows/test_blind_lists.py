"""Whole lists asked blindly of partners: what it costs is told first, no row is lost or asked twice in vain, and each side knows its part."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tansiq.engine.errors import Rejected
from tansiq.engine.formats.ids import b64decode, b64encode
from tansiq.node.audit.models import Event
from tansiq.node.clients import actions as clients
from tansiq.node.desk.queries import list_for
from tansiq.node.flows import blind_asking, searching
from tansiq.node.flows import blind_screening as flow
from tansiq.node.flows.searching import Fields
from tansiq.node.search import blind_lists, blind_queries, screenings
from tansiq.node.search.models import Asked, Screening, ScreeningHit, ScreeningPartner, ScreeningQuestion
from tests.node.far_blind import BLIND, BORN, NAME, Holder
from tests.node.world import World, leaves_nothing

KNOWN = f"p1\t{NAME}\t{BORN}\n"
ROWS = KNOWN + "p2\tZineb Tazi\t1988-09-09\np3\tOmar Lahlou\np4\tKarim Idrissi\t1979-06-30\n"
"""Of these four Morocco knows the first; the third has no date, and so gives no key that the accord allows."""


def holder(world: World, **blind: Any) -> Holder:
    """Morocco, which we may ask blindly."""
    world.accord("ma", search={"mode": "none", "budget_per_day": 0}, blind={**BLIND, **blind})
    found = Holder(world, world.fars["ma"])
    found.tell()
    return found


def prepared(world: World, content: str = ROWS, *, ask: tuple[str, ...] = ("ma",), who: str = "liaison") -> Screening:
    return flow.prepare(
        world.officer(who),
        content.encode(),
        name="flight.tsv",
        purpose="investigation",
        crime_area="0601",
        reference="PV 1",
        ask=ask,
        now=world.now,
    )


def begun(world: World, content: str = ROWS, **more: Any) -> Screening:
    made = prepared(world, content, **more)
    flow.begin(world.officer("liaison"), str(made.pk), now=world.now)
    world.settle()
    return made


def many(count: int) -> str:
    """So many rows, each of four keys: two in the pair, and two words with the day."""
    return "".join(f"p{n}\tSamir Talbi{chr(97 + n % 26)}\t19{50 + n % 40}-03-{13 + n % 15}\n" for n in range(count))


def answered(world: World, ma: Holder, **changed: Any) -> list[dict[str, Any]]:
    """Every question that is not answered yet is, and what follows from that is done."""
    new: list[dict[str, Any]] = []
    while fresh := [q for q in ma.far.items("blind_query") if q["query"] not in ma.answered]:
        for question in fresh:
            ma.answered.add(question["query"])
            world.arrive(ma.far, ma.answer(question, **changed))
        new += fresh
        world.settle()
    return new


def standing(made: Screening) -> tuple[str, str]:
    return Screening.objects.get(pk=made.pk).state, ScreeningPartner.objects.get(screening=made).state


# -- beforehand ----------------------------------------------------------------------------------------------------------


def test_nothing_is_sent_before_the_officer_has_seen_what_it_costs(world: World) -> None:
    ma = holder(world)
    made = prepared(world)
    world.settle()
    assert ma.far.items("blind_query") == []
    asked = ScreeningPartner.objects.get()
    told = flow.reckoned(world.officer("liaison"), asked, world.now)
    assert (asked.state, told.cost, told.left_today, told.days) == ("ready", 1, 10, 1)
    flow.begin(world.officer("liaison"), str(made.pk), now=world.now)
    with pytest.raises(Rejected) as caught:
        flow.begin(world.officer("liaison"), str(made.pk), now=world.now)
    assert caught.value.code == "search.list_not_prepared"


def test_what_was_prepared_can_be_thrown_away_and_the_list_goes(world: World) -> None:
    ma = holder(world)
    made = prepared(world)
    screenings.stop(world.officer("liaison"), str(made.pk), now=world.now)
    assert standing(made) == ("stopped", "stopped")
    assert Screening.objects.get().content is None
    assert ma.far.items("blind_query") == []


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"ask": ()}, "search.partners_needed"),
        ({"reference": " "}, "search.reference_needed"),
        ({"purpose": "curiosity"}, "codes.unknown"),
        ({"content": b""}, "search.list_empty"),
        ({"content": b"p1\tA B\n" * (flow.MAX_ROWS + 1)}, "search.list_too_long"),
    ],
)
def test_a_list_without_purpose_case_or_partner_is_refused_as_a_whole(
    world: World, changed: dict[str, Any], code: str
) -> None:
    told = {"content": ROWS.encode(), "name": "a.tsv", "purpose": "investigation", "reference": "PV 1", "ask": ("ma",)}
    with leaves_nothing(), pytest.raises(Rejected) as caught:
        flow.prepare(world.officer("liaison"), **{**told, **changed}, now=world.now)
    assert caught.value.code.split(".")[0] == code.split(".", maxsplit=1)[0]


@pytest.mark.parametrize(
    ("blind", "content", "code"),
    [
        ({"families": []}, ROWS, "decide.blind_not_covered"),
        ({"budget_per_officer": 0}, ROWS, "search.list_too_dear"),
        ({}, "p3\tOmar Lahlou\n", "search.blind_no_key"),
    ],
)
def test_a_partner_that_cannot_be_asked_is_told_with_the_reason(
    world: World, blind: dict[str, Any], content: str, code: str
) -> None:
    ma = holder(world, **blind)
    made = prepared(world, content)
    assert ScreeningPartner.objects.get().code == code
    with pytest.raises(Rejected) as caught:
        flow.begin(world.officer("liaison"), str(made.pk), now=world.now)
    assert caught.value.code == "search.list_not_prepared"
    assert ma.far.items("blind_query") == []


def test_before_the_filters_are_here_a_partner_is_not_asked(world: World) -> None:
    world.accord("ma", search={"mode": "none", "budget_per_day": 0}, blind=BLIND)
    prepared(world)
    assert ScreeningPartner.objects.get().code == "search.blind_not_ready"


# -- asked and answered --------------------------------------------------------------------------------------------------


def test_each_row_is_a_hit_or_not_and_the_partner_learns_of_none(world: World) -> None:
    ma = holder(world)
    made = begun(world)
    (question,) = answered(world, ma)
    assert len(b64decode(question["elements"])) == 32 * 32
    assert not any(word in str(question) for word in (NAME, "Talbi", "Zineb", BORN, "PV 1", "flight.tsv"))
    assert standing(made) == ("done", "done")
    assert Screening.objects.get().content is None
    assert ScreeningQuestion.objects.get().blinds is None
    lines = [json.loads(line) for line in flow.export(world.officer("liaison"), str(made.pk), now=world.now)]
    assert [(line["row"], line["outcome"]) for line in lines] == [
        (1, "hit"),
        (2, "no_hit"),
        (3, "no_key"),
        (4, "no_hit"),
    ]
    assert (lines[0]["families"], lines[0]["names"]) == (["pair_day", "word_day"], [NAME])
    assert "phone" in lines[0]["contact"]
    assert all(set(line) == {"row", "partner", "outcome"} for line in lines[1:])


def test_a_long_list_goes_in_full_batches_no_row_divided_and_a_few_at_a_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "WINDOW", 1)
    ma = holder(world, budget_per_day=500, budget_per_officer=500)
    made = begun(world, many(500) + KNOWN)
    assert len(ma.far.items("blind_query")) == flow.WINDOW
    asked = answered(world, ma)
    sizes = [len(b64decode(q["elements"])) // 32 for q in asked]
    assert sizes[:-1] == [1024] * (len(sizes) - 1)
    assert standing(made) == ("done", "done")
    stretches = list(ScreeningQuestion.objects.values_list("first", "last"))
    assert [first for first, _ in stretches] == [1, *(last + 1 for _, last in stretches[:-1])]
    assert stretches[-1][1] == 501
    assert ScreeningHit.objects.get(row=501).met == ["pair_day", "word_day"]
    assert sum(size // 128 or 1 for size in sizes) == blind_queries.spent_blindly_at("ma", world.now)
    assert ScreeningPartner.objects.get().cost == blind_queries.spent_blindly_at("ma", world.now)


def test_both_logs_name_the_same_questions_at_the_same_cost(world: World) -> None:
    ma = holder(world)
    begun(world)
    (question,) = answered(world, ma)
    facts = Event.objects.get(event="blind.asked").told["facts"]
    assert (facts["query"], facts["purpose"], facts["families"]) == (
        question["query"],
        question["purpose"],
        sorted(question["families"]),
    )
    assert facts["cost"] == 1
    assert question["asked_by"] == world.officer("liaison").reference
    assert Event.objects.get(event="blind.answered").told["facts"]["query"] == question["query"]
    assert not any(NAME in str(e.told) for e in Event.objects.filter(log="exchange"))


# -- budgets -------------------------------------------------------------------------------------------------------------


def test_what_today_does_not_allow_is_asked_tomorrow(world: World) -> None:
    ma = holder(world, budget_per_day=8, budget_per_officer=6)
    made = prepared(world, many(400) + KNOWN)
    told = flow.reckoned(world.officer("liaison"), ScreeningPartner.objects.get(), world.now)
    assert (told.left_today, told.a_day, told.days) == (6, 6, 3)
    flow.begin(world.officer("liaison"), str(made.pk), now=world.now)
    world.settle()
    answered(world, ma)
    asked = ScreeningPartner.objects.get()
    assert (asked.state, asked.code) == ("resting", "decide.blind_officer_budget_spent")
    assert blind_queries.spent_blindly_at("ma", world.now) == 6
    for _ in range(4):
        world.later(days=1)
        world.settle()
        answered(world, ma)
    assert standing(made) == ("done", "done")
    assert ScreeningHit.objects.get(row=401).partner == "ma"


def test_a_question_of_one_person_and_a_list_draw_on_one_budget(world: World) -> None:
    holder(world, budget_per_officer=1)
    begun(world)
    search = searching.search(
        world.officer("liaison"),
        Fields(names=(NAME,), birth_dates=(BORN,)),
        purpose="investigation",
        crime_area="0601",
        reference="PV 1",
        ask=("ma",),
        blindly=True,
        now=world.now,
    )
    assert Asked.objects.get(search=search).code == "decide.blind_officer_budget_spent"


def test_a_partner_that_counts_otherwise_is_asked_anew_tomorrow_and_the_day_costs_nothing(world: World) -> None:
    ma = holder(world)
    made = begun(world)
    refused = {"code": "decide.blind_budget_spent", "elements": "", "proof": ""}
    (first,) = answered(world, ma, **refused)
    assert (standing(made)[1], blind_queries.spent_blindly_at("ma", world.now)) == ("resting", 0)
    world.later(days=1)
    world.settle()
    (second,) = answered(world, ma)
    assert first["query"] != second["query"]
    assert standing(made) == ("done", "done")
    assert ScreeningHit.objects.get().row == 1


# -- what goes wrong -----------------------------------------------------------------------------------------------------


def test_killed_between_any_two_jobs_it_goes_on_from_its_rows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ma = holder(world)
    made = prepared(world, many(200) + KNOWN)
    flow.begin(world.officer("liaison"), str(made.pk), now=world.now)
    real, calls = flow.questions.send, iter(range(100))

    def dying(*given: Any, **named: Any) -> None:
        real(*given, **named)
        if next(calls) in (0, 2):
            raise MemoryError

    monkeypatch.setattr(flow.questions, "send", dying)
    for _ in range(6):
        world.settle()
        answered(world, ma)
        world.later(minutes=5)
    assert standing(made) == ("done", "done")
    assert len(ma.far.items("blind_query")) == ScreeningQuestion.objects.count()
    assert ScreeningHit.objects.get(row=201).met == ["pair_day", "word_day"]


def test_a_key_period_that_is_over_means_asking_again_under_the_next(world: World) -> None:
    ma = holder(world)
    made = begun(world)
    answered(world, ma, code="search.blind_epoch_ended", elements="", proof="")
    asked = ScreeningPartner.objects.get()
    assert (asked.state, asked.code) == ("resting", "search.blind_epoch_ended")
    second = Holder(world, ma.far, number=2)
    second.answered = ma.answered
    second.tell()
    world.later(minutes=6)
    world.settle()
    (question,) = answered(world, second)
    assert question["epoch"] == 2
    assert standing(made) == ("done", "done")
    assert ScreeningHit.objects.get().row == 1


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"proof": b64encode(bytes(64))}, "blind.proof_invalid"),
        ({"elements": b64encode(bytes(32))}, "blind.batch_mismatch"),
        ({"code": "decide.purpose_not_covered", "elements": "", "proof": ""}, "decide.purpose_not_covered"),
    ],
)
def test_a_wrong_proof_or_a_refusal_ends_it_with_this_partner_and_says_why(
    world: World, changed: dict[str, Any], code: str
) -> None:
    ma = holder(world)
    made = begun(world)
    answered(world, ma, **changed)
    asked = ScreeningPartner.objects.get()
    assert (asked.state, asked.code, standing(made)[0]) == ("stopped", code, "stopped")
    assert not ScreeningHit.objects.exists()
    assert ScreeningQuestion.objects.get().blinds is None
    warned = "desk.blind_unsound" in [t.title_code for t in list_for(world.officer("liaison"), now=world.now).tasks]
    assert warned == code.startswith("blind.")
    lines = [json.loads(line) for line in flow.export(world.officer("liaison"), str(made.pk), now=world.now)]
    assert {line["outcome"] for line in lines} == {"not_asked"}


def test_an_answer_that_comes_twice_or_after_the_end_changes_nothing(world: World) -> None:
    ma = holder(world)
    made = begun(world)
    (question,) = ma.far.items("blind_query")
    answer = ma.answer(question)
    world.arrive(ma.far, answer)
    with leaves_nothing():
        flow.take_answer("ma", answer.content, world.now)
    other = begun(world)
    (second,) = [q for q in ma.far.items("blind_query") if q["query"] != question["query"]]
    screenings.stop(world.officer("liaison"), str(other.pk), now=world.now)
    with leaves_nothing():
        flow.take_answer("ma", ma.answer(second).content, world.now)
    assert (standing(made)[0], standing(other)[0]) == ("done", "stopped")


def test_a_partner_that_is_down_gets_no_more_than_a_few_questions_and_the_rest_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "WINDOW", 1)
    ma = holder(world, budget_per_day=500, budget_per_officer=500)
    ma.far.is_down = True
    made = begun(world, many(400))
    world.later(days=2)
    blind_asking.give_up_late(world.now)
    world.settle()
    assert ScreeningQuestion.objects.filter(state="waiting").count() == flow.WINDOW
    ma.far.is_down = False
    world.later(minutes=20)
    world.settle()
    answered(world, ma)
    assert standing(made) == ("done", "done")


def test_a_partner_that_never_answers_ends_its_part_of_the_list_with_the_reason(world: World) -> None:
    ma = holder(world)
    made = begun(world)
    world.later(days=2)
    flow.give_up_late(world.now)
    assert standing(made) == ("running", "asking")
    world.later(days=2)
    flow.give_up_late(world.now)
    assert standing(made) == ("stopped", "stopped")
    assert ScreeningPartner.objects.get(screening=made).code == "search.list_unanswered"
    before = list(ScreeningQuestion.objects.values()), list(ScreeningPartner.objects.values())
    assert answered(world, ma)
    assert before == (list(ScreeningQuestion.objects.values()), list(ScreeningPartner.objects.values()))
    assert not ScreeningHit.objects.exists()


def test_an_officer_who_left_asks_no_further_rows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "WINDOW", 1)
    ma = holder(world, budget_per_day=500, budget_per_officer=500)
    made = begun(world, many(400))
    officer = world.officer("liaison")
    officer.is_active = False
    officer.save()
    answered(world, ma)
    assert standing(made) == ("stopped", "stopped")
    assert len(ma.far.items("blind_query")) == flow.WINDOW


def test_a_hit_is_shown_to_its_officer_alone(world: World) -> None:
    ma = holder(world)
    begun(world)
    answered(world, ma)
    hit = ScreeningHit.objects.get()
    assert blind_lists.hit_for(world.officer("liaison"), hit.pk) == hit
    with pytest.raises(Rejected):
        blind_lists.hit_for(world.officer("stranger"), hit.pk)


def client_of(world: World, name: str) -> Client:
    client = Client()
    client.force_login(world.officer(name), backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_the_pages_tell_the_cost_ask_show_who_knows_whom_and_open_a_request(world: World) -> None:
    ma = holder(world)
    client = client_of(world, "liaison")
    sent = {"purpose": "investigation", "crime_area": "0601", "reference": "PV 7", "partners": ["ma"]}
    brought = client.post("/search/lists/", {**sent, "list": SimpleUploadedFile("flight.tsv", ROWS.encode())})
    assert brought.status_code == 302, brought.content.decode()
    before = client.get(brought.url).content.decode()
    assert "This list costs 1 of your 10 questions of today." in before
    assert "practically never by chance" in before
    world.settle()
    assert ma.far.items("blind_query") == []
    assert client.post(f"{brought.url}begin/").status_code == 302
    world.settle()
    assert "1 question waits for its answer." in client.get(brought.url).content.decode()
    answered(world, ma)
    page = client.get(brought.url).content.decode()
    assert "1 row could not be asked" in page
    assert NAME in page
    assert "Zineb" not in page
    hit = ScreeningHit.objects.get()
    address = f"/dossiers/new/?to=ma&list_hit={hit.pk}"
    assert address.replace("&", "&amp;") in page
    assert NAME in client.get(address).content.decode()
    assert NAME not in client_of(world, "stranger").get(address).content.decode()
    lines = client.post(f"{brought.url}export/").getvalue().decode().splitlines()
    assert len(lines) == 4
    assert Event.objects.filter(event="screening.exported").count() == 1
    assert client_of(world, "stranger").post(f"{brought.url}begin/").status_code >= 400


def test_a_list_that_today_does_not_allow_says_when_it_will_be_done(world: World) -> None:
    holder(world, budget_per_day=8, budget_per_officer=6)
    made = prepared(world, many(400))
    page = client_of(world, "liaison").get(f"/search/lists/{made.pk}/").content.decode()
    assert "6 are left to you today. The rest continues tomorrow, for 3 days in all." in page


def test_another_system_brings_a_list_sees_its_cost_begins_and_reads_every_row(world: World) -> None:
    ma = holder(world)
    added = clients.add("pnr", "Flights", unit="ops", scopes=["search"], actor="administrator", now=world.now)

    def call(method: str, path: str, value: Any = None) -> Any:
        told = {"headers": {"authorization": f"Bearer {added.token}"}, "content_type": "application/json"}
        return world.client.generic(method, f"/api/v1/{path}", json.dumps(value) if value else b"", **told).json()

    given = {"content": ROWS, "purpose": "investigation", "crime_area": "0601", "reference": "AF 1", "blindly": ["ma"]}
    made = call("POST", "lists", given)
    assert (made["state"], made["partners"][0]["costs"], made["partners"][0]["days"]) == ("prepared", 1, 1)
    assert call("POST", f"lists/{made['screening']}/begin")["state"] == "running"
    world.settle()
    answered(world, ma)
    assert call("GET", f"lists/{made['screening']}")["hits"] == 1
    told = call("GET", f"lists/{made['screening']}/results")["results"]
    assert [one["outcome"] for one in told] == ["hit", "no_hit", "no_key", "no_hit"]
