"""What a restored node waits for before it signs anything again: each partner's word of what it holds of this node.

A restored node does not know what it had signed since its copy was made. Until its partners have said so it reads, takes in and
compares, and signs nothing (design: restore). The row of a recovery is written by ``tansiq restore`` before any other process of the node
runs; a process that has seen no open one need not ask again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Q

from tansiq.engine.errors import Unavailable
from tansiq.node.exchange.models import InEnvelope, Item, Recovery

ASKED, ANSWER = "restored", "held"
_seen_over = [False]


def open_now() -> Recovery | None:
    """The recovery that is under way."""
    return Recovery.objects.filter(ended_at=None).order_by("-id").first()


def latest() -> Recovery | None:
    """The last recovery, ended or not."""
    return Recovery.objects.order_by("-id").first()


def under_way() -> Recovery | None:
    """The recovery that is under way; a process that has seen none need not ask again."""
    row = None if _seen_over[0] else open_now()
    if row is None:
        _seen_over[0] = True
    return row


def require_over() -> None:
    """Raise Unavailable("recovery.under_way") while this node may not sign, naming whom it waits for."""
    if row := under_way():
        raise Unavailable("recovery.under_way", partners=", ".join(awaited(row)) or "–", incarnation=row.incarnation)


def begin(*, incarnation: int, copy_at: datetime | None, now: datetime) -> Recovery:
    """Sign nothing from now on, in the caller's transaction; whom to wait for is said by :func:`wait_for`."""
    _seen_over[0] = False
    Recovery.objects.filter(ended_at=None).update(ended_at=now)
    return Recovery.objects.create(incarnation=incarnation, begun_at=now, copy_at=copy_at, answers={})


def wait_for(row: Recovery, partners: Iterable[str]) -> list[str]:
    """Wait for these partners too, in the caller's transaction; returns those for whom nobody waited before."""
    locked = Recovery.objects.select_for_update().get(pk=row.pk)
    new = sorted(set(partners) - set(locked.answers))
    locked.answers |= dict.fromkeys(new)
    locked.save(update_fields=["answers"])
    return new


def learn(partner: str, answer: dict[str, Any], *, incarnation: int) -> None:
    """Keep what ``partner`` says it holds of us, in the caller's transaction; the first answer counts, any other changes nothing."""
    row = Recovery.objects.select_for_update().filter(ended_at=None, incarnation=incarnation).first()
    if row is not None and partner in row.answers and row.answers[partner] is None:
        row.answers[partner] = answer
        row.save(update_fields=["answers"])


def awaited(row: Recovery) -> list[str]:
    """Who has not said yet; a partner that does not understand the question has nothing to say."""
    silent = [partner for partner, answer in row.answers.items() if answer is None]
    deaf = Item.objects.filter(type=ASKED, reference=reference(row.incarnation), not_understood=True)
    return sorted(set(silent) - set(deaf.values_list("partner", flat=True)))


def reference(incarnation: int) -> str:
    """Under which the question of this recovery is owed."""
    return f"{ASKED}/{incarnation}"


def is_arriving() -> bool:
    """Whether anything that has come is not taken in yet."""
    return InEnvelope.objects.filter(state=InEnvelope.STORED).exists()


def last_manifest_of(partner: str, *, before: int) -> dict[str, Any] | None:
    """The last envelope of ``partner`` of an incarnation below ``before``: {incarnation, sequence, digest}."""
    rows = InEnvelope.objects.filter(Q(sender=partner) & Q(incarnation__lt=before)).order_by(
        "-incarnation", "-sequence"
    )
    row = rows.values("incarnation", "sequence", "manifest_digest").first()
    if row is None:
        return None
    return {"incarnation": row["incarnation"], "sequence": row["sequence"], "digest": row["manifest_digest"]}


def end(row: Recovery, declaration: dict[str, Any], now: datetime) -> bool:
    """End the recovery, in the caller's transaction; False if somebody else has."""
    return bool(Recovery.objects.filter(pk=row.pk, ended_at=None).update(ended_at=now, declaration=declaration))
