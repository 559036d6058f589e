"""Reads and writes of lists that partners are asked about blindly.

A list belongs to a screening (``screenings``) and is asked of each partner in questions of so many rows; a question that was not answered
is asked anew. What is owed is always a row here and a job in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from tansiq.engine.errors import Rejected
from tansiq.node.audit.actions import record
from tansiq.node.jobs import actions as jobs
from tansiq.node.search.models import Screening, ScreeningHit, ScreeningPartner, ScreeningQuestion
from tansiq.node.search.policy import OfficerLike
from tansiq.node.search.screenings import end, get_screening_for

JOB = "search.ask_list"


@dataclass(frozen=True, slots=True)
class Planned:
    """What asking one partner about a list comes to, or (with a ``code``) why it is not asked."""

    partner: str
    families: Sequence[str] = ()
    cost: int = 0
    code: str = ""
    clause: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows of the list that are next to be asked; ``again`` is the question that was not answered about them."""

    first: int
    last: int
    again: ScreeningQuestion | None = None


# -- prepared and begun --------------------------------------------------------------------------------------------------


def keep_prepared(
    officer: OfficerLike,
    *,
    title: str,
    lines: Sequence[str],
    purpose: str,
    crime_area: str,
    reference: str,
    planned: Sequence[Planned],
    now: datetime,
) -> Screening:
    """Keep a list with what asking it would cost; nobody is asked before the officer has seen that."""
    with transaction.atomic():
        row = Screening.objects.create(
            officer=officer.reference,
            title=title,
            content="\n".join(lines).encode(),
            rows=len(lines),
            purpose=purpose,
            crime_area=crime_area,
            reference=reference,
            is_blind=True,
            state=Screening.PREPARED,
            asked_at=now,
        )
        ScreeningPartner.objects.bulk_create(
            ScreeningPartner(
                screening=row,
                partner=one.partner,
                families=list(one.families),
                cost=one.cost,
                code=one.code,
                clause=one.clause,
                state=ScreeningPartner.STOPPED if one.code else ScreeningPartner.READY,
            )
            for one in planned
        )
        facts = {"screening": str(row.pk), "purpose": purpose, "rows": len(lines), "reference": reference}
        record("screening.made", actor=officer.reference, facts=facts, log="internal", now=now)
    return row


def begin(officer: OfficerLike, screening_id: str, *, now: datetime) -> None:
    """Begin to ask. Raises Rejected("search.list_not_prepared") for one that is under way or over, or whom nobody may be asked about."""
    with transaction.atomic():
        row = get_screening_for(officer, screening_id, lock=True)
        ready = list(row.partners.filter(state=ScreeningPartner.READY))
        if row.state != Screening.PREPARED or not ready:
            raise Rejected("search.list_not_prepared", screening=str(row.pk))
        row.state = Screening.RUNNING
        row.save(update_fields=["state"])
        for asked in ready:
            asked.state = ScreeningPartner.ASKING
            asked.save(update_fields=["state"])
            owe(asked, now)
        facts = {"screening": str(row.pk), "partners": {asked.partner: asked.cost for asked in ready}}
        record("screening.begun", actor=officer.reference, facts=facts, log="internal", now=now)


def owe(asked: ScreeningPartner, now: datetime, *, at: datetime | None = None) -> None:
    """Owe the next question to a partner, in the caller's transaction."""
    jobs.enqueue(JOB, {"asked_of": asked.pk}, now=now, run_at=at, key=f"{JOB}/{asked.pk}")


# -- asking --------------------------------------------------------------------------------------------------------------


def under_way(number: int) -> ScreeningPartner | None:
    """A partner that is still to be asked; for the machine."""
    states = (ScreeningPartner.ASKING, ScreeningPartner.RESTING)
    rows = ScreeningPartner.objects.select_related("screening").filter(pk=number, state__in=states)
    return rows.filter(screening__state=Screening.RUNNING).first()


def waiting_count(asked: ScreeningPartner) -> int:
    """How many questions the partner has not answered yet."""
    return asked.questions.filter(state=ScreeningQuestion.WAITING).count()


def next_stretch(asked: ScreeningPartner) -> Stretch | None:
    """What is to be asked next, first what was asked in vain; None when every row is in a question."""
    again = asked.questions.filter(state=ScreeningQuestion.AGAIN).first()
    if again is not None:
        return Stretch(again.first, again.last, again)
    if asked.asked_to < asked.screening.rows:
        return Stretch(asked.asked_to + 1, asked.screening.rows)
    return None


def put_question(
    asked: ScreeningPartner,
    stretch: Stretch,
    *,
    query: str,
    last: int,
    keyless: Sequence[int],
    blinds: Mapping[str, Any] | None,
    cost: int,
    now: datetime,
) -> bool:
    """Keep a question about the stretch's rows up to ``last``, in the caller's transaction; without ``blinds`` there was nothing to ask.

    False when somebody else was first, or the list was stopped: then nothing may be sent.
    """
    row = _locked(asked)
    if row is None or (stretch.again is None and row.asked_to + 1 != stretch.first):
        return False
    if stretch.again is not None and not _take_again(stretch.again, last, now):
        return False
    ScreeningQuestion.objects.create(
        query_id=query,
        asked_of=row,
        first=stretch.first,
        last=last,
        keyless=list(keyless),
        blinds=dict(blinds) if blinds else None,
        cost=cost,
        state=ScreeningQuestion.WAITING if blinds else ScreeningQuestion.ANSWERED,
        asked_at=now,
        answered_at=None if blinds else now,
    )
    row.state, row.code, row.clause, row.resumes_at = ScreeningPartner.ASKING, "", "", None
    row.asked_to = max(row.asked_to, last)
    row.save(update_fields=["state", "code", "clause", "resumes_at", "asked_to"])
    if blinds:
        _note_asked(row, query, blinds, cost, now)
    return True


def _locked(asked: ScreeningPartner) -> ScreeningPartner | None:
    """The partner's row, under the lock of its screening, if it may still be asked."""
    screening = Screening.objects.select_for_update().get(pk=asked.screening_id)
    row = ScreeningPartner.objects.select_for_update().get(pk=asked.pk)
    is_open = row.state in (ScreeningPartner.ASKING, ScreeningPartner.RESTING)
    row.screening = screening
    return row if is_open and screening.state == Screening.RUNNING else None


def _take_again(question: ScreeningQuestion, last: int, now: datetime) -> bool:
    """The unanswered question gives its rows up to ``last`` to a new one, and keeps the rest for another."""
    left = ScreeningQuestion.objects.filter(pk=question.pk, state=ScreeningQuestion.AGAIN, first=question.first)
    if last < question.last:
        return bool(left.update(first=last + 1))
    return bool(left.update(state=ScreeningQuestion.ENDED, answered_at=now))


def _note_asked(row: ScreeningPartner, query: str, blinds: Mapping[str, Any], cost: int, now: datetime) -> None:
    facts = {
        "partner": row.partner,
        "query": query,
        "purpose": row.screening.purpose,
        "epoch": blinds["epoch"],
        "families": sorted(set(blinds["families"])),
        "cost": cost,
        "screening": str(row.screening_id),
    }
    record("blind.asked", actor=row.screening.officer, facts=facts, log="exchange", now=now)


def rest(asked: ScreeningPartner, *, code: str, clause: str = "", until: datetime, now: datetime) -> None:
    """Ask no further until then, and say why."""
    with transaction.atomic():
        row = _locked(asked)
        if row is not None:
            _rest(row, code, clause, until, now)


def _rest(row: ScreeningPartner, code: str, clause: str, until: datetime, now: datetime) -> None:
    row.state, row.code, row.clause, row.resumes_at = ScreeningPartner.RESTING, code, clause, until
    row.save(update_fields=["state", "code", "clause", "resumes_at"])
    owe(row, now, at=until)


def stop_asking(asked: ScreeningPartner, *, code: str, clause: str = "", now: datetime) -> None:
    """Ask this partner no further, and say why; the other partners are asked on."""
    with transaction.atomic():
        row = _locked(asked)
        if row is not None:
            _stop(row, code, clause, now)


def _stop(row: ScreeningPartner, code: str, clause: str, now: datetime) -> None:
    row.state, row.code, row.clause, row.resumes_at = ScreeningPartner.STOPPED, code, clause, None
    row.save(update_fields=["state", "code", "clause", "resumes_at"])
    open_ones = row.questions.filter(state__in=(ScreeningQuestion.WAITING, ScreeningQuestion.AGAIN))
    open_ones.update(state=ScreeningQuestion.ENDED, blinds=None, code=code, answered_at=now)
    _end_if_over(row.screening, now)


# -- answered ------------------------------------------------------------------------------------------------------------


def question_of(partner: str, query: str) -> ScreeningQuestion | None:
    """The list's question of that number to that partner; None if there is none."""
    rows = ScreeningQuestion.objects.select_related("asked_of__screening")
    return rows.filter(pk=query, asked_of__partner=partner).first()


def unanswered_since(before: datetime) -> list[ScreeningQuestion]:
    """Questions of lists that were sent before then and still wait, one a partner and list, the oldest first."""
    rows = ScreeningQuestion.objects.select_related("asked_of__screening").order_by("asked_at")
    late = rows.filter(state=ScreeningQuestion.WAITING, asked_at__lt=before)[:500]
    return list({row.asked_of_id: row for row in reversed(late)}.values())


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a question: the rows that hit, or why it was not answered and what follows.

    ``is_free``: the partner refused, and so it took nothing of the budget. ``until``: the rows are asked anew after a rest, ``code`` says why;
    with a ``code`` and no ``until`` the partner is asked no further.
    """

    hits: Sequence[Mapping[str, Any]] = ()
    code: str = ""
    is_free: bool = False
    until: datetime | None = None


def keep_outcome(question: ScreeningQuestion, outcome: Outcome, now: datetime) -> bool:
    """Keep it, in the caller's transaction; False when it was answered before, or its list was stopped."""
    row = _locked(question.asked_of)
    held = ScreeningQuestion.objects.select_for_update().get(pk=question.pk)
    if row is None or held.state != ScreeningQuestion.WAITING:
        return False
    held.state = ScreeningQuestion.AGAIN if outcome.code else ScreeningQuestion.ANSWERED
    held.code, held.blinds, held.answered_at = outcome.code, None, now
    held.cost = 0 if outcome.is_free else held.cost
    held.save(update_fields=["state", "code", "blinds", "cost", "answered_at"])
    ScreeningHit.objects.bulk_create(
        [ScreeningHit(screening=row.screening, partner=row.partner, **hit) for hit in outcome.hits]
    )
    facts = {
        "partner": row.partner,
        "query": str(held.pk),
        "outcome": "refused" if outcome.code else "hit" if outcome.hits else "nothing",
        "code": outcome.code,
    }
    record("blind.answered", actor=f"node:{row.partner}", facts=facts, log="exchange", now=now)
    if outcome.until is not None:
        _rest(row, outcome.code, "", outcome.until, now)
    elif outcome.code:
        _stop(row, outcome.code, "", now)
    elif row.state == ScreeningPartner.ASKING or (row.resumes_at and row.resumes_at <= now):
        owe(row, now)
    _end_if_over(row.screening, now)
    return True


def settle(asked: ScreeningPartner, now: datetime) -> None:
    """Note whether the partner has answered about every row, and with the last one end the screening."""
    with transaction.atomic():
        row = _locked(asked)
        if row is not None:
            _end_if_over(row.screening, now)


def _end_if_over(screening: Screening, now: datetime) -> None:
    partners = list(screening.partners.all())
    for row in partners:
        is_open = row.state in (ScreeningPartner.ASKING, ScreeningPartner.RESTING)
        if is_open and row.asked_to >= screening.rows and not _is_owed(row):
            row.state, row.code, row.clause, row.resumes_at = ScreeningPartner.DONE, "", "", None
            row.save(update_fields=["state", "code", "clause", "resumes_at"])
    over = (ScreeningPartner.DONE, ScreeningPartner.STOPPED)
    screening.done = min((answered_rows(row) for row in partners if row.state != row.STOPPED), default=0)
    if all(row.state in over for row in partners) and screening.state == Screening.RUNNING:
        is_done = any(row.state == ScreeningPartner.DONE for row in partners)
        end(screening, Screening.DONE if is_done else Screening.STOPPED, now)
    else:
        screening.save(update_fields=["done"])


def _is_owed(row: ScreeningPartner) -> bool:
    return row.questions.filter(state__in=(ScreeningQuestion.WAITING, ScreeningQuestion.AGAIN)).exists()


# -- read ----------------------------------------------------------------------------------------------------------------


def answered_rows(asked: ScreeningPartner) -> int:
    """About how many rows the partner has answered."""
    rows = asked.questions.filter(state=ScreeningQuestion.ANSWERED).values_list("first", "last")
    return sum(last - first + 1 for first, last in rows)


def keyless_rows(asked: ScreeningPartner) -> int:
    """How many of them could not be asked, for want of a date or a number that gives a key."""
    lists = asked.questions.filter(state=ScreeningQuestion.ANSWERED).values_list("keyless", flat=True)
    return sum(map(len, lists))


def outcomes(screening: Screening) -> Iterable[dict[str, Any]]:
    """For every row and partner what came of it, by partner and row: ``hit``, ``no_hit``, ``no_key`` or ``not_asked``."""
    for asked in screening.partners.all():
        hits = {hit.row: hit for hit in screening.hits.filter(partner=asked.partner)}
        at = 1
        questions = asked.questions.filter(state=ScreeningQuestion.ANSWERED).order_by("first")
        for question in questions.values("first", "last", "keyless"):
            yield from _plain(asked.partner, at, question["first"], "not_asked")
            keyless = set(question["keyless"])
            for row in range(question["first"], question["last"] + 1):
                hit = hits.get(row)
                told = {"families": hit.met, **hit.told} if hit else {}
                outcome = "hit" if hit else "no_key" if row in keyless else "no_hit"
                yield {"row": row, "partner": asked.partner, "outcome": outcome, **told}
            at = question["last"] + 1
        yield from _plain(asked.partner, at, screening.rows + 1, "not_asked")


def _plain(partner: str, first: int, end_before: int, outcome: str) -> Iterable[dict[str, Any]]:
    return ({"row": row, "partner": partner, "outcome": outcome} for row in range(first, end_before))


def hit_for(officer: OfficerLike, number: int) -> ScreeningHit:
    """One hit of one's own list at a partner; raises Rejected("search.not_found")."""
    rows = ScreeningHit.objects.select_related("screening").exclude(partner="")
    found = rows.filter(pk=number, screening__officer=officer.reference).first()
    if found is None:
        raise Rejected("search.not_found", search=str(number))
    return found
