"""What every chapter of the story is told with: the officers, the steps as they are printed, and what an officer does on a page."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tansiq.demo.browser import NotOffered, Page, Person
from tansiq.demo.nodes import PASSWORD, Node, wait_for

OFFENCE = "Saisie de 42 kg de méthamphétamine dans un camion frigorifique, port de commerce, le 9 novembre ; importation en bande organisée."
REASONS = "Le conducteur a déclaré avoir été recruté à Tanger par un homme que ses papiers disent marocain."
LINK = "Son numéro de téléphone figure dans le carnet trouvé dans la cabine."
URGENT = "Un second chargement est annoncé dans la nuit."


class Failed(RuntimeError):
    """The story did not come out as told; the message says where."""


@dataclass
class Teller:
    """Prints each step with the time it took."""

    started: float = field(default_factory=time.monotonic)
    count: int = 0

    @contextmanager
    def step(self, who: str, what: str) -> Iterator[None]:
        """Tell one step."""
        self.count += 1
        begin = time.monotonic()
        yield
        print(f"{self.count:3}. {who:8} {what:84} {(time.monotonic() - begin) * 1000:7.0f} ms", flush=True)


@dataclass
class People:
    """The officers of the story, each signed in at their own node."""

    claire: Person
    henri: Person
    paolo: Person
    lucia: Person
    nadia: Person
    driss: Person
    rachid: Person

    @classmethod
    def sign_in(cls, nodes: dict[str, Node]) -> People:
        homes = {
            "claire": "fr",
            "henri": "fr",
            "paolo": "it",
            "lucia": "it",
            "nadia": "ma",
            "driss": "ma",
            "rachid": "ma",
        }
        return cls(**{name: Person(nodes[home].url, name, PASSWORD) for name, home in homes.items()})


def ratify(person: Person, accord: str) -> None:
    """Ratify on the accord's page."""
    page = person.open(f"/accords/{accord}/")
    person.send(page, page.form(f"/accords/{accord}/ratify/"))


def search(
    person: Person, *, names: str, reference: str, partners: list[str], birth: str = "", blindly: bool = False
) -> str:
    """Ask the register and partners; returns the address of the result."""
    page = person.open("/search/")
    form = page.form("/search/", having="purpose")
    done = person.send(
        page,
        form,
        names=names,
        birth_date=birth,
        purpose="investigation",
        crime_area="0601",
        reference=reference,
        partners=partners,
        **({"blindly": "on"} if blindly else {}),
    )
    found = re.search(r"/search/[0-9a-f-]{36}/", done.url)
    if not found:
        raise Failed(f"the search was not made: {done.text[:400]}")
    return found[0]


def answers(person: Person, address: str) -> Page:
    """The page of a search once every partner has answered."""

    def complete() -> Page | None:
        page = person.http.get(address, headers={"hx-request": "true"})
        if 'hx-trigger="' in page.text or "hx-get" in page.text:
            return None
        return person.open(address)

    page: Page = wait_for("partners to answer the search", complete, seconds=30, every=0.1)
    return page


def ask(person: Person, partner: str, *, start: Page | None = None, **more: Any) -> str:
    """Fill the guided request in and send it, with ``more`` of its fields; returns the dossier's id."""
    page = start or person.open("/dossiers/new/")
    form = page.form("/dossiers/new/", having="question")
    done = person.send(
        page,
        form,
        partners=[partner],
        title="Ziani – camion frigorifique",
        reference="PV 2026/11-417",
        question="Cet homme est-il connu de vos services, sous quels noms, et où réside-t-il ?",
        purpose="investigation",
        crime_area="0601",
        offence=OFFENCE,
        objective_reasons=REASONS,
        link=LINK,
        use="intelligence",
        restrictions="none",
        urgency="loss_of_relevance",
        urgency_reasons=URGENT,
        name="Youssef Ziani",
        birth_date="1984-03-17",
        category="suspect",
        language="fr",
        level="1",
        handling=["H1"],
        do="send",
        **more,
    )
    return dossier_of(done)


def dossier_of(page: Page) -> str:
    """The dossier whose page this is."""
    found = re.search(r"/dossiers/([0-9a-f]{64})/", page.url)
    if not found:
        raise Failed(f"not sent, but {page.url}: {page.text[:1500]}")
    return found[1]


def act(person: Person, dossier: str, name: str, **given: Any) -> Page:
    """Do an act on the dossier's pages."""
    page = person.open(f"/dossiers/{dossier}/acts/{name}/")
    return person.send(page, page.form(f"/acts/{name}/"), do="send", **given)


def offers(person: Person, dossier: str, name: str) -> bool:
    """Whether the dossier has arrived and its page offers this act."""
    try:
        page = person.open(f"/dossiers/{dossier}/")
    except NotOffered:
        return False
    return any(f"/acts/{name}/" in link for link in page.links)


def accord_is_offered(person: Person, accord: str) -> bool:
    """Whether the accord has arrived and can be ratified."""
    try:
        page = person.open(f"/accords/{accord}/")
    except NotOffered:
        return False
    return any("/ratify/" in form.action for form in page.forms)


def may_ask(person: Person, partner: str) -> bool:
    """Whether a check of the guided request says that the partner may be asked."""
    page = person.open("/dossiers/new/")
    form = page.form("/dossiers/new/", having="question")
    checked = person.send(
        page, form, may_fail=True, partners=[partner], purpose="investigation", crime_area="0601", do="check"
    )
    return "decide.no_accord" not in checked.text and "decide.version" not in checked.text
