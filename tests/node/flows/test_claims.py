"""Data-subject requests, from the letter to the answer: what is found, what is given away, what is erased, what is said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tansiq.engine.dossiers.parts import Grading
from tansiq.engine.errors import Conflict, Refused, Rejected
from tansiq.node.audit.models import Event
from tansiq.node.desk.models import Task
from tansiq.node.dossiers.models import Draft, Part
from tansiq.node.flows import act as flow
from tansiq.node.flows import claims, handed_drafts
from tansiq.node.flows.intents import Intent
from tansiq.node.flows.searching import Fields
from tansiq.node.flows.working import LONG_JOBS
from tansiq.node.register import actions as register
from tansiq.node.register import reviewing
from tansiq.node.register.models import Subject
from tansiq.node.rights import actions, queries
from tansiq.node.rights.models import Claim, Holding
from tests.node.web.test_pages import signed_in, text_of
from tests.node.world import ASK, World, narrative, subject

A1 = Grading("4x4", "A", "1")
NAME = "Samir Talbi"
PERSON = {"schema": "Person", "properties": {"name": [NAME], "birthDate": ["1984-03-17"]}}


def claim_of(world: World, right: str = "access", **changed: Any) -> str:
    fields = Fields(names=(NAME,), birth_dates=("1984-03-17",)).to_json()
    told = {"contact": "12 rue des Lilas", "wish": "", "fields": fields}
    given = {"right": right, "channel": "letter", "told": told, "received_at": world.now, "due_at": None, **changed}
    return str(actions.receive(world.officer("dpo"), **given, now=world.now).pk)


def looked(world: World, right: str = "access") -> str:
    dpo, claim = world.officer("dpo"), claim_of(world, right)
    actions.identify(dpo, claim, how="Passport seen at the counter.", now=world.now)
    claims.look(dpo, claim, now=world.now)
    _long(world)
    return claim


def _long(world: World) -> None:
    from tansiq.node.jobs import tasks as jobs

    while jobs.run_one(LONG_JOBS, clock=world.clock, worker="long"):
        pass


def found(claim: str, start: str) -> Holding:
    return next(row for row in Holding.objects.filter(claim=claim) if row.place.startswith(start))


def everything(world: World) -> tuple[Subject, str, str]:
    """A record of ours in a circle of another unit, one received from a partner, and a report of ours to it."""
    far = world.partner("ma")
    accord = world.accord("ma", kinds=["request", "report", "channel"])
    own = register.add_subject(world.officer("stranger"), PERSON, circle="unit:borders", now=world.now)
    world.arrive(far, world.asked_by(far, name=NAME, accord=accord))
    codes = {"purpose": ASK["purpose"], "crime_area": ASK["crime_area"]}
    parts = (narrative("facts", grading=A1), subject(NAME, grading=A1))
    sent = Intent(kind="report", act="report", participants=("ma",), codes=codes, parts=parts)
    report = flow.act(world.officer("liaison"), sent, now=world.now).dossier_id
    world.settle()
    return own, accord, report


def choose_all(world: World, claim: str, measure: str, **more: Any) -> None:
    dpo = world.officer("dpo")
    for row in list(Holding.objects.filter(claim=claim)):
        actions.judge(dpo, claim, row.pk, verdict="theirs", now=world.now)
        claims.choose(dpo, claim, str(row.pk), measure=measure, now=world.now, **more)


def test_one_search_finds_the_register_of_every_circle_what_was_received_and_what_was_signed(world: World) -> None:
    own, _, report = everything(world)
    now = world.now
    hidden = register.add_subject(world.officer("liaison"), PERSON, circle="unit:ops", now=now)
    stop = reviewing.Decision("restrict", "accuracy_contested", "Contested.")
    reviewing.decide(world.officer("liaison"), hidden.pk, stop, now=now)
    claim = looked(world)
    places = {row.place: row for row in Holding.objects.filter(claim=claim)}
    received = Subject.objects.get(origin="received")
    assert {f"subject:{one.pk}" for one in (own, hidden, received)} < set(places)
    assert places[f"subject:{received.pk}"].provider == "ma"
    assert [row.dossier for place, row in places.items() if place.startswith("entry:")] == [report]
    again = len(places)
    claims.look(world.officer("dpo"), claim, now=now)
    _long(world)
    assert Holding.objects.filter(claim=claim).count() == again


def test_another_authoritys_information_is_given_away_only_after_its_word(world: World) -> None:
    everything(world)
    dpo, claim = world.officer("dpo"), looked(world)
    row = Holding.objects.get(claim=claim, provider="ma")
    actions.judge(dpo, claim, row.pk, verdict="theirs", now=world.now)
    with pytest.raises(Refused, match=r"rights\.ask_originator"):
        claims.choose(dpo, claim, str(row.pk), measure="disclose", now=world.now)
    draft = claims.consult(dpo, claim, str(row.pk), now=world.now)
    handed_drafts.take_over(world.officer("liaison"), draft, now=world.now)
    assert flow.send_draft(world.officer("liaison"), draft, now=world.now).is_signed
    told = str(Draft.objects.get(pk=draft).intent)
    assert NAME not in told
    actions.note_originator(dpo, claim, row.pk, says="consents", note="By line, today.", now=world.now)
    claims.choose(dpo, claim, str(row.pk), measure="disclose", now=world.now)
    actions.note_originator(dpo, claim, row.pk, says="objects", note="Called back.", now=world.now)
    row.refresh_from_db()
    assert row.measure == ""


def test_erasing_goes_everywhere_stands_in_the_ledger_and_is_told_on(world: World) -> None:
    own, _, report = everything(world)
    claim = looked(world, "erasure")
    dpo = world.officer("dpo")
    choose_all(world, claim, "erase")
    entry = found(claim, "entry:")
    claims.decide(dpo, claim, outcome="granted", reason="Held without a basis.", now=world.now)
    assert not Subject.objects.exists()
    assert not Part.objects.filter(entry=entry.place.split(":")[1], type="subject", salted__isnull=False).exists()
    assert set(claims.reconcile(dpo, claim).values()) == {False}
    world.work()
    assert set(claims.reconcile(dpo, claim).values()) == {True}
    drafts = {(row.kind, row.act): row for row in Draft.objects.all()}
    assert set(drafts) == {("report", "recall_part"), ("channel", "open")}
    recall = drafts["report", "recall_part"]
    handed_drafts.take_over(world.officer("liaison"), str(recall.pk), now=world.now)
    assert flow.send_draft(world.officer("liaison"), str(recall.pk), now=world.now).dossier_id == report
    told, rows = claims.to_answer(dpo, claim)
    assert (told.state, rows) == (Claim.DECIDED, [])
    assert own.pk


def test_rectifying_is_a_task_of_the_circle_and_the_answer_waits_for_it(world: World) -> None:
    register.add_subject(world.officer("liaison"), PERSON, circle="unit:ops", now=world.now)
    claim, dpo = looked(world, "rectification"), world.officer("dpo")
    choose_all(world, claim, "rectify")
    claims.decide(dpo, claim, outcome="granted", reason="The date is wrong.", now=world.now)
    assert Task.objects.get(kind="claim_rectify").circle == "unit:ops"
    with pytest.raises(Conflict, match=r"rights\.not_done"):
        claims.to_answer(dpo, claim)
    claims.rectified(dpo, claim, str(found(claim, "subject:").pk), now=world.now)
    assert Task.objects.get(kind="claim_rectify").state == "settled"
    claims.to_answer(dpo, claim)


def test_nothing_is_decided_before_identity_search_and_every_finding(world: World) -> None:
    register.add_subject(world.officer("liaison"), PERSON, circle="unit:ops", now=world.now)
    dpo, claim = world.officer("dpo"), claim_of(world)

    def refused(code: str, outcome: str = "granted") -> None:
        with pytest.raises((Refused, Rejected, Conflict)) as caught:
            claims.decide(dpo, claim, outcome=outcome, reason="Because.", now=world.now)
        assert caught.value.code == code

    refused("rights.outcome", "perhaps")
    refused("rights.identity_missing")
    actions.identify(dpo, claim, how="By representative.", now=world.now)
    refused("rights.not_looked")
    claims.look(dpo, claim, now=world.now)
    refused("rights.not_looked")
    _long(world)
    refused("rights.undecided")
    row = found(claim, "subject:")
    actions.judge(dpo, claim, row.pk, verdict="theirs", now=world.now)
    with pytest.raises(Rejected, match=r"rights\.ground_needed"):
        claims.choose(dpo, claim, str(row.pk), measure="withhold", now=world.now)
    with pytest.raises(Rejected, match=r"rights\.measure"):
        claims.choose(dpo, claim, str(row.pk), measure="erase", now=world.now)
    claims.choose(dpo, claim, str(row.pk), measure="withhold", ground="inquiry_obstructed", now=world.now)
    claims.decide(dpo, claim, outcome="neither", reason="Secret ground.", now=world.now)
    refused("rights.closed")


def test_dates_are_bounded_and_only_the_data_protection_officer_comes_near(world: World) -> None:
    assert Claim.objects.get(pk=claim_of(world)).due_at == world.now + timedelta(days=30)
    with pytest.raises(Rejected, match=r"rights\.received_in_future"):
        claim_of(world, received_at=world.now + timedelta(hours=1))
    with pytest.raises(Rejected, match=r"rights\.due"):
        claim_of(world, due_at=world.now + timedelta(days=400))
    claim = claim_of(world)
    for name in ("liaison", "auditor", "boss"):
        with pytest.raises(Rejected, match=r"rights\.not_found"):
            queries.get_claim_for(world.officer(name), claim)
        assert signed_in(world, name).get("/rights/").status_code == 403
        assert signed_in(world, name).get(f"/rights/{claim}/").status_code == 404


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_pages_lead_from_the_letter_to_the_answer(world: World, language: str) -> None:
    row = register.add_subject(world.officer("liaison"), PERSON, circle="unit:ops", now=world.now)
    client = signed_in(world, "dpo", language)
    given = {"right": "access", "channel": "letter", "received": f"{world.now:%Y-%m-%d}", "names": NAME}
    assert client.post("/rights/", given).status_code == 400
    made = client.post("/rights/", {**given, "contact": "12 rue des Lilas"})
    page = made["Location"]
    assert NAME in text_of(client.get("/rights/"))
    client.post(f"{page}identify/", {"how": "Passport seen."})
    client.post(f"{page}look/")
    _long(world)
    holding = found(page.split("/")[2], "subject:")
    address = f"{page}holdings/{holding.pk}/"
    client.post(address, {"do": "theirs"})
    client.post(address, {"do": "choose", "measure": "disclose", "ground": ""})
    assert str(row.pk) in client.get(page).content.decode()
    client.post(f"{page}decide/", {"outcome": "granted", "reason": "All of it."})
    answer = client.post(f"{page}answer/", {"language": language})
    assert (answer.status_code, answer.content[:5]) == (200, b"%PDF-")
    claim = Claim.objects.get()
    assert (claim.state, len(claim.answer_digest)) == (Claim.ANSWERED, 64)
    assert not Task.objects.filter(kind="claim", state="open").exists()
    assert client.get(page).status_code == 200
    events = set(Event.objects.filter(event__startswith="rights.").values_list("event", flat=True))
    assert {"rights.received", "rights.identified", "rights.looked", "rights.decided", "rights.answered"} <= events
    assert not any(NAME in str(event.told) for event in Event.objects.filter(event__startswith="rights."))


def test_an_answer_that_neither_confirms_nor_denies_looks_the_same_whatever_is_held(world: World) -> None:
    from tansiq.node.web.printing import answer_source

    dpo = world.officer("dpo")

    def said() -> str:
        claim = looked(world)
        for row in list(Holding.objects.filter(claim=claim)):
            actions.judge(dpo, claim, row.pk, verdict="theirs", now=world.now)
            claims.choose(dpo, claim, str(row.pk), measure="withhold", ground="public_security", now=world.now)
        claims.decide(dpo, claim, outcome="neither", reason="The secret reason.", now=world.now)
        made, rows = claims.to_answer(dpo, claim)
        return answer_source(made, rows, officer=dpo, language="en", now=world.now).replace(claim, "")

    nothing = said()
    register.add_subject(world.officer("liaison"), PERSON, circle="unit:ops", now=world.now)
    assert said() == nothing
    assert "secret reason" not in nothing
