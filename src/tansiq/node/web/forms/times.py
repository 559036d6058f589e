"""Instants as an officer writes them, in the officer's zone."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import from_current_timezone
from django.utils import timezone

_LINE = re.compile(r"(?:(\d{4}-\d{2}-\d{2})[ T])?(\d{1,2}:\d{2})")


def moment_field(*, required: bool = True) -> forms.DateTimeField:
    """A date with a time, in the officer's zone; the value is aware. An hour that the clocks skip or have twice is refused."""
    widget = forms.DateTimeInput(attrs={"type": "datetime-local", "dir": "ltr"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(widget=widget, required=required)


def instants(text: str, *, after: datetime) -> list[datetime] | None:
    """One instant a line, each not before the one above it; None if a line is no time.

    A time without a date is the next such time from the line before on (``after`` for the first).
    """
    found: list[datetime] = []
    last = timezone.localtime(after)
    for line in filter(None, map(str.strip, text.splitlines())):
        read = _LINE.fullmatch(line)
        if read is None:
            return None
        try:
            wanted = datetime.strptime(f"{read[1] or last.date().isoformat()} {read[2]}", "%Y-%m-%d %H:%M")  # noqa: DTZ007 - made aware below
            at = from_current_timezone(wanted)
            if not read[1] and at < last:
                at = from_current_timezone(wanted + timedelta(days=1))
        except (ValueError, ValidationError):
            return None
        if at < last and found:
            return None
        found.append(at)
        last = timezone.localtime(at)
    return found
