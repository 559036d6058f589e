"""Alerts, hits and reports on their pages: issued by class, met, reported, confirmed, made a request; corrected, confirmed, listed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tansiq.engine.formats.times import format_time
from tansiq.node.dossiers.models import Dossier
from tansiq.node.search.models import AlertHit, StandingAlert
from tests.node.flows.test_alerts import KINDS, issued, known, own_alert
from tests.node.web.test_pages import signed_in, text_of
from tests.node.world import World, leaves_nothing, narrative

OPEN = "/dossiers/new/alert/"
TERM = {"code_expires": "2027-11-22T09:00", "code_review": "2027-05-22T09:00"}
ALERT: dict[str, Any] = {
    "do": "send",
    "partners": ["it", "ma"],
    "code_alert_class": "vehicle",
    "code_asks": "hold",
    "code_purpose": "investigation",
    "code_crime_area": "0601",
    **TERM,
    "blocks": "narrative/circumstances subject/Vehicle",
    "b0_text": "Volé à Lyon le 20 novembre.",
    "b1_registrationNumber": "AB-417-CD",
    "language": "fr",
    "level": "0",
    "handling": ["H1"],
}


@pytest.fixture
def accord(world: World) -> str:
    world.partner("it")
    return world.accord("it", "ma", kinds=KINDS)


def test_an_alert_is_issued_and_stands_on_the_board(world: World, accord: str) -> None:
    client = signed_in(world, "liaison")
    assert "No alert in force fits." in text_of(client.get("/alerts/"))
    answer = client.post(OPEN, ALERT)
    assert answer.status_code == 302, text_of(answer)
    world.settle()
    board = text_of(client.get("/alerts/"))
    assert "AB-417-CD" in board
    assert "Vehicle" in board
    shown = text_of(client.get(answer["Location"]))
    assert "has received it" in shown or "has not received it yet" in shown
    assert "Hold the thing until the issuing authority decides" in shown


def test_the_form_asks_what_the_class_needs(world: World, accord: str) -> None:
    client = signed_in(world, "liaison")
    first = client.get(f"{OPEN}?alert_class=wanted_arrest").content.decode()
    assert 'value="narrative/decision narrative/issuing_authority narrative/offence subject/Person"' in first
    bare = {**ALERT, "code_alert_class": "wanted_arrest", "code_asks": "arrest", "blocks": "narrative/circumstances"}
    with leaves_nothing():
        answer = client.post(OPEN, bare)
    assert answer.status_code == 400
    form = answer.context["form"]
    asked = {name for name in form.errors if name.startswith("b")}
    assert len(asked) == 4, form.errors
    assert "what an alert of the class" in str(form.errors)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"code_asks": "arrest"}, "code_asks"),
        ({"code_expires": "2020-01-01T00:00"}, "__all__"),
        ({"code_review": "2029-01-01T00:00"}, "__all__"),
        ({"code_expires": "soon"}, "code_expires"),
        ({"b1_registrationNumber": ""}, "b1_registrationNumber"),
    ],
)
def test_a_wrong_alert_is_told_and_not_stored(world: World, accord: str, changed: dict[str, Any], field: str) -> None:
    client = signed_in(world, "liaison")
    with leaves_nothing():
        answer = client.post(OPEN, {**ALERT, **changed})
    assert answer.status_code == 400
    assert field in answer.context["form"].errors, answer.context["form"].errors


def test_a_hit_is_reported_from_the_alert_confirmed_and_executed(world: World, accord: str) -> None:
    subject = known(world)
    alert = issued(world, accord).dossier
    client = signed_in(world, "liaison")
    page = client.get(f"/alerts/{alert}/")
    assert f"/register/{subject}/" in page.content.decode()
    assert "Nothing coercive may be done because of this alert alone" in text_of(page)
    address = f"/dossiers/new/alert_hit/?alert={alert}"
    assert address in page.content.decode()
    told = {
        "do": "send",
        "code_strength": "probable",
        "code_purpose": "investigation",
        "code_crime_area": "0601",
        "blocks": "narrative",
        "b0_text": "Contrôlé à Modane ce matin, même date de naissance.",
        "language": "fr",
        "level": "0",
    }
    assert 'name="partners"' not in client.get(address).content.decode(), "nobody else can be chosen"
    answer = client.post(address, {**told, "partners": ["it"]})
    assert answer.status_code == 302, text_of(answer)
    hit = Dossier.objects.get(kind="alert_hit")
    assert hit.participants == ["fr", "ma"]
    shown = text_of(client.get(f"/dossiers/{hit.dossier_id}/"))
    assert "Nothing coercive may be done" in shown
    assert "Nobody may be arrested" in shown
    assert client.get(f"/dossiers/{hit.dossier_id}/acts/execute/").status_code in (400, 403, 404)
    world.settle()
    ma = world.fars["ma"]
    until = format_time(world.now + timedelta(days=2))
    world.arrive(ma, ma.act(hit.dossier_id, "confirm_hit", world.now, codes={"measure": "arrest", "due": until}))
    confirmed = client.get(f"/dossiers/{hit.dossier_id}/")
    assert "The hit is confirmed" in text_of(confirmed)
    assert "Only this may now be done" in text_of(confirmed)
    assert f"/alerts/{alert}/" in confirmed.content.decode()


def test_a_confirmed_hit_becomes_a_request_in_one_step(world: World, accord: str) -> None:
    from tests.node.flows.test_alerts import hit_of

    alert = own_alert(world, "ma")
    hit = hit_of(world.fars["ma"], world, accord, alert)
    world.arrive(world.fars["ma"], hit)
    world.settle()
    client = signed_in(world, "liaison")
    path = f"/dossiers/{hit.dossier}/"
    assert "Make a request of this hit" not in text_of(client.get(path))
    done = client.post(
        f"{path}acts/confirm_hit/",
        {
            "do": "send",
            "code_measure": "arrest",
            "code_due": "2026-11-25T09:00",
            "language": "fr",
            "level": "0",
            "blocks": "",
        },
    )
    assert done.status_code == 302, text_of(done)
    page = client.get(path).content.decode()
    start = page.split("/dossiers/new/?", 1)[1].split('"', 1)[0].replace("&amp;", "&")
    form = client.get(f"/dossiers/new/?{start}").context["form"]
    assert form.initial["partners"] == ["ma"]
    assert form.initial["name"] == "Samir Talbi"
    assert form.initial["purpose"] == "investigation"


def test_alerts_are_for_whoever_searches_and_only_while_they_stand(world: World, accord: str) -> None:
    alert = issued(world, accord).dossier
    assert signed_in(world, "stranger").get(f"/alerts/{alert}/").status_code == 200
    assert signed_in(world, "auditor").get(f"/alerts/{alert}/").status_code == 404
    assert signed_in(world, "auditor").get("/alerts/").status_code == 403
    assert signed_in(world, "liaison").get(f"/alerts/{'0' * 64}/").status_code == 404
    world.later(days=366)
    assert signed_in(world, "liaison").get(f"/alerts/{alert}/").status_code == 404
    assert not AlertHit.objects.exists()


def test_the_board_is_narrowed_and_paged(world: World, accord: str) -> None:
    for number in range(30):
        StandingAlert.objects.create(
            dossier_id=f"{number:064x}",
            issuer="ma" if number % 2 else "it",
            is_own=False,
            alert_class="vehicle" if number < 28 else "document",
            asks="hold",
            caption=f"PLATE {number}",
            issued_at=world.now,
            expires_at=world.now + timedelta(days=number + 1),
            review_at=world.now,
        )
    client = signed_in(world, "liaison")
    first = text_of(client.get("/alerts/"))
    assert "PLATE 0" in first
    assert "PLATE 26" not in first
    assert "PLATE 26" in text_of(client.get("/alerts/?page=2"))
    assert "PLATE 29" in text_of(client.get("/alerts/?class=document&issuer=ma"))
    assert "PLATE 28" not in text_of(client.get("/alerts/?class=document&issuer=ma"))
    assert "PLATE 17" in text_of(client.get("/alerts/?words=plate 17"))


def test_reports_are_listed_with_what_recipients_say_and_owe(world: World, accord: str) -> None:
    from tests.node.web.test_opening import REPORT

    client = signed_in(world, "liaison")
    assert "No report fits." in text_of(client.get("/reports/"))
    client.post("/dossiers/new/report/", REPORT)
    report = Dossier.objects.get(kind="report").dossier_id
    world.settle()
    it = world.fars["it"]
    world.arrive(
        it, it.act(report, "feedback", world.now, codes={"usefulness": "useful"}, parts=[narrative("feedback")])
    )
    client.post(
        f"/dossiers/{report}/acts/recall/",
        {"do": "send", "code_due": "2026-12-01T12:00", "level": "0", "language": "fr"},
    )
    world.settle()
    listed = text_of(client.get("/reports/?state=all"))
    assert "Useful" in listed
    assert "Recall the whole report" in listed
    shown = text_of(client.get(f"/dossiers/{report}/"))
    assert "yet to confirm:" in shown
