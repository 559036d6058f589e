"""What the worker does for the register: reminding each circle of what must be reviewed, and of what nobody decides."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from tansiq.node.accounts.queries import officers
from tansiq.node.audit.actions import record
from tansiq.node.desk import actions as desk
from tansiq.node.jobs import actions as jobs
from tansiq.node.register.policy import ESCALATE_AFTER, OVERSEEING_ROLES
from tansiq.node.register.queries import count_due_by_circle

REVIEW = "register.review"
EVERY = timedelta(days=1)
LINK = "/register/review/"
OVERDUE = "register_overdue/"


def task_key(circle: str) -> str:
    """The key of a circle's task: one, however many records are due and for however many days."""
    return f"register_review/{circle}"


def remind_of_reviews(payload: dict[str, Any], now: datetime) -> None:  # noqa: ARG001 - a job handler's shape
    """Job ``register.review``: one task per circle while it has records to decide about; the overdue ones go further up.

    Owes itself again for tomorrow.
    """
    counts = count_due_by_circle(now)
    overdue = sum(count_due_by_circle(now - ESCALATE_AFTER).values())
    with transaction.atomic():
        for circle, count in counts.items():
            desk.put(
                "register_review",
                task_key(circle),
                title_code="register.review_due",
                facts={"count": count},
                circle=circle,
                due_at=now,
                link=f"{LINK}?circle={circle}",
                now=now,
            )
        if overdue:
            _escalate(overdue, now)
        else:
            desk.settle_all(OVERDUE, now=now)
        jobs.enqueue(REVIEW, {}, now=now, run_at=now + EVERY, key=REVIEW)


def _escalate(count: int, now: datetime) -> None:
    """A task for every data-protection officer; for everybody where there is none, so that it does not lie unseen."""
    having = [one.reference for one in officers() if one.is_active and one.has_role(*OVERSEEING_ROLES)]
    facts = {"count": count, "days": ESCALATE_AFTER.days}
    for owner in having or [""]:
        desk.put(
            "register_overdue",
            f"{OVERDUE}{owner}",
            title_code="register.review_overdue",
            facts=facts,
            owner=owner,
            due_at=now,
            link=f"{LINK}?overdue=1",
            urgent=True,
            now=now,
        )
    record("register.review_escalated", actor="machine", facts=facts, log="internal", now=now)


HANDLERS = {REVIEW: remind_of_reviews}
