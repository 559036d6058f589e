"""Alerts as the board and an alert's own page show them, and what a dossier with recipients says of each of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext as _

from tansiq.engine.formats.times import parse_time
from tansiq.engine.matching import Query
from tansiq.node.accounts.policy import may
from tansiq.node.dossiers.queries import dossier_by_id, entries_of, view_of
from tansiq.node.flows.matching import TOLD_BANDS
from tansiq.node.register import index, policy
from tansiq.node.register import queries as register
from tansiq.node.register.cards import subject_of
from tansiq.node.search.alerts import hit_by_dossier
from tansiq.node.web import words
from tansiq.node.web.pages.dossier import part_shown
from tansiq.node.web.pages.search import band_tone, band_word

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.search.models import AlertHit, StandingAlert

LIMIT = 20


def line_shown(row: StandingAlert, hits: Iterable[AlertHit]) -> dict[str, Any]:
    """One line of the board."""
    return {
        "id": row.dossier_id,
        "issuer": row.issuer,
        "is_own": row.is_own,
        "class_word": words.list_label("alert_classes", row.alert_class),
        "asks": words.list_label("alert_measures", row.asks),
        "caption": row.caption or "",
        "expires_at": row.expires_at,
        "hits": [{"id": hit.dossier_id, "phase": hit.phase} for hit in hits],
    }


def content_shown(row: StandingAlert) -> list[dict[str, Any]]:
    """Every part of an alert that still stands in it, as it was said last."""
    dossier = dossier_by_id(row.dossier_id)
    views = [] if dossier is None else [view for view in entries_of(dossier) if view.row.author == row.issuer]
    parts = [part for view in views for part in view.parts if part is not None]
    return [part_shown("alert", {"erased": False, **part.to_json()}) for part in parts]


def records_met(officer: Officer, row: StandingAlert) -> list[dict[str, Any]]:
    """The officer's own records that the alert's subjects meet; of what the officer does not see, nothing is said."""
    dossier = dossier_by_id(row.dossier_id)
    if dossier is None or row.is_own:
        return []
    found: dict[str, Any] = {}
    for view in entries_of(dossier):
        for subject in register.received_from(view.row.entry_id):
            query = Query.of(subject_of(str(subject.subject_id), subject.schema, subject.card))
            for match in index.holder().search(query, policy.labels_for(officer), LIMIT):
                if match.band in TOLD_BANDS:
                    found.setdefault(match.subject_id, match)
    seen = register.subjects_by_id_for(officer, found)
    return [
        {
            "subject": known,
            "caption": register.caption(seen[known]),
            "word": band_word(match.band),
            "tone": band_tone(match.band),
            "explanation": match.explanation,
        }
        for known, match in found.items()
        if known in seen and seen[known].dossier != row.dossier_id
    ]


# -- what a dossier says beyond its timeline -------------------------------------------------------------------------------


def state_of(officer: Officer, read: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """``state_shown`` with the ways on: to the alert that a hit is on, and from a confirmed hit to a request."""
    told = state_shown(read, names)
    hit = hit_by_dossier(read["dossier"]) if read["kind"] == "alert_hit" else None
    if hit is None:
        return told
    shown = "dossiers_show" if hit.is_own is False else "alerts_show"
    told |= {"cites": hit.alert, "cites_url": reverse(shown, args=[hit.alert])}
    words_of_it = next((part["index"] for part in read["entries"][0]["parts"] if part.get("type") == "narrative"), None)
    if read["phase"] in ("confirmed", "executed") and words_of_it is not None and may(officer.roles, "act"):
        told["ask_url"] = f"{reverse('dossiers_new')}?entry={read['dossier']}&part={words_of_it}&hit={read['dossier']}"
    return told


def state_shown(read: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """For kinds that have more to say than a phase: a notice, facts, and a line for each recipient."""
    told: dict[str, Any] = {"notice": None, "facts": [], "recipients": []}
    view = read["view"]
    if read["kind"] == "alert_hit":
        told |= {"notice": _coercion(read["phase"], view), "facts": _hit_facts(view)}
    if read["kind"] == "alert":
        told["facts"] = _alert_facts(view)
    if read["kind"] in ("alert", "report"):
        told["recipients"] = [_recipient(read["kind"], view, party, names) for party in view["owed"]]
    return told


def _coercion(phase: str, view: Mapping[str, Any]) -> dict[str, str]:
    """What may be done now, in plain words, above everything else on the page."""
    measure = words.list_label("alert_measures", str(view["measure"])) if view["measure"] else ""
    if phase == "confirmed":
        text = _("Confirmed by the issuing authority. Only this may now be done, as national law allows: %(measure)s.")
        return {"tone": "good", "title": _("The hit is confirmed"), "text": text % {"measure": measure}}
    if phase == "executed":
        return {"tone": "info", "title": _("The measure was executed"), "text": measure}
    if phase == "reported":
        return {
            "tone": "bad",
            "title": _("Nothing coercive may be done"),
            "text": _(
                "A hit is only a presumption. Nobody may be arrested, held or searched, and nothing seized, because of it, before the"
                " issuing authority has confirmed it here and said which measure may be taken."
            ),
        }
    return {
        "tone": "careful",
        "title": _("Nothing coercive may be done"),
        "text": _("There is no confirmed hit here. What national law allows without it remains as it is."),
    }


def _hit_facts(view: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    kind = "alert_hit"
    facts = [(words.code_name(kind, "strength"), {"text": words.code_value(kind, "hit", "strength", view["strength"])})]
    if view["measure"]:
        named = words.list_label("alert_measures", view["measure"])
        facts.append((words.code_name(kind, "measure"), {"text": named}))
    if view["executed"]:
        outcome = words.code_value(kind, "execute", "outcome", view["executed"]["outcome"])
        facts.append((words.code_name(kind, "outcome"), {"text": outcome}))
    return facts


def _alert_facts(view: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    about, term = view["about"] or {}, view["term"] or {}
    facts: list[tuple[str, dict[str, Any]]] = [
        (words.code_name("alert", name), {"text": words.code_value("alert", "issue", name, about[name])})
        for name in ("alert_class", "asks", "purpose")
        if name in about
    ]
    facts += [
        (words.code_name("alert", name), {"at": parse_time(term[name])})
        for name in ("expires", "review")
        if name in term
    ]
    if view["cancelled"]:
        facts.append(
            (
                words.code_name("alert", "ground"),
                {"text": words.code_value("alert", "cancel", "ground", view["cancelled"])},
            )
        )
    return facts


def _recipient(kind: str, view: Mapping[str, Any], party: str, names: Mapping[str, str]) -> dict[str, Any]:
    """One recipient: whether it has it, what it says of it, what it has yet to confirm, what it keeps and why."""
    feedback = (view.get("feedback") or {}).get(party)
    kept = (view.get("kept") or {}).get(party)
    return {
        "name": names.get(party, party),
        "has_it": party in view["received"],
        "feedback": words.code_value(kind, "feedback", "usefulness", feedback) if feedback else "",
        "kept": words.code_value(kind, "keep", "ground", kept["ground"]) if kept else "",
        "owed": [
            {
                "act": words.act_label(kind, item["act"]),
                "due_at": parse_time(item["value"]["due"]),
                "entry": item["entry"],
            }
            for item in view["owed"][party]
        ],
    }


def report_line(row: Any, names: Mapping[str, str]) -> dict[str, Any]:
    """One line of the list of reports: whose it is, who has it, what they say of it, and who has yet to confirm."""
    view = view_of(row)
    recipients = [_recipient("report", view, party, names) for party in view["owed"]]
    return {
        "id": row.dossier_id,
        "title": row.title or "",
        "phase": row.phase,
        "from": row.opened_by,
        "changed_at": row.changed_at,
        "recipients": recipients,
        "owed": sum(len(one["owed"]) for one in recipients),
    }
