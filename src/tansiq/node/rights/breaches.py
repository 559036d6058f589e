"""Writes of breaches of personal data: one function, one act, with its audit row. Audit rows name no person and quote no words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from tansiq.engine.errors import Conflict, Refused, Rejected
from tansiq.engine.formats.times import format_time
from tansiq.node.audit.actions import record
from tansiq.node.desk import actions as desk
from tansiq.node.rights import policy, queries
from tansiq.node.rights.models import Breach, Notice
from tansiq.node.rights.policy import OfficerLike
from tansiq.node.rights.steps import lay_on_desks, require_text

TELL_WITHIN = timedelta(hours=72)
"""Directive (EU) 2016/680 art. 30(1), where feasible; from general knowledge, to be verified for the State of the node."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is written down of a breach; ``persons`` and ``records`` are about how many, None where it is not known yet."""

    natures: tuple[str, ...]
    risk: str
    happened: str
    consequences: str
    measures: str
    known_at: datetime
    happened_at: datetime | None = None
    persons: int | None = None
    records: int | None = None


def open_breach(officer: OfficerLike, told: Told, *, now: datetime) -> Breach:
    """Document a breach and lay it on the desk of every data-protection officer.

    Raises Refused("account.role"); Rejected("rights.breach_natures"), ("rights.breach_risk"), ("rights.breach_known"), ("rights.text").
    """
    policy.require_officer(officer)
    if not told.natures or not set(told.natures) <= set(Breach.NATURES):
        raise Rejected("rights.breach_natures", at="/natures")
    if told.risk not in Breach.RISKS:
        raise Rejected("rights.breach_risk", at="/risk")
    if told.known_at > now or (told.happened_at and told.happened_at > told.known_at):
        raise Rejected("rights.breach_known", at="/known")
    words = {name: require_text(getattr(told, name), f"/{name}") for name in ("happened", "consequences", "measures")}
    with transaction.atomic():
        breach = Breach.objects.create(
            natures=list(told.natures),
            risk=told.risk,
            told={**words, "persons": told.persons, "records": told.records},
            happened_at=told.happened_at,
            known_at=told.known_at,
            due_at=told.known_at + TELL_WITHIN,
            created_by=officer.reference,
        )
        _note(officer, "rights.breach_opened", breach, now, risk=told.risk, due=format_time(breach.due_at))
        link = f"/rights/breaches/{breach.pk}/"
        lay_on_desks(
            "breach", breach.pk, title_code="desk.breach", due_at=breach.due_at, link=link, urgent=True, now=now
        )
    return breach


def note_read(officer: OfficerLike, breach: Breach, *, now: datetime) -> None:
    """That an officer looked at a breach."""
    with transaction.atomic():
        _note(officer, "rights.breach_read", breach, now)


def note_supervisor(officer: OfficerLike, breach_id: object, *, at: datetime, note: str, now: datetime) -> Breach:
    """Note that the supervisory authority was told, or why it needs not be; after the 72 hours the reasons stand in the note (art. 30(1)).

    Raises Rejected("rights.breach_known") for a moment before it was known or after now, ("rights.text"); Conflict("rights.breach_closed").
    """
    with transaction.atomic():
        breach = _open(officer, breach_id)
        said = require_text(note, "/note")
        _require_between(breach, at, now)
        breach.supervisor_at, breach.supervisor_note = at, said
        breach.save(update_fields=["supervisor_at", "supervisor_note"])
        desk.settle_all(f"breach/{breach.pk}/", now=now)
        _note(officer, "rights.breach_supervisor", breach, now, at=format_time(at), is_late=breach.is_late)
    return breach


def note_persons(officer: OfficerLike, breach_id: object, *, at: datetime, note: str, now: datetime) -> Breach:
    """Note that the persons concerned were told, or why not (art. 31); raises what :func:`note_supervisor` raises."""
    with transaction.atomic():
        breach = _open(officer, breach_id)
        said = require_text(note, "/note")
        _require_between(breach, at, now)
        breach.persons_at, breach.persons_note = at, said
        breach.save(update_fields=["persons_at", "persons_note"])
        _note(officer, "rights.breach_persons", breach, now, at=format_time(at))
    return breach


def next_number(breach: Breach, partner: str) -> str:
    """The reference of the next notice to ``partner``."""
    return f"BR-{breach.pk.hex[:12]}/{partner}/{breach.notices.filter(partner=partner).count() + 1}"


def note_notice(
    officer: OfficerLike, breach: Breach, *, partner: str, number: str, draft: str, now: datetime
) -> Notice:
    """A draft to ``partner`` lies on a desk, in the caller's transaction."""
    made = Notice.objects.create(breach=breach, partner=partner, number=number, draft=draft, made_at=now)
    _note(officer, "rights.breach_notice", breach, now, partner=partner, draft=draft)
    return made


def note_otherwise(officer: OfficerLike, breach_id: object, notice_id: object, *, note: str, now: datetime) -> Notice:
    """Note that a partner was told by another way, and how; raises Rejected("rights.notice_not_found"), ("rights.text")."""
    with transaction.atomic():
        breach = _open(officer, breach_id)
        said = require_text(note, "/note")
        notice = queries.get_notice(breach, notice_id)
        notice.otherwise, notice.otherwise_at = said, now
        notice.save(update_fields=["otherwise", "otherwise_at"])
        _note(officer, "rights.breach_otherwise", breach, now, partner=notice.partner)
    return notice


def close(officer: OfficerLike, breach_id: object, *, untold: Sequence[str], now: datetime) -> Breach:
    """Close it when everybody was told; ``untold`` names the partners whose notice did not arrive.

    Raises Refused("rights.breach_supervisor_missing"), ("rights.breach_persons_missing"), ("rights.breach_partners_missing").
    """
    with transaction.atomic():
        breach = _open(officer, breach_id)
        if breach.supervisor_at is None:
            raise Refused("rights.breach_supervisor_missing")
        if breach.risk == Breach.HIGH and breach.persons_at is None:
            raise Refused("rights.breach_persons_missing")
        if untold:
            raise Refused("rights.breach_partners_missing", partners=sorted(set(untold)))
        breach.closed_at = now
        breach.save(update_fields=["closed_at"])
        _note(officer, "rights.breach_closed", breach, now)
    return breach


def locked(officer: OfficerLike, breach_id: object) -> Breach:
    """The open breach, held until the caller's transaction ends; raises Conflict("rights.breach_closed")."""
    return _open(officer, breach_id)


def _open(officer: OfficerLike, breach_id: object) -> Breach:
    policy.require_officer(officer)
    found = queries.get_breach_for(officer, breach_id)
    breach = Breach.objects.select_for_update().get(pk=found.pk)
    if breach.closed_at is not None:
        raise Conflict("rights.breach_closed")
    return breach


def _require_between(breach: Breach, at: datetime, now: datetime) -> None:
    if not breach.known_at <= at <= now:
        raise Rejected("rights.breach_known", at="/at")


def _note(officer: OfficerLike, event: str, breach: Breach, now: datetime, **facts: Any) -> None:
    told = {"breach": str(breach.pk), **facts}
    record(event, actor=officer.reference, facts=told, log="internal", now=now)
