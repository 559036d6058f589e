"""What a guided form already knows when it is opened from a hit, a subject or a search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tansiq.engine.errors import Rejected
from tansiq.node.dossiers.queries import dossier_by_id, get_dossier_for, parts_by_entry, view_of
from tansiq.node.register.queries import get_subject_for
from tansiq.node.search import blind_lists
from tansiq.node.search.alerts import hit_by_dossier
from tansiq.node.search.queries import get_search_for
from tansiq.node.web.languages import language_now

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.web.forms.sources import Source

PERSON = {
    "birthDate": "birth_date",
    "nationality": "nationality",
    "phone": "phone",
    "passportNumber": "passport_number",
    "idNumber": "id_number",
}
NUMBERS = {"phone": "phone", "passport": "passport_number", "national_id": "id_number"}


def initial_of(officer: Officer, given: Mapping[str, str], source: Source | None = None) -> dict[str, Any]:
    """Initial values of the request form; what the officer may not see is not there, and nothing is said about it."""
    initial: dict[str, Any] = {
        "language": language_now(),
        "level": 0,
        "handling": ["H1", "H2"],
        "use": "intelligence",
        "restrictions": "as_marked",
    }
    if source is not None:
        initial |= {"question": source.text, "partners": [*source.partners], **source.conditions}
    if given.get("to"):
        initial["partners"] = [given["to"]]
    if given.get("exercise") == "on":
        initial["exercise"] = True
    try:
        if given.get("search"):
            initial |= _from_search(officer, given["search"])
        if given.get("list_hit", "").isdecimal():
            initial |= _from_list(officer, int(given["list_hit"][:18]))
        if given.get("hit"):
            initial |= _from_hit(officer, given["hit"])
        if given.get("subject"):
            initial |= _from_subject(officer, given["subject"])
    except Rejected:
        return initial
    return initial


def _from_search(officer: Officer, search_id: str) -> dict[str, Any]:
    search = get_search_for(officer, search_id)
    asked = search.asked
    known = {
        "name": "\n".join(asked.get("names", [])),
        "birth_date": (asked.get("birth_dates") or [""])[0],
        "nationality": (asked.get("countries") or [""])[0],
        "purpose": search.purpose,
        "crime_area": search.crime_area,
        "reference": search.reference or "",
    }
    return known | _numbers(asked.get("identifiers", []))


def _from_list(officer: Officer, number: int) -> dict[str, Any]:
    """From a row of a list that hit at a partner: the person of that row, and why the list was asked."""
    hit = blind_lists.hit_for(officer, number)
    row, screening = hit.told, hit.screening
    known = {
        "name": "\n".join(row["names"]),
        "birth_date": (row["birth_dates"] or [""])[0],
        "nationality": (row["countries"] or [""])[0],
        "purpose": screening.purpose,
        "crime_area": screening.crime_area,
        "reference": screening.reference,
    }
    return known | _numbers(row["identifiers"])


def _from_hit(officer: Officer, dossier_id: str) -> dict[str, Any]:
    """From a hit on an alert: the purpose that both serve, and the person whom the alert is about."""
    row = get_dossier_for(officer, dossier_id)
    hit = hit_by_dossier(row.dossier_id)
    alert = dossier_by_id(hit.alert) if hit else None
    about = view_of(row).get("about") or {}
    known = {name: about[name] for name in ("purpose", "crime_area") if about.get(name)}
    subjects = parts_by_entry(alert, types={"subject"}) if alert else {}
    person = next((p for parts in subjects.values() for p in parts if p.content["schema"] == "Person"), None)
    if person is None:
        return known
    properties = person.content["properties"]
    named = {field: (properties.get(name) or [""])[0] for name, field in PERSON.items()}
    return known | named | {"name": "\n".join(properties.get("name", [])), "category": person.category}


def _from_subject(officer: Officer, subject_id: str) -> dict[str, Any]:
    card = get_subject_for(officer, subject_id).card
    known = {
        "name": "\n".join(name for name, prop in card["names"] if prop == "name"),
        "birth_date": (card["birth_dates"] or [""])[0],
        "nationality": (card["countries"] or [""])[0],
    }
    return known | _numbers(card["identifiers"])


def _numbers(pairs: Any) -> dict[str, str]:
    return {NUMBERS[kind]: value for kind, value in reversed([tuple(pair) for pair in pairs]) if kind in NUMBERS}
