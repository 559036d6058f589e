"""Claire and Nadia each plan something in the same street tonight, and neither knows of the other.

Cells of place and time meet, wide ones first and then fine ones; both are told at once whom to call, and nothing else. Both acknowledge and
consent, Nadia says what her plan is, and they agree to act together.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tansiq.demo.browser import NotOffered, Person
from tansiq.demo.nodes import Node, wait_for
from tansiq.demo.steps import Failed, People, Teller, act, offers

STREET = "35.759500, -5.834000"
BESIDE = "35.761200, -5.831100"
FRENCH = "Filature Boulevard Pasteur"
TOLD = "سنراقب المدخل الخلفي للمقهى من التاسعة مساءً، ولن نتدخل قبل مغادرة الهدف."
REASON = "Une seule équipe sur place, la nôtre suit par radio."


def tell(people: People, nodes: dict[str, Node], teller: Teller) -> None:
    """Play the chapter; raises where it does not come out."""
    del nodes
    with teller.step("Claire", "enters a surveillance in a street tonight: neither partner plans anything there"):
        page = enter(
            people.claire, kind="surveillance", reference=FRENCH, points=STREET, hours=12, phone="+33 1 99 00 00 11"
        )
        clear = "Rien de ce partenaire"
        wait_for("both answers", lambda: people.claire.open(page).text.count(clear) == 2)
    with teller.step("Nadia", "enters an operation a street further, two hours later: wide cells meet, then fine ones"):
        enter(
            people.nadia,
            kind="operation",
            reference="عملية المقهى",
            points=BESIDE,
            hours=14,
            phone="+212 5 99 00 00 12",
        )
    with teller.step("machines", "tell both sides at once: how, when, and whom to call – and nothing else"):
        dossier = wait_for("the meeting in Paris and in Rabat", lambda: _met(people))
        for person, own in ((people.claire, FRENCH), (people.nadia, "عملية المقهى")):
            _shows_a_telephone_only(person, dossier, own)
    with teller.step("both", "acknowledge it, and consent to tell each other what the plans are"):
        for person in (people.claire, people.nadia):
            for name in ("acknowledge", "consent"):
                wait_for(f"the way to {name}", lambda p=person, n=name: offers(p, dossier, n))
                act(person, dossier, name)
    with teller.step("Nadia", "tells what hers is; Claire proposes to act jointly, Nadia agrees: it is resolved"):
        wait_for("both consents in Rabat", lambda: offers(people.nadia, dossier, "disclose"))
        say(people.nadia, dossier, "disclose", TOLD, language="ar")
        wait_for("what Nadia told in Paris", lambda: TOLD in people.claire.open(f"/dossiers/{dossier}/").text)
        say(people.claire, dossier, "propose", REASON, language="fr", code_outcome="joint")
        wait_for("the proposal in Rabat", lambda: offers(people.nadia, dossier, "agree"))
        agree(people.nadia, dossier, "joint")
        wait_for(
            "the outcome in Paris", lambda: "Agir ensemble" in people.claire.open("/plans/conflicts/?state=all").text
        )


def enter(person: Person, *, kind: str, reference: str, points: str, hours: float, phone: str) -> str:
    """Enter a plan of four hours on its page; returns the plan's address."""
    page = person.open("/plans/new/")
    begins = datetime.now(UTC) + timedelta(hours=hours)
    done = person.send(
        page,
        page.form("/plans/new/", having="points"),
        kind=kind,
        reference=reference,
        points=points,
        shape="point",
        begins=f"{begins:%Y-%m-%dT%H:%M}",
        ends=f"{begins + timedelta(hours=4):%Y-%m-%dT%H:%M}",
        contact_phone=phone,
    )
    address = done.url.removeprefix(person.url)
    if not address.startswith("/plans/") or address == "/plans/new/":
        raise Failed(f"the plan was not kept: {done.text[:1500]}")
    return address


def met_by(person: Person) -> set[str]:
    """The dossiers of the open conflicts that the officer sees."""
    links = person.open("/plans/conflicts/").links
    return {link.split("/")[2] for link in links if link.startswith("/dossiers/") and len(link.split("/")[2]) == 64}


def _met(people: People) -> str:
    common = met_by(people.claire) & met_by(people.nadia)
    return next(iter(sorted(common)), "")


def _shows_a_telephone_only(person: Person, dossier: str, own: str) -> None:
    def shown() -> Any:
        try:
            page = person.open(f"/dossiers/{dossier}/")
        except NotOffered:
            return None
        return page if sum(link.startswith("tel:") for link in page.links) == 2 else None

    page = wait_for("both telephone numbers", shown)
    for secret in {FRENCH, "عملية المقهى"} - {own}:
        if secret in page.text:
            raise Failed(f"the dossier tells more than a telephone number: {page.text[:1500]}")


def say(person: Person, dossier: str, name: str, text: str, **given: Any) -> None:
    """Do an act that is words."""
    page = person.open(f"/dossiers/{dossier}/acts/{name}/")
    form = page.form(f"/acts/{name}/")
    words = "text" if "text" in form.names else "b0_text"
    person.send(page, form, do="send", level="0", **{words: text}, **given)


def agree(person: Person, dossier: str, outcome: str) -> None:
    """Agree to the one proposal that stands."""
    page = person.open(f"/dossiers/{dossier}/acts/agree/")
    form = page.form("/acts/agree/")
    (proposal,) = {choice for choice in form.choices.get("code_proposal", set()) if choice}
    person.send(page, form, do="send", code_proposal=proposal, code_outcome=outcome)
