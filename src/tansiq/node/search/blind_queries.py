"""Reads of blind questions and of what is held ready for them."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

import numpy as np
from django.db.models import Sum

from tansiq.engine.blind import filters
from tansiq.engine.blind.filters import Filter, Marks
from tansiq.engine.blind.schemes import SCHEMES, preference
from tansiq.node.search.models import (
    Asked,
    BlindEpoch,
    BlindFilter,
    HeldEpoch,
    HeldFilter,
    InboundQuery,
    ScreeningQuestion,
)


def _midnight(day: datetime) -> datetime:
    return day.replace(hour=0, minute=0, second=0, microsecond=0)


def spent_blindly_by(partner: str, day: datetime, *, officer: str | None = None) -> int:
    """What blind questions of this partner (of one of its officers) took of the budget on the (UTC) day of ``day``."""
    rows = InboundQuery.objects.filter(partner=partner, is_blind=True, received_at__gte=_midnight(day))
    if officer is not None:
        rows = rows.filter(asked_by=officer)
    return int(rows.aggregate(total=Sum("cost"))["total"] or 0)


def refused_blindly(partner: str, day: datetime) -> int:
    """How many blind questions of this partner were refused on the (UTC) day of ``day``."""
    rows = InboundQuery.objects.filter(partner=partner, is_blind=True, received_at__gte=_midnight(day))
    return rows.filter(outcome="refused").count()


def spent_blindly_at(partner: str, day: datetime, *, officer: str | None = None) -> int:
    """What blind questions of this node (of one of its officers) took of the partner's budget on the (UTC) day of ``day``.

    Single questions and lists alike. What the partner refused took nothing; what it has not answered yet counts.
    """
    single = Asked.objects.filter(partner=partner, is_blind=True, asked_at__gte=_midnight(day))
    listed = ScreeningQuestion.objects.filter(asked_of__partner=partner, asked_at__gte=_midnight(day))
    if officer is not None:
        single = single.filter(search__officer=officer)
        listed = listed.filter(asked_of__screening__officer=officer)
    return sum(int(rows.aggregate(total=Sum("cost"))["total"] or 0) for rows in (single, listed))


def epochs_for(partner: str) -> list[BlindEpoch]:
    """This node's epochs with a partner that are not over, oldest first."""
    return list(BlindEpoch.objects.filter(partner=partner).exclude(state=BlindEpoch.ENDED).order_by("number"))


def last_epoch_number(partner: str) -> int:
    """The highest number an epoch with this partner had; 0 if there was none."""
    return BlindEpoch.objects.filter(partner=partner).order_by("-number").values_list("number", flat=True).first() or 0


def answerable(partner: str, number: int) -> BlindEpoch | None:
    """The epoch of that number if questions under it are still answered."""
    states = (BlindEpoch.OPEN, BlindEpoch.CLOSING)
    return BlindEpoch.objects.filter(partner=partner, number=number, state__in=states).first()


def changed_at(epoch: BlindEpoch) -> datetime | None:
    """When the partner was last sent a change of the filter that waits longest for one; None before there is any."""
    return min(epoch.filters.values_list("changed_at", flat=True), default=None)


def filter_of(epoch: BlindEpoch, family: str) -> tuple[Filter, Marks] | None:
    """The filter that the partner has of a family, and the random marks in it."""
    row = BlindFilter.objects.filter(epoch=epoch, family=family).first()
    if row is None:
        return None
    filling = np.frombuffer(bytes(row.filling), dtype=">u8").astype(np.uint64)
    return filters.from_bytes(bytes(row.content)), filling


def usable_epoch(partner: str, number: int | None = None) -> HeldEpoch | None:
    """Of a partner's epochs whose filters are all here the one to ask under, or that of ``number``.

    The newest of the newest key scheme that this program speaks.
    """
    rows = HeldEpoch.objects.filter(partner=partner, state=HeldEpoch.USABLE, scheme__in=list(SCHEMES))
    if number is not None:
        rows = rows.filter(number=number)
    return min(rows, key=lambda row: (preference(row.scheme), -row.number), default=None)


def told_to_speak(partner: str) -> list[str] | None:
    """The key schemes that the partner said it speaks, by its last announcement; None if it never said."""
    rows = HeldEpoch.objects.filter(partner=partner).exclude(speaks=None)
    return rows.order_by("-number").values_list("speaks", flat=True).first()


def held_families(epoch: HeldEpoch) -> list[str]:
    """The families that an epoch of a partner has filters for."""
    return list(epoch.filters.values_list("family", flat=True))


def held_filter(epoch: HeldEpoch, family: str) -> Filter | None:
    """A partner's filter of a family, read once for each digest."""
    row = epoch.filters.filter(family=family).values_list("pk", "digest").first()
    return _read(*row) if row and row[1] else None


@lru_cache(maxsize=16)
def _read(pk: int, digest: str) -> Filter:
    """The digest is an argument so that a changed filter is read anew."""
    del digest
    return filters.from_bytes(bytes(HeldFilter.objects.values_list("content", flat=True).get(pk=pk)))


def size_told(epoch: HeldEpoch) -> dict[str, int]:
    """How many marks each of a partner's filters holds, padding included: what a false hit is reckoned from."""
    sizes = {}
    for family in held_families(epoch):
        held = held_filter(epoch, family)
        sizes[family] = len(held) if held else 0
    return sizes
