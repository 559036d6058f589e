"""A search and its answers, as they are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tansiq.engine.accords.decide import Decision
from tansiq.engine.entities.labels import schema_label
from tansiq.engine.errors import Rejected
from tansiq.node.flows.blind_asking import Prepared
from tansiq.node.flows.blind_questions import by_chance
from tansiq.node.partners.queries import card_of
from tansiq.node.web import words
from tansiq.node.web.languages import language_now
from tansiq.node.wording import sentence

if TYPE_CHECKING:
    from tansiq.node.search.models import Asked, Search


@dataclass(frozen=True, slots=True)
class AnswerShown:
    """What one partner answered, or why it was not asked."""

    partner: str
    name: str
    word: str
    tone: str
    text: str
    clause: str
    hits: Sequence[Mapping[str, str]]
    answered_at: datetime | None
    may_ask: bool
    learns: str
    phone: str


def band_word(band: str) -> str:
    """How likely a match is, in a word."""
    return {
        "strong": pgettext("match", "very likely"),
        "probable": pgettext("match", "likely"),
        "possible": pgettext("match", "possible"),
        "weak": pgettext("match", "weak"),
    }.get(band, band)


def band_tone(band: str) -> str:
    """The tone of the same."""
    return {"strong": "careful", "probable": "info", "possible": "plain"}.get(band, "plain")


def found_shown(search: Search) -> list[dict[str, Any]]:
    """What the own register gave, each with the spelling that matched."""
    return [
        {
            "subject": match["subject"],
            "caption": match["caption"],
            "percent": round(match["score"] * 100),
            "word": band_word(match["band"]),
            "tone": band_tone(match["band"]),
            "matched": (match.get("explanation") or {}).get("name") or "",
            "explanation": match.get("explanation") or {},
        }
        for match in search.found_here
    ]


def answers_shown(search: Search) -> list[AnswerShown]:
    """What each partner answered, in the order of their names."""
    names = words.node_names()
    rows = [_answer(row, names.get(row.partner, row.partner)) for row in search.partners.all()]
    return sorted(rows, key=lambda row: row.name)


def _answer(row: Asked, name: str) -> AnswerShown:
    word, tone, text = {
        row.WAITING: (_("Asked"), "waiting", _("The answer appears here by itself.")),
        row.HIT: (_("Hit"), "careful", _("This partner knows somebody or something like it. Ask for what you need.")),
        row.CONTACT: (_("Contact"), "info", _("This partner asks you to get in touch about it.")),
        row.NOTHING: (_("No hit"), "plain", _("This partner has nothing that it may tell you.")),
        row.REFUSED: (_("Refused"), "stopped", _("This partner did not answer the question.")),
        row.BARRED: (_("Not asked"), "stopped", _("The accord does not permit this question.")),
    }[row.state]
    if row.is_blind and row.state == row.HIT:
        text = _("Something of this partner meets your question. It learns about whom only when you send a request.")
    if row.code:
        text = sentence(
            row.code,
            {"clause": row.clause, "term": "", "blocks": row.partner, "role": ""},
            language_now(),
            isolate=True,
        )
    hits = [
        {
            **hit,
            "schema_word": schema_label(hit.get("schema", ""), language_now()),
            "band_word": band_word(hit.get("band", "")),
        }
        for hit in row.hits or []
    ]
    hits += [
        {"hit": "", "schema_word": words.list_label("blind_families", family), "band_word": ""} for family in row.met
    ]
    may_ask = row.state in {row.HIT, row.CONTACT}
    card = card_of(row.partner) if may_ask else None
    phone = (card.contact.phone if card else "") or ""
    return AnswerShown(
        row.partner, name, word, tone, text, row.clause, hits, row.answered_at, may_ask, _learns(row), phone
    )


def _learns(row: Asked) -> str:
    """What the partner learnt by being asked."""
    if row.state == row.BARRED:
        return ""
    if row.is_blind:
        return _("Asked blindly: the partner learnt the purpose, but not about whom, nor whether it hit.")
    return _("Asked openly: the partner learnt about whom and for what purpose you asked.")


def considered_shown(considered: Mapping[str, Prepared | Decision | Rejected]) -> list[dict[str, Any]]:
    """How each partner would be asked, what each side would learn, and how many strangers a blind question meets by chance."""
    names = words.node_names()
    return sorted(
        (_considered(partner, names.get(partner, partner), how) for partner, how in considered.items()), key=_name
    )


def _name(shown: Mapping[str, Any]) -> str:
    return str(shown["name"])


def _considered(partner: str, name: str, how: Prepared | Decision | Rejected) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": name, "families": [], "clause": "", "tone": "info"}
    if isinstance(how, Prepared):
        expected = by_chance(how.epoch, how.families)
        shown["families"] = [family_shown(family, expected[family]) for family in how.families]
        text = _("Will be asked blindly. The partner learns the purpose, not about whom, nor whether it hits.")
        facts = {"cost": how.costs, "left": how.left_today}
        text += " " + _("It costs %(cost)d of your %(left)d questions of today.") % facts
        return {**shown, "word": _("Blindly"), "text": text}
    if isinstance(how, Rejected) or not how.is_permitted:
        facts = (
            how.facts if isinstance(how, Rejected) else {"clause": how.clause, "term": how.term, "role": how.role or ""}
        )
        text = sentence(how.code, {"blocks": partner, "partner": name, **facts}, language_now(), isolate=True)
        clause = "" if isinstance(how, Rejected) else how.clause
        return {**shown, "word": _("Not asked"), "text": text, "clause": clause, "tone": "stopped"}
    text = _("Will be asked openly. The partner learns about whom and for what purpose you ask.")
    return {**shown, "word": _("Openly"), "text": text, "clause": how.clause, "tone": "careful"}


def family_shown(family: str, expected: float) -> dict[str, str]:
    """A family of keys and how many strangers a question under it meets by chance."""
    return {"word": words.list_label("blind_families", family), "chance": chance_word(expected)}


def chance_word(expected: float) -> str:
    """How many strangers a key is expected to meet, in words that an officer can weigh."""
    if expected < 0.001:
        return _("practically never by chance")
    if expected < 0.5:
        return _("by chance about once in %(count)d questions") % {"count": round(1 / expected)}
    return _("meets about %(count)d strangers by chance: weak") % {"count": max(1, round(expected))}


def asked_in_words(search: Search) -> str:
    """The question on one line, for lists of searches."""
    asked = search.asked
    values = [
        *asked.get("names", []),
        *asked.get("birth_dates", []),
        *(pair[1] for pair in asked.get("identifiers", [])),
    ]
    return " · ".join(str(value) for value in values)
