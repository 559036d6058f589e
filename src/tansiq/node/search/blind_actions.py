"""Writes of blind questions: what is held ready for partners, and what partners hold ready for us.

All in the caller's transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Exists, OuterRef

from tansiq.engine.blind import filters
from tansiq.engine.blind.filters import Filter, Marks
from tansiq.engine.blind.keys import FAMILIES
from tansiq.engine.errors import Rejected
from tansiq.node.audit.actions import record
from tansiq.node.search.models import (
    Asked,
    BlindEpoch,
    BlindFilter,
    BlindRecord,
    HeldEpoch,
    HeldFilter,
    HeldPiece,
    InboundQuery,
    Search,
)

MARK_BITS = filters.MAX_BUCKET_BITS + filters.REMAINDER_BITS
"""Marks of records are kept at full length, so that a filter of any size can be made from them."""
MAX_WAITING_PIECES = 2000


@dataclass(frozen=True, slots=True)
class Written:
    """A filter as it goes to the partner: its family, canonical bytes and digest."""

    family: str
    content: bytes
    digest: str


# -- held ready for a partner -----------------------------------------------------------------------------------------


def begin_epoch(
    partner: str, number: int, *, scheme: str, families: Sequence[str], public: str, ends_at: datetime, now: datetime
) -> BlindEpoch:
    """A new epoch, whose filters are to be built."""
    row = BlindEpoch.objects.create(
        partner=partner,
        number=number,
        scheme=scheme,
        families=list(families),
        public=public,
        started_at=now,
        ends_at=ends_at,
    )
    facts = {"partner": partner, "epoch": number, "families": list(families)}
    record("blind.epoch_begun", actor="machine", facts=facts, log="exchange", now=now)
    return row


def put_records(epoch: BlindEpoch, marks: Mapping[str, bytes], gone: Iterable[str], change_number: int) -> None:
    """The marks of subjects as they are now, and the subjects that no partner may hit any more."""
    left = [uuid.UUID(subject) for subject in [*marks, *gone]]
    BlindRecord.objects.filter(epoch=epoch, subject_id__in=left).delete()
    BlindRecord.objects.bulk_create(
        BlindRecord(epoch=epoch, subject_id=uuid.UUID(subject), marks=raw) for subject, raw in marks.items() if raw
    )
    epoch.change_number = change_number
    epoch.save(update_fields=["change_number"])


def pack(family: str, outputs: Sequence[bytes]) -> bytes:
    """The marks of one family's outputs as ``BlindRecord`` keeps them."""
    place = bytes([FAMILIES.index(family)])
    return b"".join(place + filters.mark_of(output, filters.MAX_BUCKET_BITS).to_bytes(8, "big") for output in outputs)


def marks_by_family(epoch: BlindEpoch) -> dict[str, Marks]:
    """All marks of an epoch's records, by family, at full length, each once."""
    found: dict[str, list[Marks]] = {family: [] for family in epoch.families}
    rows = BlindRecord.objects.filter(epoch=epoch).values_list("marks", flat=True)
    batch: list[bytes] = []
    for raw in rows.iterator(chunk_size=5000):
        batch.append(bytes(raw))
        if len(batch) == 5000:
            _sort_in(found, b"".join(batch))
            batch.clear()
    _sort_in(found, b"".join(batch))
    return {family: np.unique(np.concatenate([*parts, _none()])) for family, parts in found.items()}


def _sort_in(found: dict[str, list[Marks]], raw: bytes) -> None:
    table = np.frombuffer(raw, dtype=np.dtype([("family", "u1"), ("mark", ">u8")]))
    for family, parts in found.items():
        parts.append(table["mark"][table["family"] == FAMILIES.index(family)].astype(np.uint64))


def _none() -> Marks:
    return np.empty(0, dtype=np.uint64)


def shortened(marks: Marks, bucket_bits: int) -> Marks:
    """Marks of full length as a filter of ``bucket_bits`` has them."""
    return np.unique(marks >> np.uint64(MARK_BITS - bucket_bits - filters.REMAINDER_BITS))


def put_filter(epoch: BlindEpoch, family: str, content: Filter, filling: Marks, now: datetime) -> Written:
    """Keep a filter as the partner will have it."""
    raw, digest = content.to_bytes(), content.digest()
    told = {"content": raw, "filling": filling.astype(">u8").tobytes(), "digest": digest, "changed_at": now}
    BlindFilter.objects.update_or_create(epoch=epoch, family=family, defaults=told)
    return Written(family, raw, digest)


def open_epoch(epoch: BlindEpoch, now: datetime) -> None:
    """The epoch is announced; the one before it of its scheme goes on being answered for a while."""
    former = BlindEpoch.objects.filter(partner=epoch.partner, scheme=epoch.scheme, state=BlindEpoch.OPEN)
    former.update(state=BlindEpoch.CLOSING)
    epoch.state, epoch.opened_at = BlindEpoch.OPEN, now
    epoch.save(update_fields=["state", "opened_at"])
    facts = {"partner": epoch.partner, "epoch": epoch.number}
    record("blind.epoch_opened", actor="machine", facts=facts, log="exchange", now=now)


def end_epoch(epoch: BlindEpoch, now: datetime) -> None:
    """Nothing is answered under the epoch any more; marks and filters go."""
    epoch.records.all().delete()
    epoch.filters.all().delete()
    epoch.state = BlindEpoch.ENDED
    epoch.save(update_fields=["state"])
    facts = {"partner": epoch.partner, "epoch": epoch.number}
    record("blind.epoch_ended", actor="machine", facts=facts, log="exchange", now=now)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A partner's blind question, as far as this node learns of it."""

    partner: str
    query: str
    purpose: str
    crime_area: str
    asked_by: str
    families: Sequence[str]
    elements: int
    cost: int


def note_blind_question(asked: Arrived, *, code: str, now: datetime) -> bool:
    """Note a question and whether it is answered (``code`` empty) in budget and log; False when it was noted before."""
    told = {
        "purpose": asked.purpose,
        "crime_area": asked.crime_area,
        "outcome": "refused" if code else "evaluated",
        "is_blind": True,
        "asked_by": asked.asked_by,
        "cost": 0 if code else asked.cost,
        "received_at": now,
    }
    query = uuid.UUID(asked.query)
    if not InboundQuery.objects.get_or_create(query_id=query, partner=asked.partner, defaults=told)[1]:
        return False
    facts = {
        "partner": asked.partner,
        "query": asked.query,
        "purpose": asked.purpose,
        "asked_by": asked.asked_by,
        "families": list(asked.families),
        "elements": asked.elements,
        "cost": told["cost"],
        "code": code,
    }
    record("blind.answered_for", actor=f"node:{asked.partner}", facts=facts, log="exchange", now=now)
    return True


# -- held ready by a partner ------------------------------------------------------------------------------------------


def hold_epoch(
    partner: str,
    number: int,
    *,
    scheme: str,
    public: str,
    ends_at: datetime,
    announced: Mapping[str, tuple[str, int]],
    speaks: Sequence[str] | None = None,
    now: datetime,
) -> HeldEpoch:
    """A partner's announcement; ``announced`` gives for each family the digest of its filter and in how many pieces it comes.

    Raises Rejected("blind.epoch_differs") for a second announcement of a number that says otherwise.
    """
    told = {"scheme": scheme, "public": public, "ends_at": ends_at, "announced_at": now}
    told["speaks"] = None if speaks is None else list(speaks)
    row, is_new = HeldEpoch.objects.get_or_create(partner=partner, number=number, defaults=told)
    if not is_new:
        held = {f.family: (f.announced_digest, f.pieces) for f in row.filters.all()}
        if (row.public, row.scheme, held) != (public, scheme, dict(announced)):
            raise Rejected("blind.epoch_differs", partner=partner, epoch=number)
        return row
    HeldFilter.objects.bulk_create(
        HeldFilter(epoch=row, family=family, announced_digest=digest, pieces=pieces)
        for family, (digest, pieces) in announced.items()
    )
    facts = {"partner": partner, "epoch": number, "families": sorted(announced)}
    record("blind.epoch_announced", actor=f"node:{partner}", facts=facts, log="exchange", now=now)
    return row


def hold_piece(partner: str, number: int, *, family: str, place: str, content: bytes, now: datetime) -> None:
    """A piece or change of a filter, until it finds its place; bounded, so that a partner cannot fill the disk."""
    if HeldPiece.objects.filter(partner=partner).count() >= MAX_WAITING_PIECES:
        raise Rejected("blind.too_many_pieces", partner=partner, most=MAX_WAITING_PIECES)
    told = {"content": content, "received_at": now}
    HeldPiece.objects.get_or_create(partner=partner, number=number, family=family, place=place, defaults=told)


def fit(partner: str, number: int, now: datetime) -> None:
    """Put together what fits: pieces into filters, changes onto filters; the epoch is usable once all its filters are here.

    Raises Rejected("blind.filter_malformed" or "blind.delta_misfit") for bytes that are not what was announced.
    """
    epoch = HeldEpoch.objects.select_for_update().filter(partner=partner, number=number).first()
    if epoch is None or epoch.state == HeldEpoch.ENDED:
        return
    waiting = HeldPiece.objects.filter(partner=partner, number=number)
    held = list(epoch.filters.all())
    for row in held:
        if row.content is None:
            _join(row, waiting)
        if row.content is not None:
            _change(row, waiting)
    if epoch.state == HeldEpoch.RECEIVING and all(row.content is not None for row in held):
        epoch.state = HeldEpoch.USABLE
        epoch.save(update_fields=["state"])
        older = HeldEpoch.objects.filter(partner=partner, scheme=epoch.scheme, number__lt=number)
        for former in older.exclude(state=HeldEpoch.ENDED).order_by("-number")[1:]:
            let_go_of(former)
        facts = {"partner": partner, "epoch": number}
        record("blind.epoch_usable", actor="machine", facts=facts, log="internal", now=now)


def _join(row: HeldFilter, waiting: Any) -> None:
    pieces = {p.place: p for p in waiting.filter(family=row.family, place__in=[str(n) for n in range(row.pieces)])}
    if len(pieces) < row.pieces:
        return
    raw = b"".join(bytes(pieces[str(n)].content) for n in range(row.pieces))
    waiting.filter(pk__in=[p.pk for p in pieces.values()]).delete()
    read = filters.from_bytes(raw)
    if read.digest() != row.announced_digest:
        raise Rejected("blind.filter_malformed", at="digest")
    row.content, row.digest = raw, row.announced_digest
    row.save(update_fields=["content", "digest"])


def _change(row: HeldFilter, waiting: Any) -> None:
    while (change := waiting.filter(family=row.family, place=row.digest).first()) is not None:
        change.delete()
        new = filters.apply(filters.from_bytes(bytes(row.content)), filters.delta_from_bytes(bytes(change.content)))
        row.content, row.digest = new.to_bytes(), new.digest()
        row.save(update_fields=["content", "digest"])


def let_go_of(epoch: HeldEpoch) -> None:
    """A partner's epoch that is over: its filters are of no more use."""
    epoch.filters.all().delete()
    HeldPiece.objects.filter(partner=epoch.partner, number=epoch.number).delete()
    epoch.state = HeldEpoch.ENDED
    epoch.save(update_fields=["state"])


# -- asking -----------------------------------------------------------------------------------------------------------


def ask_blindly(
    search: Search,
    partner: str,
    *,
    epoch: int,
    asked_under: Mapping[str, int],
    blinds: Mapping[str, Any],
    cost: int,
    now: datetime,
) -> Asked:
    """Note that a partner is asked blindly, and keep (sealed) what will unblind the answer."""
    row = Asked.objects.create(
        search=search,
        partner=partner,
        is_blind=True,
        asked_under=dict(asked_under),
        blinds=dict(blinds),
        cost=cost,
        asked_at=now,
    )
    facts = {
        "partner": partner,
        "query": str(search.search_id),
        "purpose": search.purpose,
        "epoch": epoch,
        "families": sorted(asked_under),
        "cost": cost,
    }
    record("blind.asked", actor=search.officer, facts=facts, log="exchange", now=now)
    return row


def locked_question(partner: str, query: str) -> Asked | None:
    """The blind question that an answer is for, locked; None when it was answered before.

    Raises Rejected("search.not_asked") for what this node never asked that partner.
    """
    row = Asked.objects.select_for_update().filter(search_id=query, partner=partner, is_blind=True).first()
    if row is None or row.state == Asked.BARRED:
        raise Rejected("search.not_asked", partner=partner, query=query)
    return row if row.state == Asked.WAITING else None


def keep_blind_answer(row: Asked, *, met: Sequence[str], code: str, is_free: bool = False, now: datetime) -> None:
    """What the question came to: the families that hit, or why there is no answer; the blinds are gone.

    ``is_free`` says that the partner refused it, and so took nothing of the budget.
    """
    row.state = Asked.REFUSED if code else Asked.HIT if met else Asked.NOTHING
    row.met, row.code, row.blinds, row.answered_at = list(met), code, None, now
    row.cost = 0 if is_free else row.cost
    row.save(update_fields=["state", "met", "code", "blinds", "cost", "answered_at"])
    facts = {"partner": row.partner, "query": str(row.search_id), "outcome": row.state, "code": code}
    record("blind.answered", actor=f"node:{row.partner}", facts=facts, log="exchange", now=now)


def drop_unannounced(before: datetime) -> int:
    """Take away pieces of epochs that were never announced or that this program does not speak; returns how many."""
    known = HeldEpoch.objects.filter(partner=OuterRef("partner"), number=OuterRef("number"))
    return HeldPiece.objects.filter(~Exists(known), received_at__lt=before).delete()[0]


def close_late(before: datetime, now: datetime) -> int:
    """Blind questions that no answer came to since ``before`` are given up; returns how many."""
    rows = list(Asked.objects.filter(is_blind=True, state=Asked.WAITING, asked_at__lt=before)[:500])
    for row in rows:
        keep_blind_answer(row, met=(), code="search.blind_unanswered", now=now)
    return len(rows)


GRACE = timedelta(hours=48)
"""How long an epoch is still answered after the next one was announced."""
