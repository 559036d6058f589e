"""A list that partners are asked about blindly, as it is shown: what it costs each, how far it is, and who knows whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tansiq.node.flows import blind_screening as flow
from tansiq.node.partners.queries import card_of
from tansiq.node.search import blind_lists as lists
from tansiq.node.web import words
from tansiq.node.web.languages import language_now
from tansiq.node.web.pages.search import family_shown
from tansiq.node.wording import sentence

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.search.models import Screening, ScreeningHit, ScreeningPartner


def blind_list_shown(
    officer: Officer, screening: Screening, hits: Iterable[ScreeningHit], now: datetime
) -> dict[str, Any]:
    """The partners of a list and the hits among ``hits``."""
    names = words.node_names()
    partners = [_partner(officer, asked, names, now) for asked in screening.partners.all()]
    return {
        "partners": partners,
        "hits": [_hit(hit, names) for hit in hits],
        "is_prepared": screening.state == screening.PREPARED,
        "may_begin": any(partner["is_ready"] for partner in partners),
    }


def _partner(officer: Officer, asked: ScreeningPartner, names: Mapping[str, str], now: datetime) -> dict[str, Any]:
    word, tone = {
        asked.READY: (_("Ready"), "info"),
        asked.ASKING: (_("Being asked"), "waiting"),
        asked.RESTING: (_("Rests"), "waiting"),
        asked.DONE: (_("Asked"), "plain"),
        asked.STOPPED: (_("Not asked further"), "stopped"),
    }[asked.state]
    is_ready = asked.state == asked.READY
    return {
        "name": names.get(asked.partner, asked.partner),
        "word": word,
        "tone": tone,
        "is_ready": is_ready,
        "done": lists.answered_rows(asked),
        "keyless": lists.keyless_rows(asked),
        "waiting": lists.waiting_count(asked),
        "resumes_at": asked.resumes_at,
        "clause": asked.clause,
        "text": _reason(asked),
        "cost": _cost_in_words(flow.reckoned(officer, asked, now)) if is_ready else "",
        "families": [family_shown(family, flow.by_chance(asked)[family]) for family in asked.families]
        if is_ready
        else [],
    }


def _reason(asked: ScreeningPartner) -> str:
    if not asked.code:
        return ""
    facts = {"blocks": asked.partner, "partner": asked.partner, "clause": asked.clause, "term": "", "role": ""}
    return sentence(asked.code, facts, language_now(), isolate=True)


def _cost_in_words(told: flow.Reckoned) -> str:
    """What the list costs of the budget, and when the rest is asked."""
    facts = {"cost": told.cost, "left": told.left_today, "days": told.days}
    if told.days == 1:
        return _("This list costs %(cost)d of your %(left)d questions of today.") % facts
    text = ngettext(
        "This list costs %(cost)d questions; %(left)d are left to you today. The rest continues tomorrow, for %(days)d day in all.",
        "This list costs %(cost)d questions; %(left)d are left to you today. The rest continues tomorrow, for %(days)d days in all.",
        told.days,
    )
    return text % facts


def _hit(hit: ScreeningHit, names: Mapping[str, str]) -> dict[str, Any]:
    card = card_of(hit.partner)
    return {
        "number": hit.pk,
        "row": hit.row,
        "id": hit.told["id"],
        "asked": " · ".join([*hit.told["names"], *hit.told["birth_dates"]]),
        "partner": hit.partner,
        "name": names.get(hit.partner, hit.partner),
        "phone": card.contact.phone if card else "",
        "families": [words.list_label("blind_families", family) for family in hit.met],
    }
