"""A dossier of deconfliction above its timeline: how and when two plans meet, whom to call, who knows and who consents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tansiq.engine.formats.times import parse_time
from tansiq.node.deconfliction.queries import conflicts_of_dossier
from tansiq.node.partners.queries import my_id
from tansiq.node.web import words
from tansiq.node.web.pages.plans import level_word, outcome_word

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer

KIND = "deconfliction"


def meeting_shown(officer: Officer, read: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any] | None:
    """What a duty officer needs at once, or None for a dossier of another kind."""
    if read["kind"] != KIND:
        return None
    view, me = read["view"], my_id()
    met = view["meetings"].get(me) or next(iter(view["meetings"].values()), {"levels": []})
    parties = [_party(party, view, read, names, is_own=party == me) for party in read["participants"]]
    return {
        "levels": [level_word(level) for level in met["levels"]],
        "begins_at": parse_time(met["begins"]) if met.get("begins") else None,
        "ends_at": parse_time(met["ends"]) if met.get("ends") else None,
        "parties": sorted(parties, key=lambda one: one["is_own"]),
        "is_open": read["phase"] == "met",
        "may_tell": view["is_disclosure_permitted"],
        "proposals": [
            {"by": names.get(one["by"], one["by"]), "word": outcome_word(str(one["value"]))}
            for one in view["proposals"]
        ],
        "outcome": outcome_word(view["outcome"] or ""),
        "ended": words.code_value(KIND, "withdraw", "ground", view["ended"]) if view["ended"] else "",
        "plans": [
            {"id": str(row.plan.plan_id), "reference": row.plan.reference}
            for row in conflicts_of_dossier(officer, read["dossier"])
        ],
    }


def _party(
    party: str, view: Mapping[str, Any], read: Mapping[str, Any], names: Mapping[str, str], *, is_own: bool
) -> dict[str, Any]:
    return {
        "name": names.get(party, party),
        "is_own": is_own,
        "contact": _contact_of(party, read),
        "knows": party in view["acknowledged"],
        "consents": party in view["consented"],
    }


def _contact_of(party: str, read: Mapping[str, Any]) -> dict[str, str]:
    """Whom that side last named to be called."""
    found: dict[str, str] = {}
    for entry in read["entries"]:
        if entry["author"] == party and entry["is_effective"]:
            for part in entry["parts"]:
                if not part["erased"] and part["type"] == "contact_point":
                    found = part["content"]
    return found
