"""An urgent call is answered after escalation while one link is down: France calls Italy and Morocco on one line.

Italy's node is down. In Rabat the first duty officer does not answer; the second does, once the call has come up to him. France ends the
call, and Italy, back again, sees that it missed one: nothing rings there any more.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tansiq.demo.browser import NotOffered, Page, Person
from tansiq.demo.nodes import Node, wait_for
from tansiq.demo.steps import Failed, People, Teller, dossier_of

SAID = "Le Stella del Mattino appareille ce soir ; nous surveillons le quai."
CALLED = "Un homme est enfermé dans un conteneur du Stella, l'air lui manque."


def tell(people: People, nodes: dict[str, Node], teller: Teller) -> None:
    """Play the chapter; raises where it does not come out."""
    with teller.step("Driss", "writes the duty roster in Rabat: Nadia first, Rachid second; Lucia hers in Rome"):
        for person, officer, rank in (
            (people.driss, "nadia", 1),
            (people.driss, "rachid", 2),
            (people.lucia, "paolo", 1),
        ):
            put_on_duty(person, officer, rank, now=datetime.now(UTC))
    with teller.step("Claire", "opens a direct line to Italy and Morocco, and writes"):
        line = open_line(people.claire, "it", "ma")
        write(people.claire, line)
    with teller.step("everyone", "has the line before them"):
        for reader in (people.paolo, people.nadia, people.rachid):
            wait_for("the line", lambda r=reader: shows(r, line, SAID))
    with teller.step("Italy", "goes down: its link is cut"):
        nodes["it"].stop()
    with teller.step("Claire", "calls both: a man's life is in danger"):
        made = call(people.claire, line)
    with teller.step("Nadia", "her pages ring; she does not answer"):
        wait_for("the call at the first duty officer", lambda: rings(people.nadia, made))
        if rings(people.rachid, made):
            raise Failed("the call rang at the second duty officer before his turn")
    with teller.step("Rachid", "the call comes up to him, second in rank"):
        wait_for("the call at the second duty officer", lambda: rings(people.rachid, made))
    with teller.step("Claire", "sees where it rings, and that Italy has it not: she has Rome's telephone"):
        page = wait_for("the escalation in France", lambda: shows(people.claire, line, "sonne au rang 2"))
        if "pas encore remis" not in page.text or nodes["it"].country.phone not in page.text:
            raise Failed(f"the caller does not see that the call has not arrived: {page.text[:1500]}")
    with teller.step("Rachid", "answers, in one press"):
        page = people.rachid.open("/")
        people.rachid.send(page, page.form(f"/calls/{made}/answer/"))
        if rings(people.nadia, made):
            raise Failed("the call still rings at a colleague after it was answered")
    with teller.step("Claire", "sees who answered, and ends the call"):
        page = wait_for("the answer in France", lambda: shows(people.claire, line, "رشيد التازي"))
        people.claire.send(page, page.form(f"/calls/{made}/end/"))
    with teller.step("Italy", "comes back: the call is missed, and does not ring"):
        nodes["it"].start(wait=90)
        wait_for("the missed call in Italy", lambda: shows(people.paolo, line, "n'a pas répondu"), seconds=90)
        if rings(people.paolo, made):
            raise Failed("a call that was over rang")


def put_on_duty(person: Person, officer: str, rank: int, *, now: datetime) -> None:
    """Write a shift of nine days on the page of the duty roster, from yesterday on."""
    start = now.replace(hour=0, minute=0) - timedelta(days=1)
    page = person.open("/duty/")
    told = {"starts_at": f"{start:%Y-%m-%dT%H:%M}", "ends_at": f"{start + timedelta(days=9):%Y-%m-%dT%H:%M}"}
    person.send(page, page.form("/duty/", having="rank"), officer=officer, rank=str(rank), **told)


def open_line(person: Person, *partners: str) -> str:
    """Open a line on the guided page; returns the dossier."""
    page = person.open("/dossiers/new/channel/")
    form = page.form("/dossiers/new/channel/", having="partners")
    told = {"title": "Permanence Stella", "code_purpose": "prevention", "code_crime_area": "0601", "do": "send"}
    return dossier_of(person.send(page, form, partners=[*partners], **told))


def write(person: Person, line: str) -> None:
    """Write on the line."""
    page = person.open(f"/channels/{line}/")
    person.send(page, page.form(f"/channels/{line}/", having="text"), text=SAID)


def call(person: Person, line: str) -> str:
    """Call everybody on the line; returns the call."""
    page = person.open(f"/channels/{line}/")
    told = {"call-urgency": "life_or_limb", "call-minutes": "60", "call-text": CALLED}
    page = person.send(page, page.form(f"/channels/{line}/call/"), **told)
    ends = next((form.action for form in page.forms if form.action.endswith("/end/")), "")
    if not ends:
        raise Failed(f"the call was not made: {page.text[:800]}")
    return ends.split("/")[-3]


def shows(person: Person, line: str, words: str) -> Page | None:
    """The page of the line once it is there and says so."""
    try:
        page = person.open(f"/channels/{line}/")
    except NotOffered:
        return None
    return page if words in page.text else None


def rings(person: Person, call: str) -> bool:
    """Whether the call stands above this officer's pages: asked as the open page asks."""
    return any(f"/calls/{call}/answer/" in form.action for form in person.open("/channels/ringing/").forms)
