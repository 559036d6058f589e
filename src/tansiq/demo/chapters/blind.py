"""Claire asks Italy and Morocco blindly about a man whom she may not name yet: one hits, neither learns about whom.

The hit opens a request like any other; only with it would Morocco learn the name.
"""

from __future__ import annotations

from tansiq.demo.browser import Page, Person
from tansiq.demo.nodes import PASSWORD, Node, wait_for
from tansiq.demo.steps import Failed, People, Teller, answers, search

NAME, BORN = "Karim Idrissi Ouazzani", "1979-06-30"


def tell(people: People, nodes: dict[str, Node], teller: Teller) -> None:
    """Play the chapter; raises where it does not come out."""
    with teller.step("nodes", "Italy and Morocco hold their filters ready for France, under keys of their own"):
        wait_for("filters for blind questions", lambda: _is_ready(people))
    with teller.step("Claire", f"asks Italy and Morocco blindly about «{NAME}»: neither learns about whom"):
        page = _asked(people)
    text = page.text
    if "Un mot du nom et la date de naissance complète" not in text:
        raise Failed(f"no blind hit, or not by what: {text[:2500]}")
    with teller.step(
        "Souad", "finds the question in Morocco's log, with its purpose, and nothing of whom it was about"
    ):
        told = Person(nodes["ma"].url, "audit-ma", PASSWORD).open("/audit/").text
        if "جرت الإجابة عن استعلام مُعمّى" not in told or "Idrissi" in told:
            raise Failed(f"the log of Morocco does not hold the blind question as it should: {told[:1500]}")


def _is_ready(people: People) -> bool:
    page = people.claire.open("/search/")
    done = people.claire.send(
        page,
        page.form("/search/", having="purpose"),
        may_fail=True,
        names="Essai Essai",
        birth_date="1950-01-02",
        purpose="investigation",
        crime_area="0601",
        reference="PV 2026/11-417",
        partners=["it", "ma"],
        blindly="on",
    )
    return "/search/" in done.url and len(done.url.rstrip("/").split("/")[-1]) == 36


def _asked(people: People) -> Page:
    address = search(
        people.claire, names=NAME, birth=BORN, reference="PV 2026/11-417", partners=["it", "ma"], blindly=True
    )
    return answers(people.claire, address)
