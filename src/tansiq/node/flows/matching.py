"""Subjects that a partner sends are kept as received, and matched against what is held, for the owners of those records."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, connection, transaction

from tansiq.engine.dossiers import reshared
from tansiq.engine.dossiers.entries import Part
from tansiq.engine.entities import Grading, model
from tansiq.engine.errors import TansiqError
from tansiq.engine.kinds.alert import is_standing
from tansiq.engine.matching import Match, Query
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import queries as dossiers
from tansiq.node.dossiers.actions import lock
from tansiq.node.flows import exercises
from tansiq.node.register import actions as register_actions
from tansiq.node.register import index, policy
from tansiq.node.register import queries as register
from tansiq.node.register.cards import subject_of

if TYPE_CHECKING:
    from tansiq.node.dossiers.models import Entry
    from tansiq.node.register.models import Subject

TOLD_BANDS = frozenset({"strong", "probable"})
LIMIT = 50
CONTENT = ("schema", "properties", "belongings")
"""What of a subject part the register reads; the provider's own reference for it stays with the entry."""
OPEN = frozenset({"hit", "contact"})


def warm_up() -> None:
    """Bring this process's index up to date and make one search, so that the next one is quick."""
    try:
        index.holder().search(Query(names=("Warm Up",)), policy.labels_of_others("hit"), 1)
    except (TansiqError, DatabaseError):
        return
    finally:
        connection.close()


def match_entry(payload: dict[str, Any], now: datetime) -> None:
    """Job ``flows.match``: keep the subjects of an inbound entry and tell the owners of what they meet.

    A machine's match goes to the record's owner; the circle that received the entry learns that there is somebody to ask.
    Nothing is merged: a match is a task for a person.
    """
    row = dossiers.entry_by_id(str(payload["entry"]))
    if row is None or exercises.is_apart(row.dossier):
        return
    model()  # loading it takes seconds; nobody should wait for it at a locked row
    if row.dossier.kind == "alert" and not is_standing(dossiers.folded_of(row.dossier).state, now):
        return
    provider = dossiers.provider_of(row)
    for number, salted in enumerate(dossiers.signed_entry(row).parts):
        told = _told(provider, salted.part) if salted is not None else None
        subject = _store(row, number, *told, now) if told is not None else None
        if subject is None:
            continue
        if row.dossier.kind == "alert":
            tell_of_alert(subject, row.dossier_id, provider, row.dossier.circle, now)
        else:
            _tell(subject, row.dossier_id, provider, row.dossier.circle, now)


def _told(author: str, part: Part) -> tuple[str, Part] | None:
    """Whose subject a part tells of, and the part that does: itself, or the one that it passes on."""
    if part.type == reshared.RESHARED:
        origin = reshared.open_origin(part)
        author, part = origin.author, origin.salted.part
    return (author, part) if part.type == "subject" else None


def _store(row: Entry, number: int, owner: str, part: Part, now: datetime) -> Subject | None:
    """Keep the subject, unless its part was erased since it was read: an erasure holds the same lock."""
    with transaction.atomic():
        lock(row.dossier_id)
        if not dossiers.has_part(row.entry_id, number):
            return None
        return register_actions.store_received(
            {name: part.content[name] for name in CONTENT if name in part.content},
            entry=row.entry_id,
            part=number,
            dossier=row.dossier_id,
            sender=owner,
            circle=row.dossier.circle,
            marking=part.marking.to_json(),
            grading=_grading(part),
            handling_note=part.handling_note,
            language=part.language,
            review_at=part.review_at,
            now=now,
        )


def _grading(part: Part) -> Grading | None:
    """The author's grading, in the author's scheme."""
    if part.grading is None:
        return None
    return Grading(part.grading.scheme, part.grading.source, part.grading.information)


def tell_of_alert(subject: Subject, dossier_id: str, issuer: str, circle: str, now: datetime) -> None:
    """A partner's alert meets records of ours: a task for the owner of each, once – who has dealt with it is not asked again."""
    met = _met(subject, dossier_id, circle)
    with transaction.atomic():
        for match, record in met:
            desk.put(
                "alert_match",
                f"alert_match/{dossier_id}/{match.subject_id}",
                title_code="desk.alert_match",
                facts={"partner": issuer, "band": match.band},
                circle=record.circle,
                link=f"/alerts/{dossier_id}/",
                urgent=True,
                once=True,
                now=now,
            )


def _met(subject: Subject, dossier_id: str, circle: str) -> list[tuple[Match, register.Reach]]:
    """What the subject meets here and is told of, with whose record it is; nothing of its own dossier."""
    query = Query.of(subject_of(str(subject.subject_id), subject.schema, subject.card))
    met = index.holder().search(query, policy.labels_of_matches(circle), LIMIT)
    held = register.reach_of([m.subject_id for m in met if m.band in TOLD_BANDS])
    return [(m, record) for m in met if (record := held.get(m.subject_id)) and record.dossier != dossier_id]


def _tell(subject: Subject, dossier_id: str, author: str, circle: str, now: datetime) -> None:
    """Put the match before the owners of what the subject meets: every record that may be found, and all of the receiving circle's.

    The receiving circle hears that there is somebody to ask only where a record lets a contact be known; of a silent one it hears nothing.
    """
    met = _met(subject, dossier_id, circle)
    with transaction.atomic():
        for match, record in met:
            desk.put(
                "match",
                f"match/{dossier_id}/{match.subject_id}",
                title_code="desk.match",
                facts={"partner": author, "band": match.band},
                circle=record.circle,
                link=_link(subject, match.subject_id, shares=record.circle == circle),
                now=now,
            )
        if any(record.circle != circle and record.discoverability in OPEN for _, record in met):
            desk.put(
                "match_elsewhere",
                f"match_elsewhere/{dossier_id}",
                title_code="desk.match_elsewhere",
                facts={"partner": author},
                circle=circle,
                link=f"/dossiers/{dossier_id}",
                now=now,
            )


def _link(subject: Subject, met: str, *, shares: bool) -> str:
    """Where the task leads: both records side by side for a circle that sees both, else the circle's own record."""
    return f"/register/pairs/{subject.pk}/{met}/" if shares else f"/register/{met}"
