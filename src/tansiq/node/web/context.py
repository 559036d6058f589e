"""What every page is given: the node, the languages, the way around, the officer's zone and calendar."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tansiq.node.accounts import elevations
from tansiq.node.accounts.policy import may
from tansiq.node.audit import policy as audit_policy
from tansiq.node.desk import queries as desk
from tansiq.node.exchange import recovery
from tansiq.node.web import words
from tansiq.node.web.help import Topic, topic_of
from tansiq.node.web.languages import direction_of, language_now, opened_languages
from tansiq.node.web.pages.channel import ringing_for


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the navigation."""

    name: str
    label: str
    icon: str
    url: str
    is_here: bool


def version() -> str:
    """The version of the software, as installed."""
    return importlib.metadata.version("tansiq")


def page(request: HttpRequest) -> dict[str, Any]:
    """The context processor."""
    node = settings.NODE
    language = language_now()
    return {
        "page_language": language,
        "page_direction": direction_of(language),
        "languages": opened_languages(),
        "node_id": node.node_id,
        "node_name": node.names.get(language) or node.names.get("en") or node.node_id,
        "is_exercise": node.exercise,
        "is_demo": node.demo,
        "version": version(),
        "now": timezone.now(),
        "unit_name": unit_name(request, language),
        "recovering": recovering(request),
        "lent": lent(request),
        "urgent": overdue(request),
        "ringing": ringing(request),
        "places": places(request),
        "help_topic": help_topic(request, language),
    }


def help_topic(request: HttpRequest, language: str) -> Topic | None:
    """What stands beside the page of a signed-in officer, for whoever asks what it is for."""
    match = getattr(request, "resolver_match", None)
    is_in = getattr(getattr(request, "user", None), "is_authenticated", False)
    return topic_of(match.url_name or "", language) if is_in and match else None


def unit_name(request: HttpRequest, language: str) -> str:
    """The unit of the signed-in officer, in the language of the page."""
    unit = getattr(getattr(request, "user", None), "unit", None)
    return unit.name_in(language) if unit else ""


def recovering(request: HttpRequest) -> dict[str, Any] | None:
    """What stands above every page while a restored node waits for its partners and cannot be written to."""
    officer: Any = getattr(request, "user", None)
    row = recovery.under_way() if officer is not None and officer.is_authenticated else None
    if row is None:
        return None
    return {"copy_at": row.copy_at, "awaited": words.named(recovery.awaited(row), words.node_names())}


def lent(request: HttpRequest) -> list[dict[str, Any]]:
    """The roles that are lent to somebody now: they stand above every page, for everybody."""
    officer: Any = getattr(request, "user", None)
    if officer is None or not officer.is_authenticated:
        return []
    return [
        {"name": str(row.officer), "role": words.officer_role(row.role), "until": row.until}
        for row in elevations.in_force(timezone.now())
    ]


def overdue(request: HttpRequest) -> dict[str, str] | None:
    """What stands above every page while deadlines that need this officer have passed."""
    officer: Any = getattr(request, "user", None)
    if officer is None or not officer.is_authenticated:
        return None
    count = desk.counts_for(officer, now=timezone.now()).overdue
    if not count:
        return None
    text = ngettext("%(count)d deadline has passed.", "%(count)d deadlines have passed.", count) % {"count": count}
    return {"text": text, "url": f"{reverse('desk')}?only=overdue"}


def ringing(request: HttpRequest) -> dict[str, Any] | None:
    """The calls that ring at the signed-in officer; the page asks again by itself."""
    officer: Any = getattr(request, "user", None)
    if officer is None or not officer.is_authenticated or not may(officer.roles, "act"):
        return None
    return ringing_for(officer, now=timezone.now())


def places(request: HttpRequest) -> list[Place]:
    """The navigation of a signed-in officer; empty for a visitor."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    match = getattr(request, "resolver_match", None)
    room = (match.url_name or "").partition("_")[0] if match else ""
    wanted = (
        ("desk", _("Desk"), "inbox", "desk"),
        ("search", _("Search"), "search", "search"),
        ("dossiers", _("Dossiers"), "folder2-open", "dossiers"),
        ("plans", _("Plans"), "calendar-event", "plans"),
        ("alerts", _("Alerts"), "bell", "alerts"),
        ("reports", _("Reports"), "file-earmark-text", "reports"),
        ("channels", _("Direct lines"), "telephone", "channels"),
        ("register", _("Register"), "person-vcard", "register"),
        ("partners", _("Partners"), "globe2", "partners"),
        ("accords", _("Accords"), "journal-check", "accords"),
        ("statistics", _("Statistics"), "bar-chart", "statistics"),
        ("rights", _("Data subjects"), "person-vcard", "rights"),
        ("audit", _("Audit"), "shield-check", "audit"),
        ("people", _("Accounts"), "person-badge", "people"),
    )
    roles = getattr(user, "roles", [])
    hidden = set() if audit_policy.may_read(roles) else {"audit"}
    hidden |= set() if may(roles, "plan") else {"plans"}
    hidden |= set() if may(roles, "search") else {"search", "alerts"}
    hidden |= set() if may(roles, "statistics") else {"statistics"}
    hidden |= set() if may(roles, "claims") else {"rights"}
    hidden |= set() if may(roles, "administer") else {"people"}
    found = []
    for name, label, icon, url_name in wanted:
        if name in hidden:
            continue
        try:
            found.append(Place(name, label, icon, reverse(url_name), room == name))
        except NoReverseMatch:
            continue
    return found
