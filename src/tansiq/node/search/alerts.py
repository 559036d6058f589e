"""The alerts that stand: what the board shows of them, who may read them, and how far the register was matched against them.

An alert is addressed to the authority, not to a desk: every officer who may search reads those in force. A hit is read like any
other dossier, by its circle.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from django.db.models import QuerySet

from tansiq.engine.errors import Rejected
from tansiq.engine.formats.ids import is_digest
from tansiq.node.accounts.policy import may, require
from tansiq.node.search.models import AlertHit, StandingAlert, Watched


class OfficerLike(Protocol):
    """What is asked of an officer here."""

    @property
    def roles(self) -> list[str]: ...
    @property
    def circles(self) -> frozenset[str]: ...


def may_read(officer: OfficerLike) -> bool:
    """Whether the officer reads alerts in force at all."""
    return may(officer.roles, "search")


def get_alert_for(officer: OfficerLike, dossier_id: str, *, now: datetime) -> StandingAlert:
    """The alert, if it is in force and the officer's role reads alerts; raises Rejected("alert.not_found")."""
    rows = _standing(now) if may_read(officer) and is_digest(dossier_id) else StandingAlert.objects.none()
    found = rows.filter(dossier_id=dossier_id).first()
    if found is None:
        raise Rejected("alert.not_found", dossier=str(dossier_id)[:64])
    return found


def alerts_for(
    officer: OfficerLike, *, now: datetime, alert_class: str = "", issuer: str = "", own: bool | None = None
) -> QuerySet[StandingAlert]:
    """The alerts in force, those that end first before the others; raises Refused("account.role") for who does not search."""
    require(officer.roles, "search")
    rows = _standing(now).order_by("expires_at", "dossier_id")
    if alert_class:
        rows = rows.filter(alert_class=alert_class)
    if issuer:
        rows = rows.filter(issuer=issuer)
    return rows if own is None else rows.filter(is_own=own)


def _standing(now: datetime) -> QuerySet[StandingAlert]:
    return StandingAlert.objects.filter(state=StandingAlert.IN_FORCE, expires_at__gt=now)


def hits_for(officer: OfficerLike, alerts: list[str]) -> dict[str, list[AlertHit]]:
    """The hits on these alerts that stand in the officer's circles, by alert."""
    found: dict[str, list[AlertHit]] = {}
    for row in AlertHit.objects.filter(alert__in=alerts, circle__in=sorted(officer.circles)):
        found.setdefault(row.alert, []).append(row)
    return found


def hit_by_dossier(dossier_id: str) -> AlertHit | None:
    """The hit that this dossier is about; for whoever has the dossier already."""
    return AlertHit.objects.filter(dossier_id=dossier_id).first()


# -- for the machine -------------------------------------------------------------------------------------------------------


def alert_by_dossier(dossier_id: str) -> StandingAlert | None:
    """The alert, standing or not."""
    return StandingAlert.objects.filter(dossier_id=dossier_id).first()


def partners_alerts(now: datetime) -> list[StandingAlert]:
    """The alerts of partners that are in force, for matching."""
    return list(_standing(now).filter(is_own=False).order_by("dossier_id"))


def keep_alert(dossier_id: str, told: dict[str, Any]) -> None:
    """Keep what the board shows, in the caller's transaction; what is not told stays as it is."""
    StandingAlert.objects.update_or_create(dossier_id=dossier_id, defaults=told)


def forget_caption(dossier_id: str) -> None:
    """The alert is over: who it was about is not for the board any more."""
    StandingAlert.objects.filter(dossier_id=dossier_id).update(caption=None)


def keep_hit(dossier_id: str, told: dict[str, Any]) -> None:
    """Keep what the board shows of a hit, in the caller's transaction."""
    AlertHit.objects.update_or_create(dossier_id=dossier_id, defaults=told)


def watched() -> int:
    """The register's change up to which alerts were matched again."""
    return Watched.objects.filter(pk=1).values_list("number", flat=True).first() or 0


def note_watched(number: int) -> None:
    """Matched up to this change."""
    Watched.objects.update_or_create(pk=1, defaults={"number": number})
