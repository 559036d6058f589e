"""One question to several partners: a dossier each, under one case when they are more than one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from tansiq.engine.kinds.registry import kind
from tansiq.node.dossiers.actions import open_case
from tansiq.node.flows import act as flow
from tansiq.node.web import words
from tansiq.node.web.pages.dossier import considered_shown

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.flows.intents import Intent


def each(intent: Intent) -> list[Intent]:
    """The intent once for each partner, where its kind asks each apart; an act in a dossier has its audience already."""
    if intent.dossier or not kind(intent.kind).ASKS_EACH:
        return [intent]
    return [intent.to(partner) for partner in intent.participants]


def consider_each(officer: Officer, intent: Intent, *, now: datetime) -> list[dict[str, Any]]:
    """For each partner what would come of it, in words; ``raw`` is the value itself."""
    names = words.node_names()
    found = [flow.consider(officer, one, now=now) for one in each(intent)]
    return [{**considered_shown(one, names), "raw": one} for one in found]


def ask_each(officer: Officer, intent: Intent, *, now: datetime, draft_id: str = "") -> list[flow.Acted]:
    """Act towards each partner. Those that are asked together stand under one case, which never leaves the node.

    If one of them may not be asked, nobody is: the refusal is raised (and audited by ``act``) before anything is signed.
    ``draft_id`` is the draft that this was written in; only a kind whose partners share one dossier is written in drafts.
    """
    intents = each(intent)
    for one in intents:
        if flow.consider(officer, one, now=now).decision.answer == "refuse":
            flow.act(officer, one, now=now)
    if len(intents) > 1 and not intent.case and officer.unit:
        title = intent.title or intent.reference or _("Several partners asked")
        case = open_case(officer, title, circle=f"unit:{officer.unit.code}", now=now)
        intents = [replace(one, case=str(case.case_id)) for one in intents]
    return [flow.act(officer, one, now=now, draft_id=draft_id) for one in intents]
