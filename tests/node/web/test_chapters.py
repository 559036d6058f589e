"""What the demonstration's officers do on alert and report pages, done here on one real node, whose partners are far.

The same functions as the story's, by the same reader of pages: what a page does not offer cannot be sent.
"""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from tansiq.demo.browser import NotOffered, Person
from tansiq.demo.chapters import alerts, reports, urgent_call
from tansiq.demo.steps import act, ask, offers
from tansiq.engine.formats.times import format_time
from tansiq.node.dossiers.models import Dossier
from tests.node.flows.test_alerts import KINDS, hit_of, issued, known
from tests.node.flows.test_calling import KINDS as LINE_KINDS
from tests.node.flows.test_calling import called
from tests.node.web.test_pages import signed_in
from tests.node.world import World

CATEGORIES = {"suspect": "permit"}


@pytest.fixture
def accord(world: World) -> str:
    world.partner("it")
    purposes = ["investigation", "prevention", "prosecution"]
    return world.accord("it", "ma", kinds=KINDS, purposes=purposes, categories=CATEGORIES)


def person(world: World, language: str, name: str = "liaison") -> Person:
    """The officer at a browser whose network is Django's own test client."""
    client = signed_in(world, name, language)

    def answer(request: httpx.Request) -> httpx.Response:
        told = client.generic(
            request.method,
            request.url.raw_path.decode(),
            request.content,
            content_type=request.headers.get("content-type", ""),
        )
        return httpx.Response(told.status_code, content=told.content, headers=dict(told.headers))

    made = Person.__new__(Person)
    made.url, made.username = "http://testserver", "liaison"
    network = httpx.MockTransport(answer)
    made.http = httpx.Client(transport=network, base_url=made.url, follow_redirects=True)
    return made


def test_the_report_of_the_story(world: World, accord: str) -> None:
    paolo = person(world, "fr")
    report = reports.write(paolo, "it", "ma")
    world.settle()
    it, ma = world.fars["it"], world.fars["ma"]
    feedback = it.act(report, "feedback", world.now, codes={"usefulness": "useful"})
    for far, other, said in ((it, ma, [feedback]), (ma, it, [])):
        for entry in [*said, *far.machine(report, world.now)]:
            world.arrive(far, entry)
            other.keep(entry)
    assert "Utile" in paolo.open("/reports/").text
    reports.change(paolo, report, "correct", "3 dicembre", new=reports.DAY)
    reports.change(paolo, report, "recall_part", "comandante")
    world.settle()
    shown = paolo.open(f"/dossiers/{report}/").text
    assert shown.count("reste à confirmer :") == 4
    for far in (it, ma):
        held = far.dossiers[report]
        assert held.folded is not None
        for write in held.folded.state.writes(f"owed:{far.node_id}"):
            world.arrive(
                far, far.act(report, "confirm", world.now, codes={"change": write.entry}, clause="report:recall_part")
            )
    text = paolo.open(f"/dossiers/{report}/").text
    assert text.count("plus rien à confirmer") == 2, text[text.find("Où en est") :][:700]


def test_the_alert_of_the_story_and_the_request_that_its_hit_becomes(world: World, accord: str) -> None:
    claire = person(world, "fr")
    alert = alerts.issue(claire, "it", "ma")
    world.settle()
    ma = world.fars["ma"]
    hit = hit_of(ma, world, accord, alert)
    world.arrive(ma, hit)
    world.settle()
    assert offers(claire, hit.dossier, "confirm_hit")
    act(claire, hit.dossier, "confirm_hit", code_measure="locate_and_report", code_due=alerts.in_days(3), level="1")
    page = claire.open(f"/dossiers/{hit.dossier}/")
    begun = next(link for link in page.links if f"hit={hit.dossier}" in link)
    request = ask(claire, "ma", start=claire.open(begun))
    row = Dossier.objects.get(dossier_id=request)
    assert row.participants == ["fr", "ma"]
    assert ma.dossiers[hit.dossier].opening.cites == alert
    act(claire, alert, "cancel", code_ground="found", code_due=alerts.in_days(2))
    assert alert not in "".join(claire.open("/alerts/").links)


def test_the_hit_of_the_story_from_the_other_side(world: World, accord: str) -> None:
    known(world, "Samir Talbi")
    alert = issued(world, accord).dossier
    nadia = person(world, "ar")
    assert f"/alerts/{alert}/" in nadia.open("/").links
    page = nadia.open(f"/alerts/{alert}/")
    address = next(link for link in page.links if "/dossiers/new/alert_hit/" in link)
    assert any(link.startswith("/register/") and len(link) > 20 for link in page.links)
    hit = alerts.report_hit(nadia, address)
    assert not offers(nadia, hit, "execute")
    with pytest.raises(NotOffered):
        act(nadia, hit, "execute")
    world.settle()
    ma = world.fars["ma"]
    codes = {"measure": "locate_and_report", "due": format_time(world.now + timedelta(days=3))}
    world.arrive(ma, ma.act(hit, "confirm_hit", world.now, codes=codes))
    assert offers(nadia, hit, "execute")
    told = {"code_measure": "locate_and_report", "code_outcome": "done", "b0_text": alerts.LOCATED, "language": "ar"}
    act(nadia, hit, "execute", **told)
    assert Dossier.objects.get(dossier_id=hit).phase == "executed"


def test_the_urgent_call_of_the_story(world: World) -> None:
    world.accord("ma", kinds=LINE_KINDS)
    ma, claire, second, boss = world.fars["ma"], *(person(world, "fr", name) for name in ("liaison", "second", "boss"))
    for officer, rank in (("liaison", 1), ("second", 2)):
        urgent_call.put_on_duty(boss, officer, rank, now=world.now)
    line = urgent_call.open_line(claire, "ma")
    urgent_call.write(claire, line)
    ma.is_down = True
    call = urgent_call.call(claire, line)
    world.deliver()
    page = urgent_call.shows(claire, line, "pas encore remis")
    assert page is not None
    assert "+212 5 00 00 00 00" in page.text
    claire.send(page, page.form(f"/calls/{call}/end/"))
    ma.is_down = False
    world.later(minutes=5)
    world.settle()
    theirs = called(world, ma, line)
    world.arrive(ma, theirs)
    assert urgent_call.rings(claire, theirs.entry_id)
    assert not urgent_call.rings(second, theirs.entry_id)
    world.later(minutes=1)
    world.work()
    assert urgent_call.rings(second, theirs.entry_id)
    page = second.open("/")
    second.send(page, page.form(f"/calls/{theirs.entry_id}/answer/"))
    assert not urgent_call.rings(claire, theirs.entry_id)
    page = urgent_call.shows(claire, line, "a répondu au dernier appel")
    assert page is not None
    assert "n'a pas répondu" in page.text
