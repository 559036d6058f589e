"""Tasks in words: a task keeps codes and facts, the reader sees names and labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tansiq.node.desk.policy import is_held_by
from tansiq.node.web import words
from tansiq.node.web.languages import language_now
from tansiq.node.web.pages.search import band_word
from tansiq.node.wording import sentence

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer
    from tansiq.node.desk.models import Task

TASK_ICONS = {
    "entry": "envelope",
    "deadline": "alarm",
    "approval": "hand-index",
    "approved": "send-check",
    "asked_about": "eye",
    "undelivered": "envelope-exclamation",
    "delivery_refused": "envelope-exclamation",
    "call": "telephone-fill",
    "call_missed": "telephone",
    "call_unanswered": "telephone",
    "roster_empty": "calendar-x",
    "threat_review": "shield-exclamation",
    "threat_overdue": "shield-exclamation",
    "match": "link-45deg",
    "match_elsewhere": "link-45deg",
    "overdue": "alarm",
    "plan_conflict": "exclamation-triangle-fill",
    "plan_conflict_here": "exclamation-triangle-fill",
    "plan_escalated": "exclamation-triangle-fill",
    "plan_unacknowledged": "telephone",
    "plan_exception": "hand-index",
    "plan_not_asked": "calendar-x",
    "plan_not_told": "telephone",
    "plan_unanswered": "telephone",
}


@dataclass(frozen=True, slots=True)
class TaskShown:
    """One line of the desk; ``number`` tells its controls apart, so that the focus stays where it was when the list renews itself."""

    number: int
    key: str
    title: str
    icon: str
    link: str
    due_at: datetime | None
    urgent: bool
    is_mine: bool
    is_taken: bool
    circle: str


def tasks_shown(officer: Officer, tasks: Iterable[Task]) -> list[TaskShown]:
    """The lines of the desk, in the order given."""
    names = words.node_names()
    return [
        TaskShown(
            number=task.pk,
            key=task.key,
            title=sentence(task.title_code, facts_in_words(task.facts, names), language_now(), isolate=True),
            icon=TASK_ICONS.get(task.kind, "flag"),
            link=_link(task.link),
            due_at=task.due_at,
            urgent=task.urgent,
            is_mine=is_held_by(officer, task),
            is_taken=bool(task.taken_by),
            circle=task.circle,
        )
        for task in tasks
    ]


def _link(link: str) -> str:
    """The page a task leads to; rooms name it with or without the slash that pages end in."""
    return link if not link or "?" in link else f"{link.rstrip('/')}/"


def facts_in_words(facts: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The facts of a task with every code replaced by what it is called."""
    kind = str(facts.get("kind", ""))
    said = dict(facts)
    if kind:
        said["kind"] = words.kind_label(kind)
    for name, label in (("act", words.act_label), ("deadline", words.deadline_label), ("clause", words.clause_label)):
        if kind and facts.get(name):
            said[name] = label(kind, str(facts[name]))
    for name in ("partner", "node", "sender"):
        if facts.get(name):
            said[name] = names.get(str(facts[name]), facts[name])
    if facts.get("role"):
        said["role"] = words.officer_role(str(facts["role"]))
    if facts.get("band"):
        said["band"] = band_word(str(facts["band"]))
    if facts.get("urgency"):
        said["urgency"] = words.list_label("urgency_grounds", str(facts["urgency"]))
    if facts.get("purpose"):
        said["purpose"] = words.list_label("purposes", str(facts["purpose"]))
    return said
