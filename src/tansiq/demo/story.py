"""The story: a French officer asks Morocco and Italy about a man, gets hits, sends a request with a deadline, and receives an answer
whose conditions stick. Every step is taken on the pages of the nodes, as the officers would, and is timed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tansiq.demo.browser import NotOffered, Page, Person
from tansiq.demo.nodes import PASSWORD, Node, wait_for

OFFENCE = "Saisie de 42 kg de méthamphétamine dans un camion frigorifique, port de commerce, le 9 novembre ; importation en bande organisée."
REASONS = "Le conducteur a déclaré avoir été recruté à Tanger par un homme que ses papiers disent marocain."
LINK = "Son numéro de téléphone figure dans le carnet trouvé dans la cabine."
URGENT = "Un second chargement est annoncé dans la nuit."
ANSWER = "معروف لدى مصالحنا باسم آخر، ويقيم في طنجة. رقم جواز سفره مطابق. لا يُستعمل أمام القضاء دون إذننا."


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

    @classmethod
    def sign_in(cls, nodes: dict[str, Node]) -> People:
        homes = {"claire": "fr", "henri": "fr", "paolo": "it", "lucia": "it", "nadia": "ma", "driss": "ma"}
        return cls(**{name: Person(nodes[home].url, name, PASSWORD) for name, home in homes.items()})


def ratify(person: Person, accord: str) -> None:
    """Ratify on the accord's page."""
    page = person.open(f"/accords/{accord}/")
    person.send(page, page.form(f"/accords/{accord}/ratify/"))


def search(person: Person, *, names: str, reference: str, partners: list[str], birth: str = "") -> str:
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


def ask(person: Person, partner: str, *, start: Page | None = None) -> str:
    """Fill the guided request in and send it; returns the dossier's id."""
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


def tell(nodes: dict[str, Node], teller: Teller, terms: Callable[..., dict[str, Any]]) -> None:
    """Play the whole story; raises where it does not come out."""
    with teller.step("everyone", "officers of three countries sign in"):
        people = People.sign_in(nodes)
    _accords(people, nodes, teller, terms)
    hits = _search(people, teller)
    dossier = _request(people, teller, hits)
    _answer(people, teller, dossier)
    _evidence(nodes, teller, dossier)


def _accords(people: People, nodes: dict[str, Node], teller: Teller, terms: Callable[..., dict[str, Any]]) -> None:
    three = {
        "ar": "اتفاق ثلاثي لمكافحة المخدرات",
        "fr": "Accord trilatéral contre les stupéfiants",
        "en": "Trilateral accord against drugs",
    }
    two = {"ar": "اتفاق مغربي فرنسي", "fr": "Accord franco-marocain", "en": "Franco-Moroccan accord"}
    for title, parties, bilateral in ((three, ["fr", "it", "ma"], False), (two, ["fr", "ma"], True)):
        with teller.step("Henri", f"proposes: {title['fr']}"):
            value = terms(parties, title, bilateral=bilateral)
            accord = nodes["fr"].command("accord", "propose", "-", officer="henri", given=value)["dossier"]
        ratifiers = {"fr": ("Henri", people.henri), "it": ("Lucia", people.lucia), "ma": ("Driss", people.driss)}
        for party in parties:
            name, person = ratifiers[party]
            with teller.step(name, f"reads it and ratifies for {party.upper()}"):
                wait_for(f"the accord at {party}", lambda p=person, a=accord: accord_is_offered(p, a))
                ratify(person, accord)
    with teller.step("everyone", "both accords are in force at all their parties"):
        for person in (people.claire, people.nadia):
            wait_for("the accord in force", lambda p=person: may_ask(p, "ma" if p is people.claire else "fr"))


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


def _search(people: People, teller: Teller) -> Page:
    with teller.step("Claire", "asks her register, Italy and Morocco about «Youssef Ziani» (Latin letters)"):
        address = search(
            people.claire, names="Youssef Ziani", birth="1984-03-17", reference="PV 2026/11-417", partners=["it", "ma"]
        )
        page = answers(people.claire, address)
    print(f"              {page.text[page.text.find('Ziani') : page.text.find('Ziani') + 90]} …")
    return page


def _request(people: People, teller: Teller, hits: Page) -> str:
    prefilled = next((link for link in hits.links if link.startswith("/dossiers/new/")), "")
    with teller.step("Claire", "turns Morocco's hit into a prefilled, urgent request; the accord permits it"):
        start = people.claire.open(prefilled) if prefilled else None
        dossier = ask(people.claire, "ma", start=start)
    with teller.step("Nadia", "the request is on her desk in Rabat, with its deadline"):
        wait_for("the request in Morocco", lambda: offers(people.nadia, dossier, "answer"))
    return dossier


def _answer(people: People, teller: Teller, dossier: str) -> None:
    with teller.step(
        "Nadia", "answers in Arabic, marked level 1, H1 and H2: the accord demands an approval (Art. 9(2))"
    ):
        page = act(
            people.nadia,
            dossier,
            "answer",
            code_extent="full",
            text=ANSWER,
            language="ar",
            level="1",
            handling=["H1", "H2"],
        )
        draft = re.search(r"/drafts/([0-9a-f-]{36})/", page.url)
        if not draft:
            raise Failed(
                f"the answer went out without the approval that the accord demands: {page.url} {page.text[:800]}"
            )
    with teller.step("Driss", "reads exactly what would be sent, and approves"):
        page = people.driss.open(f"/drafts/{draft[1]}/")
        people.driss.send(page, page.form(f"/drafts/{draft[1]}/approve/"))
    with teller.step("Nadia", "signs and sends"):
        page = people.nadia.open(f"/drafts/{draft[1]}/")
        people.nadia.send(page, page.form(f"/drafts/{draft[1]}/send/"))
    with teller.step("Claire", "has the answer, in the same place, with its conditions on every value"):
        wait_for("the answer in France", lambda: offers(people.claire, dossier, "reopen"))
        page = people.claire.open(f"/dossiers/{dossier}/")
        if "H1" not in page.text or "H2" not in page.text:
            raise Failed(f"the conditions of the answer are not shown: {page.text[:2000]}")


def _evidence(nodes: dict[str, Node], teller: Teller, dossier: str) -> None:
    with teller.step("Nadia", "sees that her answer arrived and was opened in Paris"):

        def opened() -> bool:
            shown = nodes["ma"].command("dossier", "show", dossier, officer="nadia")
            answer = next(e for e in shown["entries"] if e["act"] == "answer")
            return bool(answer["delivery"] and answer["delivery"][0]["state"] == "opened")

        wait_for("the evidence of opening", opened, every=0.3)
    with teller.step("auditors", "every log verifies, against the checkpoints that the partners keep"):
        for node in nodes.values():
            for other in nodes.values():
                if other is not node:
                    _verify(node, other)


def _verify(node: Node, other: Node) -> None:
    kept = other.command("audit", "witness", node.node_id)
    path = node.home.parent / f"kept-by-{other.node_id}.txt"
    path.write_text(kept, encoding="utf-8")
    report = node.command("audit", "verify", "--checkpoint", str(path))
    if not report["is_well"]:
        raise Failed(f"the log of {node.node_id} does not verify: {report}")
