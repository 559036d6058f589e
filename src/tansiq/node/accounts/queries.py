"""Reads of officers and units."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db.models import Q

from tansiq.engine.errors import Rejected
from tansiq.node.accounts.models import Officer, Unit


def get_officer(username: str) -> Officer:
    """The active officer with this user name; raises Rejected("account.unknown_officer")."""
    try:
        return Officer.objects.select_related("unit").get(username=username, is_active=True)
    except Officer.DoesNotExist:
        raise Rejected("account.unknown_officer", username=username) from None


def competent_unit(kind: str, crime_areas: list[str]) -> Unit | None:
    """The unit that a dossier of ``kind`` about ``crime_areas`` (ICCS keys) is routed to.

    The longest competence key that is a prefix of one of the areas wins; where none does, the entry point,
    if there is one, else a unit that is competent for everything (``*``).
    """
    best: tuple[int, str] | None = None
    general: list[Unit] = []
    by_code = {unit.code: unit for unit in Unit.objects.all()}
    for unit in by_code.values():
        if unit.kinds and "*" not in unit.kinds and kind not in unit.kinds:
            continue
        for key in unit.competence:
            if key != "*" and any(area.startswith(key) for area in crime_areas):
                best = max(best or (0, ""), (len(key), unit.code))
            elif key == "*":
                general.append(unit)
    if best:
        return by_code[best[1]]
    entry_points = [unit for unit in by_code.values() if unit.is_entry_point]
    return next(iter([*entry_points, *general]), None)


def names_of(references: set[str]) -> dict[str, str]:
    """Display names of officers by their opaque ids, for the node's own screens only."""
    found = Officer.objects.filter(officer_id__in=[r for r in references if len(r) == 36])
    return {o.reference: str(o) for o in found}


def units() -> list[Unit]:
    """Every unit, by code."""
    return list(Unit.objects.all())


def officers() -> list[Officer]:
    """Every officer, by user name."""
    return list(Officer.objects.select_related("unit"))


def officer_by_reference(reference: str) -> Officer | None:
    """The active officer of this opaque id; None when there is none (any more)."""
    rows = Officer.objects.select_related("unit").filter(is_active=True)
    return rows.filter(officer_id=reference).first() if len(reference) == 36 else None


def active_references(references: list[str]) -> frozenset[str]:
    """Those of these opaque ids that belong to an active officer."""
    rows = Officer.objects.filter(officer_id__in=references, is_active=True)
    return frozenset(str(one) for one in rows.values_list("officer_id", flat=True))


def colleagues_of(officer: Officer) -> list[Officer]:
    """The other active officers of this officer's unit and teams, by name: to whom work can be handed over."""
    near = Q(unit_id=officer.unit_id, unit__isnull=False) | Q(teams__in=officer.teams.all())
    rows = Officer.objects.filter(near, is_active=True).exclude(pk=officer.pk).distinct()
    return list(rows.order_by("display_name", "username"))


def has_second_factor(officer: Officer) -> bool:
    """Whether the officer has set up a security key or an authenticator app; recovery codes alone are none."""
    kinds = [Authenticator.Type.WEBAUTHN, Authenticator.Type.TOTP]
    return Authenticator.objects.filter(user=officer, type__in=kinds).exists()


def roles_of_nobody_but(officer: Officer) -> tuple[str, ...]:
    """Those of the officer's roles that no other active officer has."""
    rows = Officer.objects.filter(is_active=True).exclude(pk=officer.pk)
    elsewhere = {role for roles in rows.values_list("own_roles", flat=True) for role in roles}
    return tuple(role for role in officer.own_roles if role not in elsewhere)
