"""Claire asks Italy and Morocco blindly about a man whom she may not name yet: one hits, neither learns about whom.

Then she is sure enough to send a request, and only now does Morocco learn the name.
"""

from __future__ import annotations

from tansiq.demo.browser import Page
from tansiq.demo.nodes import Node, wait_for
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
    for home in ("it", "ma"):
        with teller.step(
            "auditor", f"finds the question in the log of {home.upper()}, and nothing of whom it was about"
        ):
            told = str(nodes[home].command("audit", "events", "--event", "blind.answered_for"))
            if "blind.answered_for" not in told or "Idrissi" in told:
                raise Failed(f"the log of {home} does not hold the blind question as it should: {told[:1000]}")


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
