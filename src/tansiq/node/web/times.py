"""How a moment, a day and a deadline are shown: in the officer's zone and in UTC, in the digits of their choice, and by
choice with the Hijri or the Solar Hijri date beside.

Deadlines are computed in Gregorian UTC by the engine; here they are only put into words. Severity is always a word and
an icon before it is a colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from django.utils import formats
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _
from hijridate import Gregorian

from tansiq.engine.names.dates import gregorian_to_solar_hijri

NOW_WITHIN = timedelta(hours=2)
SOON_WITHIN = timedelta(hours=24)
DIGITS = {"arab": str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"), "arabext": str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")}
"""How the digits of a numbering system are put for Latin ones, which are the rule."""


@dataclass(frozen=True, slots=True)
class Writing:
    """How somebody reads dates: what stands beside the Gregorian ones, and in which digits (a numbering system of Unicode)."""

    calendar: str = "gregorian"
    digits: str = "latn"

    def numbers(self, text: str) -> str:
        """The text with its digits in those of this writing."""
        return text.translate(DIGITS.get(self.digits, {}))


PLAIN = Writing()


@dataclass(frozen=True, slots=True)
class MomentShown:
    """A point in time, ready for a template; ``utc`` and ``zone`` stay in Latin digits: they are what partners read to each other."""

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


def show_moment(at: datetime, *, zone: tzinfo, writing: Writing = PLAIN) -> MomentShown:
    """Put an aware time into words for the current language; raises ValueError for a naive one."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone cannot be shown")
    local = at.astimezone(zone)
    utc = at.astimezone(UTC)
    return MomentShown(
        iso=utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        day=show_day(local.date(), writing=writing),
        clock=writing.numbers(local.strftime("%H:%M")),
        zone=_offset(local),
        utc=utc.strftime("%Y-%m-%d %H:%M UTC"),
        other_calendar=beside(local.date(), writing=writing),
    )


def show_day(day: date, *, writing: Writing = PLAIN) -> str:
    """A date in the current language: ``22 November 2026``, ``22 نوفمبر 2026``."""
    told = str(formats.date_format(day, "j F Y"))
    # Django writes Italian months as at the beginning of a sentence.
    return writing.numbers(told.lower() if get_language() == "it" else told)


def beside(day: date, *, writing: Writing) -> str:
    """The same day in the calendar that stands beside the Gregorian one, or nothing."""
    if writing.calendar == "hijri":
        return writing.numbers(hijri(day))
    return writing.numbers(solar_hijri(day)) if writing.calendar == "solar" else ""


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


def solar_hijri(day: date) -> str:
    """The same day in the Solar Hijri calendar of Iran and Afghanistan: ``1 Azar 1405 SH``."""
    year, month, number = gregorian_to_solar_hijri(day.year, day.month, day.day)
    return _("%(day)d %(month)s %(year)d SH") % {"day": number, "month": solar_months()[month - 1], "year": year}


def solar_months() -> tuple[str, ...]:
    """The twelve months of the Solar Hijri year in the current language."""
    return (
        pgettext("Solar Hijri month", "Farvardin"),
        pgettext("Solar Hijri month", "Ordibehesht"),
        pgettext("Solar Hijri month", "Khordad"),
        pgettext("Solar Hijri month", "Tir"),
        pgettext("Solar Hijri month", "Mordad"),
        pgettext("Solar Hijri month", "Shahrivar"),
        pgettext("Solar Hijri month", "Mehr"),
        pgettext("Solar Hijri month", "Aban"),
        pgettext("Solar Hijri month", "Azar"),
        pgettext("Solar Hijri month", "Dey"),
        pgettext("Solar Hijri month", "Bahman"),
        pgettext("Solar Hijri month", "Esfand"),
    )


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
