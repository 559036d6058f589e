"""A French alert meets a record in Morocco; France confirms the hit before anything coercive is done, and makes a request of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tansiq.demo.browser import NotOffered, Person
from tansiq.demo.nodes import Node, wait_for
from tansiq.demo.steps import Failed, People, Teller, act, ask, dossier_of, offers

OFFENCE = "Importation en bande organisée de 42 kg de méthamphétamine, port de commerce, le 9 novembre ; code pénal, art. 222-36."
AUTHORITY = "Juge d’instruction du tribunal judiciaire."
DECISION = "Mandat d’arrêt no 2026/417, délivré le 20 novembre 2026."
MET = "مسجل لدينا بالاسم نفسه وتاريخ الميلاد نفسه ورقم جواز السفر نفسه، وشوهد في طنجة هذا الأسبوع."
LOCATED = "حُدد محل إقامته في طنجة، حي مالاباطا."


def tell(people: People, nodes: dict[str, Node], teller: Teller) -> None:
    """Issue, meet, report, confirm, ask, execute, cancel, and see that the copies are gone."""
    with teller.step("Claire", "issues an alert: a person wanted for arrest, with offence, authority and decision"):
        alert = issue(people.claire, "it", "ma")
    with teller.step("Nadia", "finds on her desk that the alert of France meets a record of hers: confirm first"):
        wait_for("the match in Morocco", lambda: f"/alerts/{alert}/" in people.nadia.open("/").links)
        page = people.nadia.open(f"/alerts/{alert}/")
        listed = nodes["ma"].command("alert", "list", officer="nadia")
        if [one["dossier"] for one in listed] != [alert]:
            raise Failed(f"the terminal lists other alerts than the page: {listed}")
        report = next((link for link in page.links if "/dossiers/new/alert_hit/" in link), "")
        if not report or not any(link.startswith("/register/") and len(link) > 20 for link in page.links):
            raise Failed(f"the alert does not show what it meets: {page.text[:1500]}")
    with teller.step("Nadia", "reports the hit to France alone; until France confirms, nothing coercive can be done"):
        hit = report_hit(people.nadia, report)
        if offers(people.nadia, hit, "execute"):
            raise Failed("a measure could be executed before the issuer has confirmed the hit")
    with teller.step("Claire", "confirms: it is he, and he may be located; Italy sees nothing of it"):
        wait_for("the hit in France", lambda: offers(people.claire, hit, "confirm_hit"))
        act(people.claire, hit, "confirm_hit", code_measure="locate_and_report", code_due=in_days(3), level="1")
        if _may_read(people.paolo, hit):
            raise Failed("Italy reads the dossier of a hit that is between two")
    with teller.step("Nadia", "locates him, which is what was confirmed, and says so"):
        wait_for("the confirmation in Morocco", lambda: offers(people.nadia, hit, "execute"))
        told = {"code_measure": "locate_and_report", "code_outcome": "done", "b0_text": LOCATED, "language": "ar"}
        act(people.nadia, hit, "execute", **told)
    with teller.step("Claire", "makes a request of the confirmed hit: person, purpose and partner are filled in"):
        page = people.claire.open(f"/dossiers/{hit}/")
        begun = next((link for link in page.links if f"hit={hit}" in link), "")
        if not begun:
            raise Failed(f"the hit does not lead to a request: {page.text[:1500]}")
        request = ask(people.claire, "ma", start=people.claire.open(begun))
        wait_for("the request in Morocco", lambda: offers(people.nadia, request, "answer"))
    with teller.step("Claire", "cancels the alert; both partners' machines confirm that their copies are gone"):
        act(people.claire, alert, "cancel", code_ground="found", code_due=in_days(2))
        done = "plus rien à confirmer"
        wait_for("the confirmations", lambda: people.claire.open(f"/dossiers/{alert}/").text.count(done) == 2)
        if alert in "".join(people.nadia.open("/alerts/").links):
            raise Failed("a cancelled alert still stands on the board in Rabat")


def issue(person: Person, *partners: str) -> str:
    """Issue the alert on its page; returns the dossier."""
    page = person.open("/dossiers/new/alert/?alert_class=wanted_arrest")
    form = page.form("/dossiers/new/alert/", having="code_asks")
    places = {name: place for place, name in enumerate(form.values["blocks"][0].split())}
    told = {
        f"b{places['narrative/offence']}_text": OFFENCE,
        f"b{places['narrative/issuing_authority']}_text": AUTHORITY,
        f"b{places['narrative/decision']}_text": DECISION,
    }
    subject = {
        "name": "Youssef Ben Hammou Ziani",
        "birthDate": "1984-03-17",
        "nationality": "ma",
        "passportNumber": "XK4471902",
        "category": "suspect",
    }
    told |= {f"b{places['subject/Person']}_{name}": value for name, value in subject.items()}
    done = person.send(
        page,
        form,
        partners=[*partners],
        code_asks="arrest",
        code_purpose="prosecution",
        code_crime_area="0601",
        code_expires=in_days(365),
        code_review=in_days(180),
        language="fr",
        level="1",
        handling=["H1"],
        title="Ziani – mandat d’arrêt",
        do="send",
        **told,
    )
    return dossier_of(done)


def report_hit(person: Person, address: str) -> str:
    """Report a hit from the alert's page; returns the dossier."""
    page = person.open(address)
    form = page.form("/dossiers/new/alert_hit/", having="b0_text")
    done = person.send(page, form, code_strength="certain", b0_text=MET, language="ar", level="1", do="send")
    return dossier_of(done)


def _may_read(person: Person, dossier: str) -> bool:
    try:
        person.open(f"/dossiers/{dossier}/")
    except NotOffered:
        return False
    return True


def in_days(days: int) -> str:
    """An instant as a form takes it."""
    return f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%dT%H:%M}"
