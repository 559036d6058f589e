"""The review of what the register keeps: every record has a date, and on that date a person decides.

*Keep* until another date, *restrict* (kept, but neither found, matched nor exported) or *erase*: each with a ground of
the list ``review_grounds`` and a reason in words, by a named officer, one record at a time or several with the same
decision. Nothing is ever extended by itself: what nobody decides stays in the queue, and after ``ESCALATE_AFTER`` lies
on the desk of the data-protection officers too (``tasks``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.db import transaction
from django.db.models import Q

from tansiq.engine.errors import Refused, Rejected, TansiqError
from tansiq.engine.formats.codes import code_list
from tansiq.engine.formats.times import format_time
from tansiq.node.audit.actions import record
from tansiq.node.desk import actions as desk
from tansiq.node.register import steps
from tansiq.node.register.models import RegisterChange, Review, StatementRow, Subject
from tansiq.node.register.policy import (
    LONGEST_KEEP,
    OVERSEEING_ROLES,
    OfficerLike,
    may_erase,
    may_see,
    may_write,
)
from tansiq.node.register.tasks import task_key

MAX_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Decision:
    """What is decided: ``ground`` is a code for this verdict, ``reason`` is in words, ``until`` is for *keep* alone."""

    verdict: str
    ground: str
    reason: str
    until: datetime | None = None

    def check(self, now: datetime) -> Decision:
        """This decision, if it can be made at all.

        Raises Rejected: ``register.unknown_review_verdict``, ``codes.unknown_code``, ``register.ground_not_for``,
        ``register.reason_needed``, ``register.review_until_needed`` or ``register.review_too_far``.
        """
        if self.verdict not in Review.VERDICTS:
            known = list(Review.VERDICTS)
            raise Rejected("register.unknown_review_verdict", at="/verdict", verdict=self.verdict[:20], known=known)
        if code_list("review_grounds").entry(self.ground, at="/ground").facts["verdict"] != self.verdict:
            raise Rejected("register.ground_not_for", at="/ground", ground=self.ground, verdict=self.verdict)
        steps.require_reason(self.reason)
        if self.verdict != Review.KEEP:
            return self
        if self.until is None or self.until <= now:
            raise Rejected("register.review_until_needed", at="/until")
        if self.until > now + LONGEST_KEEP:
            raise Rejected("register.review_too_far", at="/until", limit=format_time(now + LONGEST_KEEP))
        return self


class DecideOne(Protocol):
    """A function that decides about one record, as :func:`decide` does."""

    def __call__(self, officer: OfficerLike, subject_id: object, decision: Decision, *, now: datetime) -> None: ...


def decide(officer: OfficerLike, subject_id: object, decision: Decision, *, now: datetime) -> None:
    """Decide about one record.

    Raises what ``Decision.check`` raises; Rejected("register.subject_not_found"); Refused("register.may_not_write" |
    "register.may_not_erase"); Refused("register.review_retention_ended") where only the data-protection officer may
    keep it longer.
    """
    decision.check(now)
    with transaction.atomic():
        subject = steps.locked_subject(officer, subject_id)
        _require(officer, subject, decision, now)
        Review.objects.create(
            subject_id=subject.subject_id,
            verdict=decision.verdict,
            ground=decision.ground,
            reason=decision.reason,
            officer=officer.reference,
            was_due_at=due_at(subject),
            until=decision.until if decision.verdict == Review.KEEP else None,
            decided_at=now,
        )
        facts = {"subject": str(subject.pk), "verdict": decision.verdict, "ground": decision.ground}
        until = format_time(decision.until) if decision.until and decision.verdict == Review.KEEP else None
        told = {**facts, "until": until}
        record(
            "register.reviewed", actor=officer.reference, facts=told, log="internal", dossier=subject.dossier, now=now
        )
        if decision.verdict == Review.ERASE:
            steps.erase(
                subject, officer.reference, decision.ground, is_barred=subject.source_token is not None, now=now
            )
        elif decision.verdict == Review.RESTRICT:
            _restrict(subject, now)
        else:
            assert decision.until is not None
            _keep(subject, decision.until, now)
        _settle(subject.circle, now)


def decide_all(
    officer: OfficerLike, subject_ids: Sequence[object], decision: Decision, *, now: datetime, one: DecideOne = decide
) -> dict[str, TansiqError | None]:
    """The same decision about several records, each in its own transaction; what was refused, by id.

    ``one`` decides about each: a flow that reaches further than the register stands in for :func:`decide` on pages.

    Raises Rejected("register.too_many_at_once", limit=…) and what ``Decision.check`` raises, before anything is decided.
    """
    if len(subject_ids) > MAX_AT_ONCE:
        raise Rejected("register.too_many_at_once", limit=MAX_AT_ONCE)
    decision.check(now)
    outcomes: dict[str, TansiqError | None] = {}
    for subject_id in dict.fromkeys(map(str, subject_ids)):
        try:
            one(officer, subject_id, decision, now=now)
            outcomes[subject_id] = None
        except (Rejected, Refused) as error:
            outcomes[subject_id] = error
    return outcomes


def lift_restriction(officer: OfficerLike, subject_id: object, *, reason: str, now: datetime) -> None:
    """A restricted record is found, matched and exported again; its next review is due at once."""
    steps.require_reason(reason)
    with transaction.atomic():
        subject = steps.locked_subject(officer, subject_id)
        if not _may_decide(officer, subject):
            raise Refused("register.may_not_write", subject=str(subject.pk))
        if subject.restricted_at is None:
            raise Rejected("register.not_restricted", subject=str(subject.pk))
        subject.restricted_at, subject.review_at, subject.updated_at = None, now, now
        subject.save(update_fields=["restricted_at", "review_at", "updated_at"])
        facts = {"subject": str(subject.pk)}
        record("register.restriction_lifted", actor=officer.reference, facts=facts, log="internal", now=now)
        steps.number_changes({subject.subject_id: RegisterChange.PUT})


def due_at(subject: Subject) -> datetime | None:
    """When somebody must decide about the record: its review date or the end of its retention, whichever comes first."""
    return min((at for at in (subject.review_at, subject.retention_until) if at), default=None)


def _may_decide(officer: OfficerLike, subject: Subject) -> bool:
    return may_write(officer, subject) or (may_see(officer, subject) and bool(set(officer.roles) & OVERSEEING_ROLES))


def _require(officer: OfficerLike, subject: Subject, decision: Decision, now: datetime) -> None:
    if decision.verdict == Review.ERASE:
        if not may_erase(officer, subject):
            raise Refused("register.may_not_erase", subject=str(subject.pk))
        return
    if not _may_decide(officer, subject):
        raise Refused("register.may_not_write", subject=str(subject.pk))
    ends, until = subject.retention_until, decision.until or now + LONGEST_KEEP
    if ends is not None and until > ends and not set(officer.roles) & OVERSEEING_ROLES:
        raise Refused("register.review_retention_ended", subject=str(subject.pk), ends=format_time(ends), at="/until")


def _keep(subject: Subject, until: datetime, now: datetime) -> None:
    """Move the date; statements that were due are kept with the record, and one that is due earlier decides the next."""
    for row in StatementRow.objects.select_for_update().filter(subject=subject, retired_at=None, review_at__lte=now):
        row.review_at, row.told = until, {**row.told, "review_at": format_time(until)}
        row.save(update_fields=["review_at", "told"])
    earlier = subject.statements.filter(retired_at=None, review_at__gt=now, review_at__lt=until)
    subject.review_at = min([until, *earlier.values_list("review_at", flat=True)])
    if subject.retention_until is not None:
        subject.retention_until = max(subject.retention_until, until)
    subject.updated_at = now
    subject.save(update_fields=["review_at", "retention_until", "updated_at"])


def _restrict(subject: Subject, now: datetime) -> None:
    """Out of index, matches and exports; looked at again after the longest time that anything is kept unseen."""
    subject.restricted_at = subject.restricted_at or now
    subject.review_at, subject.updated_at = now + LONGEST_KEEP, now
    if subject.retention_until is not None:
        subject.retention_until = max(subject.retention_until, subject.review_at)
    subject.save(update_fields=["restricted_at", "review_at", "retention_until", "updated_at"])
    steps.number_changes({subject.subject_id: RegisterChange.PUT})


def _settle(circle: str, now: datetime) -> None:
    """The circle's task is done when nothing of it is due any more."""
    due = Q(review_at__lte=now) | Q(retention_until__lte=now)
    if not Subject.objects.filter(due, circle=circle).exists():
        desk.settle(task_key(circle), now=now)
