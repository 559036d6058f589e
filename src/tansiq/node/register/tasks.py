"""What the worker does for the register: reminding each circle of what must be reviewed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from tansiq.node.desk import actions as desk
from tansiq.node.jobs import actions as jobs
from tansiq.node.register.queries import count_due_by_circle

REVIEW = "register.review"
EVERY = timedelta(days=1)


def remind_of_reviews(payload: dict[str, Any], now: datetime) -> None:  # noqa: ARG001 - a job handler's shape
    """Job ``register.review``: one task per circle while it has subjects due for review.

    Owes itself again for tomorrow.
    """
    counts = count_due_by_circle(now)
    with transaction.atomic():
        for circle, count in counts.items():
            desk.put(
                "register_review",
                f"register_review/{circle}/{now:%Y%m%d}",
                title_code="register.review_due",
                facts={"count": count},
                circle=circle,
                due_at=now,
                link="/register/",
                now=now,
            )
        jobs.enqueue(REVIEW, {}, now=now, run_at=now + EVERY, key=REVIEW)


HANDLERS = {REVIEW: remind_of_reviews}
