"""How a moment, a day and a deadline are shown: in the officer's zone, in UTC, and by choice in the Hijri calendar.

Deadlines are computed in Gregorian UTC by the engine; here they are only put into words. Severity is always a word and
an icon before it is a colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from hijridate import Gregorian

NOW_WITHIN = timedelta(hours=2)
SOON_WITHIN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class MomentShown:
    """A point in time, ready for a template; every text is written in digits of the Latin script."""

    iso: str
    day: str
    clock: str
    zone: str
    utc: str
    other_calendar: str


@dataclass(frozen=True, slots=True)
class DeadlineShown:
    """What a deadline comes to now: ``severity`` is overdue, now, soon, calm or met."""

    severity: str
    icon: str
    word: str
    text: str


def show_moment(at: datetime, *, zone: tzinfo, calendar: str = "gregorian") -> MomentShown:
    """Put an aware time into words for the current language; raises ValueError for a naive one."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone cannot be shown")
    local = at.astimezone(zone)
    utc = at.astimezone(UTC)
    return MomentShown(
        iso=utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        day=show_day(local.date()),
        clock=local.strftime("%H:%M"),
        zone=_offset(local),
        utc=utc.strftime("%Y-%m-%d %H:%M UTC"),
        other_calendar=hijri(local.date()) if calendar == "hijri" else "",
    )


def show_day(day: date) -> str:
    """A date in the current language: ``22 November 2026``, ``22 نوفمبر 2026``."""
    return str(formats.date_format(day, "j F Y"))


def _offset(local: datetime) -> str:
    minutes = int((local.utcoffset() or timedelta()).total_seconds()) // 60
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '-'}{hours}" + (f":{rest:02d}" if rest else "")


def hijri(day: date) -> str:
    """The same day in the Umm al-Qura calendar, or nothing outside the years the calendar is defined for."""
    try:
        converted = Gregorian(day.year, day.month, day.day).to_hijri()
    except OverflowError:
        return ""
    return _("%(day)d %(month)s %(year)d AH") % {
        "day": converted.day,
        "month": hijri_months()[converted.month - 1],
        "year": converted.year,
    }


def hijri_months() -> tuple[str, ...]:
    """The twelve months of the Hijri year in the current language."""
    return (
        pgettext("Hijri month", "Muharram"),
        pgettext("Hijri month", "Safar"),
        pgettext("Hijri month", "Rabi al-Awwal"),
        pgettext("Hijri month", "Rabi al-Thani"),
        pgettext("Hijri month", "Jumada al-Ula"),
        pgettext("Hijri month", "Jumada al-Akhira"),
        pgettext("Hijri month", "Rajab"),
        pgettext("Hijri month", "Shaban"),
        pgettext("Hijri month", "Ramadan"),
        pgettext("Hijri month", "Shawwal"),
        pgettext("Hijri month", "Dhu al-Qadah"),
        pgettext("Hijri month", "Dhu al-Hijjah"),
    )


def show_deadline(due_at: datetime, *, now: datetime, met_at: datetime | None = None) -> DeadlineShown:
    """What stands beside a due time at ``now``; ``met_at`` is when the act it asked for was done, if it was."""
    if met_at is not None:
        late = met_at - due_at
        if late > timedelta():
            told = _("Late by: %(span)s") % {"span": span(late)}
            return DeadlineShown("met", "check2-circle", _("Done late"), told)
        return DeadlineShown("met", "check2-circle", _("Done"), _("in time"))
    left = due_at - now
    if left <= timedelta():
        told = _("Overdue by: %(span)s") % {"span": span(-left)}
        return DeadlineShown("overdue", "exclamation-octagon-fill", _("Overdue"), told)
    told = _("Left: %(span)s") % {"span": span(left)}
    if left <= NOW_WITHIN:
        return DeadlineShown("now", "exclamation-triangle-fill", _("Due now"), told)
    if left <= SOON_WITHIN:
        return DeadlineShown("soon", "clock-history", _("Due soon"), told)
    return DeadlineShown("calm", "clock", _("Due"), told)


def span(length: timedelta) -> str:
    """A length of time in its two largest units, rounded down: ``2 days 3 hours``, ``ساعتان و10 دقائق``."""
    minutes = max(0, int(length.total_seconds())) // 60
    days, minutes = divmod(minutes, 24 * 60)
    hours, minutes = divmod(minutes, 60)
    if days >= 7 or (days and not hours):
        return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
    if days:
        return _joined(
            ngettext("%(count)d day", "%(count)d days", days) % {"count": days},
            ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours},
        )
    told_minutes = ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    if not hours:
        return told_minutes
    told_hours = ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
    return _joined(told_hours, told_minutes) if minutes else told_hours


def _joined(greater: str, lesser: str) -> str:
    return _("%(greater)s %(lesser)s") % {"greater": greater, "lesser": lesser}
