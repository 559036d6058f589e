"""Subjects that a partner sends are kept as received, and matched against what is held, for the owners of those records."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import DatabaseError, connection, transaction

from tansiq.engine.dossiers.entries import Part
from tansiq.engine.entities import Grading
from tansiq.engine.errors import TansiqError
from tansiq.engine.matching import Query
from tansiq.node.desk import actions as desk
from tansiq.node.dossiers import queries as dossiers
from tansiq.node.register import actions as register_actions
from tansiq.node.register import index, policy
from tansiq.node.register import queries as register
from tansiq.node.register.cards import subject_of
from tansiq.node.register.models import Subject

TOLD_BANDS = frozenset({"strong", "probable"})
LIMIT = 50


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
    if row is None:
        return
    signed = dossiers.signed_entry(row)
    for number, salted in enumerate(signed.parts):
        if salted is None or salted.part.type != "subject":
            continue
        part = salted.part
        subject = register_actions.store_received(
            part.content,
            entry=row.entry_id,
            part=number,
            dossier=row.dossier_id,
            sender=row.author,
            circle=row.dossier.circle,
            marking=part.marking.to_json(),
            grading=_grading(part),
            handling_note=part.handling_note,
            language=part.language,
            review_at=part.review_at,
            now=now,
        )
        if subject is not None:
            _tell(subject, row.dossier_id, row.author, row.dossier.circle, now)


def _grading(part: Part) -> Grading | None:
    """The author's grading, in the author's scheme."""
    if part.grading is None:
        return None
    return Grading(part.grading.scheme, part.grading.source, part.grading.information)


def _tell(subject: Subject, dossier_id: str, author: str, circle: str, now: datetime) -> None:
    met = index.holder().search(
        Query.of(subject_of(str(subject.subject_id), subject.schema, subject.card)),
        policy.labels_of_others("hit", "contact", "silent"),
        LIMIT,
    )
    met = [m for m in met if m.band in TOLD_BANDS and m.subject_id != str(subject.subject_id)]
    reach = register.reach_of([m.subject_id for m in met])
    with transaction.atomic():
        for match in met:
            record = reach.get(match.subject_id)
            if record is None:
                continue
            desk.put(
                "match",
                f"match/{dossier_id}/{match.subject_id}",
                title_code="desk.match",
                facts={"partner": author, "band": match.band},
                circle=record.circle,
                link=f"/register/{match.subject_id}",
                now=now,
            )
        if any(record.circle != circle for record in reach.values()):
            desk.put(
                "match_elsewhere",
                f"match_elsewhere/{dossier_id}",
                title_code="desk.match_elsewhere",
                facts={"partner": author},
                circle=circle,
                link=f"/dossiers/{dossier_id}",
                now=now,
            )
