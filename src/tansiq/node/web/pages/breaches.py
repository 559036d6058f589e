"""Breaches of personal data as pages show them: words for what is stored as codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tansiq.node.flows import breaches as flow

if TYPE_CHECKING:
    from tansiq.node.rights.models import Breach


def nature_words() -> dict[str, str]:
    """What a breach is a breach of."""
    return {
        "confidentiality": _("Confidentiality: somebody learned what was not for them"),
        "integrity": _("Integrity: data were changed"),
        "availability": _("Availability: data were lost or could not be reached"),
    }


def risk_words() -> dict[str, str]:
    """How grave it is for the persons concerned."""
    return {
        "unlikely": _("A risk is unlikely"),
        "risk": _("There is a risk"),
        "high": _("The risk is high: the persons are told (art. 31)"),
    }


def stage_word(stage: str) -> tuple[str, str]:
    """How far a notice is, and the tone."""
    return {
        "drafting": (pgettext("notice", "draft, waits for a signature"), "waiting"),
        "awaiting": (pgettext("notice", "draft, waits for an approval"), "waiting"),
        "dropped": (pgettext("notice", "draft dropped"), "stopped"),
        "otherwise": (pgettext("notice", "told otherwise"), "good"),
        "queued": (pgettext("notice", "signed, waits to be sent"), "working"),
        "sent": (pgettext("notice", "on its way"), "working"),
        "delivered": (pgettext("notice", "delivered"), "good"),
        "opened": (pgettext("notice", "opened there"), "good"),
        "refused": (pgettext("notice", "refused there"), "stopped"),
        "not_understood": (pgettext("notice", "not understood there"), "stopped"),
    }[stage]


def breach_line(row: Breach) -> dict[str, Any]:
    """A breach in a list."""
    happened = row.told["happened"]
    return {"row": row, "happened": happened if len(happened) <= 80 else f"{happened[:79]}…"}


def breach_shown(row: Breach) -> dict[str, Any]:
    """Everything the page says about a breach."""
    notices = []
    for one in flow.followed(row):
        word, tone = stage_word(one.stage)
        notices.append({"one": one, "word": word, "tone": tone, "has_arrived": one.stage in flow.ARRIVED})
    return {
        "row": row,
        "natures": [nature_words()[one] for one in row.natures],
        "risk": risk_words()[row.risk],
        "notices": notices,
        "is_open": row.closed_at is None,
    }
