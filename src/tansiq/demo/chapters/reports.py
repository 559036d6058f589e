"""An Italian report reaches both partners, is corrected and partly recalled; each partner's machine confirms, and who has not is listed."""

from __future__ import annotations

from tansiq.demo.browser import Form, Page, Person
from tansiq.demo.nodes import Node, wait_for
from tansiq.demo.steps import Failed, People, Teller, act, dossier_of, offers

LOAD = "Il carico partirà da Tanger Med il 3 dicembre sulla motonave «Stella del Mattino»."
DAY = "Il carico partirà da Tanger Med il 5 dicembre, non il 3."
CAPTAIN = "Il comandante riceverebbe denaro da un intermediario di Genova."


def tell(people: People, nodes: dict[str, Node], teller: Teller) -> None:
    """Write, receive, judge, correct, recall a part, and see who owes a confirmation and who has given it."""
    with teller.step("Paolo", "reports two pieces of information, each graded, to France and Morocco together"):
        report = write(people.paolo, "fr", "ma")
    with teller.step("Claire, Nadia", "have it, each in her language; Claire finds it useful"):
        for person in (people.claire, people.nadia):
            wait_for("the report", lambda p=person: offers(p, report, "feedback"))
        act(people.claire, report, "feedback", code_usefulness="useful")
        wait_for("the feedback in Italy", lambda: "Utile" in people.paolo.open("/reports/").text)
    with teller.step("Paolo", "corrects the day: the wrong part goes everywhere, the right one stands"):
        change(people.paolo, report, "correct", "3 dicembre", new=DAY)
    with nodes["ma"].worker_held():
        with teller.step("Paolo", "recalls the part about the captain, and no other"):
            change(people.paolo, report, "recall_part", "comandante")
        with teller.step("Paolo", "sees that Rabat, whose worker stands still, owes a confirmation, and until when"):
            if not owes(people.paolo, report, "ma"):
                raise Failed("a recall that is not confirmed is not in the list of what partners owe")
    with teller.step("machines", "of both partners have let go of both parts and confirmed; Paolo sees it"):
        done = "plus rien à confirmer"
        wait_for("the confirmations", lambda: people.paolo.open(f"/dossiers/{report}/").text.count(done) == 2)
        if owes(people.paolo, report, "ma") or owes(people.paolo, report, "fr"):
            raise Failed("a recall that was confirmed stays in the list of what partners owe")
        for person in (people.claire, people.nadia):
            text = person.open(f"/dossiers/{report}/").text
            if "comandante" in text or "3 dicembre sulla" in text or "5 dicembre" not in text:
                raise Failed(f"{person.username} does not have exactly what stands of the report: {text[:1500]}")


def owes(person: Person, dossier: str, partner: str) -> bool:
    """Whether the list of what partners owe, due or not, names this partner for the dossier."""
    return f"/dossiers/{dossier}/" in person.open(f"/overdue/?state=all&partner={partner}").links


def write(person: Person, *partners: str) -> str:
    """Write the report on its page, part by part; returns the dossier."""
    page = person.open("/dossiers/new/report/")
    graded = {"b0_grade_source": "4x4:B", "b0_grade_information": "4x4:2"}
    more = person.send(page, _form(page), b0_text=LOAD, **graded, do="add:narrative")
    done = person.send(
        more,
        _form(more),
        partners=[*partners],
        code_purpose="prevention",
        code_crime_area="0601",
        b1_text=CAPTAIN,
        b1_grade_source="4x4:C",
        b1_grade_information="4x4:4",
        language="it",
        level="1",
        handling=["H1"],
        title="Stella del Mattino",
        do="send",
    )
    return dossier_of(done)


def _form(page: Page) -> Form:
    return page.form("/dossiers/new/report/", having="b0_text")


def change(person: Person, report: str, name: str, words: str, *, new: str = "") -> None:
    """Choose a part by its words; correct it with ``new``, or recall it."""
    page = person.open(f"/dossiers/{report}/acts/{name}/")
    form = page.form(f"/acts/{name}/")
    part = next((value for value, label in form.said["code_part"].items() if words in label), None)
    if part is None:
        raise Failed(f"no part speaks of {words}: {form.said['code_part']}")
    told = (
        {"b0_text": new, "b0_grade_source": "4x4:A", "b0_grade_information": "4x4:1", "language": "it"} if new else {}
    )
    person.send(page, form, code_part=part, do="send", **told)
