"""Plans in words: a line of the list, a plan's own page, where it stands with each partner, and what meets it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from tansiq.engine.blind.places import read_place
from tansiq.engine.formats.times import parse_time
from tansiq.node.accounts import roster
from tansiq.node.accounts.queries import names_of, units
from tansiq.node.deconfliction import policy, queries
from tansiq.node.flows import planning
from tansiq.node.partners.queries import myself, opened
from tansiq.node.web import words
from tansiq.node.web.forms.place import Drawn
from tansiq.node.web.forms.search import number_kind_label
from tansiq.node.web.languages import language_now
from tansiq.node.web.pages.place import place_shown
from tansiq.node.wording import sentence

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.deconfliction.models import Conflict, InboundPlanQuery, Plan
    from tansiq.node.deconfliction.queries import Asked, Ratio
    from tansiq.node.flows.planning import Preview

STATES = ("planned", "active", "done", "cancelled")
OUTCOMES = ("proceed", "joint", "delay", "cancel")


def state_words() -> dict[str, tuple[str, str]]:
    """What a plan's state is called, and its tone."""
    return {
        "planned": (pgettext("plan", "planned"), "info"),
        "active": (pgettext("plan", "under way"), "working"),
        "done": (pgettext("plan", "done"), "plain"),
        "cancelled": (pgettext("plan", "cancelled"), "stopped"),
    }


def plan_line(plan: Plan, *, now: datetime, open_conflicts: Iterable[Conflict]) -> dict[str, Any]:
    """One line of the list."""
    word, tone = state_words()[plan.status_at(now)]
    return {
        "id": str(plan.plan_id),
        "reference": plan.reference,
        "kind": words.list_label("plan_kinds", plan.kind),
        "begins_at": plan.begins_at,
        "ends_at": plan.ends_at,
        "state": word,
        "tone": tone,
        "partners": plan.partners,
        "conflicts": sum(1 for one in open_conflicts if one.plan_id == plan.plan_id),
        "is_exception_asked": plan.exception == plan.ASKED_FOR,
    }


def plan_shown(plan: Plan, *, now: datetime) -> dict[str, Any]:
    """Everything of a plan, for whoever may see it."""
    place = plan.place
    drawn = Drawn(read_place(place["geometry"]), int(place["buffer_m"]))
    return plan_line(plan, now=now, open_conflicts=()) | {
        "place": place_shown(drawn),
        "is_district": place["is_district"],
        "times": [parse_time(at) for at in place.get("times") or []],
        "from_at": plan.from_at,
        "until_at": plan.until_at,
        "has_margins": bool(plan.before_s or plan.after_s),
        "version": plan.version,
        "contact": plan.contact,
        "subjects": [_subject_lines(one) for one in plan.subjects or []],
        "officer": names_of({plan.officer}).get(plan.officer, ""),
        "circle": plan.circle,
        "is_standing": plan.state == plan.STANDING,
        "exception": _exception(plan),
    }


def _subject_lines(subject: Mapping[str, Any]) -> list[str]:
    numbers = [f"{number_kind_label(kind)}: {number}" for kind, number in subject.get("identifiers", [])]
    return [*subject.get("names", []), *subject.get("birth_dates", []), *numbers]


def _exception(plan: Plan) -> dict[str, Any] | None:
    if not plan.exception:
        return None
    word, tone = {
        plan.ASKED_FOR: (_("A supervisor has yet to decide. Until then these partners are not asked."), "careful"),
        plan.GRANTED: (_("A supervisor has decided that these partners are not asked."), "info"),
        plan.REFUSED: (_("A supervisor has refused: these partners are asked like the others."), "good"),
    }[plan.exception]
    return {
        "text": word,
        "tone": tone,
        "partners": plan.held_back,
        "reason": plan.exception_reason,
        "answer": plan.exception_answer,
        "by": names_of({plan.excepted_by}).get(plan.excepted_by, "") if plan.excepted_by else "",
    }


# -- partners ----------------------------------------------------------------------------------------------------------


def partners_shown(plan: Plan) -> list[dict[str, Any]]:
    """Where the plan stands with each partner, by name; those not asked yet are said to be so."""
    names = words.node_names()
    told = queries.asked_for(plan)
    silent = [
        queries.Asked(partner, "not_yet") for partner in plan.partners if partner not in {t.partner for t in told}
    ]
    counts = _cells_of(plan)
    shown = [
        _partner(one, names.get(one.partner, one.partner), counts.get(one.partner, [])) for one in [*told, *silent]
    ]
    return sorted(shown, key=lambda one: str(one["name"]))


def is_waiting(shown: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a partner has yet to answer, so that the page asks again by itself."""
    return any(one["state"] in {"waiting", "not_yet"} for one in shown)


def _partner(one: Asked, name: str, cells: list[str]) -> dict[str, Any]:
    word, tone, text = {
        "not_yet": (_("Not asked yet"), "waiting", _("It is asked as soon as its line is free.")),
        "waiting": (_("Asked"), "waiting", _("The answer appears here by itself.")),
        "clear": (_("No hit"), "good", _("Nothing of this partner meets the plan.")),
        "near": (_("No hit"), "good", _("Something is in the wider area, but nothing at this place and time.")),
        "conflict": (_("Hit"), "bad", _("Both sides were told at once: when, and whom to call. Nothing else.")),
        "refused": (_("Not answered"), "stopped", _("This partner did not answer.")),
        "held_back": (_("Left out"), "careful", _("Not asked, by exception.")),
    }[one.state]
    if one.code:
        facts = {"clause": one.clause, "term": "", "blocks": one.partner, "role": "", "partner": name}
        text = sentence(one.code, facts, language_now(), isolate=True)
    return {
        "partner": one.partner,
        "name": name,
        "state": one.state,
        "word": word,
        "tone": tone,
        "text": text,
        "clause": one.clause,
        "asked_at": one.asked_at,
        "answered_at": one.answered_at,
        "cells": cells,
    }


def _cells_of(plan: Plan) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in queries.queries_of(plan):
        if row.state != row.BARRED:
            found.setdefault(row.partner, []).append(level_asked(row.level, row.elements))
    return found


def level_asked(level: str, elements: int) -> str:
    """How much was asked in one opaque question."""
    told = {
        "coarse": ngettext("%(count)d wide cell", "%(count)d wide cells", elements),
        "fine": ngettext("%(count)d fine cell", "%(count)d fine cells", elements),
        "subject": ngettext("%(count)d key of subjects", "%(count)d keys of subjects", elements),
    }
    return told.get(level, "%(count)d") % {"count": elements}


# -- what meets a plan -------------------------------------------------------------------------------------------------


def conflict_line(row: Conflict, names: Mapping[str, str]) -> dict[str, Any]:
    """One conflict: with whom, how, when, and the page where it is settled."""
    is_here = not row.partner
    address = reverse("plans_conflict", args=[row.conflict_id]) if is_here else ""
    if row.dossier_id:
        address = reverse("dossiers_show", args=[row.dossier_id])
    word, tone = {
        row.OPEN: (_("To be settled"), "bad"),
        row.RESOLVED: (outcome_word(row.outcome) or _("Settled"), "good"),
        row.ENDED: (_("Meets no more"), "plain"),
    }[row.state]
    return {
        "id": str(row.conflict_id),
        "plan": row.plan.reference,
        "plan_id": str(row.plan.plan_id),
        "with": _("another plan of this authority") if is_here else names.get(row.partner, row.partner),
        "is_here": is_here,
        "levels": [level_word(level) for level in row.levels],
        "begins_at": row.begins_at,
        "ends_at": row.ends_at,
        "opened_at": row.opened_at,
        "is_open": row.state == row.OPEN,
        "word": word,
        "tone": tone,
        "url": address,
    }


def level_word(level: str) -> str:
    """How two plans meet."""
    return words.code_value("deconfliction", "meet", "levels", level)


def outcome_word(outcome: str) -> str:
    """What becomes of two plans that met."""
    return words.code_value("deconfliction", "propose", "outcome", outcome) if outcome else ""


def outcome_choices() -> list[tuple[str, str]]:
    """The ways in which a conflict may be settled."""
    return [(outcome, outcome_word(outcome)) for outcome in OUTCOMES]


def local_conflict_shown(officer: Officer, row: Conflict) -> dict[str, Any]:
    """A conflict between two plans of this node: of a plan in another circle, only whom to call."""
    shown = conflict_line(row, {})
    contact = planning.contact_of_other(officer, row)
    held = {unit.code: unit.name_in(language_now()) for unit in units()}
    seen = row.other if row.other is not None and policy.may_see(officer, row.other) else None
    return shown | {
        "other_id": str(seen.plan_id) if seen else "",
        "other_reference": seen.reference if seen else "",
        "unit": held.get(contact["unit"], contact["unit"]),
        "contact": contact,
        "outcome": outcome_word(row.outcome),
        "reason": row.reason,
    }


def question_line(row: InboundPlanQuery) -> dict[str, Any]:
    """A question that a partner asked: which partner and officer (opaque), how much, when, and what became of it."""
    was_answered = row.outcome == "answered"
    return {
        "partner": row.partner,
        "officer": row.asked_by,
        "what": level_asked(row.level, row.elements),
        "cost": row.cost,
        "at": row.received_at,
        "word": _("Answered") if was_answered else sentence(row.code, {"clause": ""}, language_now(), isolate=True),
        "tone": "plain" if was_answered else "stopped",
    }


def ratio_line(row: Ratio, people: Mapping[str, str], names: Mapping[str, str]) -> dict[str, Any]:
    """What one officer's questions about plans came to."""
    return {
        "officer": people.get(row.officer, row.officer),
        "partner": names.get(row.partner, row.partner),
        "questions": row.questions,
        "cost": row.cost,
        "hits": row.hits,
        "percent": round(row.share * 100),
    }


# -- the form ----------------------------------------------------------------------------------------------------------


def askable_choices(now: datetime) -> list[tuple[str, str]]:
    """The partners whose accord lets them be asked, by name."""
    names = words.node_names()
    return [(partner, names.get(partner, partner)) for partner in planning.askable_partners(now)]


def considered_shown(preview: Preview, left_out: Iterable[str]) -> dict[str, Any]:
    """Before anybody is asked: how much would be asked, who would be, and what each side learns."""
    names = words.node_names()
    asked = [
        {
            "name": names.get(partner, partner),
            "tone": "info",
            "word": _("Will be asked"),
            "text": ngettext(
                "It learns that you asked, and how much: %(count)d cell-hour of its budget. Not where, not when, not about whom.",
                "It learns that you asked, and how much: %(count)d cell-hours of its budget. Not where, not when, not about whom.",
                cost,
            )
            % {"count": cost},
        }
        for partner, cost in preview.costs.items()
    ]
    for partner, (code, clause) in preview.refused.items():
        facts = {"clause": clause, "term": "", "blocks": partner, "role": "", "partner": names.get(partner, partner)}
        text = sentence(code, facts, language_now(), isolate=True)
        asked.append({"name": names.get(partner, partner), "tone": "stopped", "word": _("Not asked"), "text": text})
    for name in words.named(left_out, names):
        text = _("Left out by exception: a supervisor decides.")
        asked.append({"name": name, "tone": "careful", "word": _("Not asked yet"), "text": text})
    sizes = (("coarse", preview.coarse), ("fine", preview.fine), ("subject", preview.subject_keys))
    return {
        "partners": sorted(asked, key=lambda one: one["name"]),
        "sizes": [level_asked(level, size) for level, size in sizes if size],
    }


def contact_on_duty(officer: Officer, now: datetime) -> dict[str, str]:
    """Whom a partner would call: the first on the roster of the officer's unit, or the officer, at the node's number."""
    standing = roster.on_duty(officer.unit.code, now) if officer.unit else []
    person = standing[0].officer if standing else officer
    contact = opened(myself()).contact
    return {
        "contact_name": str(person),
        "contact_phone": contact.phone or "",
        "contact_email": contact.email or "",
    }


def initial_of(plan: Plan) -> dict[str, Any]:
    """A plan as its form shows it, to be moved."""
    place = plan.place
    drawn = Drawn(read_place(place["geometry"]), int(place["buffer_m"]))
    return {
        "kind": plan.kind,
        "reference": plan.reference,
        "begins": plan.begins_at,
        "ends": plan.ends_at,
        "shape": drawn.place.shape,
        "points": "\n".join(place_shown(drawn)["points"]),
        "buffer_m": drawn.buffer_m,
        "is_district": place["is_district"],
        "before_min": timedelta(seconds=plan.before_s) // timedelta(minutes=1),
        "after_min": timedelta(seconds=plan.after_s) // timedelta(minutes=1),
        "leave_out": plan.held_back if plan.exception in (plan.ASKED_FOR, plan.GRANTED) else [],
        "reason": plan.exception_reason or "",
        "subjects": [_subject_initial(one) for one in plan.subjects or []],
        **{f"contact_{name}": plan.contact.get(name, "") for name in ("name", "phone", "email")},
    }


def _subject_initial(subject: Mapping[str, Any]) -> dict[str, Any]:
    dates, numbers = list(subject.get("birth_dates", [])), list(subject.get("identifiers", []))
    kind, number = numbers[0] if numbers else ("", "")
    return {
        "names": "\n".join(subject.get("names", [])),
        "birth_date": dates[0] if dates else "",
        "number_kind": kind,
        "number": number,
        "more": {"birth_dates": dates[1:], "identifiers": numbers[1:]},
        "also": _subject_lines({"birth_dates": dates[1:], "identifiers": numbers[1:]}),
    }
