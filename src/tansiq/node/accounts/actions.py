"""Writes of officers and units; one function, one act, with its audit row in the same transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import available_timezones

from allauth.mfa.models import Authenticator
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from tansiq.engine.errors import Conflict, Rejected
from tansiq.node.accounts.models import CALENDARS, DIGITS, ROLES, Absence, Officer, Shift, Team, Unit
from tansiq.node.accounts.queries import get_officer
from tansiq.node.accounts.roster import ON_CALL_ROLES, RANKS
from tansiq.node.audit.actions import record


def add_unit(
    code: str,
    names: dict[str, str],
    *,
    competence: list[str],
    kinds: list[str] | None = None,
    entry_point: bool = False,
    now: datetime,
) -> Unit:
    """Create or rename the unit ``code``."""
    with transaction.atomic():
        unit, _ = Unit.objects.update_or_create(
            code=code,
            defaults={"names": names, "competence": competence, "kinds": kinds or ["*"], "is_entry_point": entry_point},
        )
        record("unit.saved", actor="administrator", facts={"unit": code}, log="internal", now=now)
    return unit


def add_officer(
    username: str,
    password: str,
    *,
    display_name: str,
    unit: str,
    roles: list[str],
    teams: list[str] = (),
    language: str = "ar",
    now: datetime,
) -> Officer:
    """Create the officer; raises Conflict when the name is taken, Rejected for an unknown role, unit or a weak password."""
    for role in roles:
        if role not in ROLES:
            raise Rejected("account.unknown_role", at="/roles", role=role)
    officer = Officer(username=username, display_name=display_name, roles=roles, language=language)
    try:
        validate_password(password, officer)
    except ValidationError as error:
        raise Rejected("account.weak_password", at="/password", reasons=list(error.messages)) from error
    officer.set_password(password)
    with transaction.atomic():
        if Officer.objects.filter(username=username).exists():
            raise Conflict("account.officer_exists", username=username)
        officer.unit = Unit.objects.filter(code=unit).first()
        if officer.unit is None:
            raise Rejected("account.unknown_unit", at="/unit", unit=unit)
        officer.save()
        for code in teams:
            officer.teams.add(Team.objects.get_or_create(code=code)[0])
        record(
            "officer.added",
            actor="administrator",
            facts={"officer": officer.reference, "roles": roles},
            log="internal",
            now=now,
        )
    return officer


def add_machine_account(username: str, *, display_name: str, unit: str, roles: list[str], now: datetime) -> Officer:
    """An account that a machine acts by: of a unit like an officer's, but nobody can sign in with it.

    Raises Conflict("account.officer_exists") or Rejected("account.unknown_unit").
    """
    account = Officer(username=username, display_name=display_name, roles=roles)
    account.set_unusable_password()
    with transaction.atomic():
        if Officer.objects.filter(username=username).exists():
            raise Conflict("account.officer_exists", username=username)
        account.unit = Unit.objects.filter(code=unit).first()
        if account.unit is None:
            raise Rejected("account.unknown_unit", at="/unit", unit=unit)
        account.save()
        facts = {"officer": account.reference, "roles": roles}
        record("officer.machine_added", actor="administrator", facts=facts, log="internal", now=now)
    return account


def set_language(officer: Officer, language: str) -> None:
    """Keep the language this officer reads in."""
    Officer.objects.filter(pk=officer.pk).update(language=language)


def set_writing(officer: Officer, *, calendar: str, digits: str, time_zone: str) -> None:
    """Keep how dates and times are written for this officer.

    Raises ``Rejected("account.unknown_calendar")``, ``("account.unknown_digits")``, ``("account.unknown_zone")``.
    """
    if calendar not in CALENDARS:
        raise Rejected("account.unknown_calendar", at="/calendar", known=list(CALENDARS))
    if digits not in DIGITS:
        raise Rejected("account.unknown_digits", at="/digits", known=list(DIGITS))
    if time_zone and time_zone not in available_timezones():
        raise Rejected("account.unknown_zone", at="/time_zone", zone=time_zone[:60])
    Officer.objects.filter(pk=officer.pk).update(calendar=calendar, digits=digits, time_zone=time_zone)


LONGEST_SHIFT = timedelta(days=14)
MAX_WEEKS = 52


def add_shifts(
    unit: str,
    username: str,
    *,
    rank: int,
    starts_at: datetime,
    ends_at: datetime,
    weeks: int = 1,
    actor: str,
    now: datetime,
) -> list[Shift]:
    """Put an officer on the duty roster of their unit, in the same hours of ``weeks`` weeks; all of them or none.

    Raises Rejected for a rank, times or number of weeks that cannot be, for an officer who is not of the unit (or of a team of it) or
    whose role answers no calls; Conflict("account.shift_overlaps") where they stand there already.
    """
    if rank not in RANKS:
        raise Rejected("account.shift_rank", at="/rank", rank=rank)
    if not timedelta() < ends_at - starts_at <= LONGEST_SHIFT:
        raise Rejected("account.shift_times", at="/ends_at", days=LONGEST_SHIFT.days)
    if not 1 <= weeks <= MAX_WEEKS:
        raise Rejected("account.shift_weeks", at="/weeks", most=MAX_WEEKS)
    post = Unit.objects.filter(code=unit).first()
    if post is None:
        raise Rejected("account.unknown_unit", at="/unit", unit=unit)
    officer = get_officer(username)
    if officer.unit_id != post.pk or not officer.has_role(*ON_CALL_ROLES):
        raise Rejected("account.not_on_call", at="/officer", username=username, unit=unit)
    with transaction.atomic():
        # The unit's row is the lock of its roster: two administrators do not both find the hours free.
        Unit.objects.select_for_update().get(pk=post.pk)
        made = []
        for week in range(weeks):
            start, end = starts_at + timedelta(weeks=week), ends_at + timedelta(weeks=week)
            if Shift.objects.filter(unit=post, officer=officer, starts_at__lt=end, ends_at__gt=start).exists():
                raise Conflict("account.shift_overlaps", username=username, time=start.isoformat())
            made.append(Shift.objects.create(unit=post, officer=officer, rank=rank, starts_at=start, ends_at=end))
        facts = {"unit": unit, "officer": officer.reference, "rank": rank, "from": starts_at.isoformat()}
        facts |= {"until": ends_at.isoformat(), "weeks": weeks}
        record("roster.added", actor=actor, facts=facts, log="internal", now=now)
    return made


def remove_shift(shift_id: int, *, actor: str, now: datetime) -> None:
    """Take a shift off the roster; raises Rejected("account.unknown_shift")."""
    with transaction.atomic():
        shift = Shift.objects.select_for_update(of=("self",)).select_related("officer", "unit").filter(pk=shift_id)
        found = shift.first()
        if found is None:
            raise Rejected("account.unknown_shift", at="/shift", shift=shift_id)
        facts = {"unit": found.unit.code, "officer": found.officer.reference, "rank": found.rank}
        facts |= {"from": found.starts_at.isoformat(), "until": found.ends_at.isoformat()}
        found.delete()
        record("roster.removed", actor=actor, facts=facts, log="internal", now=now)


def add_absence(
    username: str, *, starts_at: datetime, ends_at: datetime, replacement: str = "", actor: str, now: datetime
) -> Absence:
    """An officer is away from their shifts; ``replacement`` takes their rank. Of the same unit, and never themselves."""
    if ends_at <= starts_at:
        raise Rejected("account.absence_times", at="/ends_at")
    officer = get_officer(username)
    instead = get_officer(replacement) if replacement else None
    if instead is not None and (instead.unit_id != officer.unit_id or instead.pk == officer.pk):
        raise Rejected("account.no_replacement", at="/replacement", username=replacement)
    with transaction.atomic():
        away = Absence.objects.create(officer=officer, replacement=instead, starts_at=starts_at, ends_at=ends_at)
        facts = {"officer": officer.reference, "replacement": instead.reference if instead else ""}
        facts |= {"from": starts_at.isoformat(), "until": ends_at.isoformat()}
        record("roster.absence", actor=actor, facts=facts, log="internal", now=now)
    return away


def retire(officer: Officer) -> None:
    """Nobody signs in as this officer any more, who keeps no role and no circle; in the caller's transaction. The name stays for what was signed."""
    officer.is_active, officer.roles, officer.unit, officer.lent_until = False, [], None, None
    officer.set_unusable_password()
    officer.save(update_fields=["is_active", "own_roles", "unit", "password", "lent_until"])
    officer.elevations.filter(ended_at=None).update(ended_at=timezone.now())
    officer.teams.clear()
    Authenticator.objects.filter(user=officer).delete()
