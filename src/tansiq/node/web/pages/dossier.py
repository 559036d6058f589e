"""A dossier as it is shown: entries as a timeline, parts in words, the evidence of delivery as steps."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from tansiq.engine.accords.markings import Marking
from tansiq.engine.dossiers.common import COMMON_ACTS
from tansiq.engine.entities.labels import property_label, schema_label
from tansiq.engine.formats.times import parse_time
from tansiq.engine.kinds import registry
from tansiq.node.accounts.policy import may
from tansiq.node.dossiers import queries
from tansiq.node.flows.reading import Newest
from tansiq.node.partners.queries import my_id
from tansiq.node.web import words
from tansiq.node.web.languages import language_now
from tansiq.node.web.pages import files
from tansiq.node.web.pages.passing import origin_shown
from tansiq.node.web.pages.subject import property_value
from tansiq.node.wording import sentence

if TYPE_CHECKING:
    from tansiq.engine.dossiers.parts import Part
    from tansiq.node.accounts.models import Officer
    from tansiq.node.dossiers.models import Dossier

FOREMOST_ACTS = frozenset({"agree", "answer", "clarify", "confirm_hit", "execute"})
"""What a dossier waits for, wherever it may be done: the first button."""
GRAVE_ACTS = frozenset({"withdraw", "refuse", "cancel", "recall", "recall_part"})
"""What takes something back or ends it: never the button that stands out."""
ACT_ICONS = {
    "ask": "send",
    "received": "envelope-check",
    "assign": "people",
    "transfer": "arrow-left-right",
    "ask_clarification": "question-circle",
    "clarify": "chat-left-text",
    "state_access": "folder2-open",
    "answer": "reply",
    "answer_in_part": "reply",
    "refuse": "slash-circle",
    "return": "arrow-return-left",
    "withdraw": "x-circle",
    "remind": "bell",
    "reopen": "arrow-counterclockwise",
    "ask_lift": "unlock",
    "lift": "unlock",
    "decline_lift": "lock",
    "propose": "journal-text",
    "ratify": "check2-all",
    "erased": "eraser",
    "deviate": "calendar-x",
    "extend": "calendar-event",
    "enter": "envelope",
    "letter": "pencil",
    "mark_sent": "send-check",
    "report": "file-earmark-text",
    "supplement": "plus-circle",
    "feedback": "chat-left-text",
    "correct": "pencil",
    "recall_part": "arrow-counterclockwise",
    "recall": "arrow-counterclockwise",
    "confirm": "check2-circle",
    "keep": "lock",
    "passed_on": "arrow-right",
    "meet": "exclamation-triangle",
    "acknowledge": "eye",
    "consent": "unlock",
    "disclose": "chat-left-text",
    "agree": "check2-all",
}
ACT_TONES = {
    "answer": "good",
    "answer_in_part": "good",
    "refuse": "careful",
    "return": "careful",
    "ratify": "good",
    "ask": "info",
}
WORDLESS = frozenset({"terms", "reservation", "plan_marks"})
"""Parts that are shown elsewhere, or that only machines read."""
TOLD_WHOLE = frozenset({"alert_hit", "deconfliction"})
ENTRIES_SHOWN = 50
STEP_WORDS = ("queued", "sent", "delivered", "opened")


def page_of_entries(row: Dossier, told: Mapping[str, str], *, size: int = 0) -> Page:
    """The page of the timeline that is asked for: by its number, or by an ``entry`` that stands on it; the newest entries are on the first."""
    size = size or ENTRIES_SHOWN
    paginator = Paginator(range(row.entry_count), size)
    newer = queries.newer_than(row, told["entry"]) if told.get("entry") else None
    return paginator.get_page(newer // size + 1 if newer is not None else told.get("page"))


def newest_on(row: Dossier, page: Page) -> Newest | None:
    """What of the dossier is read for that page: all of it for kinds whose pages say more than a timeline, and are short."""
    if row.kind in TOLD_WHOLE:
        return None
    return Newest(page.paginator.per_page, skip=(page.number - 1) * page.paginator.per_page)


def entries_shown(read: Mapping[str, Any], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The timeline, newest entry first."""
    return [_entry(read["kind"], entry, names) for entry in reversed(read["entries"])]


def _entry(kind: str, entry: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": entry["entry"],
        "title": words.act_label(kind, entry["act"]),
        "author": names.get(entry["author"], entry["author"]),
        "by": entry["by"],
        "role": words.officer_role(entry["role"]),
        "machine_clause": words.clause_label(kind, entry["machine_clause"]) if entry["machine_clause"] else "",
        "approved_by": [words.officer_role(role) for role in entry["approved_by"]],
        "occurred_at": entry["at"],
        "recorded_at": entry["recorded_at"],
        "is_own": entry["is_own"],
        "icon": ACT_ICONS.get(entry["act"], "circle"),
        "tone": ACT_TONES.get(entry["act"], "plain") if entry["is_effective"] else "careful",
        "codes": [
            (words.code_name(kind, name), code_shown(kind, entry["act"], name, code))
            for name, code in entry["codes"].items()
        ],
        "flags": _flags(entry),
        "marking": entry["marking"],
        "parts": [_part_of(kind, part, entry["author"], names) for part in entry["parts"]],
        "delivery": [_evidence(row, names) for row in entry["delivery"]],
    }


def conditions_of(read: Mapping[str, Any]) -> Marking:
    """The conditions of everything that stands in the dossier together: whoever keeps to these breaks none."""
    return Marking.from_json(read["marking"])


def _flags(entry: Mapping[str, Any]) -> list[str]:
    language = language_now()
    told = []
    if not entry["is_effective"]:
        reason = sentence(entry["reason"], {}, language, isolate=True)
        told.append(_("Without effect: %(reason)s") % {"reason": reason})
    said = {
        "time_ahead": _("Its time lies ahead of ours."),
        "released": _("Kept in quarantine at first; the data-protection officer let it in."),
        "due_differs": _("Our count of the deadline differs from theirs."),
    }
    told += [said.get(flag) or sentence(flag, {}, language, isolate=True) for flag in entry["flags"]]
    return told


def code_shown(kind: str, act: str, name: str, code: Any) -> dict[str, Any]:
    """A code in words; instants and ids are shown as what they are."""
    text = str(code)
    if len(text) == 24 and text.endswith("Z"):
        return {"at": parse_time(text)}
    if len(text) == 64:
        return {"id": text}
    return {"text": words.code_value(kind, act, name, code)}


def _part_of(kind: str, part: Mapping[str, Any], author: str, names: Mapping[str, str]) -> dict[str, Any]:
    """A part as it is shown; one that is passed on as what it carries, with whose it is and what is proven of that."""
    origin = origin_shown(part, author, names) if part.get("type") == "reshared" and not part["erased"] else None
    return (
        part_shown(kind, part)
        if origin is None
        else {**part_shown(kind, {**origin["part"], "file": part.get("file")}), "origin": origin}
    )


def part_shown(kind: str, part: Mapping[str, Any]) -> dict[str, Any]:
    if part["erased"]:
        return {"erased": True}
    content = part["content"]
    shown: dict[str, Any] = {
        "erased": False,
        "type": part["type"],
        "label": words.list_label("part_types", part["type"]),
        "marking": part["marking"],
        "note": part["handling_note"] or "",
        "language": part["language"] or "",
        "category": words.list_label("data_subject_categories", part["category"]) if part["category"] else "",
        "protected": [words.list_label("person_flags", flag) for flag in part["flags"]],
        "grading": _grading(part["grading"]),
        "review_at": parse_time(part["review_at"]) if part["review_at"] else None,
    }
    if part["type"] == "narrative":
        shown["label"] = words.narrative_label(kind, content["topic"])
        shown["text"] = content["text"]
    elif part["type"] == "question":
        shown["text"] = content["text"]
        shown["facts"] = (
            [(words.list_label("part_types", "question"), data_categories(content))] if data_categories(content) else []
        )
    elif part["type"] == "subject":
        shown["label"] = schema_label(content["schema"], language_now())
        shown["facts"] = [
            (property_label(name, language_now()), [property_value(name, value) for value in values])
            for name, values in content["properties"].items()
        ]
    elif part["type"] in files.TYPES:
        shown["facts"] = files.file_facts(content)
        shown["file"] = files.file_shown(content, part.get("file"), words.node_names())
    elif part["type"] == "contact_point":
        shown["facts"] = [(contact_word(name), said) for name, said in content.items() if said not in (None, [], "")]
    elif part["type"] not in WORDLESS:
        shown["facts"] = [(name, str(value)) for name, value in content.items() if value not in (None, [], "")]
    return shown


def contact_word(name: str) -> str:
    """What a line of a contact is called."""
    return {
        "node": pgettext("contact", "Authority"),
        "name": pgettext("contact", "Name"),
        "phone": pgettext("contact", "Telephone"),
        "email": pgettext("contact", "E-mail"),
        "languages": pgettext("contact", "Languages"),
    }.get(name, name)


def data_categories(content: Mapping[str, Any]) -> list[str]:
    """The kinds of information that a question asks for, in words."""
    return [words.list_label("data_categories", code) for code in content.get("data_categories", [])]


def _grading(grading: Mapping[str, Any] | None) -> dict[str, str] | None:
    if not grading:
        return None
    scheme = grading["scheme"]
    return {
        "short": f"{grading['source']}{grading['information']}",
        "source": words.list_label(f"grading_{scheme}_source", grading["source"]),
        "information": words.list_label(f"grading_{scheme}_information", grading["information"]),
    }


def _evidence(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """What is proven of the way of one entry to one partner."""
    state = row["state"]
    is_failed = state in {"refused", "not_understood"}
    times = {
        "queued": row["queued_at"],
        "sent": row["sent_at"],
        "delivered": row["delivered_at"],
        "opened": row["opened_at"],
    }
    said = {
        "queued": _("Waiting to be sent"),
        "sent": _("Sent"),
        "delivered": _("Accepted, receipt signed"),
        "opened": _("Opened by an officer"),
    }
    wanted = [name for name in STEP_WORDS if name != "queued" or not row["sent_at"]]
    done = {name for name in wanted if times[name] and name != "queued"}
    steps = [
        {"label": said[name], "at": times[name], "state": "done" if name in done else "waiting"} for name in wanted
    ]
    if is_failed:
        label = _("Not understood by the partner's software") if state == "not_understood" else _("Refused")
        text = sentence(row["code"], {}, language_now(), isolate=True) if row["code"] else ""
        steps = [*(step for step in steps if step["at"]), {"label": label, "state": "failed", "text": text}]
    return {
        "partner": names.get(row["partner"], row["partner"]),
        "steps": steps,
        "envelope": row["envelope_id"],
        "manifest": row["manifest_digest"],
        "attempts": row["attempts"],
    }


def _rank(act: str) -> tuple[bool, bool, bool]:
    return act in COMMON_ACTS, act not in FOREMOST_ACTS, act in GRAVE_ACTS


def acts_shown(kind: str, permitted: Iterable[str], roles: Iterable[str]) -> list[dict[str, Any]]:
    """The acts that an officer of these roles may do now by a form; terms are written and ratified elsewhere."""
    if not may(roles, "act"):
        return []
    specs = registry.kind(kind).acts
    permitted = [act for act in permitted if act != "ratify" and not specs[act].parts.required & {"terms"}]
    permitted = [act for act in permitted if not specs[act].officer_roles or specs[act].officer_roles & set(roles)]
    return [
        {
            "act": act,
            "label": words.act_label(kind, act),
            "icon": ACT_ICONS.get(act, "circle"),
            "is_common": act in COMMON_ACTS and act != "resolve",
            "is_grave": act in GRAVE_ACTS,
        }
        for act in sorted(permitted, key=_rank)
    ]


def considered_shown(considered: Any, names: Mapping[str, str]) -> dict[str, Any]:
    """What would come of an act, in words: who will read, what is missing, what the accord says."""
    decision = considered.decision
    facts = {
        "clause": decision.clause,
        "term": decision.term,
        "blocks": decision.blocks or "",
        "role": decision.role or "",
    }
    return {
        "readers": words.named(considered.readers, names),
        "missing": len(considered.missing),
        "answer": decision.answer,
        "sentence": ""
        if decision.is_permitted
        else sentence(decision.code, words.with_names(facts, names), language_now(), isolate=True),
        "clause": decision.clause,
        "role": words.officer_role(decision.role) if decision.role else "",
        "conditions": decision.conditions,
        "may_be_sent": considered.may_be_sent,
        "code": decision.code,
    }


def outline(officer: Officer, dossier_id: str, act: str = "") -> dict[str, Any]:
    """What the form of an act needs to know of a dossier: asked anew whenever the form is checked.

    Of content it holds only what tells the parts apart that ``act`` may name.
    """
    row = queries.get_dossier_for(officer, dossier_id)
    rules = registry.kind(row.kind, row.kind_version)
    state, me = queries.folded_of(row).state, my_id()
    spec = rules.acts.get(act)
    traces = queries.traces_of(row) if spec and spec.names else []
    nameable = {
        code: {one.entry_id for one in traces if rules.may_name(act, code, one, state=state, party=me)}
        for code in (spec.names if spec else ())
    }
    names_parts = spec is not None and "part" in spec.codes.model_fields
    parts = _parts_told_apart(row, rules.name, nameable.get("entry", set())) if names_parts else {}
    entries = row.entries.values_list("entry_id", "act", "author", "is_effective")
    return {
        "dossier": row.dossier_id,
        "kind": row.kind,
        "title": row.title or "",
        "exercise": row.exercise,
        "due_at": row.due_at,
        "permitted": rules.permitted(state, me),
        "nameable": nameable,
        "entries": [
            {"entry": entry, "act": done, "author": author, "is_effective": effective, "parts": parts.get(entry, [])}
            for entry, done, author, effective in entries
        ],
    }


def _parts_told_apart(row: Dossier, kind: str, wanted: Collection[str]) -> dict[str, list[dict[str, str]]]:
    """Of each wanted entry the parts that are still here, each with its first words."""
    found: dict[str, list[dict[str, str]]] = {}
    for view in queries.entries_of(row):
        if view.row.entry_id not in wanted:
            continue
        found[view.row.entry_id] = [
            {"commitment": ref.commitment, "label": _told_apart(kind, part)}
            for ref, part in zip(view.signed.header.parts, view.parts, strict=True)
            if part is not None
        ]
    return found


def _told_apart(kind: str, part: Part) -> str:
    shown = part_shown(kind, {"erased": False, **part.to_json()})
    first = shown.get("text") or next((" ".join(values) for _label, values in shown.get("facts", [])), "")
    return f"{shown['label']}: {Truncator(first).chars(60)}" if first else str(shown["label"])
