"""Direct lines on pages: the list, the conversation, a call from its ringing to its answer, the roster, the reviews."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tansiq.engine.accords.markings import Marking
from tansiq.engine.dossiers.entries import SignedEntry
from tansiq.engine.formats.times import format_time
from tansiq.node.accounts.models import Shift
from tansiq.node.dossiers import queries
from tansiq.node.dossiers.models import Dossier
from tests.node.far import Far
from tests.node.flows.test_calling import KINDS, OPEN, acts, called, threaten
from tests.node.web.test_pages import signed_in, text_of
from tests.node.world import World, leaves_nothing, narrative

pytestmark = pytest.mark.django_db
ONLY_HERE = Marking(handling=frozenset({"H2"}))
WORDS: dict[str, Any] = {"text": "Le Stella entre au port.", "level": "0", "handling": ["H1"], "language": "fr"}


@pytest.fixture
def line(world: World) -> tuple[World, Far, str]:
    """A line that Morocco has opened to us with a message."""
    accord = world.accord("ma", kinds=KINDS)
    ma = world.fars["ma"]
    opened = ma.open("channel", ["fr"], world.now, codes=OPEN, accord=accord, accord_version=world.version(accord))
    said = ma.act(opened.dossier, "message", world.now, parts=[narrative("message", "الباخرة تصل الليلة")])
    world.arrive(ma, opened, said)
    world.settle()
    return world, ma, opened.dossier


def call_of(world: World, ma: Far, dossier: str) -> SignedEntry:
    call = called(world, ma, dossier)
    world.arrive(ma, call)
    return call


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_every_page_opens_in_every_language(line: tuple[World, Far, str], language: str) -> None:
    world, ma, dossier = line
    call_of(world, ma, dossier)
    client = signed_in(world, "liaison", language)
    for path in ("/channels/", f"/channels/{dossier}/", f"/channels/{dossier}/news/", "/channels/ringing/", "/duty/"):
        assert client.get(path).status_code == 200, path
    assert signed_in(world, "dpo", language).get("/reviews/").status_code == 200


@pytest.mark.parametrize("name", ["stranger", "auditor"])
def test_a_line_is_nobody_elses(line: tuple[World, Far, str], name: str) -> None:
    world, ma, dossier = line
    call = call_of(world, ma, dossier).entry_id
    client = signed_in(world, name)
    assert dossier not in client.get("/channels/").content.decode()
    assert "data-ringing" not in client.get("/").content.decode()
    with leaves_nothing(but=("audit.Event", "sessions.Session")):
        assert client.get(f"/channels/{dossier}/").status_code == 404
        assert client.post(f"/channels/{dossier}/calls/{call}/answer/").status_code in (403, 404)


def test_a_request_is_no_line(line: tuple[World, Far, str]) -> None:
    world, _, _ = line
    request = world.ask("ma")
    assert signed_in(world, "liaison").get(f"/channels/{request}/").status_code == 404


def test_what_is_unread_stands_in_the_list_until_it_is_read(line: tuple[World, Far, str]) -> None:
    world, _, dossier = line
    client = signed_in(world, "liaison")
    assert "2 unread" in text_of(client.get("/channels/"))
    assert "الباخرة تصل الليلة" in text_of(client.get(f"/channels/{dossier}/"))
    assert "unread" not in text_of(client.get("/channels/"))


def test_a_message_is_sent_in_one_act_and_its_way_is_shown(line: tuple[World, Far, str]) -> None:
    world, ma, dossier = line
    client = signed_in(world, "liaison")
    answer = client.post(f"/channels/{dossier}/", WORDS, follow=True)
    assert answer.redirect_chain[-1][0] == f"/channels/{dossier}/"
    world.settle()
    assert ma.dossiers[dossier].of("message")[-1].parts[0].part.content["text"] == WORDS["text"]  # type: ignore[union-attr]
    shown = text_of(client.get(f"/channels/{dossier}/"))
    assert "Accepted, receipt signed" in shown
    assert "H1" in shown


def test_nothing_said_is_nothing_sent(line: tuple[World, Far, str]) -> None:
    world, _, dossier = line
    client = signed_in(world, "liaison")
    client.get(f"/channels/{dossier}/")
    with leaves_nothing(but=("audit.Event", "sessions.Session")):
        answer = client.post(f"/channels/{dossier}/", {**WORDS, "text": "  "})
    assert answer.status_code == 400
    assert "Write what is to be said." in text_of(answer)


def test_the_open_page_renews_itself_only_when_something_is_new(line: tuple[World, Far, str]) -> None:
    world, ma, dossier = line
    client = signed_in(world, "liaison")
    page = client.get(f"/channels/{dossier}/")
    seen = page.context["fingerprint"]
    assert client.get(f"/channels/{dossier}/news/?seen={seen}").status_code == 204
    world.arrive(ma, ma.act(dossier, "message", world.now, parts=[narrative("message", "وصلت")]))
    news = client.get(f"/channels/{dossier}/news/?seen={seen}")
    assert "وصلت" in text_of(news)
    assert "<html" not in news.content.decode()


def test_a_call_stands_above_every_page_until_it_is_answered_in_one_press(line: tuple[World, Far, str]) -> None:
    world, ma, dossier = line
    client = signed_in(world, "liaison")
    none = client.get("/channels/ringing/").context["ringing"]["fingerprint"]
    assert client.get(f"/channels/ringing/?seen={none}").status_code == 204
    call = call_of(world, ma, dossier).entry_id
    assert client.get(f"/channels/ringing/?seen={none}").status_code == 200
    for path in ("/", "/register/", f"/channels/{dossier}/"):
        page = client.get(path).content.decode()
        assert f'data-ringing="{call}"' in page
        assert 'aria-live="assertive"' in page
    answer = client.post(f"/channels/{dossier}/calls/{call}/answer/", follow=True)
    assert answer.redirect_chain[-1][0] == f"/channels/{dossier}/"
    assert "data-ringing" not in client.get("/").content.decode()
    world.settle()
    (acknowledged,) = ma.dossiers[dossier].of("acknowledge")
    assert acknowledged.parts[0].part.content["name"] == "Liaison"  # type: ignore[union-attr]
    assert "answered the last call: Liaison" in text_of(client.get(f"/channels/{dossier}/"))
    assert client.post(f"/channels/{dossier}/calls/{call}/answer/").status_code in (403, 409)


def test_the_caller_sees_where_it_rings_and_whom_to_telephone_while_it_does_not(line: tuple[World, Far, str]) -> None:
    world, ma, dossier = line
    client = signed_in(world, "liaison")
    told = {"call-urgency": "life_or_limb", "call-minutes": "30", "call-text": "Un enfant à bord."}
    told |= {"call-level": "0", "call-handling": "H1", "call-language": "fr"}
    ma.is_down = True
    assert client.post(f"/channels/{dossier}/call/", told).status_code == 302
    world.deliver()
    shown = text_of(client.get(f"/channels/{dossier}/"))
    assert "not delivered yet" in shown
    assert "ringing is not confirmed" in shown
    assert "+212 5 00 00 00 00" in shown
    ma.is_down = False
    world.later(minutes=5)
    world.settle()
    shown = text_of(client.get(f"/channels/{dossier}/"))
    assert "not delivered yet" not in shown
    assert "ringing is not confirmed" in shown
    call = ma.dossiers[dossier].of("call")[0]
    assert call.header.codes["until"] == format_time(world.now + timedelta(minutes=25))
    codes = {"call": call.entry_id, "rank": 1, "next": format_time(world.now + timedelta(minutes=1))}
    world.arrive(ma, ma.act(dossier, "ringing", world.now, codes=codes, clause="channel:ringing"))
    assert "rings at rank 1 of the duty roster" in text_of(client.get(f"/channels/{dossier}/"))
    assert client.post(f"/channels/{dossier}/calls/{call.entry_id}/end/").status_code == 302
    assert acts(dossier)[-1] == "end_call"


def test_a_call_without_its_ground_is_not_made(line: tuple[World, Far, str]) -> None:
    world, _, dossier = line
    client = signed_in(world, "liaison")
    client.get(f"/channels/{dossier}/")
    with leaves_nothing(but=("audit.Event", "sessions.Session")):
        answer = client.post(f"/channels/{dossier}/call/", {"call-minutes": "999", "call-level": "0"})
    assert answer.status_code == 400


@pytest.mark.parametrize("kind", ["request", "report"])
def test_a_message_becomes_a_request_or_a_report_with_its_conditions(line: tuple[World, Far, str], kind: str) -> None:
    world, ma, dossier = line
    said = ma.act(
        dossier, "message", world.now, parts=[narrative("message", "رقم الحاوية MSKU 123", marking=ONLY_HERE)]
    )
    world.arrive(ma, said)
    client = signed_in(world, "liaison")
    page = client.get(f"/channels/{dossier}/").content.decode()
    start = (
        f"/dossiers/new/?entry={said.entry_id}" if kind == "request" else f"/dossiers/new/report/?entry={said.entry_id}"
    )
    assert start.replace("&", "&amp;") in page
    address = f"{start}&part=0"
    form = client.get(address)
    assert "رقم الحاوية MSKU 123" in form.content.decode()
    told = {**(REQUEST_FORM if kind == "request" else REPORT_FORM), "handling": ["H1", "H2"]}
    answer = client.post(address, told)
    assert answer.status_code == 302, text_of(answer)[:3000]
    made = Dossier.objects.filter(kind=kind).get()
    opening = queries.load_header(made.dossier_id)
    assert opening is not None
    assert opening.opening is not None
    assert opening.opening.cites == dossier
    assert opening.marking.handling >= {"H2"}
    parts = [part for found in queries.parts_by_entry(made, types={"question", "narrative"}).values() for part in found]
    assert {source.entry for part in parts for source in part.sources} == {said.entry_id}
    looser = client.post(address, {**told, "handling": ["H1"]})
    assert looser.status_code == 400, "no condition of the message may be lost"


REQUEST_FORM: dict[str, Any] = {
    "do": "send",
    "partners": ["ma"],
    "question": "À qui est le conteneur MSKU 123 ?",
    "purpose": "investigation",
    "crime_area": "0601",
    "offence": "Importation de cocaïne.",
    "objective_reasons": "Votre message.",
    "use": "intelligence",
    "restrictions": "as_marked",
    "language": "fr",
    "level": "0",
}
REPORT_FORM: dict[str, Any] = {
    "do": "send",
    "partners": ["ma"],
    "code_purpose": "prevention",
    "code_crime_area": "0601",
    "blocks": "narrative",
    "b0_text": "Conteneur MSKU 123",
    "b0_grade_source": "4x4:B",
    "b0_grade_information": "4x4:2",
    "language": "fr",
    "level": "0",
}


def test_what_one_may_not_read_becomes_nothing(line: tuple[World, Far, str]) -> None:
    world, _, dossier = line
    entry = queries.entry_by_id(dossier)
    assert entry is not None
    for address in (f"?entry={dossier}&part=7", f"?entry={'0' * 64}&part=0", f"?entry={dossier}&part=x"):
        assert signed_in(world, "liaison").get(f"/dossiers/new/{address}").status_code == 404
    message = next(e for e in queries.entries_in_order(queries.dossier_by_id(dossier)) if e.act == "message")  # type: ignore[arg-type]
    assert signed_in(world, "stranger").get(f"/dossiers/new/?entry={message.entry_id}&part=0").status_code == 404


def test_the_roster_is_written_by_whoever_may_and_its_gaps_are_shown(world: World) -> None:
    boss = signed_in(world, "boss")
    assert "Nobody: a call rings at everybody" in text_of(boss.get("/duty/"))
    told = {"what": "shift", "officer": "liaison", "rank": "1", "weeks": "1"}
    times = {"starts_at": "2026-11-22T00:00", "ends_at": "2026-11-23T00:00"}
    assert boss.post("/duty/?unit=ops", {**told, **times}).status_code == 302
    shown = text_of(boss.get("/duty/?unit=ops"))
    assert "Rank 1 Liaison" in shown
    assert "Hours in which nobody stands" in shown
    wrong = boss.post("/duty/?unit=ops", {**told, "starts_at": times["ends_at"], "ends_at": times["starts_at"]})
    assert wrong.status_code == 400
    assert "ends after it starts" in text_of(wrong)
    away = {"what": "absence", "officer": "liaison", "replacement": "second", **times}
    assert boss.post("/duty/?unit=ops", away).status_code == 302
    assert "Rank 1 Second in place of Liaison" in text_of(boss.get("/duty/?unit=ops"))
    liaison = signed_in(world, "liaison")
    with leaves_nothing(but=("audit.Event", "sessions.Session")):
        assert liaison.post("/duty/?unit=ops", {**told, **times}).status_code == 403
        assert liaison.post(f"/duty/shifts/{Shift.objects.get().pk}/remove/").status_code == 403
    assert boss.post(f"/duty/shifts/{Shift.objects.get().pk}/remove/").status_code == 302
    assert boss.get("/duty/?unit=moon").status_code in (400, 404)


def test_a_threat_to_life_is_marked_on_the_line_and_reviewed_on_its_page(world: World) -> None:
    world.hire("chief", "senior")
    dossier = threaten(world, "chief").dossier_id
    chief = signed_in(world, "chief")
    shown = text_of(chief.get(f"/channels/{dossier}/"))
    assert "Threat to life, without an accord" in shown
    assert chief.post(f"/channels/{dossier}/", {**WORDS, "threat": "on"}).status_code == 302
    assert chief.get("/reviews/").status_code == 403
    dpo = signed_in(world, "dpo")
    page = dpo.get("/reviews/")
    assert "Un enfant est retenu" in text_of(page)
    assert dpo.post(f"/reviews/{dossier}/", {"outcome": "perhaps", "measures": "x"}).status_code == 400
    told = {"outcome": "not_justified", "measures": "Rappel des règles."}
    assert dpo.post(f"/reviews/{dossier}/", told).status_code == 302
    assert "Not justified" in text_of(dpo.get("/reviews/"))
    assert dpo.post(f"/reviews/{dossier}/", told).status_code == 409


def test_a_visitor_hears_nothing(world: World) -> None:
    assert Client().get("/channels/ringing/").status_code == 302
    assert "data-ringing" not in Client().get("/accounts/login/").content.decode()
