"""Direct lines: the list, the conversation, the urgent call and its answer."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tansiq.engine.dossiers.parts import Part
from tansiq.engine.errors import Rejected, TansiqError
from tansiq.node.accounts.policy import may
from tansiq.node.dossiers import queries
from tansiq.node.flows import act as flow
from tansiq.node.flows.intents import Intent
from tansiq.node.flows.reading import read_dossier
from tansiq.node.web import words
from tansiq.node.web.access import for_officers
from tansiq.node.web.forms.channel import CallForm, LineForm
from tansiq.node.web.pages import channel as pages
from tansiq.node.web.pages.dossier import newest_on, page_of_entries
from tansiq.node.web.refusals import tell_in_form

if TYPE_CHECKING:
    from tansiq.node.accounts.models import Officer

KIND = "channel"


@for_officers
def index(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:  # noqa: ARG001
    """Every line the officer may see; asked by htmx, only the list that renews itself."""
    context = {"lines": pages.lines_shown(officer), "may_open": may(officer.roles, "act")}
    part = "web/channels/lines.html" if request.htmx else "web/channels/index.html"  # type: ignore[attr-defined]
    return render(request, part, context)


@for_officers
def show(request: HttpRequest, officer: Officer, now: datetime, dossier_id: str) -> HttpResponse:
    """One line as a conversation, and the box in which a message is written and sent."""
    row = _line_for(officer, dossier_id)
    context = _context(request, officer, row, now)
    form = context["form"]
    if request.method == "POST":
        form = context["form"] = LineForm(dossier_id, request.POST, needs_threat=context["needs_threat"])
        if form.is_valid():
            try:
                return _done(request, flow.act(officer, form.intent(), now=now), _("Sent."))
            except TansiqError as error:
                tell_in_form(form, error, {"/parts/narrative": "text"})
    return render(request, "web/channels/channel.html", context, status=400 if form.errors else 200)


def _line_for(officer: Officer, dossier_id: str) -> Any:
    row = queries.get_dossier_for(officer, dossier_id)
    if row.kind != KIND:
        raise Rejected("dossier.not_found", dossier=str(dossier_id)[:64])
    return row


def _context(request: HttpRequest, officer: Officer, row: Any, now: datetime) -> dict[str, Any]:
    page = page_of_entries(row, request.GET, size=pages.SAID_SHOWN)
    read = read_dossier(officer, row.dossier_id, now=now, newest=newest_on(row, page))
    names = words.node_names()
    acting = may(officer.roles, "act")
    needs_threat = bool((read["view"]["about"] or {}).get("threat")) and not read["accord"]
    return {
        "read": read,
        "page": page,
        "names": names,
        "days": pages.conversation(read, names),
        "calls": pages.calls_shown(read, names, now=now),
        "answers": pages.answers_shown(read, names),
        "fingerprint": pages.fingerprint(row),
        "permitted": read["permitted"] if acting else [],
        "needs_threat": needs_threat,
        "form": LineForm(row.dossier_id, needs_threat=needs_threat),
        "call_form": CallForm(row.dossier_id, needs_threat=needs_threat),
    }


@for_officers
def news(request: HttpRequest, officer: Officer, now: datetime, dossier_id: str) -> HttpResponse:
    """The conversation if it looks different from what the page shows (``?seen=``); nothing otherwise."""
    row = _line_for(officer, dossier_id)
    if request.GET.get("seen") == pages.fingerprint(row):
        return HttpResponse(status=204)
    return render(request, "web/channels/conversation.html", _context(request, officer, row, now))


@require_POST
@for_officers
def call(request: HttpRequest, officer: Officer, now: datetime, dossier_id: str) -> HttpResponse:
    """Call everybody on the line."""
    row = _line_for(officer, dossier_id)
    form = CallForm(dossier_id, request.POST)
    if form.is_valid():
        try:
            acted = flow.act(officer, form.intent_at(now), now=now)
            return _done(request, acted, _("The call is on its way. Here you see where it rings."))
        except TansiqError as error:
            tell_in_form(form, error, {"/parts/narrative": "text"})
    context = _context(request, officer, row, now) | {"call_form": form}
    return render(request, "web/channels/channel.html", context, status=400)


@require_POST
@for_officers
def acknowledge(request: HttpRequest, officer: Officer, now: datetime, dossier_id: str, call_id: str) -> HttpResponse:
    """Answer a call by name: the caller sees at once who did."""
    _line_for(officer, dossier_id)
    name = (officer.display_name or officer.username).strip()
    named = Part("contact_point", {"node": officer.node_id, "name": name, "languages": [officer.language]})
    intent = Intent(kind=KIND, act="acknowledge", dossier=dossier_id, codes={"call": call_id}, parts=(named,))
    return _done(request, flow.act(officer, intent, now=now), _("You have answered the call. Your partner sees it."))


@require_POST
@for_officers
def end_call(request: HttpRequest, officer: Officer, now: datetime, dossier_id: str, call_id: str) -> HttpResponse:
    """End a call of our own: where nobody answered it is kept as missed."""
    _line_for(officer, dossier_id)
    intent = Intent(kind=KIND, act="end_call", dossier=dossier_id, codes={"call": call_id})
    return _done(request, flow.act(officer, intent, now=now), _("The call has ended."))


def _done(request: HttpRequest, acted: flow.Acted, told: str) -> HttpResponse:
    if not acted.is_signed:
        role = words.officer_role(acted.awaiting_role)
        messages.warning(request, _("Not sent yet: it awaits the approval of: %(role)s.") % {"role": role})
        return redirect("dossiers_draft", draft_id=acted.draft_id)
    messages.success(request, told)
    return redirect("channels_show", dossier_id=acted.dossier_id)


@for_officers
def ringing(request: HttpRequest, officer: Officer, now: datetime) -> HttpResponse:
    """The calls that ring at this officer, for the band above every page; nothing if they are those it shows (``?seen=``)."""
    found = pages.ringing_for(officer, now=now)
    if request.GET.get("seen") == found["fingerprint"]:
        return HttpResponse(status=204)
    return render(request, "web/channels/ringing.html", {"ringing": found})
