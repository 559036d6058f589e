"""Rows of officers, units and teams."""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import cached_property

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone

from tansiq.node.vault.columns import SealedTextField

ROLES = [
    "liaison",
    "analyst",
    "prosecutor",
    "duty",
    "approver",
    "senior",
    "programme",
    "data_protection",
    "auditor",
    "administrator",
]

CALENDARS = ("gregorian", "hijri", "solar")
"""What may stand beside Gregorian dates: nothing, Umm al-Qura, or Solar Hijri."""
DIGITS = ("latn", "arab", "arabext")
"""The numbering systems of Unicode in which dates and times may be written."""


class Unit(models.Model):
    """A unit of the authority: a post with a circle of its own and the matters it is competent for."""

    code = models.SlugField(max_length=40, unique=True)
    names = models.JSONField(default=dict)
    competence = models.JSONField(default=list, help_text='ICCS keys or ["*"], the matters routed to this unit')
    kinds = models.JSONField(default=list, help_text='kinds of dossier routed to this unit, or ["*"]')
    is_entry_point = models.BooleanField(default=False, help_text="receives what no other unit is competent for")

    class Meta:
        ordering = ["code"]

    def name_in(self, language: str) -> str:
        return self.names.get(language) or self.names.get("en") or self.code


class Team(models.Model):
    """A circle across units: officers who share the need to know of one matter."""

    code = models.SlugField(max_length=40, unique=True)
    names = models.JSONField(default=dict)


class OfficerManager(BaseUserManager["Officer"]):
    """Django asks for a manager by this shape; officers are made by ``accounts.actions``."""

    def get_by_natural_key(self, username: str | None) -> Officer:
        return self.get(username=username)


class Officer(AbstractBaseUser):
    """A person with an account. Partners only ever see ``officer_id`` and a role."""

    username = models.CharField(max_length=80, unique=True)
    officer_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    display_name = models.CharField(max_length=120, blank=True)
    email = models.EmailField(blank=True)
    language = models.CharField(max_length=2, default="ar")
    time_zone = models.CharField(max_length=60, blank=True)
    calendar = models.CharField(max_length=10, default="gregorian", help_text="what stands beside Gregorian dates")
    digits = models.CharField(
        max_length=8, default="latn", help_text="a numbering system of Unicode: latn, arab, arabext"
    )
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, null=True, related_name="officers")
    teams = models.ManyToManyField(Team, blank=True, related_name="officers")
    own_roles = models.JSONField(default=list, help_text="but for a role that was lent for a while")
    lent_until = models.DateTimeField(null=True, help_text="where a role is lent: asked for no longer than that")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []
    objects = OfficerManager()

    class Meta:
        ordering = ["username"]

    def __str__(self) -> str:
        return self.display_name or self.username

    @property
    def reference(self) -> str:
        """The opaque id under which this officer signs and is audited."""
        return str(self.officer_id)

    @property
    def node_id(self) -> str:
        return str(settings.NODE.node_id)

    @cached_property
    def circles(self) -> frozenset[str]:
        """The circles whose records this officer needs to know: the unit's and the teams'."""
        unit = {f"unit:{self.unit.code}"} if self.unit else set()
        return frozenset(unit | {f"team:{code}" for code in self.teams.values_list("code", flat=True)})

    @cached_property
    def _lent(self) -> list[tuple[str, datetime]]:
        """Roles that were lent to this officer, and until when each; asked once for the row in hand, which is a request's."""
        rows = self.elevations.filter(ended_at=None, until__gt=timezone.now())
        return list(rows.values_list("role", "until"))

    @property
    def roles(self) -> list[str]:
        """What this officer may act as now: their own roles, and those lent to them for a while."""
        now = timezone.now()
        is_lent = self.lent_until is not None and now < self.lent_until
        lent = [role for role, until in self._lent if now < until] if is_lent else []
        return [*self.own_roles, *(role for role in lent if role not in self.own_roles)]

    @roles.setter
    def roles(self, roles: list[str]) -> None:
        self.own_roles = roles

    def has_role(self, *roles: str) -> bool:
        return bool(set(self.roles) & set(roles))


class Shift(models.Model):
    """The hours in which an officer stands in a rank of a unit's duty roster: 1 is called first."""

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="shifts")
    officer = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="shifts")
    rank = models.PositiveSmallIntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        ordering = ["starts_at", "rank", "id"]
        indexes = [models.Index(fields=["unit", "ends_at"])]
        constraints = [
            models.CheckConstraint(condition=models.Q(rank__gte=1, rank__lte=3), name="shift_in_a_rank"),
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="shift_ends_after_start"
            ),
        ]


class Absence(models.Model):
    """An officer is away, and whoever replaces them takes their rank in every shift of theirs meanwhile."""

    officer = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="absences")
    replacement = models.ForeignKey(Officer, on_delete=models.PROTECT, null=True, related_name="replaces")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        ordering = ["starts_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="absence_ends_after_start"
            )
        ]


class Elevation(models.Model):
    """A role that an officer asked to be lent for a while: waiting, refused, or in force until its time or until somebody ends it."""

    officer = models.ForeignKey(Officer, on_delete=models.PROTECT, related_name="elevations")
    role = models.CharField(max_length=20)
    reason = SealedTextField()
    minutes = models.PositiveSmallIntegerField(help_text="for how long it was asked")
    asked_at = models.DateTimeField()
    decided_by = models.CharField(max_length=64, blank=True)
    decided_at = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True, help_text="set when it is granted")
    ended_at = models.DateTimeField(null=True, help_text="refused, taken back, ended or run out")
    ended_by = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-asked_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["officer"], condition=models.Q(ended_at=None), name="one_elevation_at_a_time"
            ),
            models.CheckConstraint(condition=models.Q(minutes__gte=1, minutes__lte=720), name="elevation_at_most_12_h"),
        ]
