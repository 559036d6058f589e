"""The story: a French officer asks Morocco and Italy about a man, gets hits, sends a request with a deadline, and receives an answer
whose conditions stick. Every step is taken on the pages of the nodes, as the officers would, and is timed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tansiq.demo.browser import Page
from tansiq.demo.chapters import alerts, blind, plans, reports, urgent_call
from tansiq.demo.nodes import Node, wait_for
from tansiq.demo.steps import (
    Failed,
    People,
    Teller,
    accord_is_offered,
    act,
    answers,
    ask,
    may_ask,
    offers,
    ratify,
    search,
)

ANSWER = "معروف لدى مصالحنا باسم آخر، ويقيم في طنجة. رقم جواز سفره مطابق. لا يُستعمل أمام القضاء دون إذننا."


CHAPTERS: list[Callable[[People, dict[str, Node], Teller], None]] = [
    blind.tell,
    reports.tell,
    alerts.tell,
    plans.tell,
    urgent_call.tell,
]
"""What is told after the answer, in this order; the logs are verified over all of it."""


def tell(nodes: dict[str, Node], teller: Teller, terms: Callable[..., dict[str, Any]]) -> None:
    """Play the whole story; raises where it does not come out."""
    with teller.step("everyone", "officers of three countries sign in"):
        people = People.sign_in(nodes)
    _accords(people, nodes, teller, terms)
    hits = _search(people, teller)
    dossier = _request(people, teller, hits)
    _answer(people, teller, dossier)
    for chapter in CHAPTERS:
        chapter(people, nodes, teller)
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
