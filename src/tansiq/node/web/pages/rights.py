"""Data-subject requests as pages and the answer show them: words for what is stored as codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tansiq.engine.entities.labels import property_label, schema_label
from tansiq.node.flows import claims
from tansiq.node.partners.queries import my_id
from tansiq.node.rights import policy, queries
from tansiq.node.web import words
from tansiq.node.web.languages import language_now
from tansiq.node.web.pages.search import band_word
from tansiq.node.web.pages.subject import origin_word, property_value

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.rights.models import Claim, Holding


def right_words() -> dict[str, str]:
    """The rights, as the Directive names them."""
    return {
        "access": _("Access (art. 14): what is held, why, and where it came from"),
        "rectification": _("Rectification (art. 16(1)): what is wrong is put right"),
        "erasure": _("Erasure (art. 16(2)): what may not be held goes"),
    }


def right_word(right: str) -> str:
    """A right in one word."""
    return {"access": _("Access"), "rectification": _("Rectification"), "erasure": _("Erasure")}[right]


def channel_words() -> dict[str, str]:
    """How a request comes."""
    return {
        "letter": pgettext("channel", "by letter"),
        "email": pgettext("channel", "by e-mail"),
        "visit": pgettext("channel", "in person"),
        "representative": pgettext("channel", "through a representative"),
        "supervisor": pgettext("channel", "through the supervisory authority (art. 17)"),
        "other": pgettext("channel", "in another way"),
    }


def state_word(state: str) -> tuple[str, str]:
    """How far a request is, and the tone."""
    return {
        "open": (pgettext("request", "open"), "working"),
        "decided": (pgettext("request", "decided"), "info"),
        "answered": (pgettext("request", "answered"), "good"),
    }[state]


def outcome_words() -> dict[str, str]:
    """What is decided about a request."""
    return {
        "granted": _("Granted"),
        "in_part": _("Granted in part"),
        "refused": _("Refused"),
        "neither": _("Neither confirmed nor denied (arts. 15 and 17)"),
    }


def measure_words() -> dict[str, str]:
    """What is done with one thing."""
    return {
        "disclose": pgettext("measure", "disclose"),
        "withhold": pgettext("measure", "withhold"),
        "rectify": pgettext("measure", "rectify"),
        "restrict": pgettext("measure", "restrict"),
        "erase": pgettext("measure", "erase"),
        "keep": pgettext("measure", "keep as it is"),
    }


def claim_line(row: Claim) -> dict[str, Any]:
    """A request in a list."""
    word, tone = state_word(row.state)
    names = row.told["fields"]["names"]
    return {"row": row, "name": names[0] if names else "", "right": right_word(row.right), "word": word, "tone": tone}


def claim_shown(officer: Officer, claim: Claim) -> dict[str, Any]:
    """Everything the page says about a request."""
    ledger = claims.reconcile(officer, str(claim.pk))
    rows = [_holding(officer, claim, row, ledger.get(row.pk)) for row in queries.holdings_of(claim)]
    word, tone = state_word(claim.state)
    return {
        "row": claim,
        "right": right_words()[claim.right],
        "right_word": right_word(claim.right),
        "channel": channel_words()[claim.channel],
        "word": word,
        "tone": tone,
        "fields": claim.told["fields"],
        "outcome": outcome_words().get(claim.outcome, ""),
        "holdings": rows,
        "is_open": claim.state == claim.OPEN,
        "is_looking": claim.looked_at is not None and claim.gone_through_at is None,
        "may_answer": claim.state != claim.OPEN and not any(row["is_owed"] for row in rows),
        "outcomes": list(outcome_words().items()),
    }


def _holding(officer: Officer, claim: Claim, row: Holding, in_ledger: bool | None) -> dict[str, Any]:
    said = claims.shown(officer, row)
    is_entry = row.place.startswith("entry:")
    allowed = policy.BY_RIGHT[claim.right] - ({row.RESTRICT} if is_entry else frozenset())
    is_theirs = row.verdict == row.THEIRS
    return {
        "row": row,
        **said,
        "schema_word": schema_label(said.get("schema", "Person"), language_now()),
        "where": _("in an entry that we signed") if is_entry else origin_word(said.get("origin", "")),
        "band": band_word(row.band) if row.band else "",
        "is_foreign": row.provider != my_id(),
        "is_theirs": is_theirs,
        "is_another": row.verdict == row.ANOTHER,
        "is_owed": is_theirs and bool(row.measure) and row.done_at is None,
        "measures": [(name, word) for name, word in measure_words().items() if name in allowed],
        "measure": measure_words().get(row.measure, ""),
        "in_ledger": in_ledger,
    }


def told_in_answer(one: dict[str, Any]) -> dict[str, Any]:
    """One thing that is disclosed, as the answer tells it: what is said, where it came from, how long it is kept, who was given it."""
    language = language_now()
    rows: dict[str, list[str]] = {}
    for prop, value in one["values"]:
        rows.setdefault(property_label(prop, language), []).append(property_value(prop, value))
    where = _("information that we sent to partners") if one["origin"] == "sent" else origin_word(one["origin"])
    return {
        "caption": one["caption"],
        "schema": schema_label(one["schema"], language),
        "rows": [(label, list(dict.fromkeys(values))) for label, values in rows.items()],
        "where": where,
        "kept_until": one.get("kept_until"),
        "recipients": words.named(one.get("recipients", []), words.node_names()),
    }


def grounds_of(claim: Claim) -> list[str]:
    """The grounds of the law for what was not granted, each once."""
    return [
        words.list_label("rights_grounds", code)
        for code in dict.fromkeys(r.ground for r in queries.holdings_of(claim))
        if code
    ]
