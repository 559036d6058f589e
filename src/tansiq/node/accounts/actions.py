"""Writes of officers and units; one function, one act, with its audit row in the same transaction."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from tansiq.engine.errors import Conflict, Rejected
from tansiq.node.accounts.models import ROLES, Officer, Team, Unit
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


def set_language(officer: Officer, language: str) -> None:
    """Keep the language this officer reads in."""
    Officer.objects.filter(pk=officer.pk).update(language=language)
