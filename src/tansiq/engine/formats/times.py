"""Instants: aware UTC datetimes inside, ``2026-11-22T00:25:24.123Z`` on the wire, always with three decimals."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from tansiq.engine.errors import Rejected
from tansiq.engine.formats.json_values import shown

_TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})\.([0-9]{3})Z")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def to_utc(value: datetime) -> datetime:
    """The same instant in UTC, cut down to whole milliseconds, so that ``parse_time(format_time(t)) == to_utc(t)``.

    A naive datetime is a mistake of the caller, not of the input: ``ValueError``.
    """
    if value.utcoffset() is None:
        raise ValueError("a time without its zone")
    value = value.astimezone(UTC)
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


def milliseconds(value: datetime) -> int:
    """Whole milliseconds since 1970-01-01T00:00:00Z, rounded down."""
    return (to_utc(value) - _EPOCH) // _MILLISECOND


def format_time(value: datetime) -> str:
    """The instant as text (RFC 3339 §5.6, UTC, exactly three decimals, rounded down)."""
    value = to_utc(value)
    return value.strftime("%m-%dT%H:%M:%S").join((f"{value.year:04d}-", f".{value.microsecond // 1000:03d}Z"))


def parse_time(text: object, *, at: str = "") -> datetime:
    """The instant that ``format_time`` wrote; ``Rejected("times.not_a_time")`` for every other spelling."""
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    if found is not None:
        year, month, day, hour, minute, second, thousandths = (int(piece) for piece in found.groups())
        try:
            return datetime(year, month, day, hour, minute, second, thousandths * 1000, tzinfo=UTC)
        except ValueError:
            pass
    raise Rejected("times.not_a_time", at=at, found=shown(text) if isinstance(text, str) else type(text).__name__)
