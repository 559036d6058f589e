"""Reads and writes of screenings. A screening belongs to the officer who asked; others know of it by the log alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from tansiq.engine.errors import Rejected
from tansiq.engine.formats.ids import is_id
from tansiq.node.audit.actions import record
from tansiq.node.jobs import actions as jobs
from tansiq.node.search.models import Screening, ScreeningHit, ScreeningPartner, ScreeningQuestion
from tansiq.node.search.policy import OfficerLike

JOB = "search.screen"
PAGE = 50
VERDICTS = ("same", "different", "unsure")


def open_screening(
    officer: OfficerLike, *, title: str, content: bytes, rows: int, purpose: str, reference: str, now: datetime
) -> Screening:
    """Keep a list that is to be asked, and owe the work."""
    with transaction.atomic():
        row = Screening.objects.create(
            officer=officer.reference,
            title=title,
            content=content,
            rows=rows,
            purpose=purpose,
            reference=reference,
            asked_at=now,
        )
        facts = {"screening": str(row.pk), "purpose": purpose, "rows": rows, "reference": reference}
        record("screening.made", actor=officer.reference, facts=facts, log="internal", now=now)
        jobs.enqueue(JOB, {"screening": str(row.pk)}, now=now, key=f"{JOB}/{row.pk}")
    return row


def running(screening_id: str) -> Screening | None:
    """A screening that is still to be worked on; for the machine."""
    return Screening.objects.filter(pk=screening_id, state=Screening.RUNNING).first()


def keep_answers(
    screening: Screening, hits: Sequence[Mapping[str, Any]], *, before: int, done: int, now: datetime
) -> bool:
    """Keep what rows ``before`` to ``done`` met, and owe the rest; False when another worker was first, or it was stopped."""
    with transaction.atomic():
        row = Screening.objects.select_for_update().get(pk=screening.pk)
        if row.done != before or row.state != Screening.RUNNING:
            return False
        ScreeningHit.objects.bulk_create([ScreeningHit(screening=row, **hit) for hit in hits])
        row.done = done
        if done < row.rows:
            jobs.enqueue(JOB, {"screening": str(row.pk)}, now=now, key=f"{JOB}/{row.pk}")
            row.save(update_fields=["done"])
        else:
            end(row, Screening.DONE, now)
    return True


def stop(officer: OfficerLike, screening_id: str, *, now: datetime) -> None:
    """Ask no further rows; what was met stays."""
    with transaction.atomic():
        row = get_screening_for(officer, screening_id, lock=True)
        if row.state in (Screening.RUNNING, Screening.PREPARED):
            end(row, Screening.STOPPED, now)


def end_without(screening: Screening, now: datetime) -> None:
    """End a screening whose officer may no longer ask."""
    with transaction.atomic():
        row = Screening.objects.select_for_update().get(pk=screening.pk)
        if row.state == Screening.RUNNING:
            end(row, Screening.STOPPED, now)


def end(row: Screening, state: str, now: datetime) -> None:
    """Nothing is asked any more and the list goes, in the caller's transaction; answers that are still on their way are not kept."""
    row.state, row.ended_at, row.content = state, now, None
    row.save(update_fields=["state", "ended_at", "content", "done"])
    open_ones = (ScreeningQuestion.WAITING, ScreeningQuestion.AGAIN)
    questions = ScreeningQuestion.objects.filter(asked_of__screening=row, state__in=open_ones)
    questions.update(state=ScreeningQuestion.ENDED, blinds=None, answered_at=now)
    row.partners.exclude(state=ScreeningPartner.DONE).update(state=ScreeningPartner.STOPPED, resumes_at=None)
    facts = {"screening": str(row.pk), "state": state, "done": row.done, "hits": row.hits.count()}
    record("screening.ended", actor=row.officer, facts=facts, log="internal", now=now)


def judge_hit(officer: OfficerLike, screening_id: str, number: int, *, verdict: str, now: datetime) -> None:
    """What the officer makes of a hit; an empty verdict takes it back. Raises Rejected("search.unknown_verdict")."""
    if verdict and verdict not in VERDICTS:
        raise Rejected("search.unknown_verdict", at="/verdict")
    with transaction.atomic():
        screening = get_screening_for(officer, screening_id)
        hit = screening.hits.select_for_update().filter(pk=number).first()
        if hit is None:
            raise Rejected("search.not_found", search=str(number))
        hit.verdict, hit.judged_at = verdict, now if verdict else None
        hit.save(update_fields=["verdict", "judged_at"])
        facts = {"screening": str(screening.pk), "row": hit.row, "subject": str(hit.subject_id), "verdict": verdict}
        record("screening.judged", actor=officer.reference, facts=facts, log="internal", now=now)


def get_screening_for(officer: OfficerLike, screening_id: str, *, lock: bool = False) -> Screening:
    """One's own screening; raises Rejected("search.not_found")."""
    rows = Screening.objects.select_for_update() if lock else Screening.objects
    found = rows.filter(officer=officer.reference, pk=screening_id).first() if is_id(screening_id) else None
    if found is None:
        raise Rejected("search.not_found", search=str(screening_id)[:40])
    return found


def screenings_for(officer: OfficerLike) -> QuerySet[Screening]:
    """One's own screenings, newest first, without their lists."""
    return Screening.objects.filter(officer=officer.reference).defer("content")


def hits_of(screening: Screening, *, after: int = 0, limit: int = PAGE) -> list[ScreeningHit]:
    """Hits of a screening the caller may see, in the order of the list, after the hit with number ``after``."""
    rows = screening.hits.all()
    start = rows.filter(pk=after).first() if after else None
    if start is not None:
        rows = rows.filter(row__gt=start.row) | rows.filter(row=start.row, pk__gt=start.pk)
    return list(rows.order_by("row", "pk")[:limit])


def note_exported(officer: OfficerLike, screening: Screening, *, now: datetime) -> None:
    """That the hits were taken out as a file."""
    facts = {"screening": str(screening.pk), "hits": screening.hits.count()}
    record("screening.exported", actor=officer.reference, facts=facts, log="internal", now=now)
