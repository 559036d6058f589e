"""The logs, for auditors and data-protection officers: what happened, and proof that nobody rewrote it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tansiq.node.accounts.policy import require
from tansiq.node.accounts.queries import names_of
from tansiq.node.audit import policy, queries
from tansiq.node.audit.verification import verify
from tansiq.node.deconfliction import queries as deconfliction
from tansiq.node.dossiers.queries import quarantined
from tansiq.node.flows import releasing
from tansiq.node.partners.queries import own_node_keys
from tansiq.node.web import words
from tansiq.node.web.access import for_officers
from tansiq.node.web.languages import language_now
from tansiq.node.web.pages.audit import events_shown, report_shown
from tansiq.node.web.pages.plans import ratio_line
from tansiq.node.wording import sentence

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer

RATIO_DAYS = 90


def _context(request: HttpRequest, officer: Officer) -> dict[str, Any]:
    told = {name: request.GET.get(name, "").strip() for name in ("log", "dossier", "event")}
    before = request.GET.get("before", "")
    page = queries.list_events(
        officer.roles,
        log=told["log"] or None,
        dossier=told["dossier"] or None,
        events=[told["event"]] if told["event"] else None,
        before=int(before) if before.isascii() and before.isdigit() else None,
    )
    names = words.node_names()
    return {"events": events_shown(page.events, names), "before": page.before, "told": told, "names": names}


@for_officers
def index(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:  # noqa: ARG001
    """The newest events, narrowed by what is asked."""
    context = _context(request, officer)
    witnesses = queries.cosigned_by()
    context |= {"witnesses": witnesses, "contradictions": queries.contradictions(), "waiting": queries.waiting_count()}
    return render(request, "web/audit/index.html", context)


@for_officers
def quarantine(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:  # noqa: ARG001
    """What arrived and may not be used here, for the data-protection officer: from whom, when and why, never the content."""
    require(officer.roles, "quarantine")
    held = quarantined()
    people = names_of({row.decided_by for row in held if row.decided_by})
    rows = [
        {"row": row, "why": sentence(row.reason, {}, language_now()), "by": people.get(row.decided_by, row.decided_by)}
        for row in held
    ]
    return render(request, "web/audit/quarantine.html", {"rows": rows, "names": words.node_names()})


@require_POST
@for_officers
def decide_quarantined(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """Let an entry in, or keep it out, with the reason."""
    told = {"reason": request.POST.get("reason", ""), "now": now}
    entry = request.POST.get("entry", "")
    if request.POST.get("do") == "release":
        releasing.release(officer, entry, **told)
        messages.success(request, _("The entry was let in. The dossier shows it from now on."))
    else:
        releasing.keep_out(officer, entry, **told)
        messages.success(request, _("The entry is kept out. The reason is kept with it."))
    return redirect("audit_quarantine")


@for_officers
def ratios(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """How many questions about plans each officer asked, here and at partners, and how many of them hit."""
    since = now - timedelta(days=RATIO_DAYS)
    own, theirs = deconfliction.hit_ratios(officer, since=since), deconfliction.ratios_of_partners(officer, since=since)
    people, names = names_of({row.officer for row in own}), words.node_names()
    context = {
        "own": [ratio_line(row, people, names) for row in own],
        "theirs": [ratio_line(row, {}, names) for row in theirs],
        "days": RATIO_DAYS,
    }
    return render(request, "web/audit/ratios.html", context)


@require_POST
@for_officers
def check(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:  # noqa: ARG001
    """Recompute both logs from their rows, and compare them with every checkpoint that partners countersigned."""
    policy.require_reader(officer.roles)
    held: dict[str, list[str]] = {}
    for row in queries.cosigned_by():
        held.setdefault(row.partner, []).append(row.text)
    report = report_shown(verify(held, publics=own_node_keys()).to_json())
    return render(request, "web/audit/report.html", {"report": report, "names": words.node_names(), "witnesses": held})
